//! Pages and API over HTTP. Handlers are thin: the verbs are in `actions`.
mod admin;
mod api;
pub mod assets;
mod caller;
mod embed;
mod error;
mod files;
mod guard;
mod guards;
mod health;
mod language;
pub mod metrics;
pub mod pages;
mod public;
mod subscribe;
mod upload;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::actions::Service;
use crate::actions::preview::AsMessage;
use crate::config::{Oidc, Secret};
use crate::model::EmbedOrigin;
pub use admin::route::{Declared, Needs, declared};

/// What the handlers need; cheap to clone.
#[derive(Clone)]
pub struct AppState {
    service: Service,
    admin_token: Option<Secret>,
    /// Whether this process dispatches too: `/readyz` then answers for the dispatcher.
    dispatches: bool,
    embeds: Arc<embed::Embeds>,
    limits: Arc<api::Limits>,
    /// Makes messages of previews.
    as_message: Option<Arc<AsMessage>>,
    /// Where admins may sign in, too.
    provider: Option<Arc<admin::Provider>>,
    /// The largest file that is taken in, in octets.
    largest_import: u64,
    /// The content folder of the configuration, if it has one.
    content_folder: Option<PathBuf>,
    /// Ends answers that would go on for long.
    stopping: CancellationToken,
}

impl AppState {
    /// Without an admin token the API is off.
    pub fn new(service: Service, admin_token: Option<Secret>, dispatches: bool) -> Self {
        let (embeds, limits) = (embed::Embeds::on(Vec::new()), Arc::new(api::Limits::new(0)));
        let (as_message, provider, content_folder) = (None, None, None);
        let stopping = CancellationToken::new();
        Self {
            service,
            admin_token,
            dispatches,
            embeds,
            limits,
            as_message,
            provider,
            largest_import: 200_000_000,
            content_folder,
            stopping,
        }
    }

    /// Lets other sites show the sign-up box in a frame.
    #[must_use]
    pub fn embedded_on(self, origins: Vec<EmbedOrigin>) -> Self {
        Self { embeds: embed::Embeds::on(origins), ..self }
    }

    /// Bounds how many calls of the API a token has in a minute; 0 is no limit.
    #[must_use]
    pub fn with_calls_per_minute(self, calls: u32) -> Self {
        Self { limits: Arc::new(api::Limits::new(calls)), ..self }
    }

    /// Bounds the files of readers that come over the web.
    #[must_use]
    pub fn with_largest_import(self, octets: u64) -> Self {
        Self { largest_import: octets, ..self }
    }

    /// Lets previews show the headers that a dispatcher would write.
    #[must_use]
    pub fn with_messages(self, as_message: Arc<AsMessage>) -> Self {
        Self { as_message: Some(as_message), ..self }
    }

    /// Lets admins see what would change if this folder were published.
    #[must_use]
    pub fn with_content_folder(self, folder: Option<PathBuf>) -> Self {
        Self { content_folder: folder, ..self }
    }

    /// Lets admins sign in at an identity provider, if there is one.
    pub fn with_provider(self, settings: Option<Oidc>) -> anyhow::Result<Self> {
        let provider = settings.map(admin::Provider::new).transpose()?.map(Arc::new);
        Ok(Self { provider, ..self })
    }
}

/// The largest body that a form or an API call may have.
const LARGEST_BODY: usize = 32 * 1024;

/// Serves until `stop`; then what has begun is finished.
pub async fn serve(listener: TcpListener, state: AppState, stop: CancellationToken) -> anyhow::Result<()> {
    let (drained, service) = (stop.clone(), state.service.clone());
    let state = AppState { stopping: stop.clone(), ..state };
    let router = router(state).into_make_service_with_connect_info::<SocketAddr>();
    let served = axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned());
    let served = tokio::select! {
        result = served.into_future() => result.map_err(anyhow::Error::from),
        // A client that keeps its connection open does not keep us.
        () = async { drained.cancelled().await; tokio::time::sleep(Duration::from_secs(10)).await } => Ok(()),
    };
    // Who has gone away before the answer has signed up all the same.
    tokio::time::timeout(Duration::from_secs(10), service.sign_ups().finished()).await.ok();
    tokio::time::timeout(Duration::from_secs(5), crate::actions::guards::flush(&service)).await.ok();
    tokio::time::timeout(Duration::from_secs(5), crate::actions::voices::survey::flush(&service)).await.ok();
    served
}

fn router(state: AppState) -> Router {
    Router::new()
        .merge(public::router())
        .merge(health::router())
        .merge(embed::router(state.clone()))
        .merge(admin::router(&state))
        .nest("/api/v1", api::router(state.clone()))
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .layer(middleware::from_fn(guard::timely))
        .layer(middleware::from_fn_with_state(state.clone(), guard::headers_and_log))
        .with_state(state)
}
