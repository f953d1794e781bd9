//! Networks as people write them: `203.0.113.0/24`, or one address alone.

use std::fmt;
use std::net::IpAddr;

/// The addresses that begin alike. One in IPv6 that stands for one in IPv4 is that one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Network {
    first: IpAddr,
    prefix: u8,
}

impl Network {
    /// Nothing when it is neither an address nor a network.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let Some((address, prefix)) = text.split_once('/') else {
            let address: IpAddr = text.parse().ok()?;
            return Some(Self::alone(address));
        };
        let address: IpAddr = address.parse().ok()?;
        // A prefix counts bits of the address as it was written.
        let prefix = Some(prefix).filter(|prefix| prefix.bytes().all(|byte| byte.is_ascii_digit()))?;
        let prefix: u8 = prefix.parse().ok().filter(|prefix| *prefix <= bits(address))?;
        match address.to_canonical() {
            IpAddr::V4(canonical) if address.is_ipv6() => {
                Some(Self::around(IpAddr::V4(canonical), prefix.checked_sub(96)?))
            }
            canonical => Some(Self::around(canonical, prefix)),
        }
    }

    pub fn alone(address: IpAddr) -> Self {
        let address = address.to_canonical();
        Self { first: address, prefix: bits(address) }
    }

    /// Whoever is behind an address: in IPv6 one home or office has a whole network of 64 bits.
    pub fn behind(address: IpAddr) -> Self {
        match address.to_canonical() {
            address @ IpAddr::V4(_) => Self::alone(address),
            address @ IpAddr::V6(_) => Self::around(address, 64),
        }
    }

    fn around(address: IpAddr, prefix: u8) -> Self {
        let first = match address {
            IpAddr::V4(address) => {
                let mask = u32::MAX.checked_shl(u32::from(32 - prefix)).unwrap_or(0);
                IpAddr::V4((u32::from(address) & mask).into())
            }
            IpAddr::V6(address) => {
                let mask = u128::MAX.checked_shl(u32::from(128 - prefix)).unwrap_or(0);
                IpAddr::V6((u128::from(address) & mask).into())
            }
        };
        Self { first, prefix }
    }

    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        address.is_ipv4() == self.first.is_ipv4() && Self::around(address, self.prefix).first == self.first
    }
}

fn bits(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.prefix == bits(self.first) {
            return self.first.fmt(f);
        }
        write!(f, "{}/{}", self.first, self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(text: &str) -> Network {
        Network::parse(text).unwrap_or_else(|| panic!("{text} was refused"))
    }

    #[test]
    fn a_network_holds_the_addresses_that_begin_alike() {
        for (text, within, without) in [
            ("203.0.113.7", "203.0.113.7", "203.0.113.8"),
            ("203.0.113.0/24", "203.0.113.255", "203.0.114.0"),
            ("203.0.113.77/24", "203.0.113.1", "203.0.112.255"),
            ("0.0.0.0/0", "255.255.255.255", "::1"),
            ("::/0", "2001:db8::1", "203.0.113.7"),
            ("2001:db8::/32", "2001:db8:ffff::1", "2001:db9::1"),
            ("203.0.113.7", "::ffff:203.0.113.7", "::ffff:203.0.113.8"),
            ("::ffff:203.0.113.0/120", "203.0.113.9", "203.0.114.9"),
        ] {
            let there = network(text);
            assert!(there.contains(within.parse().unwrap()), "{within} is not in {text}");
            assert!(!there.contains(without.parse().unwrap()), "{without} is in {text}");
        }
    }

    #[test]
    fn a_network_is_written_by_its_first_address() {
        for (text, written) in [
            ("203.0.113.77/24", "203.0.113.0/24"),
            (" 203.0.113.7/32 ", "203.0.113.7"),
            ("2001:DB8::1/64", "2001:db8::/64"),
        ] {
            assert_eq!(network(text).to_string(), written);
        }
        let home = |text: &str| Network::behind(text.parse().unwrap()).to_string();
        assert_eq!(home("2001:db8:1:2:3::9"), "2001:db8:1:2::/64");
        assert_eq!(
            (home("203.0.113.7"), home("::ffff:203.0.113.7")),
            ("203.0.113.7".into(), "203.0.113.7".into())
        );
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for text in [
            "",
            "/",
            "example.org",
            "203.0.113",
            "203.0.113.0/33",
            "203.0.113.0/-1",
            "203.0.113.0/+1",
            "203.0.113.0/",
            "::/129",
            "::ffff:203.0.113.0/64",
            "203.0.113.0/24/24",
            "0x7f.1",
        ] {
            assert!(Network::parse(text).is_none(), "{text:?} was accepted");
        }
    }
}
