//! The scripts, hashed once. Redis is sent the hash, and the text only when it does not know it.

use redis::Script;

/// All scripts; each names its keys and arguments in its head.
pub(super) struct Scripts {
    pub(super) admit: Script,
    pub(super) after: Script,
    pub(super) append: Script,
    pub(super) claim: Script,
    pub(super) end_client: Script,
    pub(super) end_session: Script,
    pub(super) forget_upstream: Script,
    pub(super) issue: Script,
    pub(super) mark: Script,
    pub(super) note_grant: Script,
    pub(super) redeem_code: Script,
    pub(super) register_client: Script,
    pub(super) release_lease: Script,
    pub(super) renew_lease: Script,
    pub(super) update_session: Script,
    pub(super) reseal: Script,
    pub(super) revoke_grant: Script,
    pub(super) rotate: Script,
    pub(super) swap_upstream: Script,
    pub(super) take_state: Script,
    pub(super) trace: Script,
}

impl Scripts {
    pub(super) fn new() -> Self {
        Self {
            admit: Script::new(include_str!("scripts/admit.lua")),
            after: Script::new(include_str!("scripts/after.lua")),
            append: Script::new(include_str!("scripts/append.lua")),
            claim: Script::new(include_str!("scripts/claim.lua")),
            end_client: Script::new(include_str!("scripts/end_client.lua")),
            end_session: Script::new(include_str!("scripts/end_session.lua")),
            forget_upstream: Script::new(include_str!("scripts/forget_upstream.lua")),
            issue: Script::new(include_str!("scripts/issue.lua")),
            mark: Script::new(include_str!("scripts/mark.lua")),
            note_grant: Script::new(include_str!("scripts/note_grant.lua")),
            redeem_code: Script::new(include_str!("scripts/redeem_code.lua")),
            register_client: Script::new(include_str!("scripts/register_client.lua")),
            release_lease: Script::new(include_str!("scripts/release_lease.lua")),
            renew_lease: Script::new(include_str!("scripts/renew_lease.lua")),
            update_session: Script::new(include_str!("scripts/update_session.lua")),
            reseal: Script::new(include_str!("scripts/reseal.lua")),
            revoke_grant: Script::new(include_str!("scripts/revoke_grant.lua")),
            rotate: Script::new(include_str!("scripts/rotate.lua")),
            swap_upstream: Script::new(include_str!("scripts/swap_upstream.lua")),
            take_state: Script::new(include_str!("scripts/take_state.lua")),
            trace: Script::new(include_str!("scripts/trace.lua")),
        }
    }
}
