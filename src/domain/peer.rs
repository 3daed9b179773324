//! Who is at the other end of a connection. Used for budgets and for telling requests apart in the log; never for URLs
//! and never for deciding what somebody may do.

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

/// Header in which proxies say whom they speak for.
pub(crate) const FORWARDED_FOR: &str = "x-forwarded-for";

/// Reads a network, or a single address.
pub(crate) fn network(text: &str) -> Option<IpNet> {
    text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}

/// The address that a request comes from. `X-Forwarded-For` is walked from the right: each trusted proxy vouches for the
/// entry it added, so the first address that no trusted proxy has is the client's, and what stands left of it is
/// whatever the client wrote. `forwarded` are the values of that header, in order.
pub(crate) fn client_address<'a>(
    peer: Option<SocketAddr>,
    forwarded: impl Iterator<Item = &'a str>,
    trusted: &[IpNet],
) -> IpAddr {
    let is_trusted = |address: &IpAddr| trusted.iter().any(|net| net.contains(address));
    // Without a peer there is no socket: everything behind it counts as one client.
    let mut address = peer.map_or(IpAddr::from([0, 0, 0, 0]), |peer| peer.ip()).to_canonical();
    let entries: Vec<&str> = forwarded.flat_map(|value| value.split(',')).collect();
    for entry in entries.into_iter().rev() {
        if !is_trusted(&address) {
            break;
        }
        // An entry that is no address says nothing: the proxy that passed it on stands for the client.
        let Some(next) = entry_address(entry.trim()) else { break };
        address = next;
    }
    address
}

/// What shares one budget: an IPv4 address, or the /64 that one subscriber of IPv6 usually has.
pub(crate) fn neighbourhood(address: IpAddr) -> IpNet {
    match address.to_canonical() {
        IpAddr::V4(v4) => IpNet::V4(Ipv4Net::from(v4)),
        IpAddr::V6(v6) => {
            let prefix = Ipv6Addr::from(u128::from(v6) & !u128::from(u64::MAX));
            Ipv6Net::new(prefix, 64).map_or_else(|_| IpNet::from(IpAddr::V6(v6)), IpNet::V6)
        }
    }
}

/// An entry of `X-Forwarded-For`; some proxies add the port.
fn entry_address(entry: &str) -> Option<IpAddr> {
    let bare = entry.strip_prefix('[').and_then(|e| e.strip_suffix(']')).unwrap_or(entry);
    let address = bare.parse().ok().or_else(|| entry.parse::<SocketAddr>().ok().map(|a| a.ip()))?;
    Some(IpAddr::to_canonical(&address))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(peer: &str, headers: &[&str], trusted: &[&str]) -> String {
        let trusted: Vec<IpNet> = trusted.iter().map(|t| network(t).unwrap()).collect();
        let peer = SocketAddr::new(peer.parse().unwrap(), 40_000);
        client_address(Some(peer), headers.iter().copied(), &trusted).to_string()
    }

    #[test]
    fn only_trusted_proxies_are_believed_and_only_from_the_right() {
        let proxies = ["10.0.0.0/8", "::1"];
        for (peer, headers, expected) in [
            ("203.0.113.9", &["198.51.100.1"][..], "203.0.113.9"),
            ("10.0.0.1", &["198.51.100.1"], "198.51.100.1"),
            ("10.0.0.1", &["6.6.6.6, 198.51.100.1"], "198.51.100.1"),
            ("10.0.0.1", &["6.6.6.6", "198.51.100.1, 10.2.3.4"], "198.51.100.1"),
            ("10.0.0.1", &["6.6.6.6, rubbish"], "10.0.0.1"),
            ("10.0.0.1", &["6.6.6.6, rubbish, 10.9.9.9"], "10.9.9.9"),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.1", &["10.0.0.2, 10.0.0.3"], "10.0.0.2"),
            ("::1", &["[2001:db8::7]:443"], "2001:db8::7"),
            ("::ffff:10.0.0.1", &["198.51.100.1:5555"], "198.51.100.1"),
        ] {
            assert_eq!(found(peer, headers, &proxies), expected, "{peer} {headers:?}");
        }
    }

    #[test]
    fn a_subscriber_has_one_budget() {
        let of = |text: &str| neighbourhood(text.parse().unwrap()).to_string();
        assert_eq!(of("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
        assert_eq!(of("::ffff:192.0.2.1"), "192.0.2.1/32");
    }
}
