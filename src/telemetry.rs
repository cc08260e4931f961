//! Traces for a collector of OpenTelemetry (OTLP over HTTP), off unless the configuration names one.
//!
//! Our own spans go out and nothing else: no line of the log, and no span of another crate, which might tell what is in mails and
//! requests. A span's attributes are ids, names of ours and counts, never an address, a condition, a token or a path. A
//! collector that is slow or away costs traces, never a mail: what does not fit into the queue is dropped.
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use async_trait::async_trait;
use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracerProvider};
use tokio::runtime::Handle;
use tracing::Subscriber;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::registry::LookupSpan;

use crate::config::Telemetry as Settings;

/// How long a collector is waited for.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long the last spans of a process may take.
const FAREWELL: Duration = Duration::from_secs(2);
/// Spans that wait for the collector, at most.
const QUEUE: usize = 16_384;
/// No answer that means anything is longer.
const LONGEST_ANSWER: usize = 64 * 1024;

/// What sends spans away.
pub struct Telemetry(SdkTracerProvider);

impl Telemetry {
    /// Sends from a thread of its own, with connections on `runtime`.
    pub fn start(settings: &Settings, runtime: &Handle) -> anyhow::Result<Self> {
        let headers = settings.headers.iter().map(|(name, value)| (name.clone(), value.0.clone()));
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(Client::new(runtime)?)
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(settings.traces_url.as_str())
            .with_headers(headers.collect())
            .with_timeout(PATIENCE)
            .build()
            .context("the exporter of traces cannot be made")?;
        let batches = BatchConfigBuilder::default().with_max_queue_size(QUEUE).build();
        let processor = BatchSpanProcessor::builder(exporter).with_batch_config(batches).build();
        let kept = f64::from(settings.sample_percent) / 100.0;
        let resource = Resource::builder()
            .with_service_name(env!("CARGO_PKG_NAME"))
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")));
        let provider = SdkTracerProvider::builder()
            .with_span_processor(processor)
            .with_sampler(Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(kept))))
            .with_resource(resource.build());
        Ok(Self(provider.build()))
    }

    /// Takes our own spans.
    pub fn layer<S>(&self) -> impl Layer<S> + use<S>
    where
        S: Subscriber + for<'span> LookupSpan<'span>,
    {
        tracing_opentelemetry::layer()
            .with_tracer(self.0.tracer(env!("CARGO_PKG_NAME")))
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_tracked_inactivity(false)
            .with_filter(filter_fn(|about| about.is_span() && is_ours(about.target())))
    }

    /// Sends what is left, for two seconds at most. Not on a thread of the runtime, which would have to wait for it.
    pub fn stop(self) {
        // What could not be sent has been said.
        self.0.shutdown_with_timeout(FAREWELL).ok();
    }
}

fn is_ours(target: &str) -> bool {
    target.strip_prefix(env!("CARGO_PKG_NAME")).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

/// Posts on the runtime's connections whatever thread asks for it, and says once that the collector does not take it.
#[derive(Debug)]
struct Client {
    http: reqwest::Client,
    runtime: Handle,
    fails: AtomicBool,
}

impl Client {
    fn new(runtime: &Handle) -> anyhow::Result<Self> {
        let http = reqwest::Client::builder().timeout(PATIENCE).redirect(reqwest::redirect::Policy::none());
        Ok(Self { http: http.build()?, runtime: runtime.clone(), fails: AtomicBool::new(false) })
    }

    fn learn(&self, answer: &Result<Response<Bytes>, HttpError>) {
        let why = match answer {
            Ok(answer) if answer.status().is_success() => None,
            Ok(answer) => Some(answer.status().to_string()),
            Err(error) => Some(error.to_string()),
        };
        let failed = self.fails.swap(why.is_some(), Ordering::Relaxed);
        match why {
            Some(why) if !failed => tracing::warn!(why, "the collector takes no traces; they are lost until it does"),
            None if failed => tracing::info!("the collector takes traces again"),
            _ => {}
        }
    }
}

#[async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let http = self.http.clone();
        let posted = self.runtime.spawn(async move { post(http, request).await }).await;
        let answer = posted.unwrap_or_else(|error| Err(error.into()));
        self.learn(&answer);
        answer
    }
}

async fn post(http: reqwest::Client, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
    // An error of reqwest names the address, which is in the configuration and no secret.
    let mut answer = http.execute(request.try_into()?).await?;
    let (status, mut body) = (answer.status(), Vec::new());
    while let Some(chunk) = answer.chunk().await? {
        if body.len() + chunk.len() > LONGEST_ANSWER {
            return Err("the collector's answer is too long".into());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Response::builder().status(status).body(body.into())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_of_others_stay_here() {
        assert!(is_ours("regimen") && is_ours("regimen::dispatch::sender"));
        assert!(!is_ours("sqlx::query") && !is_ours("regimental") && !is_ours("hyper"));
    }
}
