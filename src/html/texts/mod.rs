//! Every word on the pages. A language is one value of [`Texts`], so a missing sentence does not compile.

mod en;
mod ko;
mod scopes;

pub(super) use en::EN;
pub(super) use ko::KO;
use scopes::both;
pub(crate) use scopes::{ScopeTexts, Words};

/// One language.
#[derive(Debug)]
pub(crate) struct Texts {
    pub(crate) shell: ShellTexts,
    pub(crate) app: AppTexts,
    pub(crate) consent: ConsentTexts,
    pub(crate) scopes: ScopeTexts,
    pub(crate) faults: FaultTexts,
    pub(crate) admin: AdminTexts,
    pub(crate) account: AccountTexts,
    pub(crate) keys: KeyTexts,
    pub(crate) landing: LandingTexts,
}

/// Around every page.
#[derive(Debug)]
pub(crate) struct ShellTexts {
    pub(crate) slogan: &'static str,
    /// This language's name in this language.
    pub(crate) language: &'static str,
    pub(crate) reference: &'static str,
    pub(crate) what_to_do: &'static str,
    pub(crate) back: &'static str,
}

/// How an app is presented, wherever one is.
#[derive(Debug)]
pub(crate) struct AppTexts {
    pub(crate) nameless: &'static str,
    pub(crate) unverified: &'static str,
    pub(crate) unverified_hint: &'static str,
    pub(crate) verified: &'static str,
    pub(crate) configured: &'static str,
    pub(crate) new: &'static str,
    pub(crate) new_hint: &'static str,
}

/// The question whether an app may act.
#[derive(Debug)]
pub(crate) struct ConsentTexts {
    pub(crate) title: fn(&str) -> String,
    pub(crate) lead: &'static str,
    pub(crate) app: &'static str,
    pub(crate) destination: &'static str,
    pub(crate) service: &'static str,
    pub(crate) account: &'static str,
    pub(crate) account_later: &'static str,
    pub(crate) can: &'static str,
    pub(crate) cannot: &'static str,
    pub(crate) never_password: &'static str,
    pub(crate) never_others: &'static str,
    pub(crate) device_title: &'static str,
    pub(crate) device: &'static str,
    pub(crate) unsure: &'static str,
    pub(crate) approve: &'static str,
    pub(crate) deny: &'static str,
    pub(crate) next: &'static str,
    pub(crate) undo: &'static str,
}

/// Why a sign-in, or a download, does not go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    UnknownClient,
    UnusableClient,
    ForeignRedirect,
    Malformed,
    TooLong,
    Expired,
    OtherBrowser,
    ForeignForm,
    Unavailable,
    TooMany,
    Declined,
    ConsentMissing,
    StepMissing,
    NotAllowed,
    NotAdmitted,
    OtherAccount,
    Unverified,
    Misconfigured,
    /// Of a download.
    LinkGone,
    LinkLater,
}

/// A fault, explained.
#[derive(Debug)]
pub(crate) struct FaultText {
    pub(crate) title: &'static str,
    pub(crate) text: &'static str,
    /// What to do, in order.
    pub(crate) steps: &'static [&'static str],
}

/// Every fault, explained.
#[derive(Debug)]
pub(crate) struct FaultTexts {
    unknown_client: FaultText,
    unusable_client: FaultText,
    foreign_redirect: FaultText,
    malformed: FaultText,
    too_long: FaultText,
    expired: FaultText,
    other_browser: FaultText,
    foreign_form: FaultText,
    unavailable: FaultText,
    too_many: FaultText,
    declined: FaultText,
    consent_missing: FaultText,
    step_missing: FaultText,
    not_allowed: FaultText,
    not_admitted: FaultText,
    other_account: FaultText,
    unverified: FaultText,
    misconfigured: FaultText,
    link_gone: FaultText,
    link_later: FaultText,
}

impl FaultTexts {
    pub(crate) const fn of(&self, fault: Fault) -> &FaultText {
        match fault {
            Fault::UnknownClient => &self.unknown_client,
            Fault::UnusableClient => &self.unusable_client,
            Fault::ForeignRedirect => &self.foreign_redirect,
            Fault::Malformed => &self.malformed,
            Fault::TooLong => &self.too_long,
            Fault::Expired => &self.expired,
            Fault::OtherBrowser => &self.other_browser,
            Fault::ForeignForm => &self.foreign_form,
            Fault::Unavailable => &self.unavailable,
            Fault::TooMany => &self.too_many,
            Fault::Declined => &self.declined,
            Fault::ConsentMissing => &self.consent_missing,
            Fault::StepMissing => &self.step_missing,
            Fault::NotAllowed => &self.not_allowed,
            Fault::NotAdmitted => &self.not_admitted,
            Fault::OtherAccount => &self.other_account,
            Fault::Unverified => &self.unverified,
            Fault::Misconfigured => &self.misconfigured,
            Fault::LinkGone => &self.link_gone,
            Fault::LinkLater => &self.link_later,
        }
    }
}

/// The page for tenants where only administrators approve.
#[derive(Debug)]
pub(crate) struct AdminTexts {
    pub(crate) title: &'static str,
    pub(crate) text: &'static str,
    pub(crate) permissions: &'static str,
    pub(crate) message_title: &'static str,
    pub(crate) message_hint: &'static str,
    /// Public URL, permissions one a line, link.
    pub(crate) message: fn(&str, &str, &str) -> String,
    pub(crate) subject: &'static str,
    pub(crate) mail: &'static str,
    pub(crate) link: &'static str,
    pub(crate) i_am_admin: &'static str,
    pub(crate) retry_title: &'static str,
    pub(crate) retry: &'static str,
    pub(crate) granted_title: &'static str,
    pub(crate) granted: &'static str,
}

/// The connected apps of the person who is signed in.
#[derive(Debug)]
pub(crate) struct AccountTexts {
    pub(crate) title: &'static str,
    pub(crate) lead: &'static str,
    pub(crate) signed_in_as: &'static str,
    pub(crate) sign_out: &'static str,
    pub(crate) signed_out_title: &'static str,
    pub(crate) signed_out: &'static str,
    pub(crate) sign_in_again: &'static str,
    pub(crate) none_title: &'static str,
    pub(crate) none: &'static str,
    pub(crate) none_link: &'static str,
    pub(crate) connected: &'static str,
    pub(crate) last_used: &'static str,
    /// Behind the names of service and host: nobody who steals a token of the app can use it.
    pub(crate) key_bound: &'static str,
    pub(crate) can: &'static str,
    pub(crate) revoke: &'static str,
    /// For readers of the screen, who hear the buttons without the list: names the app.
    pub(crate) revoke_label: fn(&str, &str) -> String,
    pub(crate) revoke_all: &'static str,
    pub(crate) revoke_all_hint: &'static str,
    pub(crate) revoke_all_button: &'static str,
    pub(crate) revoked: &'static str,
    pub(crate) failed_title: &'static str,
    pub(crate) failed: &'static str,
    /// Year, month, day, hour and minute in UTC.
    pub(crate) moment: &'static str,
}

/// Personal keys: making, seeing and ending them.
#[derive(Debug)]
pub(crate) struct KeyTexts {
    pub(crate) title: &'static str,
    pub(crate) lead: &'static str,
    /// What stands behind the name of the service.
    pub(crate) kind: &'static str,
    pub(crate) made: &'static str,
    /// In the place of a moment.
    pub(crate) unused: &'static str,
    pub(crate) expires: &'static str,
    pub(crate) revoke: &'static str,
    /// Names the key and its service.
    pub(crate) revoke_label: fn(&str, &str) -> String,
    pub(crate) make: &'static str,
    pub(crate) make_title: &'static str,
    pub(crate) which_service: &'static str,
    pub(crate) back: &'static str,
    pub(crate) name: &'static str,
    pub(crate) name_hint: &'static str,
    pub(crate) service: &'static str,
    pub(crate) always: &'static str,
    pub(crate) may: &'static str,
    pub(crate) by_admin: &'static str,
    pub(crate) life: &'static str,
    pub(crate) days: fn(u64) -> String,
    pub(crate) go_on: &'static str,
    pub(crate) next: &'static str,
    /// Most characters.
    pub(crate) wrong_name: fn(usize) -> String,
    pub(crate) wrong_life: &'static str,
    pub(crate) wrong_permission: &'static str,
    /// Most keys.
    pub(crate) too_many: fn(usize) -> String,
    pub(crate) ready_title: &'static str,
    pub(crate) ready: &'static str,
    pub(crate) careful: &'static str,
    pub(crate) use_openai: &'static str,
    pub(crate) use_openai_hint: &'static str,
    pub(crate) use_mcp: &'static str,
    pub(crate) use_mcp_hint: &'static str,
    pub(crate) what: &'static str,
    pub(crate) missing: &'static str,
    pub(crate) done: &'static str,
}

/// The front door.
#[derive(Debug)]
pub(crate) struct LandingTexts {
    pub(crate) title: &'static str,
    pub(crate) lead: &'static str,
    pub(crate) account: &'static str,
    pub(crate) services: &'static str,
    pub(crate) connect: &'static str,
    pub(crate) connect_hint: &'static str,
    pub(crate) hosted: &'static str,
    /// Programs that speak OpenAI's API.
    pub(crate) openai: &'static str,
    pub(crate) openai_hint: &'static str,
    pub(crate) openai_key: &'static str,
    pub(crate) others: &'static str,
    pub(crate) others_hint: &'static str,
    pub(crate) privacy_title: &'static str,
    pub(crate) privacy: &'static [&'static str],
}
