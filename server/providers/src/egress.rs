//! Which addresses the server may call: public ones by https, and what the operator lists.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::Error;

/// The rule for outgoing calls: https at its own port. A host on the list may be private, need not speak https and may
/// have other ports, but is reached at its listed ports only: the resolver below does not see ports, so a listed host must not open any other.
#[derive(Clone, Debug, Default)]
pub struct Egress {
    listed: Arc<[(String, u16)]>,
}

impl Egress {
    /// Reads a list such as `127.0.0.1:11434,models.internal:8080`.
    pub fn parse(list: &str) -> Result<Self, Error> {
        let entries = list.split(',').map(str::trim).filter(|entry| !entry.is_empty());
        let listed = entries.map(|entry| {
            entry
                .rsplit_once(':')
                .filter(|(host, _)| !host.is_empty())
                .and_then(|(host, port)| Some((host.to_lowercase(), port.parse().ok()?)))
                .ok_or_else(|| Error::EgressEntry(entry.to_owned()))
        });
        Ok(Self { listed: listed.collect::<Result<_, _>>()? })
    }

    /// Refuses what may not be called, as far as the address itself shows it.
    pub fn check(&self, url: &Url) -> Result<(), Error> {
        let host = url.host_str().ok_or(Error::NoHost)?;
        // It would be sent along, and told by whoever tells the address.
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Error::HoldsLogin(host.to_owned()));
        }
        if self.lists(host) {
            let is_listed =
                |port| self.listed.iter().any(|entry| (entry.0.as_str(), entry.1) == (host, port));
            let port = url.port_or_known_default().filter(|port| is_listed(*port));
            return port.map(|_| ()).ok_or_else(|| Error::PortNotListed(host.to_owned()));
        }
        if url.scheme() != "https" {
            return Err(Error::NotHttps(host.to_owned()));
        }
        if url.port().is_some() {
            return Err(Error::PortNotListed(host.to_owned()));
        }
        // A written-out address never comes past the resolver.
        match host.trim_matches(['[', ']']).parse() {
            Ok(address) if !is_public(address) => Err(Error::NotPublic(address)),
            _ => Ok(()),
        }
    }

    fn lists(&self, host: &str) -> bool {
        self.listed.iter().any(|(listed, _)| listed == host)
    }
}

/// Resolves names, and forgets every address that is not public unless the name is on the list.
///
/// A connection is made to one of these addresses and no other, so a name that leads elsewhere the next moment gains
/// nothing by it.
impl Resolve for Egress {
    fn resolve(&self, name: Name) -> Resolving {
        let is_listed = self.lists(name.as_str());
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let found = if is_listed { found.collect() } else { only_public(found)? };
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// What is left of the addresses of a name that is not listed; an error if that is none.
fn only_public(found: impl Iterator<Item = SocketAddr>) -> Result<Vec<SocketAddr>, Error> {
    let (public, others): (Vec<_>, Vec<_>) = found.partition(|address| is_public(address.ip()));
    match others.first() {
        Some(other) if public.is_empty() => Err(Error::NotPublic(other.ip())),
        _ => Ok(public),
    }
}

/// Whether an address belongs to the public internet. What is not known to be public is not.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    // The last one is the wire server of Azure, which hands out secrets at a public address.
    !matches!(
        address.octets(),
        [0 | 10 | 127 | 224..=255, ..]
            | [100, 64..=127, ..]
            | [169, 254, ..]
            | [172, 16..=31, ..]
            | [192, 0, 0 | 2, _]
            | [192, 88, 99, _]
            | [192, 168, ..]
            | [198, 18 | 19, ..]
            | [198, 51, 100, _]
            | [203, 0, 113, _]
            | [168, 63, 129, 16]
    )
}

/// Only 2000::/3 is given out to the public, less tunnels to other addresses and examples. This leaves out loopback,
/// local, mapped and translated addresses without naming them.
fn is_public_v6(address: Ipv6Addr) -> bool {
    match address.segments() {
        [0x2001, 0..=0x1ff | 0x0db8, ..] | [0x2002, ..] | [0x3fff, 0..=0x0fff, ..] => false,
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(list: &str, url: &str) -> Result<(), Error> {
        Egress::parse(list).unwrap().check(&Url::parse(url).unwrap())
    }

    async fn resolve(list: &str, name: &str) -> Option<usize> {
        let egress = Egress::parse(list).unwrap();
        egress.resolve(name.parse().unwrap()).await.ok().map(Iterator::count)
    }

    #[test]
    fn addresses_that_are_not_public_are_refused() {
        for host in [
            "0.0.0.0",
            "10.0.0.1",
            "100.64.0.1",
            "100.100.100.200",
            "127.0.0.1",
            "127.255.255.254",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.192",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.51.100.7",
            "203.0.113.9",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "168.63.129.16",
            "2130706433",
            "0x7f.1",
            "127.1",
            "0177.0.0.1",
            "[::]",
            "[::1]",
            "[::ffff:127.0.0.1]",
            "[::ffff:8.8.8.8]",
            "[::127.0.0.1]",
            "[64:ff9b::7f00:1]",
            "[64:ff9b:1::1]",
            "[fc00::1]",
            "[fd00:ec2::254]",
            "[fe80::1]",
            "[ff02::1]",
            "[100::1]",
            "[2001::1]",
            "[2001:db8::1]",
            "[2002:7f00:1::]",
            "[3fff::1]",
        ] {
            let result = check("", &format!("https://{host}/v1"));
            assert!(matches!(result, Err(Error::NotPublic(_))), "{host}: {result:?}");
        }
    }

    #[test]
    fn public_addresses_are_allowed_by_https_only() {
        for host in
            ["api.openai.com", "8.8.8.8", "100.63.0.1", "172.32.0.1", "[2606:4700::1111]", "[2a00::1]"]
        {
            assert!(check("", &format!("https://{host}/v1")).is_ok(), "{host}");
            assert!(matches!(check("", &format!("http://{host}/v1")), Err(Error::NotHttps(_))), "{host}");
        }
    }

    #[test]
    fn other_schemes_other_ports_and_logins_are_refused() {
        for url in ["ftp://api.openai.com", "gopher://api.openai.com:443", "ws://api.openai.com"] {
            assert!(matches!(check("", url), Err(Error::NotHttps(_))), "{url}");
        }
        assert!(matches!(check("", "file:///etc/passwd"), Err(Error::NoHost)));
        for port in [22, 80, 6379, 8443] {
            let url = format!("https://api.openai.com:{port}/v1");
            assert!(matches!(check("", &url), Err(Error::PortNotListed(_))), "{url}");
            assert!(check(&format!("api.openai.com:{port}"), &url).is_ok());
        }
        assert!(check("", "https://api.openai.com:443/v1").is_ok());
        for url in ["https://api.openai.com@127.0.0.1/", "https://user:secret@api.openai.com/"] {
            let refused = check("127.0.0.1:443", url).unwrap_err();
            assert!(
                matches!(&refused, Error::HoldsLogin(_)) && !refused.to_string().contains("secret"),
                "{refused}"
            );
        }
    }

    #[test]
    fn a_name_that_leads_elsewhere_at_the_next_look_is_refused_then() {
        let address = |text: &str| SocketAddr::new(text.parse().unwrap(), 0);
        let (public, private) = (address("8.8.8.8"), address("169.254.169.254"));
        for _ in 0..3 {
            assert_eq!(only_public([public].into_iter()).unwrap(), [public]);
            assert!(matches!(only_public([private].into_iter()), Err(Error::NotPublic(_))));
            // Both at once: only the public one can be connected to.
            assert_eq!(only_public([private, public].into_iter()).unwrap(), [public]);
        }
    }

    #[test]
    fn a_listed_host_may_be_called_at_its_listed_ports() {
        let list = "127.0.0.1:4000, [::1]:4000,Models.Internal:8080,";
        for url in ["http://127.0.0.1:4000/v1", "http://[::1]:4000", "http://models.internal:8080"] {
            assert!(check(list, url).is_ok(), "{url}");
        }
        for url in ["http://127.0.0.1:4001", "https://models.internal/v1", "https://models.internal:22"] {
            assert!(matches!(check(list, url), Err(Error::PortNotListed(_))), "{url}");
        }
        assert!(check(list, "http://127.0.0.2:4000").is_err());
    }

    #[test]
    fn a_list_that_is_not_one_is_refused() {
        for list in ["localhost", ":80", "localhost:", "localhost:70000", "a:1,b"] {
            assert!(matches!(Egress::parse(list), Err(Error::EgressEntry(_))), "{list}");
        }
    }

    #[tokio::test]
    async fn a_name_leads_to_private_addresses_only_if_it_is_listed() {
        assert_eq!(resolve("", "localhost").await, None);
        assert_eq!(resolve("elsewhere:80", "localhost").await, None);
        assert!(resolve("localhost:80", "localhost").await.is_some_and(|addresses| addresses > 0));
    }
}
