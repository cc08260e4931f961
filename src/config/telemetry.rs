//! `[telemetry]`: a collector that is sent traces.
use url::Url;

use super::Reader;
use super::secrets::Secret;

/// A collector, and what it is sent.
#[derive(Debug, Clone)]
pub struct Telemetry {
    /// Where traces are posted.
    pub traces_url: Url,
    /// Of a hundred traces, so many are kept.
    pub sample_percent: u8,
    /// Names and values that go along.
    pub headers: Vec<(String, Secret)>,
}

impl Reader<'_> {
    /// None when no collector is named.
    pub(super) fn telemetry(&mut self) -> Option<Telemetry> {
        let sample_percent = self.integer("telemetry", "sample_percent", 0, 100);
        let endpoint = self.optional("telemetry", "otlp_endpoint")?;
        // A query or a name could be a secret, which stands elsewhere.
        let url = Url::parse(endpoint.trim_end_matches('/')).ok().filter(|url| {
            let is_plain = url.query().is_none() && url.fragment().is_none();
            matches!(url.scheme(), "http" | "https")
                && is_plain
                && url.username().is_empty()
                && url.password().is_none()
        });
        if url.is_none() {
            self.faults.push("telemetry.otlp_endpoint must be an address such as http://127.0.0.1:4318".into());
        }
        let headers = self.otlp_headers();
        let traces_url = Url::parse(&format!("{}/v1/traces", url?.as_str().trim_end_matches('/'))).ok()?;
        Some(Telemetry { traces_url, sample_percent: sample_percent?, headers })
    }

    /// `name=value,name=value`, as OpenTelemetry's specification writes them (protocol/exporter.md).
    fn otlp_headers(&mut self) -> Vec<(String, Secret)> {
        let Some(text) = self.secret("OTEL_EXPORTER_OTLP_HEADERS", "otlp_headers_file") else { return Vec::new() };
        let pair = |part: &str| {
            let (name, value) = part.split_once('=')?;
            let (name, value) = (name.trim(), value.trim());
            let is_name = !name.is_empty() && name.bytes().all(|octet| octet.is_ascii_alphanumeric() || octet == b'-');
            let is_value = value.bytes().all(|octet| (b' '..=b'~').contains(&octet));
            (is_name && is_value).then(|| (name.to_owned(), Secret(value.to_owned())))
        };
        let parts = text.split(',').filter(|part| !part.trim().is_empty());
        parts.map(pair).collect::<Option<Vec<_>>>().unwrap_or_else(|| {
            self.faults.push("OTEL_EXPORTER_OTLP_HEADERS must be name=value pairs with commas between them".into());
            Vec::new()
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::config::load;
    use crate::config::tests::env;

    #[test]
    fn nobody_is_sent_traces_by_default_and_a_collector_is_with_its_headers() {
        assert!(load(None, &env(&[])).unwrap().telemetry.is_none());
        let with = [
            ("REGIMEN__TELEMETRY__OTLP_ENDPOINT", "https://collector.example.org/otlp/"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "Authorization=Bearer hunter2=, X-Scope-OrgID = one"),
        ];
        let telemetry = load(None, &env(&with)).unwrap().telemetry.unwrap();
        assert_eq!(telemetry.traces_url.as_str(), "https://collector.example.org/otlp/v1/traces");
        let headers: Vec<_> = telemetry.headers.iter().map(|(name, value)| (name.as_str(), value.0.as_str())).collect();
        assert_eq!(headers, [("Authorization", "Bearer hunter2="), ("X-Scope-OrgID", "one")]);
        assert!(!format!("{telemetry:?}").contains("hunter2"));
    }

    #[test]
    fn what_cannot_be_used_is_said() {
        for (name, value) in [
            ("REGIMEN__TELEMETRY__OTLP_ENDPOINT", "collector:4317"),
            ("REGIMEN__TELEMETRY__OTLP_ENDPOINT", "https://collector.example.org?key=1"),
            ("REGIMEN__TELEMETRY__OTLP_ENDPOINT", "https://me:secret@collector.example.org"),
            ("REGIMEN__TELEMETRY__OTLP_ENDPOINT", "https://:secret@collector.example.org"),
            ("REGIMEN__TELEMETRY__OTLP_ENDPOINT", "https://collector.example.org/#x"),
            ("REGIMEN__TELEMETRY__SAMPLE_PERCENT", "101"),
        ] {
            let faults = load(None, &env(&[(name, value)])).unwrap_err().0;
            assert!(faults.len() == 1 && faults[0].contains("telemetry."), "{value}: {faults:?}");
        }
        let with =
            [("REGIMEN__TELEMETRY__OTLP_ENDPOINT", "http://127.0.0.1:4318"), ("OTEL_EXPORTER_OTLP_HEADERS", "x")];
        assert_eq!(load(None, &env(&with)).unwrap_err().0.len(), 1);
    }
}
