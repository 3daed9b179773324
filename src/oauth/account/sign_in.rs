//! To Entra and back: only to know who it is. What Entra issues is forgotten at once, so that looking at one's
//! connections changes nothing about them.

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
    created_at: Timestamp,
}

/// Why nobody is signed in.
#[derive(Debug, thiserror::Error)]
enum SignInError {
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
    #[error(transparent)]
    Identity(#[from] IdentityError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Sends the browser to Entra.
pub(super) async fn begin(request: &HttpRequest, state: &OauthState) -> Result<HttpResponse, ForwardError> {
    let browser = Browser::of(request, state).unwrap_or_else(Browser::new);
    let (id, nonce, verifier) = (trace::new_id(), random::text::<32>(), pkce::new_verifier());
    let upstream = format!("{PREFIX}{}", random::text::<32>());
    let authorization = UpstreamAuthorization {
        redirect_uri: state.callback_uri(),
        state: upstream.clone(),
        nonce: nonce.clone(),
        code_challenge: pkce::challenge(&verifier),
        scopes: ScopeSet::parse(SCOPES),
        login_hint: None,
        // Whose connections are shown must not depend on whom Microsoft saw last.
        prompt: Some("select_account".to_owned()),
        claims: None,
    };
    let url = state.identity.authorize_url(&authorization).await?;
    let browser_secret = browser.secret().to_owned();
    let pending =
        Pending { id: id.clone(), browser: browser_secret, verifier, nonce, created_at: state.clock.now() };
    state.put(KIND, &upstream, &pending).await?;
    state.step(&id, Step::named("account_to_entra")).await;
    let mut response = pages::redirect_to(StatusCode::FOUND, &url);
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
    let mut id = None;
    let outcome = complete(request, state, params, &mut id).await;
    let mut response = match outcome {
        Ok(response) => response,
        Err(error) => {
            if let Some(id) = &id {
                let reason = error.to_string();
                state.step(id, Step { error: &reason, ..Step::named("account_refused") }).await;
            }
            refuse(&error, id.as_ref(), Lang::of(request))
        }
    };
    if let Some(id) = &id {
        trace::mark(&mut response, id);
    }
    response
}

async fn complete(
    request: &HttpRequest,
    state: &OauthState,
    params: &Params,
    id: &mut Option<FlowId>,
) -> Result<HttpResponse, SignInError> {
    let given = params.get("state").ok_or(SignInError::UnknownState)?;
    let pending: Pending = state.take(KIND, given).await?.ok_or(SignInError::UnknownState)?;
    if state.clock.now().since(pending.created_at) >= state.settings.flow_ttl {
        return Err(SignInError::UnknownState);
    }
    let same = |browser: Browser| browser.secret().as_bytes().ct_eq(pending.browser.as_bytes()).into();
    if !Browser::of(request, state).is_some_and(same) {
        return Err(SignInError::OtherBrowser);
    }
    *id = Some(pending.id.clone());
    if let Some(issuer) = params.get("iss")
        && !state.identity.is_issuer(issuer).await?
    {
        return Err(SignInError::ForeignIssuer);
    }
    if let Some(error) = params.get("error") {
        let text = params.get("error_description").unwrap_or_default();
        return Err(state.identity.callback_error(error, text, params.get("claims")).into());
    }
    let exchange = CodeExchange {
        code: Secret::new(params.get("code").ok_or(SignInError::UnknownState)?.to_owned()),
        redirect_uri: state.callback_uri(),
        verifier: Secret::new(pending.verifier),
        nonce: pending.nonce,
        scopes: ScopeSet::parse(SCOPES),
    };
    let sign_in = state.signed_in(&exchange).await?;
    if state.user_budget(&sign_in.user).await.is_some() {
        return Err(SignInError::TooMany);
    }
    if state.settings.admission(&sign_in.user.tid, &sign_in.tokens.profile) != Admission::Admitted {
        return Err(SignInError::NotAdmitted);
    }
    let cookie = Session::begin(&sign_in, state).await?;
    state.step(&pending.id, Step::named("account_signed_in")).await;
    let mut response = pages::redirect_to(StatusCode::FOUND, HOME);
    let _ = response.add_cookie(&cookie);
    Ok(response)
}

fn refuse(error: &SignInError, id: Option<&FlowId>, lang: Lang) -> HttpResponse {
    let (status, fault) = match error {
        SignInError::UnknownState => (StatusCode::BAD_REQUEST, Fault::Expired),
        SignInError::OtherBrowser => (StatusCode::FORBIDDEN, Fault::OtherBrowser),
        SignInError::ForeignIssuer => (StatusCode::BAD_REQUEST, Fault::Unverified),
        SignInError::TooMany => (StatusCode::TOO_MANY_REQUESTS, Fault::TooMany),
        SignInError::NotAdmitted => (StatusCode::FORBIDDEN, Fault::NotAdmitted),
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
