//! Where a request comes from: the other end of the connection, or what a proxy of ours says in X-Forwarded-For.
use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Once;

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::HeaderMap;
use axum::http::request::Parts;
use ipnet::IpNet;

use crate::web::AppState;

const FORWARDED: &str = "x-forwarded-for";
/// Once in a process's life is enough, and anybody can send the header.
static TOLD: Once = Once::new();

/// The address that a request comes from. It is counted under a keyed hash, and neither stored nor logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::web) struct Client(pub(in crate::web) IpAddr);

impl FromRequestParts<AppState> for Client {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Infallible> {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
        // Without a connection (a router called by itself) all share one limit.
        let peer = peer.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        let trusted = &state.service.settings().guards.trusted_proxies;
        if trusted.is_empty() && parts.headers.contains_key(FORWARDED) {
            TOLD.call_once(|| {
                tracing::warn!(
                    "a proxy says where requests come from, and web.trusted_proxies does not name it: all readers behind \
                     it share one client's limits"
                );
            });
        }
        Ok(Self(client(peer, &parts.headers, trusted)))
    }
}

/// Each proxy adds the address that it was called from at the right, so from there on back each is as good as the one who
/// wrote it: the first that is no proxy of ours is the client, whatever stands to the left of it.
fn client(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let is_ours = |address: &IpAddr| trusted.iter().any(|network| network.contains(address));
    let mut client = peer.to_canonical();
    let lines: Vec<&str> =
        headers.get_all(FORWARDED).into_iter().map(|line| line.to_str().unwrap_or_default()).collect();
    for hop in lines.iter().flat_map(|line| line.split(',')).rev() {
        if !is_ours(&client) {
            break;
        }
        // What is no address was written by nobody of ours.
        let Some(address) = address(hop.trim()) else { break };
        client = address.to_canonical();
    }
    client
}

/// An address, with or without a port.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    bare.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|socket| socket.ip()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(peer: &str, lines: &[&str], trusted: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append("x-forwarded-for", line.parse().unwrap());
        }
        let trusted: Vec<IpNet> = trusted.iter().map(|network| network.parse().unwrap()).collect();
        client(peer.parse().unwrap(), &headers, &trusted).to_string()
    }

    #[test]
    fn a_header_is_believed_from_proxies_of_ours_only() {
        let proxies = ["10.0.0.0/8", "2001:db8:1::/48"];
        let table: [(&str, &[&str], &str); 12] = [
            ("192.0.2.1", &[], "192.0.2.1"),
            ("192.0.2.1", &["198.51.100.9"], "192.0.2.1"),
            ("10.0.0.1", &["198.51.100.9"], "198.51.100.9"),
            ("10.0.0.1", &["203.0.113.5, 198.51.100.9"], "198.51.100.9"),
            ("10.0.0.1", &["203.0.113.5, 198.51.100.9, 10.0.0.2"], "198.51.100.9"),
            ("10.0.0.1", &["203.0.113.5", "198.51.100.9", "10.0.0.2"], "198.51.100.9"),
            ("10.0.0.1", &["198.51.100.9:4711"], "198.51.100.9"),
            ("10.0.0.1", &["[2001:db8:2::7]:4711"], "2001:db8:2::7"),
            ("2001:db8:1::5", &["[2001:db8:2::7]"], "2001:db8:2::7"),
            ("::ffff:10.0.0.1", &["::ffff:198.51.100.9"], "198.51.100.9"),
            ("10.0.0.1", &["198.51.100.9, unknown"], "10.0.0.1"),
            ("10.0.0.1", &["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        ];
        for (peer, lines, client) in table {
            assert_eq!(from(peer, lines, &proxies), client, "{peer} {lines:?}");
        }
        assert_eq!(from("10.0.0.1", &["198.51.100.9"], &[]), "10.0.0.1");
    }
}
