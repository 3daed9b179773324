//! To Entra and back: only to know who it is. What Entra issues is forgotten at once, so that looking at one's
//! connections changes nothing about them. Whoever makes a key goes the same way once more, and then it is kept.

use super::keys::{self, Wish};
use super::session::Session;
use crate::domain::clock::Timestamp;
use crate::domain::ids::FlowId;
use crate::domain::random;
use crate::domain::scope::ScopeSet;
use crate::domain::secret::Secret;
use crate::html::{Fault, Lang};
use crate::oauth::admission::Admission;
use crate::oauth::cookies::Browser;
use crate::oauth::forward::ForwardError;
use crate::oauth::params::Params;
use crate::oauth::state::OauthState;
use crate::oauth::trace::{self, Step};
use crate::oauth::{pages, pkce};
use crate::ports::identity::{CodeExchange, IdentityError, IdentityFault, UpstreamAuthorization};
use crate::ports::store::StoreError;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;

/// Where the person wanted to go.
pub(super) const HOME: &str = "/account/connections";
/// Marks our `state` values at the callback that all sign-ins share.
const PREFIX: &str = "account-";
const KIND: &str = "account-state";
/// Beside the sign-in itself, the least that Entra gives tokens for.
const SCOPES: &str = "User.Read";

/// A sign-in on its way.
#[derive(Serialize, Deserialize)]
struct Pending {
    id: FlowId,
    browser: String,
    verifier: String,
    nonce: String,
    /// The key that this is about.
    #[serde(default)]
    key: Option<Wish>,
    created_at: Timestamp,
}

impl Pending {
    /// What Entra is asked for.
    fn scopes(&self) -> ScopeSet {
        self.key.as_ref().map_or_else(|| ScopeSet::parse(SCOPES), |wish| wish.scopes.clone())
    }
}

/// How Entra is to ask.
#[derive(Default)]
struct Manner {
    login_hint: Option<String>,
    prompt: Option<String>,
    claims: Option<String>,
}

/// Why nobody is signed in.
#[derive(Debug, thiserror::Error)]
pub(super) enum SignInError {
    #[error("the state is unknown, spent or too old")]
    UnknownState,
    #[error("another browser began this sign-in")]
    OtherBrowser,
    #[error("the answer comes from an issuer that was not asked")]
    ForeignIssuer,
    #[error("the person signs in too often")]
    TooMany,
    #[error("the operator does not let this person in")]
    NotAdmitted,
    #[error("another person came back than asked for the key")]
    OtherAccount,
    #[error("Entra granted none of the permissions")]
    NothingGranted,
    #[error("too many sign-ins of one user at once")]
    Contention,
    #[error(transparent)]
    Identity(#[from] IdentityError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Sends the browser to Entra.
pub(super) async fn begin(request: &HttpRequest, state: &OauthState) -> Result<HttpResponse, ForwardError> {
    // Whose connections are shown must not depend on whom Microsoft saw last.
    let manner = Manner { prompt: Some("select_account".to_owned()), ..Manner::default() };
    send(request, state, None, manner).await
}

/// Sends the person who wants a key to Entra, which asks for the permissions that it still needs.
pub(super) async fn begin_for_key(
    request: &HttpRequest,
    state: &OauthState,
    wish: Wish,
    username: &str,
) -> Result<HttpResponse, ForwardError> {
    let claims = state.standing_challenge(&wish.user).await?;
    let manner = Manner { login_hint: Some(username.to_owned()), claims, ..Manner::default() };
    send(request, state, Some(wish), manner).await
}

async fn send(
    request: &HttpRequest,
    state: &OauthState,
    key: Option<Wish>,
    manner: Manner,
) -> Result<HttpResponse, ForwardError> {
    let browser = Browser::of(request, state).unwrap_or_else(Browser::new);
    let (id, nonce, verifier) = (trace::new_id(), random::text::<32>(), pkce::new_verifier());
    let upstream = format!("{PREFIX}{}", random::text::<32>());
    let code_challenge = pkce::challenge(&verifier);
    let browser_secret = browser.secret().to_owned();
    let created_at = state.clock.now();
    let pending = Pending { id: id.clone(), browser: browser_secret, verifier, nonce, key, created_at };
    let Manner { login_hint, prompt, claims } = manner;
    let authorization = UpstreamAuthorization {
        redirect_uri: state.callback_uri(),
        state: upstream.clone(),
        nonce: pending.nonce.clone(),
        code_challenge,
        scopes: pending.scopes(),
        login_hint,
        prompt,
        claims,
    };
    let url = state.identity.authorize_url(&authorization).await?;
    state.put(KIND, &upstream, &pending).await?;
    let step = if pending.key.is_some() { "key_to_entra" } else { "account_to_entra" };
    state.step(&id, Step::named(step)).await;
    // 303: what was posted here is not posted there.
    let mut response = pages::redirect_to(StatusCode::SEE_OTHER, &url);
    trace::mark(&mut response, &id);
    let _ = response.add_cookie(&browser.cookie(state));
    Ok(response)
}

/// Whether the upstream `state` of a callback belongs to a sign-in of this kind.
pub(in crate::oauth) fn is_ours(state: &str) -> bool {
    state.starts_with(PREFIX)
}

/// The callback of such a sign-in.
pub(in crate::oauth) async fn finish(
    request: &HttpRequest,
    state: &OauthState,
    params: &Params,
) -> HttpResponse {
    let lang = Lang::of(request);
    let pending = match find(request, state, params).await {
        Ok(pending) => pending,
        Err(error) => return refuse(&error, None, lang),
    };
    let (id, wish) = (pending.id.clone(), pending.key.clone());
    let mut response = match complete(request, state, params, pending).await {
        Ok(response) => response,
        Err(error) => {
            let reason = error.to_string();
            state.step(&id, Step { error: &reason, ..Step::named("account_refused") }).await;
            match (&error, wish) {
                (SignInError::Identity(cause), Some(wish)) if by_admin(cause) => {
                    keys::admin_page(state, &wish, Some(id.as_str()), lang)
                }
                (_, _) => refuse(&error, Some(&id), lang),
            }
        }
    };
    trace::mark(&mut response, &id);
    response
}

fn by_admin(error: &IdentityError) -> bool {
    error.fault == IdentityFault::AdminConsentRequired
}

/// What the `state` of the callback stands for, in the browser that began it.
async fn find(request: &HttpRequest, state: &OauthState, params: &Params) -> Result<Pending, SignInError> {
    let given = params.get("state").ok_or(SignInError::UnknownState)?;
    let pending: Pending = state.take(KIND, given).await?.ok_or(SignInError::UnknownState)?;
    if state.clock.now().since(pending.created_at) >= state.settings.flow_ttl {
        return Err(SignInError::UnknownState);
    }
    let same = |browser: Browser| browser.secret().as_bytes().ct_eq(pending.browser.as_bytes()).into();
    if Browser::of(request, state).is_some_and(same) { Ok(pending) } else { Err(SignInError::OtherBrowser) }
}

async fn complete(
    request: &HttpRequest,
    state: &OauthState,
    params: &Params,
    pending: Pending,
) -> Result<HttpResponse, SignInError> {
    if let Some(issuer) = params.get("iss")
        && !state.identity.is_issuer(issuer).await?
    {
        return Err(SignInError::ForeignIssuer);
    }
    if let Some(error) = params.get("error") {
        let text = params.get("error_description").unwrap_or_default();
        let error = state.identity.callback_error(error, text, params.get("claims"));
        return again(request, state, pending, error).await;
    }
    let exchange = CodeExchange {
        code: Secret::new(params.get("code").ok_or(SignInError::UnknownState)?.to_owned()),
        redirect_uri: state.callback_uri(),
        scopes: pending.scopes(),
        verifier: Secret::new(pending.verifier.clone()),
        nonce: pending.nonce.clone(),
    };
    let sign_in = match state.signed_in(&exchange).await {
        Ok(sign_in) => sign_in,
        Err(error) => return again(request, state, pending, error).await,
    };
    if state.user_budget(&sign_in.user).await.is_some() {
        return Err(SignInError::TooMany);
    }
    if state.settings.admission(&sign_in.user.tid, &sign_in.tokens.profile) != Admission::Admitted {
        return Err(SignInError::NotAdmitted);
    }
    if let Some(wish) = pending.key {
        if wish.user != sign_in.user {
            return Err(SignInError::OtherAccount);
        }
        let response = keys::finish(state, wish, &sign_in, Lang::of(request)).await?;
        state.step(&pending.id, Step::named("key_made")).await;
        return Ok(response);
    }
    let cookie = Session::begin(&sign_in, state).await?;
    state.step(&pending.id, Step::named("account_signed_in")).await;
    let mut response = pages::redirect_to(StatusCode::FOUND, HOME);
    let _ = response.add_cookie(&cookie);
    Ok(response)
}

/// Some refusals are a question to the person: for a key, Entra is asked once more, in the way that it wants to be asked.
async fn again(
    request: &HttpRequest,
    state: &OauthState,
    pending: Pending,
    error: IdentityError,
) -> Result<HttpResponse, SignInError> {
    let prompt = match error.fault {
        IdentityFault::ConsentRequired => "consent",
        IdentityFault::InteractionRequired | IdentityFault::LoginRequired => "login",
        IdentityFault::Denied
        | IdentityFault::AdminConsentRequired
        | IdentityFault::NotAllowed
        | IdentityFault::Blocked
        | IdentityFault::AccountState
        | IdentityFault::InvalidIdToken
        | IdentityFault::GrantDead
        | IdentityFault::Misconfigured
        | IdentityFault::CredentialRefused
        | IdentityFault::Unavailable
        | IdentityFault::Unknown => return Err(error.into()),
    };
    let Some(wish) = pending.key.filter(|wish| !wish.again) else { return Err(error.into()) };
    let prompt = error.claims.is_none().then(|| prompt.to_owned());
    let manner = Manner { prompt, claims: error.claims, ..Manner::default() };
    let wish = Wish { again: true, ..wish };
    send(request, state, Some(wish), manner).await.map_err(|error| match error {
        ForwardError::Store(error) => SignInError::Store(error),
        ForwardError::Identity(error) => SignInError::Identity(error),
    })
}

fn refuse(error: &SignInError, id: Option<&FlowId>, lang: Lang) -> HttpResponse {
    let (status, fault) = match error {
        SignInError::UnknownState => (StatusCode::BAD_REQUEST, Fault::Expired),
        SignInError::OtherBrowser => (StatusCode::FORBIDDEN, Fault::OtherBrowser),
        SignInError::ForeignIssuer => (StatusCode::BAD_REQUEST, Fault::Unverified),
        SignInError::TooMany => (StatusCode::TOO_MANY_REQUESTS, Fault::TooMany),
        SignInError::NotAdmitted => (StatusCode::FORBIDDEN, Fault::NotAdmitted),
        SignInError::OtherAccount => (StatusCode::FORBIDDEN, Fault::OtherAccount),
        SignInError::NothingGranted => (StatusCode::FORBIDDEN, Fault::ConsentMissing),
        SignInError::Contention => (StatusCode::SERVICE_UNAVAILABLE, Fault::Unavailable),
        SignInError::Identity(cause) => {
            tracing::warn!(error = %cause, "Entra refused a sign-in to the account page");
            upstream(cause.fault)
        }
        SignInError::Store(cause) => {
            tracing::warn!(error = %cause, "a sign-in to the account page cannot be finished");
            return pages::unavailable(id.map(FlowId::as_str), lang);
        }
    };
    if fault == Fault::Unavailable {
        return pages::unavailable(id.map(FlowId::as_str), lang);
    }
    pages::dead_end(status, fault, id.map(FlowId::as_str), lang)
}

fn upstream(fault: IdentityFault) -> (StatusCode, Fault) {
    match fault {
        IdentityFault::Denied => (StatusCode::FORBIDDEN, Fault::Declined),
        IdentityFault::ConsentRequired | IdentityFault::AdminConsentRequired => {
            (StatusCode::FORBIDDEN, Fault::ConsentMissing)
        }
        IdentityFault::InteractionRequired | IdentityFault::LoginRequired => {
            (StatusCode::FORBIDDEN, Fault::StepMissing)
        }
        IdentityFault::NotAllowed | IdentityFault::Blocked | IdentityFault::AccountState => {
            (StatusCode::FORBIDDEN, Fault::NotAllowed)
        }
        IdentityFault::InvalidIdToken => (StatusCode::FORBIDDEN, Fault::Unverified),
        IdentityFault::GrantDead => (StatusCode::BAD_REQUEST, Fault::Expired),
        IdentityFault::Misconfigured | IdentityFault::CredentialRefused => {
            (StatusCode::BAD_GATEWAY, Fault::Misconfigured)
        }
        IdentityFault::Unavailable | IdentityFault::Unknown => {
            (StatusCode::SERVICE_UNAVAILABLE, Fault::Unavailable)
        }
    }
}
