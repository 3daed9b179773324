//! Which addresses a stranger may make us connect to. Whoever fetches what somebody else names (client metadata, key
//! sets, pages) asks here about the address that is really dialled, never about a name.

use ipnet::IpNet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The public internet, and what an operator adds to it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Policy {
    pub(crate) allowed: Vec<IpNet>,
}

impl Policy {
    /// Whether strangers may make us connect to `address`.
    pub(crate) fn permits(&self, address: IpAddr) -> bool {
        is_public(address) || self.allowed.iter().any(|range| range.contains(&address.to_canonical()))
    }

    /// Whether a name with these addresses may be dialled: one private address among public ones is an attack or a
    /// mistake.
    pub(crate) fn permits_all(&self, addresses: &[IpAddr]) -> bool {
        addresses.iter().all(|address| self.permits(*address))
    }
}

/// Whether an address belongs to the public internet: not to this machine, a private network, a cloud's metadata
/// service, a multicast group, or a range set aside (IANA special-purpose registries, RFC 6890).
pub(crate) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

/// Public by number, and reachable from virtual machines only.
const AZURE_WIRE_SERVER: [u8; 4] = [168, 63, 129, 16];

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, d] = address.octets();
    let reserved = matches!(
        (a, b, c),
        // "This network", private, loopback, link-local (169.254.169.254 among them), benchmarks, multicast and above.
        (0 | 10 | 127 | 224..=255, _, _)
            | (169, 254, _)
            | (172, 16..=31, _)
            | (192, 168, _)
            | (198, 18..=19, _)
            // Shared by carriers (RFC 6598); Alibaba's metadata service, 100.100.100.200, is in there as well.
            | (100, 64..=127, _)
            // Protocol assignments, documentation, the old 6to4 relay.
            | (192, 0, 0 | 2)
            | (192, 88, 99)
            | (198, 51, 100)
            | (203, 0, 113)
    ) || [a, b, c, d] == AZURE_WIRE_SERVER;
    !reserved
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let embedded =
        |high: u16, low: u16| is_public_v4(Ipv4Addr::from((u32::from(high) << 16) | u32::from(low)));
    match address.segments() {
        // IPv4-mapped, NAT64 and 6to4 lead to the IPv4 address that they hold.
        [0, 0, 0, 0, 0, 0xffff, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x2002, high, low, ..] => embedded(high, low),
        // Local NAT64, Teredo and protocol assignments, documentation.
        [0x64, 0xff9b, ..] | [0x2001, 0..=0x01ff | 0x0db8, ..] | [0x3fff, 0..=0x0fff, ..] => false,
        // Only 2000::/3 is given out; the rest is unspecified, loopback, unique local, link-local, multicast or unused.
        [first, ..] => (0x2000..=0x3fff).contains(&first),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operator_opens_a_range_and_nothing_beside_it() {
        let policy = Policy { allowed: vec!["10.1.0.0/16".parse().unwrap()] };
        for (address, permitted) in [
            ("10.1.2.3", true),
            ("::ffff:10.1.2.3", true),
            ("10.2.0.1", false),
            ("127.0.0.1", false),
            ("1.1.1.1", true),
        ] {
            assert_eq!(policy.permits(address.parse().unwrap()), permitted, "{address}");
        }
    }

    #[test]
    fn only_addresses_of_the_internet_are_public() {
        for public in
            ["1.1.1.1", "20.190.128.1", "100.63.255.255", "172.32.0.1", "168.63.129.15", "2606:4700::1"]
        {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
        for other in [
            "0.0.0.0",
            "10.1.2.3",
            "127.0.0.1",
            "127.8.8.8",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "100.64.0.1",
            "100.100.100.200",
            "168.63.129.16",
            "192.0.0.170",
            "192.0.2.1",
            "198.18.0.1",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "::ffff:10.0.0.1",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b::a00:1",
            "64:ff9b:1::1",
            "2002:7f00:1::1",
            "2001:db8::1",
            "2001::1",
            "3fff::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!is_public(other.parse().unwrap()), "{other}");
        }
        assert!(is_public("::ffff:1.1.1.1".parse().unwrap()));
        assert!(is_public("64:ff9b::101:101".parse().unwrap()));
    }
}
