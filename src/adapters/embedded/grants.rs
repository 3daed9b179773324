//! Codes, bearers and refresh tokens.

use super::table::View;
use super::{Durability, EmbeddedStore};
use crate::adapters::keys;
use crate::adapters::records::{self, Marked};
use crate::domain::clock::Timestamp;
use crate::domain::grant::{AccessRecord, CodeRecord, GrantRecord, RefreshRecord};
use crate::domain::ids::{ClientId, GrantId, UserKey};
use crate::domain::token::TokenRef;
use crate::ports::events::{Bus, REVOKED, Revocation};
use crate::ports::store::{
    CodeRedemption, GrantStore, Issue, RefreshState, Rotation, RotationOutcome, StoreError,
};
use async_trait::async_trait;
use bytes::Bytes;

#[async_trait]
impl GrantStore for EmbeddedStore {
    async fn put_code(&self, code: &TokenRef, record: &CodeRecord) -> Result<(), StoreError> {
        let body = records::encode("code", record)?;
        self.transact(Durability::Committed, |view| {
            if view.get(&keys::dead(&code.grant)).is_none() {
                let value = records::live(record.expires_at.as_millis(), &body);
                view.put(&keys::code(code), value, records::life(record.issued_at, record.expires_at));
            }
            Ok(())
        })
        .await
    }

    async fn redeem_code(
        &self,
        code: &TokenRef,
        client: &ClientId,
        now: Timestamp,
    ) -> Result<CodeRedemption, StoreError> {
        let key = keys::code(code);
        self.transact(Durability::Committed, |view| {
            let Some(bytes) = view.get(&key) else { return Ok(CodeRedemption::Unknown) };
            match records::unmark("code", &bytes)? {
                Marked::Used { number, body } => Ok(CodeRedemption::Replayed {
                    client: ClientId::new(String::from_utf8_lossy(body)),
                    at: Timestamp::from_millis(number),
                }),
                Marked::Live { number, .. } if number <= now.as_millis() => Ok(CodeRedemption::Unknown),
                Marked::Live { body, .. } => {
                    let record = records::decode("code", body)?;
                    let tombstone = records::used(now.as_millis(), client.as_str().as_bytes());
                    view.put(&key, tombstone, records::TOMBSTONE_LIFE);
                    Ok(CodeRedemption::First(Box::new(record)))
                }
            }
        })
        .await
    }

    async fn issue(
        &self,
        access: (&TokenRef, &AccessRecord),
        refresh: Option<(&TokenRef, &RefreshRecord)>,
    ) -> Result<Issue, StoreError> {
        let info = GrantRecord::begun_by(access.1, refresh.map(|(_, record)| record));
        let encoded = records::encode("grant", &info)?;
        let until = refresh.map_or(access.1.expires_at, |(_, record)| record.expires_at);
        let used_life = records::life(info.created_at, until.max(access.1.expires_at));
        let access = (access.0, access.1, records::encode("access token", access.1)?);
        let refresh = match refresh {
            Some((token, record)) => Some((token, record, live_refresh(record)?)),
            None => None,
        };
        self.transact(Durability::Committed, |view| {
            if view.get(&keys::dead(&access.0.grant)).is_some() {
                return Ok(Issue::Revoked);
            }
            put_access(view, access.0, access.1, access.2);
            if let Some((token, record, value)) = refresh {
                put_refresh(view, token, record, value);
            }
            let life = records::life(info.created_at, info.expires_at);
            view.put(&keys::info(&info.id), encoded, life);
            view.put(&keys::used(&info.id), records::moment(info.created_at), used_life);
            view.put(&name_of(&info.user, &info.id), Vec::new(), life);
            Ok(Issue::Done)
        })
        .await
    }

    async fn access(&self, token: &TokenRef, now: Timestamp) -> Result<Option<AccessRecord>, StoreError> {
        let Some(bytes) = self.get(&keys::access(token)) else { return Ok(None) };
        let record: AccessRecord = records::decode("access token", &bytes)?;
        Ok((record.expires_at > now).then_some(record))
    }

    async fn refresh(&self, token: &TokenRef, now: Timestamp) -> Result<RefreshState, StoreError> {
        self.transact(Durability::Committed, |view| refresh_state(view, token, now)).await
    }

    async fn rotate(&self, rotation: &Rotation) -> Result<RotationOutcome, StoreError> {
        let old = &rotation.old;
        let refresh = live_refresh(&rotation.refresh.1)?;
        let access = records::encode("access token", &rotation.access.1)?;
        self.transact(Durability::Committed, |view| {
            let record = match refresh_state(view, old, rotation.now)? {
                RefreshState::Unknown => return Ok(RotationOutcome::Unknown),
                RefreshState::Rotated { at, successor, .. } => {
                    return Ok(RotationOutcome::Lost { at, successor });
                }
                RefreshState::Live(record) => record,
            };
            let body = records::encode("refresh token", &record)?;
            view.replace(&keys::refresh(old), records::used(rotation.now.as_millis(), &body));
            let successor = rotation.successor.as_bytes().to_vec();
            view.put(&keys::successor(old), successor, records::SUCCESSOR_LIFE);
            let life = records::life(rotation.now, rotation.refresh.1.expires_at);
            view.put(&keys::used(&old.grant), records::moment(rotation.now), life);
            put_access(view, &rotation.access.0, &rotation.access.1, access);
            put_refresh(view, &rotation.refresh.0, &rotation.refresh.1, refresh);
            Ok(RotationOutcome::Done)
        })
        .await
    }

    async fn revoke_grant(&self, grant: &GrantId) -> Result<(), StoreError> {
        self.transact(Durability::Committed, |view| {
            for key in view.under(&keys::grant(grant)) {
                // Tombstones of redeemed codes stay, so that a replay is still told from an unknown code.
                let tombstone = view.get(&key).is_some_and(|value| value.first() == Some(&b'U'));
                if !(tombstone && keys::is_code(&key)) {
                    view.delete(&key);
                }
            }
            view.put(&keys::dead(grant), b"1".to_vec(), records::DEAD_LIFE);
            Ok(())
        })
        .await?;
        self.announce(&Revocation::of_grant(grant)).await
    }

    async fn note_use(&self, grant: &GrantId, now: Timestamp) -> Result<(), StoreError> {
        self.transact(Durability::Soon, |view| {
            view.replace(&keys::used(grant), records::moment(now));
            Ok(())
        })
        .await
    }

    async fn grant(&self, grant: &GrantId) -> Result<Option<GrantRecord>, StoreError> {
        self.transact(Durability::Committed, |view| read_grant(view, grant)).await
    }

    async fn grants_of_user(&self, user: &UserKey) -> Result<Vec<GrantRecord>, StoreError> {
        let prefix = name_of(user, &GrantId::new(""));
        self.transact(Durability::Committed, |view| {
            let mut found = Vec::new();
            for key in view.under(&prefix) {
                let name = key.strip_prefix(&prefix).unwrap_or_default();
                found.extend(read_grant(view, &GrantId::new(name))?);
            }
            Ok(found)
        })
        .await
    }

    async fn revoke_access(&self, token: &TokenRef) -> Result<(), StoreError> {
        self.transact(Durability::Committed, |view| {
            view.delete(&keys::access(token));
            Ok(())
        })
        .await?;
        self.announce(&Revocation::of_bearer(token)).await
    }
}

impl EmbeddedStore {
    async fn announce(&self, revocation: &Revocation) -> Result<(), StoreError> {
        self.publish(REVOKED, Bytes::from(revocation.written())).await
    }
}

/// Key that names a grant among those of its user.
fn name_of(user: &UserKey, grant: &GrantId) -> String {
    format!("{}:{grant}", keys::of_user(user))
}

fn read_grant(view: &View<'_>, grant: &GrantId) -> Result<Option<GrantRecord>, StoreError> {
    let (Some(info), Some(used)) = (view.get(&keys::info(grant)), view.get(&keys::used(grant))) else {
        return Ok(None);
    };
    records::grant(records::decode("grant", &info)?, &used).map(Some)
}

fn live_refresh(record: &RefreshRecord) -> Result<Vec<u8>, StoreError> {
    let body = records::encode("refresh token", record)?;
    Ok(records::live(record.expires_at.as_millis(), &body))
}

fn put_access(view: &mut View<'_>, token: &TokenRef, record: &AccessRecord, value: Vec<u8>) {
    view.put(&keys::access(token), value, records::life(record.issued_at, record.expires_at));
}

fn put_refresh(view: &mut View<'_>, token: &TokenRef, record: &RefreshRecord, value: Vec<u8>) {
    view.put(&keys::refresh(token), value, records::life(record.issued_at, record.expires_at));
}

fn refresh_state(view: &mut View<'_>, token: &TokenRef, now: Timestamp) -> Result<RefreshState, StoreError> {
    let value = view.get(&keys::refresh(token));
    let successor = view.get(&keys::successor(token));
    let open = |body: &[u8]| records::decode("refresh token", body).map(Some);
    records::refresh_state(value.as_deref(), successor.as_deref(), now, open)
}
