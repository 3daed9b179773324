//! Which services exist, and which resource indicator (RFC 8707) means which of them.

use crate::domain::ids::ServiceName;
use crate::domain::scope::ScopeSet;
use crate::domain::switches::Switches;
use std::sync::Arc;
use url::Url;

/// The service that stands at the root of the server instead of below its own name: its URLs are `/mcp`, `/sse` and `/ws`.
pub(crate) const ROOT: &str = "m365";

/// What the authorization server needs to know of a service.
#[derive(Clone, Debug)]
pub(crate) struct ServiceInfo {
    pub(crate) name: ServiceName,
    /// Human name, e.g. `Mail`.
    pub(crate) title: String,
    /// One sentence for people and models.
    pub(crate) description: String,
    /// Graph scopes that every token of the service needs.
    pub(crate) required_scopes: ScopeSet,
    /// Graph scopes that any tool of the service may need; the service's part of `scopes_supported`.
    pub(crate) supported_scopes: ScopeSet,
}

/// The URLs of a service. All are one audience, and each has a metadata document that names itself: clients refuse one
/// that names another URL than they asked (RFC 9728 §3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Endpoint {
    /// `/{service}/mcp`, the canonical one.
    Mcp,
    /// `/{service}`; [`ROOT`] has none, as `/` is the page for people.
    Service,
    /// `/{service}/sse`; its `/messages` is no resource of its own.
    Sse,
    /// `/{service}/ws`.
    Ws,
    /// `/{service}/v1`, the base URL of the OpenAI front.
    V1,
}

impl Endpoint {
    pub(crate) const ALL: [Self; 5] = [Self::Mcp, Self::Service, Self::Sse, Self::Ws, Self::V1];

    /// The endpoint behind the path of a request to a service.
    pub(crate) fn of_path(path: &str) -> Self {
        if path.split('/').skip(1).take(2).any(|step| step == "v1") {
            return Self::V1;
        }
        match path.trim_end_matches('/').rsplit('/').next() {
            Some("mcp") => Self::Mcp,
            Some("sse" | "messages") => Self::Sse,
            Some("ws") => Self::Ws,
            Some(_) | None => Self::Service,
        }
    }

    /// What follows the name of the service.
    pub(crate) fn suffix(self) -> &'static str {
        match self {
            Self::Mcp => "/mcp",
            Self::Service => "",
            Self::Sse => "/sse",
            Self::Ws => "/ws",
            Self::V1 => "/v1",
        }
    }

    /// Path of a service's URL, without the slash in front: `calendar/mcp`, or `mcp` of [`ROOT`].
    pub(crate) fn path_at(self, service: &ServiceName) -> String {
        let at_root = if self == Self::Service { Self::Mcp } else { self };
        if service.as_str() == ROOT {
            return at_root.suffix().trim_start_matches('/').to_owned();
        }
        format!("{service}{}", self.suffix())
    }
}

/// The mounted services under the public URL.
#[derive(Clone, Debug)]
pub(crate) struct Resources {
    public_url: String,
    services: Vec<ServiceInfo>,
    default_service: Option<ServiceName>,
    switches: Arc<Switches>,
}

impl Resources {
    /// `public_url` is the issuer: no trailing slash.
    pub(crate) fn new(
        public_url: String,
        services: Vec<ServiceInfo>,
        default_service: Option<ServiceName>,
    ) -> Self {
        Self { public_url, services, default_service, switches: Arc::default() }
    }

    /// What an operator switches off there does not exist here.
    pub(crate) fn with_switches(self, switches: Arc<Switches>) -> Self {
        Self { switches, ..self }
    }

    /// The issuer (RFC 8414 §2), byte-identical wherever it appears.
    pub(crate) fn issuer(&self) -> &str {
        &self.public_url
    }

    /// Every mounted service, switched off or not.
    pub(crate) fn services(&self) -> &[ServiceInfo] {
        &self.services
    }

    /// The services that are on.
    pub(crate) fn offered(&self) -> Vec<&ServiceInfo> {
        self.services.iter().filter(|service| self.is_on(service)).collect()
    }

    /// Changes whenever an operator turned a switch, so that what was made of [`Self::offered`] can be kept.
    pub(crate) fn version(&self) -> u64 {
        self.switches.now().version
    }

    /// A service that is on.
    pub(crate) fn service(&self, name: &str) -> Option<&ServiceInfo> {
        self.services.iter().find(|s| s.name.as_str() == name).filter(|service| self.is_on(service))
    }

    fn is_on(&self, service: &ServiceInfo) -> bool {
        !self.switches.now().off.has_service(service.name.as_str())
    }

    /// The service of a request that names no resource, if the operator configured one.
    pub(crate) fn default_service(&self) -> Option<&ServiceInfo> {
        self.default_service.as_ref().and_then(|name| self.service(name.as_str()))
    }

    /// The service whose document stands at the well-known URL of the root: the one there, or the default one.
    pub(crate) fn root_service(&self) -> Option<&ServiceInfo> {
        self.service(ROOT).or_else(|| self.default_service())
    }

    /// Canonical resource URI of a service: `{issuer}/{service}/mcp`.
    pub(crate) fn resource_of(&self, service: &ServiceName) -> String {
        format!("{}/{}", self.public_url, Endpoint::Mcp.path_at(service))
    }

    /// URL of the protected resource metadata of one of the service's URLs (RFC 9728 §3.1).
    pub(crate) fn metadata_of(&self, service: &ServiceName, endpoint: Endpoint) -> String {
        format!("{}/.well-known/oauth-protected-resource/{}", self.public_url, endpoint.path_at(service))
    }

    /// The service a resource indicator names: its `/mcp`, `/sse`, `/ws`, `/v1` or bare URL, with or without a
    /// trailing slash, host in any case. Fragments, queries, userinfo and foreign origins name nothing.
    pub(crate) fn service_of(&self, resource: &str) -> Option<&ServiceInfo> {
        self.meant_by(resource).filter(|service| self.is_on(service))
    }

    /// The same, switched off or not: whoever is signed in already stays so.
    pub(crate) fn meant_by(&self, resource: &str) -> Option<&ServiceInfo> {
        let url = Url::parse(resource).ok()?;
        let own = Url::parse(&self.public_url).ok()?;
        let plain = url.fragment().is_none() && url.query().is_none() && url.username().is_empty();
        // `Url` resolves dot segments and `%2e`; a resource that needed that is not one we ever named.
        let literal = !resource.contains("..") && !resource.contains('\\') && !resource.contains('%');
        if url.origin() != own.origin() || !plain || !literal {
            return None;
        }
        let path = url.path().strip_prefix(own.path().trim_end_matches('/'))?;
        let path = path.strip_suffix('/').unwrap_or(path);
        let end = ["/mcp", "/sse", "/ws", "/v1"].iter().find_map(|end| path.strip_suffix(end));
        let name = match end {
            Some("") => ROOT,
            Some(below) => below_root(below)?,
            None => below_root(path)?,
        };
        self.services.iter().find(|s| s.name.as_str() == name)
    }
}

/// The name in `/{service}`; the service at the root has no other place.
fn below_root(path: &str) -> Option<&str> {
    path.strip_prefix('/').filter(|name| *name != ROOT)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resources() -> Resources {
        let service = |name: &str| ServiceInfo {
            name: ServiceName::new(name),
            title: name.to_owned(),
            description: String::new(),
            required_scopes: ScopeSet::default(),
            supported_scopes: ScopeSet::default(),
        };
        let services = vec![service("mail-query"), service("teams"), service(ROOT)];
        Resources::new("https://door.example".to_owned(), services, None)
    }

    #[test]
    fn the_service_at_the_root_has_its_urls_there_and_nowhere_else() {
        let all = resources();
        for resource in ["https://door.example/mcp", "https://DOOR.example/mcp/", "https://door.example/v1"] {
            assert_eq!(all.service_of(resource).unwrap().name.as_str(), ROOT, "{resource}");
        }
        let root = ServiceName::new(ROOT);
        assert_eq!(all.resource_of(&root), "https://door.example/mcp");
        let document = |endpoint| all.metadata_of(&root, endpoint);
        assert_eq!(document(Endpoint::Ws), "https://door.example/.well-known/oauth-protected-resource/ws");
        assert_eq!(document(Endpoint::Service), document(Endpoint::Mcp));
        assert_eq!(all.root_service().unwrap().name, root);
    }

    #[test]
    fn the_path_of_a_request_tells_the_url_that_its_client_knows() {
        for (path, expected) in [
            ("/mail-query/mcp/", Endpoint::Mcp),
            ("/mail-query", Endpoint::Service),
            ("/messages", Endpoint::Sse),
            ("/mail-query/ws", Endpoint::Ws),
            ("/v1/models", Endpoint::V1),
            ("/mail-query/v1/chat/completions", Endpoint::V1),
        ] {
            assert_eq!(Endpoint::of_path(path), expected, "{path}");
        }
    }

    #[test]
    fn every_url_of_a_service_names_it() {
        let all = resources();
        for resource in [
            "https://door.example/mail-query/mcp",
            "HTTPS://DOOR.example:443/mail-query/mcp/",
            "https://door.example/mail-query",
            "https://door.example/mail-query/sse",
            "https://door.example/mail-query/v1",
        ] {
            assert_eq!(all.service_of(resource).unwrap().name.as_str(), "mail-query", "{resource}");
        }
    }

    #[test]
    fn foreign_odd_or_unknown_resources_name_nothing() {
        let all = resources();
        for resource in [
            "https://evil.example/mail-query/mcp",
            "http://door.example/mail-query/mcp",
            "https://door.example/mail-query/mcp#x",
            "https://door.example/mail-query/mcp?x=1",
            "https://u@door.example/mail-query/mcp",
            "https://door.example/teams/../mail-query/mcp",
            "https://door.example/teams/%2e%2e/mail-query/mcp",
            "https://door.example/unknown/mcp",
            "https://door.example",
            "https://door.example/",
            "https://door.example/m365",
            "https://door.example/m365/mcp",
            "https://door.example//mcp",
            "/mail-query/mcp",
            "",
        ] {
            assert!(all.service_of(resource).is_none(), "{resource}");
        }
    }
}
