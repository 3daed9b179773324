//! Codes, bearers and refresh tokens. Everything of a grant is in one slot, and an index of it makes revocation
//! complete.

use super::scripts::Call;
use super::{RedisStore, millis};
use crate::adapters::{keys, records};
use crate::domain::clock::Timestamp;
use crate::domain::grant::{AccessRecord, CodeRecord, GrantRecord, RefreshRecord};
use crate::domain::ids::{ClientId, GrantId, UserKey};
use crate::domain::secret::Sealed;
use crate::domain::token::TokenRef;
use crate::ports::events::{REVOKED, Revocation};
use crate::ports::store::{
    CodeRedemption, GrantStore, Issue, RefreshState, Rotation, RotationOutcome, StoreError,
};
use async_trait::async_trait;
use redis::Cmd;
use std::time::Duration;

#[async_trait]
impl GrantStore for RedisStore {
    async fn put_code(&self, code: &TokenRef, record: &CodeRecord) -> Result<(), StoreError> {
        let body = self.seal("code", &keys::code(code), record)?;
        let mut call = self.scripts.issue.call();
        call.key(keys::dead(&code.grant)).key(keys::index(&code.grant)).arg(record.issued_at.as_millis());
        let value = records::live(record.expires_at.as_millis(), &body);
        add(&mut call, keys::code(code), value, records::life(record.issued_at, record.expires_at));
        self.links.script_again_kept::<u8>(&call).await.map(drop)
    }

    async fn redeem_code(
        &self,
        code: &TokenRef,
        client: &ClientId,
        now: Timestamp,
    ) -> Result<CodeRedemption, StoreError> {
        let place = keys::code(code);
        let mut call = self.scripts.redeem_code.call();
        call.key(&place).key(keys::index(&code.grant));
        call.arg(now.as_millis()).arg(client.as_str()).arg(millis(records::TOMBSTONE_LIFE));
        let (outcome, body, at): (u8, Vec<u8>, i64) = self.links.script_kept(&call).await?;
        Ok(match outcome {
            0 => CodeRedemption::Unknown,
            1 => self
                .unseal("code", &place, &body)?
                .map_or(CodeRedemption::Unknown, |record| CodeRedemption::First(Box::new(record))),
            _ => CodeRedemption::Replayed {
                client: ClientId::new(String::from_utf8_lossy(&body)),
                at: Timestamp::from_millis(at),
            },
        })
    }

    async fn issue(
        &self,
        access: (&TokenRef, &AccessRecord),
        refresh: Option<(&TokenRef, &RefreshRecord)>,
    ) -> Result<Issue, StoreError> {
        let grant = &access.0.grant;
        let info = GrantRecord::begun_by(access.1, refresh.map(|(_, record)| record));
        // The index comes first: a crash in between leaves a name without a grant, which reading passes over; the
        // other way round, a living grant would be hidden from its owner.
        self.note_grant(&info).await?;
        let mut call = self.scripts.issue.call();
        call.key(keys::dead(grant)).key(keys::index(grant)).arg(access.1.issued_at.as_millis());
        self.add_access(&mut call, access.0, access.1)?;
        if let Some((token, record)) = refresh {
            self.add_refresh(&mut call, token, record)?;
        }
        let place = keys::info(grant);
        let value = self.seal("grant", &place, &info)?;
        add(&mut call, place, value, records::life(info.created_at, info.expires_at));
        let until = refresh.map_or(access.1.expires_at, |(_, record)| record.expires_at);
        let life = records::life(info.created_at, until.max(access.1.expires_at));
        add(&mut call, keys::used(grant), records::moment(info.created_at), life);
        let written: bool = self.links.script_again_kept(&call).await?;
        Ok(if written { Issue::Done } else { Issue::Revoked })
    }

    async fn access(&self, token: &TokenRef, now: Timestamp) -> Result<Option<AccessRecord>, StoreError> {
        let record = match self.listener.recent.find(token) {
            Ok(record) => Some(record),
            Err(look_up) => {
                let place = keys::access(token);
                let Some(bytes) = self.get(&place).await? else { return Ok(None) };
                let record: Option<AccessRecord> = self.unseal("access token", &place, &bytes)?;
                if let Some(record) = &record {
                    self.listener.recent.keep(token, look_up, record);
                }
                record
            }
        };
        Ok(record.filter(|record| record.expires_at > now))
    }

    async fn refresh(&self, token: &TokenRef, now: Timestamp) -> Result<RefreshState, StoreError> {
        let place = keys::refresh(token);
        let both = Cmd::mget(&[place.as_str(), &keys::successor(token)]);
        let (value, successor): (Option<Vec<u8>>, Option<Vec<u8>>) = self.links.read(&both).await?;
        let open = |body: &[u8]| self.unseal("refresh token", &place, body);
        records::refresh_state(value.as_deref(), successor.as_deref(), now, open)
    }

    async fn rotate(&self, rotation: &Rotation) -> Result<RotationOutcome, StoreError> {
        let old = &rotation.old;
        let mut call = self.scripts.rotate.call();
        call.key(keys::dead(&old.grant)).key(keys::index(&old.grant)).key(keys::refresh(old));
        call.arg(rotation.now.as_millis());
        self.add_refresh(&mut call, &rotation.refresh.0, &rotation.refresh.1)?;
        self.add_access(&mut call, &rotation.access.0, &rotation.access.1)?;
        let successor = rotation.successor.as_bytes().to_vec();
        add(&mut call, keys::successor(old), successor, records::SUCCESSOR_LIFE);
        let life = records::life(rotation.now, rotation.refresh.1.expires_at);
        add(&mut call, keys::used(&old.grant), records::moment(rotation.now), life);
        // A second run of the same rotation finds it done and answers `Lost` with the very answer given here.
        let (outcome, answer, at): (u8, Vec<u8>, i64) = self.links.script_again_kept(&call).await?;
        Ok(match outcome {
            0 => RotationOutcome::Unknown,
            1 => RotationOutcome::Done,
            _ => RotationOutcome::Lost {
                at: Timestamp::from_millis(at),
                successor: Sealed::from_bytes(answer),
            },
        })
    }

    async fn revoke_grant(&self, grant: &GrantId) -> Result<(), StoreError> {
        let announced = Revocation::of_grant(grant);
        let ended = self.end_grant(grant, &announced).await;
        self.listener.recent.revoked(&announced);
        ended
    }

    async fn note_use(&self, grant: &GrantId, now: Timestamp) -> Result<(), StoreError> {
        let mut set = Cmd::set(keys::used(grant), records::moment(now));
        set.arg("XX").arg("KEEPTTL");
        self.links.read::<Option<String>>(&set).await.map(drop)
    }

    async fn grant(&self, grant: &GrantId) -> Result<Option<GrantRecord>, StoreError> {
        let place = keys::info(grant);
        let both = Cmd::mget(&[place.as_str(), &keys::used(grant)]);
        let (info, used): (Option<Vec<u8>>, Option<Vec<u8>>) = self.links.read(&both).await?;
        let (Some(info), Some(used)) = (info, used) else { return Ok(None) };
        let record: Option<GrantRecord> = self.unseal("grant", &place, &info)?;
        record.map(|record| records::grant(record, &used)).transpose()
    }

    async fn grants_of_user(&self, user: &UserKey) -> Result<Vec<GrantRecord>, StoreError> {
        let names: Vec<String> = self.links.read(&Cmd::zrange(keys::of_user(user), 0, -1)).await?;
        let mut found = Vec::new();
        for name in names {
            // Whoever can write to Redis can name foreign grants here; what is sealed says whose they are.
            let grant = self.grant(&GrantId::new(name)).await?;
            found.extend(grant.filter(|grant| grant.user == *user));
        }
        Ok(found)
    }

    async fn revoke_access(&self, token: &TokenRef) -> Result<(), StoreError> {
        let announced = Revocation::of_bearer(token);
        let mut call = self.scripts.revoke_access.call();
        call.key(keys::access(token)).key(keys::index(&token.grant));
        call.arg(keys::channel(REVOKED)).arg(announced.written());
        let ended = self.links.script_again_kept::<u8>(&call).await;
        self.listener.recent.revoked(&announced);
        ended.map(drop)
    }
}

/// One record of a script that writes several.
fn add(call: &mut Call<'_>, key: String, value: Vec<u8>, life: Duration) {
    call.key(key).arg(value).arg(millis(life));
}

impl RedisStore {
    /// Ends a grant and announces it.
    async fn end_grant(&self, grant: &GrantId, announced: &Revocation) -> Result<(), StoreError> {
        let index = keys::index(grant);
        let mut named: Vec<String> = self.links.read(&Cmd::zrange(&index, 0, -1)).await?;
        loop {
            let mut call = self.scripts.revoke_grant.call();
            call.key(keys::dead(grant)).key(&index).key(&named).arg(millis(records::DEAD_LIFE));
            call.arg(keys::channel(REVOKED)).arg(announced.written());
            // What was issued since the index was read; from the first run on nothing more is.
            let left: Vec<String> = self.links.script_again_kept(&call).await?;
            if left.is_empty() {
                return Ok(());
            }
            named = left;
        }
    }

    /// Names a grant in the index of its user.
    async fn note_grant(&self, grant: &GrantRecord) -> Result<(), StoreError> {
        let mut call = self.scripts.note_grant.call();
        call.key(keys::of_user(&grant.user)).arg(grant.id.as_str()).arg(grant.created_at.as_millis());
        call.arg(grant.expires_at.as_millis()).arg(millis(records::life(grant.created_at, grant.expires_at)));
        self.links.script_again_kept::<u8>(&call).await.map(drop)
    }

    fn add_access(
        &self,
        call: &mut Call<'_>,
        token: &TokenRef,
        record: &AccessRecord,
    ) -> Result<(), StoreError> {
        let place = keys::access(token);
        let value = self.seal("access token", &place, record)?;
        add(call, place, value, records::life(record.issued_at, record.expires_at));
        Ok(())
    }

    fn add_refresh(
        &self,
        call: &mut Call<'_>,
        token: &TokenRef,
        record: &RefreshRecord,
    ) -> Result<(), StoreError> {
        let place = keys::refresh(token);
        let value =
            records::live(record.expires_at.as_millis(), &self.seal("refresh token", &place, record)?);
        add(call, place, value, records::life(record.issued_at, record.expires_at));
        Ok(())
    }
}
