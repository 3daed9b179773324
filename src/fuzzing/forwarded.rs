//! What holds for `X-Forwarded-For`.

use crate::domain::peer::{FORWARDED_FOR, client_address, neighbourhood, network};
use actix_web::http::header::HeaderMap;
use std::net::{IpAddr, SocketAddr};

/// Only proxies that are trusted are believed, and they only about whom they speak with.
pub(super) fn check(map: &HeaderMap) {
    let values: Vec<&str> = map.get_all(FORWARDED_FOR).filter_map(|value| value.to_str().ok()).collect();
    let trusted: Vec<_> = ["10.0.0.0/8", "fd00::/8", "::1"].into_iter().filter_map(network).collect();
    let stranger = SocketAddr::from(([203, 0, 113, 7], 443));
    assert_eq!(client_address(Some(stranger), values.iter().copied(), &trusted), stranger.ip());
    let proxy = SocketAddr::from(([10, 0, 0, 1], 443));
    let found = client_address(Some(proxy), values.iter().copied(), &trusted);
    let is_trusted = |address: &IpAddr| trusted.iter().any(|net| net.contains(address));
    let _ = neighbourhood(found);
    // What a client writes before the proxy's own entry changes nothing.
    if !is_trusted(&found) {
        let with_lie = ["192.0.2.1"].into_iter().chain(values.iter().copied());
        assert_eq!(client_address(Some(proxy), with_lie, &trusted), found);
    }
}
