//! Codes, bearers and refresh tokens. Everything of a grant is in one slot, and an index of it makes revocation
//! complete.

use super::{RedisStore, millis};
use crate::adapters::{keys, records};
use crate::domain::clock::Timestamp;
use crate::domain::grant::{AccessRecord, CodeRecord, RefreshRecord};
use crate::domain::ids::{ClientId, GrantId};
use crate::domain::secret::Sealed;
use crate::domain::token::TokenRef;
use crate::ports::store::{
    CodeRedemption, GrantStore, Issue, RefreshState, Rotation, RotationOutcome, StoreError,
};
use async_trait::async_trait;
use redis::{Cmd, Pipeline, ScriptInvocation};
use std::time::Duration;

#[async_trait]
impl GrantStore for RedisStore {
    async fn put_code(&self, code: &TokenRef, record: &CodeRecord) -> Result<(), StoreError> {
        let body = records::encode("code", record)?;
        let mut call = self.scripts.issue.prepare_invoke();
        call.key(keys::dead(&code.grant)).key(keys::index(&code.grant)).arg(record.issued_at.as_millis());
        let value = records::live(record.expires_at.as_millis(), &body);
        add(&mut call, keys::code(code), value, records::life(record.issued_at, record.expires_at));
        self.links.script::<u8>(&call).await.map(drop)
    }

    async fn redeem_code(
        &self,
        code: &TokenRef,
        client: &ClientId,
        now: Timestamp,
    ) -> Result<CodeRedemption, StoreError> {
        let mut call = self.scripts.redeem_code.prepare_invoke();
        call.key(keys::code(code)).key(keys::index(&code.grant));
        call.arg(now.as_millis()).arg(client.as_str()).arg(millis(records::TOMBSTONE_LIFE));
        let (outcome, body, at): (u8, Vec<u8>, i64) = self.links.script(&call).await?;
        Ok(match outcome {
            0 => CodeRedemption::Unknown,
            1 => CodeRedemption::First(records::decode("code", &body)?),
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
        let mut call = self.scripts.issue.prepare_invoke();
        call.key(keys::dead(grant)).key(keys::index(grant)).arg(access.1.issued_at.as_millis());
        add_access(&mut call, access.0, access.1)?;
        if let Some((token, record)) = refresh {
            add_refresh(&mut call, token, record)?;
        }
        let written: bool = self.links.script(&call).await?;
        Ok(if written { Issue::Done } else { Issue::Revoked })
    }

    async fn access(&self, token: &TokenRef, now: Timestamp) -> Result<Option<AccessRecord>, StoreError> {
        let Some(bytes) = self.get(&keys::access(token)).await? else { return Ok(None) };
        let record: AccessRecord = records::decode("access token", &bytes)?;
        Ok((record.expires_at > now).then_some(record))
    }

    async fn refresh(&self, token: &TokenRef, now: Timestamp) -> Result<RefreshState, StoreError> {
        let both = Cmd::mget(&[keys::refresh(token), keys::successor(token)]);
        let (value, successor): (Option<Vec<u8>>, Option<Vec<u8>>) = self.links.read(&both).await?;
        records::refresh_state(value.as_deref(), successor.as_deref(), now)
    }

    async fn rotate(&self, rotation: &Rotation) -> Result<RotationOutcome, StoreError> {
        let old = &rotation.old;
        let mut call = self.scripts.rotate.prepare_invoke();
        call.key(keys::dead(&old.grant)).key(keys::index(&old.grant)).key(keys::refresh(old));
        call.arg(rotation.now.as_millis());
        add_refresh(&mut call, &rotation.refresh.0, &rotation.refresh.1)?;
        add_access(&mut call, &rotation.access.0, &rotation.access.1)?;
        let successor = rotation.successor.as_bytes().to_vec();
        add(&mut call, keys::successor(old), successor, records::SUCCESSOR_LIFE);
        let (outcome, answer, at): (u8, Vec<u8>, i64) = self.links.script(&call).await?;
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
        let mut call = self.scripts.revoke_grant.prepare_invoke();
        call.key(keys::dead(grant)).key(keys::index(grant)).arg(millis(records::DEAD_LIFE));
        self.links.script(&call).await
    }

    async fn revoke_access(&self, token: &TokenRef) -> Result<(), StoreError> {
        let key = keys::access(token);
        let mut both = Pipeline::with_capacity(2);
        both.del(&key).ignore().zrem(keys::index(&token.grant), &key).ignore();
        self.links.pipe(&both).await
    }
}

/// One record of a script that writes several.
fn add(call: &mut ScriptInvocation<'_>, key: String, value: Vec<u8>, life: Duration) {
    call.key(key).arg(value).arg(millis(life));
}

fn add_access(
    call: &mut ScriptInvocation<'_>,
    token: &TokenRef,
    record: &AccessRecord,
) -> Result<(), StoreError> {
    let value = records::encode("access token", record)?;
    add(call, keys::access(token), value, records::life(record.issued_at, record.expires_at));
    Ok(())
}

fn add_refresh(
    call: &mut ScriptInvocation<'_>,
    token: &TokenRef,
    record: &RefreshRecord,
) -> Result<(), StoreError> {
    let value = records::live(record.expires_at.as_millis(), &records::encode("refresh token", record)?);
    add(call, keys::refresh(token), value, records::life(record.issued_at, record.expires_at));
    Ok(())
}
