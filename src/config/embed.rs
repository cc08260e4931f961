//! `web.embed_origins`: the sites that the sign-up box may stand on.
use super::Reader;
use crate::model::EmbedOrigin;

impl Reader<'_> {
    pub(super) fn embed_origins(&mut self) -> Vec<EmbedOrigin> {
        let list = self.values["web"]["embed_origins"].as_array().cloned().unwrap_or_default();
        let mut origins = Vec::new();
        for (number, entry) in list.iter().enumerate() {
            match EmbedOrigin::parse(entry.as_str().unwrap_or_default()) {
                Ok(origin) if origins.contains(&origin) => {}
                Ok(origin) => origins.push(origin),
                Err(error) => self.faults.push(format!("web.embed_origins, entry {}: {error}", number + 1)),
            }
        }
        origins
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::load;
    use crate::config::tests::env;

    #[test]
    fn sites_are_read_once_each_and_nobody_is_named_by_default() {
        assert!(load(None, &env(&[])).unwrap().embed_origins.is_empty());
        let list = "https://news.example.org, https://*.example.com, https://NEWS.example.org:443";
        let config = load(None, &env(&[("REGIMEN__WEB__EMBED_ORIGINS", list)])).unwrap();
        let origins: Vec<&str> = config.embed_origins.iter().map(EmbedOrigin::as_str).collect();
        assert_eq!(origins, ["https://news.example.org", "https://*.example.com"]);
    }

    #[test]
    fn every_faulty_entry_is_named_with_what_to_do() {
        let list = "https://news.example.org/, https://example.org, http://news.example.org, *";
        let faults = load(None, &env(&[("REGIMEN__WEB__EMBED_ORIGINS", list)])).unwrap_err();
        assert_eq!(faults.0.len(), 3, "{faults}");
        for (number, words) in [(1, "has no path"), (3, "must begin with https://"), (4, "scheme, host")] {
            let place = format!("web.embed_origins, entry {number}: must ");
            assert!(faults.0.iter().any(|one| one.starts_with(&place) && one.contains(words)), "{faults}");
        }
    }
}
