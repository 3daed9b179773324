//! Which scopes a sign-in gets: (requested ∪ the service's required) ∩ what the service and the server allow.

use crate::domain::resource::ServiceInfo;
use crate::domain::scope::ScopeSet;

/// Scopes of the sign-in protocol itself, which are no Graph permissions.
const PROTOCOL_SCOPES: &str = "openid profile email offline_access";

/// Longest accepted `scope` parameter.
const MAX_CHARS: usize = 4000;

/// No known scope is left of what was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NoKnownScope;

/// What the operator says of scopes.
#[derive(Clone, Debug, Default)]
pub(crate) struct ScopePolicy {
    /// Scopes beyond which nothing is granted (`DCR_OAUTH_SCOPE`).
    pub(crate) ceiling: Option<ScopeSet>,
    /// Permissions that need an administrator, and have one: people can be asked for them as for any other.
    pub(crate) admin_granted: ScopeSet,
}

impl ScopePolicy {
    /// Graph scopes that a token of the service may ever hold.
    pub(super) fn supported(&self, service: &ServiceInfo) -> ScopeSet {
        let all = service.supported_scopes.union(&service.required_scopes);
        let all = all.difference(&protocol());
        self.ceiling.as_ref().map_or_else(|| all.clone(), |ceiling| all.intersection(ceiling))
    }

    /// Those that metadata names. Clients ask for all of them at once, and Entra refuses the whole sign-in for one that
    /// an administrator has not granted; such a one, and what few people need, is asked for when a call needs it (403,
    /// RFC 6750 §3.1).
    pub(super) fn published(&self, service: &ServiceInfo) -> ScopeSet {
        let supported = self.supported(service).everyday();
        supported.without_admin().union(&supported.intersection(&self.admin_granted))
    }
}

/// Scopes granted for a request. Unknown ones are dropped while a known one remains; some clients add their own.
pub(super) fn effective(
    requested: Option<&str>,
    service: &ServiceInfo,
    policy: &ScopePolicy,
    openid: bool,
) -> Result<ScopeSet, NoKnownScope> {
    let supported = policy.supported(service);
    let required = service.required_scopes.intersection(&supported);
    let Some(requested) = requested else {
        return Ok(if required.is_empty() { policy.published(service) } else { required });
    };
    if requested.len() > MAX_CHARS {
        return Err(NoKnownScope);
    }
    let requested = ScopeSet::parse(requested);
    let known = requested.intersection(&supported.union(&protocol()));
    if known.is_empty() && !requested.is_empty() {
        return Err(NoKnownScope);
    }
    let offered = if openid { protocol() } else { ScopeSet::parse("offline_access") };
    Ok(known.difference(&protocol()).union(&required).union(&offered.intersection(&known)))
}

/// The Graph scopes of a grant: what Entra is asked for.
pub(super) fn graph(scopes: &ScopeSet) -> ScopeSet {
    scopes.difference(&protocol())
}

/// What is left of a grant after Entra said what it gave.
pub(super) fn given(scopes: &ScopeSet, upstream: &ScopeSet) -> ScopeSet {
    let protocol = protocol();
    scopes.iter().filter(|s| protocol.contains(s) || upstream.allows(s)).collect()
}

/// The scopes of a refreshed bearer (RFC 6749 §6): the grant's, or fewer on request. `None` asks for more than there is.
pub(super) fn narrowed(requested: Option<&str>, granted: &ScopeSet) -> Option<ScopeSet> {
    let Some(requested) = requested else { return Some(granted.clone()) };
    // Clients add `offline_access` at will; alone it narrows nothing.
    let wanted = graph(&ScopeSet::parse(requested));
    if wanted.is_empty() {
        return Some(granted.clone());
    }
    wanted.is_subset(granted).then(|| wanted.union(&granted.intersection(&protocol())))
}

fn protocol() -> ScopeSet {
    ScopeSet::parse(PROTOCOL_SCOPES)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::ServiceName;

    fn mail() -> ServiceInfo {
        ServiceInfo {
            name: ServiceName::new("mail-query"),
            title: "Mail".to_owned(),
            description: String::new(),
            required_scopes: ScopeSet::parse("User.Read Mail.Read"),
            supported_scopes: ScopeSet::parse("Mail.Read Mail.ReadWrite Mail.Send"),
        }
    }

    fn granted(requested: Option<&str>, ceiling: Option<&str>) -> Result<String, NoKnownScope> {
        let policy = ScopePolicy { ceiling: ceiling.map(ScopeSet::parse), ..ScopePolicy::default() };
        effective(requested, &mail(), &policy, false).map(|s| s.to_string())
    }

    #[test]
    fn nothing_requested_means_what_the_service_needs() {
        assert_eq!(granted(None, None).unwrap(), "Mail.Read User.Read");
    }

    #[test]
    fn requested_scopes_are_added_and_foreign_ones_dropped() {
        let asked = Some("Mail.Send claudeai offline_access openid Files.Read");
        assert_eq!(granted(asked, None).unwrap(), "Mail.Read Mail.Send User.Read offline_access");
        assert_eq!(granted(Some("claudeai"), None), Err(NoKnownScope));
        assert_eq!(granted(Some("offline_access"), None).unwrap(), "Mail.Read User.Read offline_access");
        assert_eq!(granted(Some(&"a ".repeat(3000)), None), Err(NoKnownScope));
    }

    #[test]
    fn scopes_of_openid_are_kept_where_it_is_offered() {
        let asked = Some("openid email claudeai");
        let with = effective(asked, &mail(), &ScopePolicy::default(), true).unwrap();
        assert_eq!(with.to_string(), "Mail.Read User.Read email openid");
    }

    #[test]
    fn the_ceiling_cuts_even_what_is_required() {
        let asked = Some("Mail.Send Mail.ReadWrite");
        assert_eq!(granted(asked, Some("Mail.Read Mail.Send")).unwrap(), "Mail.Read Mail.Send");
    }

    #[test]
    fn what_needs_an_administrator_is_granted_when_asked_for_and_published_when_one_agreed() {
        let rooms = ServiceInfo {
            required_scopes: ScopeSet::default(),
            supported_scopes: ScopeSet::parse("Calendars.Read Place.Read.All"),
            ..mail()
        };
        let mut policy = ScopePolicy::default();
        let text = |set: ScopeSet| set.to_string();
        assert_eq!(text(policy.published(&rooms)), "Calendars.Read");
        assert_eq!(text(effective(None, &rooms, &policy, false).unwrap()), "Calendars.Read");
        let asked = Some("Place.Read.All");
        assert_eq!(text(effective(asked, &rooms, &policy, false).unwrap()), "Place.Read.All");
        policy.admin_granted = ScopeSet::parse("Place.Read.All ChannelMessage.Read.All");
        assert_eq!(text(policy.published(&rooms)), "Calendars.Read Place.Read.All");
        policy.ceiling = Some(ScopeSet::parse("Calendars.Read"));
        assert_eq!(text(policy.published(&rooms)), "Calendars.Read");
    }

    #[test]
    fn what_is_for_mailboxes_of_others_is_granted_when_asked_for_and_not_published() {
        let mail = ServiceInfo { supported_scopes: ScopeSet::parse("Mail.Read Mail.Read.Shared"), ..mail() };
        let policy = ScopePolicy::default();
        assert_eq!(policy.published(&mail).to_string(), "Mail.Read User.Read");
        let asked = effective(Some("Mail.Read.Shared"), &mail, &policy, false).unwrap();
        assert_eq!(asked.to_string(), "Mail.Read Mail.Read.Shared User.Read");
    }

    #[test]
    fn a_refresh_may_shrink_and_never_grow() {
        let held = ScopeSet::parse("Mail.Read Mail.Send offline_access");
        let text = |asked| narrowed(asked, &held).map(|s| s.to_string());
        assert_eq!(text(None).unwrap(), "Mail.Read Mail.Send offline_access");
        assert_eq!(text(Some("Mail.Read")).unwrap(), "Mail.Read offline_access");
        assert_eq!(text(Some("offline_access")).unwrap(), "Mail.Read Mail.Send offline_access");
        assert_eq!(text(Some("Mail.Read Mail.ReadWrite")), None);
    }

    #[test]
    fn what_entra_did_not_give_is_not_granted() {
        let asked = ScopeSet::parse("Mail.Read Mail.Send offline_access");
        let upstream = ScopeSet::parse("Mail.ReadWrite");
        assert_eq!(given(&asked, &upstream).to_string(), "Mail.Read offline_access");
    }
}
