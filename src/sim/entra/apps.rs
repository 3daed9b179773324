//! The app registration of the simulated tenant.

use url::{Host, Url};

/// The application (client) id.
pub(crate) const APP_ID: &str = "b7c1f0de-2d58-4b7e-9c33-5a1e84d2f6a0";
/// The client secret; a demo value, worth nothing outside the simulator.
pub(crate) const APP_SECRET: &str = "sim~8Q.entrada.demo.secret.worth.nothing";

/// Whether the reply URL is registered. With none registered, any loopback URL is.
pub(super) fn reply_url_registered(registered: &[String], url: &str) -> bool {
    if !registered.is_empty() {
        return registered.iter().any(|known| known == url);
    }
    Url::parse(url).is_ok_and(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.fragment().is_none()
            && match url.host() {
                Some(Host::Domain(name)) => name == "localhost",
                Some(Host::Ipv4(address)) => address.is_loopback(),
                Some(Host::Ipv6(address)) => address.is_loopback(),
                None => false,
            }
    })
}

#[cfg(test)]
mod tests {
    use super::reply_url_registered;

    #[test]
    fn loopback_only_unless_registered() {
        for good in ["http://localhost:1/cb", "http://127.0.0.1:8080/callback", "http://[::1]:9/x?y=z"] {
            assert!(reply_url_registered(&[], good), "{good}");
        }
        for bad in
            ["", "\0", "https://evil.example/cb", "http://localhost.evil.example/", "javascript:alert(1)"]
        {
            assert!(!reply_url_registered(&[], bad), "{bad}");
        }
        let registered = ["https://door.example/callback".to_owned()];
        assert!(reply_url_registered(&registered, "https://door.example/callback"));
        assert!(!reply_url_registered(&registered, "https://door.example/callback/"));
        assert!(!reply_url_registered(&registered, "http://localhost:1/cb"));
    }
}
