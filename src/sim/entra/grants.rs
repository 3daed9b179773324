//! Codes, refresh tokens, consents and sign-in sessions of the tenant.

use std::collections::{BTreeSet, HashMap};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use parking_lot::Mutex;
use uuid::Uuid;

use super::{error::AadError, request::Challenge, scopes::Asked};
use crate::sim::clock;

const CODE_SECONDS: i64 = 600;
const REFRESH_SECONDS: i64 = 90 * 86_400;
/// Old codes are swept when the book grows past this.
const SWEEP_AT: usize = 2048;

/// Who granted what to which application.
#[derive(Clone, Debug)]
pub(crate) struct Grant {
    pub(super) oid: String,
    pub(super) app_id: String,
    pub(super) asked: Asked,
    /// The sign-in session, as the `sid` claim.
    pub(super) sid: String,
    /// When the person signed in to that session.
    pub(super) auth_time: i64,
}

/// A browser's sign-in.
#[derive(Clone, Debug)]
pub(super) struct Session {
    pub(super) oid: String,
    pub(super) since: i64,
}

/// What an authorization code stands for.
#[derive(Clone, Debug)]
pub(super) struct Code {
    pub(super) grant: Grant,
    pub(super) redirect_uri: String,
    pub(super) nonce: Option<String>,
    pub(super) challenge: Option<Challenge>,
}

#[derive(Debug)]
struct CodeEntry {
    code: Code,
    issued_at: i64,
    redeemed: bool,
}

#[derive(Debug)]
struct RefreshEntry {
    grant: Grant,
    issued_at: i64,
    /// The person's revocation count at that time.
    epoch: u64,
    spent: bool,
}

/// What Entra remembers between requests.
#[derive(Debug, Default)]
pub(crate) struct GrantBook {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    codes: HashMap<String, CodeEntry>,
    refresh: HashMap<String, RefreshEntry>,
    /// Granted Graph permissions by person; there is one application.
    consents: HashMap<String, BTreeSet<String>>,
    /// What an administrator granted for everybody.
    approved: BTreeSet<String>,
    sessions: HashMap<String, Session>,
    epochs: HashMap<String, u64>,
}

impl GrantBook {
    /// Issues a code for ten minutes.
    pub(super) fn add_code(&self, code: Code) -> String {
        let text = opaque(384);
        let now = clock::now_secs();
        let mut inner = self.inner.lock();
        if inner.codes.len() >= SWEEP_AT {
            inner.codes.retain(|_, entry| entry.issued_at + CODE_SECONDS > now);
        }
        inner.codes.insert(text.clone(), CodeEntry { code, issued_at: now, redeemed: false });
        text
    }

    /// What the code stands for; a failed check of the request leaves it usable.
    pub(super) fn peek_code(&self, code: &str) -> Result<Code, AadError> {
        let inner = self.inner.lock();
        let entry = inner.codes.get(code).ok_or_else(AadError::bad_grant)?;
        if entry.redeemed {
            Err(AadError::code_reused())
        } else if entry.issued_at + CODE_SECONDS <= clock::now_secs() {
            Err(AadError::code_expired())
        } else {
            Ok(entry.code.clone())
        }
    }

    /// Redeems the code; of parallel attempts one succeeds.
    pub(super) fn spend_code(&self, code: &str) -> Result<(), AadError> {
        match self.inner.lock().codes.get_mut(code) {
            Some(entry) if !entry.redeemed => {
                entry.redeemed = true;
                Ok(())
            }
            Some(_) => Err(AadError::code_reused()),
            None => Err(AadError::bad_grant()),
        }
    }

    /// Issues a refresh token for ninety days.
    pub(super) fn add_refresh(&self, grant: Grant) -> String {
        let text = opaque(768);
        let mut inner = self.inner.lock();
        let epoch = inner.epochs.get(&grant.oid).copied().unwrap_or(0);
        let entry = RefreshEntry { grant, issued_at: clock::now_secs(), epoch, spent: false };
        inner.refresh.insert(text.clone(), entry);
        text
    }

    /// What the refresh token stands for, if it still does.
    pub(super) fn peek_refresh(&self, token: &str) -> Result<Grant, AadError> {
        let inner = self.inner.lock();
        let entry = inner.refresh.get(token).ok_or_else(AadError::bad_grant)?;
        if entry.epoch < inner.epochs.get(&entry.grant.oid).copied().unwrap_or(0) {
            Err(AadError::refresh_revoked())
        } else if entry.spent {
            Err(AadError::bad_grant())
        } else if entry.issued_at + REFRESH_SECONDS <= clock::now_secs() {
            Err(AadError::refresh_inactive())
        } else {
            Ok(entry.grant.clone())
        }
    }

    /// Strict mode: ends the token; of parallel attempts one succeeds.
    pub(super) fn spend_refresh(&self, token: &str) -> Result<(), AadError> {
        match self.inner.lock().refresh.get_mut(token) {
            Some(entry) if !entry.spent => {
                entry.spent = true;
                Ok(())
            }
            Some(_) | None => Err(AadError::bad_grant()),
        }
    }

    /// Adds to what the person granted.
    pub(super) fn consent(&self, oid: &str, scopes: &[String]) {
        self.inner.lock().consents.entry(oid.to_owned()).or_default().extend(scopes.iter().cloned());
    }

    /// All that the person granted so far; Entra puts all of it into each token.
    pub(super) fn consented(&self, oid: &str) -> Vec<String> {
        let inner = self.inner.lock();
        let own = inner.consents.get(oid).into_iter().flatten();
        own.chain(&inner.approved).cloned().collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// An administrator grants for everybody.
    pub(super) fn approve(&self, scopes: &[String]) {
        self.inner.lock().approved.extend(scopes.iter().cloned());
    }

    /// What administrators granted.
    pub(super) fn approved(&self) -> Vec<String> {
        self.inner.lock().approved.iter().cloned().collect()
    }

    /// Takes back every consent of the person.
    pub(crate) fn revoke_consent(&self, oid: &str) {
        self.inner.lock().consents.remove(oid);
    }

    /// Ends sessions and refresh tokens of the person.
    pub(crate) fn revoke_sessions(&self, oid: &str) {
        let mut inner = self.inner.lock();
        *inner.epochs.entry(oid.to_owned()).or_default() += 1;
        inner.sessions.retain(|_, session| session.oid != oid);
    }

    /// Remembers a browser's sign-in.
    pub(super) fn open_session(&self, oid: &str) -> String {
        let sid = Uuid::new_v4().to_string();
        let session = Session { oid: oid.to_owned(), since: clock::now_secs() };
        self.inner.lock().sessions.insert(sid.clone(), session);
        sid
    }

    /// Lets every session of the person be older by so many seconds.
    pub(crate) fn age_sessions(&self, oid: &str, seconds: i64) {
        let mut inner = self.inner.lock();
        for session in inner.sessions.values_mut().filter(|session| session.oid == oid) {
            session.since -= seconds;
        }
    }

    /// Who is signed in, and since when.
    pub(super) fn session(&self, sid: &str) -> Option<Session> {
        self.inner.lock().sessions.get(sid).cloned()
    }

    /// Signs the browser out.
    pub(super) fn close_session(&self, sid: &str) {
        self.inner.lock().sessions.remove(sid);
    }
}

/// A token in the form of Entra's: a version, a dot and a long random text.
fn opaque(bytes: usize) -> String {
    let mut raw = vec![0_u8; bytes];
    rand::fill(raw.as_mut_slice());
    format!("1.A{}", URL_SAFE_NO_PAD.encode(raw))
}
