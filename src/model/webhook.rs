//! Webhooks: what other programs are told of, when a message is tried again, and which addresses may be connected to.
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use chrono::TimeDelta;
use url::{Host, Url};

use super::words::words;

words! {
    /// What a webhook tells of.
    Event ("event") {
        /// There is a new enrollment.
        Subscribed = "reader.subscribed",
        /// Its reader has confirmed it.
        Confirmed = "reader.confirmed",
        /// A relay has accepted a mail of the series.
        Delivered = "reader.delivered",
        /// A mail was refused for good.
        Bounced = "reader.bounced",
        /// An enrollment has ended before its last part.
        Unsubscribed = "reader.unsubscribed",
        /// An enrollment has had its last part.
        Completed = "reader.completed",
        /// Nothing is left of the reader here.
        Erased = "reader.erased",
        /// Nothing has happened: somebody tries the endpoint.
        Test = "webhook.test",
    }
}

words! {
    /// What has become of a message.
    MessageState ("state of a message") {
        Pending = "pending",
        Sent = "sent",
        Failed = "failed",
    }
}

words! {
    /// Why an endpoint is told nothing.
    Disabled ("reason") {
        Admin = "admin",
        /// It answered 410 Gone.
        Gone = "gone",
        /// Every try has failed for days.
        Failing = "failing",
    }
}

/// Waits in seconds, as the Standard Webhooks specification proposes: three days in all.
const WAITS: [i64; 9] = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];

/// The wait after `tries` failed tries (1 after the first); none when there is to be no other. `jitter` from 0 to 1 makes it longer
/// by up to a fifth, so that what failed together does not come again together.
///
/// At `jitter = 0`: 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h, none
pub fn tell_again_after(tries: u16, jitter: f64) -> Option<TimeDelta> {
    let wait = *WAITS.get(usize::from(tries.saturating_sub(1)))?;
    #[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)]
    let more = (wait as f64 * 200.0 * jitter.clamp(0.0, 1.0)) as i64;
    Some(TimeDelta::seconds(wait) + TimeDelta::milliseconds(more))
}

/// Where messages go. `Debug` shows the host alone, since a path or a query often holds a secret.
#[derive(Clone, PartialEq, Eq)]
pub struct HookUrl(Url);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HookUrlError {
    #[error("the address should look like https://crm.example.org/hooks/regimen")]
    Syntax,
    #[error("the address must begin with https://, since what is told is about people")]
    Plain,
    #[error("the address must not have a user or a password: messages are signed instead")]
    Login,
    #[error("the address is too long: 2,000 characters at most")]
    Long,
    #[error("the address is on this machine or in a private network: webhooks.allow_private permits that")]
    Private,
}

impl HookUrl {
    const LONGEST: usize = 2_000;

    /// `private_too` lets http:// and addresses of private networks through.
    pub fn parse(text: &str, private_too: bool) -> Result<Self, HookUrlError> {
        let text = text.trim();
        if text.len() > Self::LONGEST {
            return Err(HookUrlError::Long);
        }
        let url = Url::parse(text).map_err(|_| HookUrlError::Syntax)?;
        match url.scheme() {
            "https" => {}
            "http" if private_too => {}
            "http" => return Err(HookUrlError::Plain),
            _ => return Err(HookUrlError::Syntax),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(HookUrlError::Login);
        }
        if url.fragment().is_some() {
            return Err(HookUrlError::Syntax);
        }
        let url = Self(url);
        match url.literal() {
            Some(address) if !private_too && !is_public(address) => Err(HookUrlError::Private),
            _ => Ok(url),
        }
    }

    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }

    /// The address that stands in it instead of a name: nobody will be asked for that.
    pub fn literal(&self) -> Option<IpAddr> {
        match self.0.host()? {
            Host::Domain(_) => None,
            Host::Ipv4(address) => Some(address.into()),
            Host::Ipv6(address) => Some(address.into()),
        }
    }
}

impl std::fmt::Debug for HookUrl {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "HookUrl({})", self.host())
    }
}

/// Whether an address is out in the internet, and not this machine's, a private network's, or set aside for something else (the
/// special-purpose registries of IANA).
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    !matches!(
        address.octets(),
        [0 | 10 | 127 | 224.., ..]
            | [100, 64..=127, ..]
            | [172, 16..=31, ..]
            | [169, 254, ..]
            | [192, 168, ..]
            | [198, 18 | 19, ..]
            | [192, 0, 0 | 2, _]
            | [192, 88, 99, _]
            | [198, 51, 100, _]
            | [203, 0, 113, _]
    )
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    if let Some(mapped) = address.to_ipv4_mapped() {
        return is_public_v4(mapped);
    }
    match address.segments() {
        // The way to IPv4 of a network without it (RFC 6052).
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            is_public_v4(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)))
        }
        [0x2001, ..0x200 | 0xdb8, ..] | [0x2002, ..] | [0x3fff, ..0x1000, ..] => false,
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_tried_ten_times_in_three_days() {
        let waits: Vec<Option<i64>> =
            (1..=10).map(|tries| tell_again_after(tries, 0.0).map(|wait| wait.num_seconds())).collect();
        let expected = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400].map(Some);
        assert_eq!(waits[..9], expected);
        assert_eq!(waits[9], None);
        assert_eq!(tell_again_after(2, 1.0), Some(TimeDelta::seconds(360)));
    }

    #[test]
    fn an_address_is_https_and_out_in_the_internet() {
        for good in ["https://crm.example.org/hooks?key=1", "https://192.0.3.1:8443/", "https://[2606:4700::1111]/x"] {
            assert_eq!(HookUrl::parse(good, false).unwrap().as_str(), good);
        }
        for (bad, why) in [
            ("crm.example.org", HookUrlError::Syntax),
            ("ftp://example.org", HookUrlError::Syntax),
            ("https://example.org/#top", HookUrlError::Syntax),
            ("http://example.org", HookUrlError::Plain),
            ("https://user:word@example.org", HookUrlError::Login),
            ("https://127.0.0.1/", HookUrlError::Private),
            ("https://2130706433/", HookUrlError::Private),
            ("https://0x7f.1/", HookUrlError::Private),
            ("https://[::ffff:10.0.0.1]/", HookUrlError::Private),
        ] {
            assert_eq!(HookUrl::parse(bad, false), Err(why), "{bad}");
        }
        assert_eq!(
            HookUrl::parse(&format!("https://example.org/{}", "a".repeat(2_000)), false),
            Err(HookUrlError::Long)
        );
        HookUrl::parse("http://127.0.0.1:9000/hook", true).unwrap();
        assert_eq!(
            format!("{:?}", HookUrl::parse("https://example.org/a-secret", false).unwrap()),
            "HookUrl(example.org)"
        );
    }

    #[test]
    fn addresses_of_machines_and_private_networks_are_not_public() {
        for private in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "169.254.169.254",
            "172.31.255.255",
            "192.0.0.1",
            "192.168.1.1",
            "198.19.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "fc00::1",
            "fd12::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!is_public(private.parse().unwrap()), "{private}");
        }
        for public in ["8.8.8.8", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "64:ff9b::808:808"] {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
    }
}
