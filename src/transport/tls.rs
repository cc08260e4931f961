//! TLS towards a relay: aws-lc, the system's trusted roots and the relay's own.
use std::sync::Arc;

use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio::sync::OnceCell;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::relay::Relay;

/// Shakes hands over a fresh connection. The error is a sentence's end for an operator.
pub(super) async fn handshake(socket: TcpStream, relay: &Relay) -> Result<TlsStream<TcpStream>, String> {
    let name = ServerName::try_from(relay.host.clone())
        .map_err(|_| "its host is no name a certificate can hold".to_owned())?;
    let config = config(relay).await?;
    let stream = TlsConnector::from(Arc::new(config)).connect(name, socket).await;
    stream.map_err(|error| format!("TLS: {error}"))
}

async fn config(relay: &Relay) -> Result<ClientConfig, String> {
    let mut roots = RootCertStore::empty();
    // Single certificates in a system's store may be unreadable; the others still count.
    roots.add_parsable_certificates(native_roots().await.iter().cloned());
    for root in &relay.extra_roots {
        roots.add(root.clone()).map_err(|error| format!("an extra root certificate is unusable: {error}"))?;
    }
    if roots.is_empty() {
        return Err("no trusted root certificate was found on this system".into());
    }
    ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map(|builder| builder.with_root_certificates(roots).with_no_client_auth())
        .map_err(|error| format!("TLS: {error}"))
}

/// Read once and off the runtime's threads: it opens many files.
async fn native_roots() -> &'static [CertificateDer<'static>] {
    static ROOTS: OnceCell<Vec<CertificateDer<'static>>> = OnceCell::const_new();
    let load = async || {
        tokio::task::spawn_blocking(|| rustls_native_certs::load_native_certs().certs).await.unwrap_or_default()
    };
    ROOTS.get_or_init(load).await
}
