//! Whom the operator lets in: at the sign-in, and again at every refresh. Each kind of list that is set has to let the
//! person pass: tenants; user names or their domains; groups or app roles.

use super::state::OauthSettings;
use crate::domain::upstream::Profile;

/// What the operator's lists say of a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Admission {
    Admitted,
    Refused,
    /// The groups of the person are not known yet: nobody is let in on that, and nobody loses anything.
    Unknown,
}

impl OauthSettings {
    /// Judges a person of tenant `tid`. Names are display data: they only ever narrow who gets in, they never identify
    /// anybody.
    pub(super) fn admission(&self, tid: &str, profile: &Profile) -> Admission {
        if !self.admits_name(tid, profile) {
            return Admission::Refused;
        }
        let by_group = !self.allowed_groups.is_empty();
        let by_role = !self.allowed_roles.is_empty();
        // Entra compares role values by case, object ids are hexadecimal.
        if (!by_group && !by_role) || profile.roles.iter().any(|role| self.allowed_roles.contains(role)) {
            return Admission::Admitted;
        }
        if !by_group {
            return Admission::Refused;
        }
        let Some(groups) = &profile.groups else { return Admission::Unknown };
        let of_listed = |list: &[String]| self.allowed_groups.iter().any(|id| is_listed(list, id));
        if of_listed(&groups.member_of) {
            Admission::Admitted
        } else if self.allowed_groups.iter().all(|id| is_listed(&groups.asked, id)) {
            Admission::Refused
        } else {
            Admission::Unknown
        }
    }

    fn admits_name(&self, tid: &str, profile: &Profile) -> bool {
        if !self.allowed_tenants.is_empty() && !is_listed(&self.allowed_tenants, tid) {
            return false;
        }
        if self.allowed_users.is_empty() && self.allowed_domains.is_empty() {
            return true;
        }
        let domain = profile.username.rsplit_once('@').map_or("", |(_, domain)| domain);
        is_listed(&self.allowed_users, &profile.username) || is_listed(&self.allowed_domains, domain)
    }
}

fn is_listed(list: &[String], value: &str) -> bool {
    list.iter().any(|entry| entry.eq_ignore_ascii_case(value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::upstream::Groups;

    fn texts(list: &[&str]) -> Vec<String> {
        list.iter().map(|text| (*text).to_owned()).collect()
    }

    fn person(username: &str) -> Profile {
        Profile { username: username.to_owned(), ..Profile::default() }
    }

    #[test]
    fn lists_narrow_who_gets_in() {
        let admits = |settings: &OauthSettings, tid: &str, name: &str| {
            settings.admission(tid, &person(name)) == Admission::Admitted
        };
        assert!(admits(&OauthSettings::default(), "t", "a@x.example"));
        let closed = OauthSettings {
            allowed_users: texts(&["Boss@other.example"]),
            allowed_domains: texts(&["x.example"]),
            allowed_tenants: texts(&["t"]),
            ..OauthSettings::default()
        };
        assert!(admits(&closed, "t", "a@X.example"));
        assert!(admits(&closed, "t", "boss@other.example"));
        assert!(!admits(&closed, "t", "a@sub.x.example"));
        assert!(!admits(&closed, "t", ""));
        assert!(!admits(&closed, "u", "a@x.example"));
    }

    #[test]
    fn a_group_or_a_role_lets_in_and_what_is_not_known_does_not() {
        let settings = OauthSettings {
            allowed_groups: texts(&["g1", "g2"]),
            allowed_roles: texts(&["Reader"]),
            ..OauthSettings::default()
        };
        let judged = |roles: &[&str], groups: Option<(&[&str], &[&str])>| {
            let groups =
                groups.map(|(asked, member_of)| Groups { asked: texts(asked), member_of: texts(member_of) });
            settings.admission("t", &Profile { roles: texts(roles), groups, ..Profile::default() })
        };
        assert_eq!(judged(&[], None), Admission::Unknown);
        assert_eq!(judged(&["Reader"], None), Admission::Admitted);
        assert_eq!(judged(&["reader"], Some((&["g1", "g2"], &[]))), Admission::Refused);
        assert_eq!(judged(&[], Some((&["g1", "g2"], &["g2"]))), Admission::Admitted);
        // The list was longer when the groups were asked for, or another one.
        assert_eq!(judged(&[], Some((&["g1", "g3"], &["g3"]))), Admission::Unknown);
        let named = OauthSettings { allowed_users: texts(&["a@x.example"]), ..settings.clone() };
        let member = Groups { asked: texts(&["g1", "g2"]), member_of: texts(&["g1"]) };
        let stranger = Profile { groups: Some(member), ..person("b@x.example") };
        assert_eq!(named.admission("t", &stranger), Admission::Refused);
    }
}
