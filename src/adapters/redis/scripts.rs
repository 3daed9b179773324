//! The scripts, hashed once. Redis is sent the hash, and the text only when it does not know it.

use redis::{Cmd, ToRedisArgs};

/// A script that names its keys and arguments in its head.
pub(super) struct Script {
    text: &'static str,
    hash: String,
}

/// One use of a script. All its keys are named, so that a cluster finds the node, and they lie in one slot.
pub(super) struct Call<'a> {
    script: &'a Script,
    keys: Vec<Vec<u8>>,
    args: Vec<Vec<u8>>,
}

impl Script {
    fn new(text: &'static str) -> Self {
        Self { text, hash: redis::Script::new(text).get_hash().to_owned() }
    }

    pub(super) fn call(&self) -> Call<'_> {
        Call { script: self, keys: Vec::new(), args: Vec::new() }
    }
}

impl Call<'_> {
    pub(super) fn key(&mut self, key: impl ToRedisArgs) -> &mut Self {
        key.write_redis_args(&mut self.keys);
        self
    }

    pub(super) fn arg(&mut self, arg: impl ToRedisArgs) -> &mut Self {
        arg.write_redis_args(&mut self.args);
        self
    }

    pub(super) fn by_hash(&self) -> Cmd {
        self.command("EVALSHA", &self.script.hash)
    }

    /// For a server that does not know the hash; from then on it does.
    pub(super) fn by_text(&self) -> Cmd {
        self.command("EVAL", self.script.text)
    }

    fn command(&self, name: &str, script: &str) -> Cmd {
        let mut command = redis::cmd(name);
        command.arg(script).arg(self.keys.len()).arg(&*self.keys).arg(&*self.args);
        command
    }
}

/// All scripts.
pub(super) struct Scripts {
    pub(super) admit: Script,
    pub(super) after: Script,
    pub(super) append: Script,
    pub(super) claim: Script,
    pub(super) end_client: Script,
    pub(super) end_session: Script,
    pub(super) forget_upstream: Script,
    pub(super) hold_back: Script,
    pub(super) issue: Script,
    pub(super) join_crowd: Script,
    pub(super) lend: Script,
    pub(super) mark: Script,
    pub(super) note_grant: Script,
    pub(super) redeem_code: Script,
    pub(super) register_client: Script,
    pub(super) release_lease: Script,
    pub(super) renew_lease: Script,
    pub(super) update_session: Script,
    pub(super) reseal: Script,
    pub(super) revoke_access: Script,
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
            hold_back: Script::new(include_str!("scripts/hold_back.lua")),
            issue: Script::new(include_str!("scripts/issue.lua")),
            join_crowd: Script::new(include_str!("scripts/join_crowd.lua")),
            lend: Script::new(include_str!("scripts/lend.lua")),
            mark: Script::new(include_str!("scripts/mark.lua")),
            note_grant: Script::new(include_str!("scripts/note_grant.lua")),
            redeem_code: Script::new(include_str!("scripts/redeem_code.lua")),
            register_client: Script::new(include_str!("scripts/register_client.lua")),
            release_lease: Script::new(include_str!("scripts/release_lease.lua")),
            renew_lease: Script::new(include_str!("scripts/renew_lease.lua")),
            update_session: Script::new(include_str!("scripts/update_session.lua")),
            reseal: Script::new(include_str!("scripts/reseal.lua")),
            revoke_access: Script::new(include_str!("scripts/revoke_access.lua")),
            revoke_grant: Script::new(include_str!("scripts/revoke_grant.lua")),
            rotate: Script::new(include_str!("scripts/rotate.lua")),
            swap_upstream: Script::new(include_str!("scripts/swap_upstream.lua")),
            take_state: Script::new(include_str!("scripts/take_state.lua")),
            trace: Script::new(include_str!("scripts/trace.lua")),
        }
    }
}
