//! `GET /metrics` on a listener of its own, which a process without pages has too. What is exposed names nobody, but says how
//! much goes on here: it belongs on loopback, or where only the monitoring comes.
use axum::Router;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::actions::{Service, watch};

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Serves until `stop`. Nobody waits for who watches.
pub async fn serve(listener: TcpListener, service: Service, stop: CancellationToken) -> anyhow::Result<()> {
    let router = Router::new().route("/metrics", get(metrics)).with_state(service);
    tokio::select! {
        served = axum::serve(listener, router).into_future() => Ok(served?),
        () = stop.cancelled() => Ok(()),
    }
}

async fn metrics(State(service): State<Service>) -> Response {
    let headers = [(header::CONTENT_TYPE, OPEN_METRICS), (header::CACHE_CONTROL, "no-store")];
    (headers, watch::metrics(&service).await).into_response()
}
