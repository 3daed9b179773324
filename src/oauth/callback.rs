//! The way back from Entra: same browser, `state` spent once, identity from a verified id_token, our code out.

use super::admission::Admission;
use super::cookies::{self, Browser};
use super::flow::{Extra, Flow, Pending};
use super::forward::ForwardError;
use super::pages;
use super::params::{Params, append_query};
use super::state::OauthState;
use super::trace::{self, Step};
use super::{account, audit, help, routes, scopes, wire};
use crate::domain::clock::Timestamp;
use crate::domain::grant::CodeRecord;
use crate::domain::ids::FlowId;
use crate::domain::random;
use crate::domain::secret::Secret;
use crate::domain::token::{self, Token, TokenKind};
use crate::domain::upstream::SignIn;
use crate::html::{Fault, Lang};
use crate::ports::identity::{CodeExchange, IdentityError, IdentityFault};
use crate::ports::store::StoreError;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use std::time::Duration;

const MAX_QUERY: usize = 16 * 1024;
/// What a sign-in may be older than a client accepts: the way back takes its time, and two clocks are compared.
const AGE_SKEW: Duration = Duration::from_secs(30);

/// Why a sign-in ends without a code.
#[derive(Debug, thiserror::Error)]
enum CallbackError {
    #[error("the request is malformed, or its state is unknown, spent or too old")]
    UnknownState,
    #[error("another browser began this sign-in")]
    OtherBrowser,
    #[error("the answer comes from an issuer that was not asked")]
    ForeignIssuer(Box<Flow>),
    #[error("the person signs in too often")]
    TooMany(Box<Flow>),
    #[error("Entra: {1}")]
    Identity(Box<Flow>, IdentityError),
    #[error("the operator does not let this person in")]
    NotAdmitted(Box<Flow>),
    #[error("too many sign-ins of one user at once")]
    Contention(Box<Flow>),
    #[error("the store failed before the sign-in was identified")]
    Store(#[from] StoreError),
    #[error("the store failed")]
    StoreInFlow(Box<Flow>, #[source] StoreError),
}

impl CallbackError {
    /// The flow that ends here, once it is known whose it is.
    fn flow(&self) -> Option<&Flow> {
        match self {
            Self::UnknownState | Self::OtherBrowser | Self::Store(_) => None,
            Self::ForeignIssuer(flow)
            | Self::TooMany(flow)
            | Self::Identity(flow, _)
            | Self::NotAdmitted(flow)
            | Self::Contention(flow)
            | Self::StoreInFlow(flow, _) => Some(flow),
        }
    }

    /// What the trace keeps: never Entra's own words, which may name people.
    fn reason(&self) -> (String, u32) {
        if let Self::Identity(_, error) = self {
            return (format!("{:?}", error.fault), error.code);
        }
        (self.to_string(), 0)
    }
}

/// `GET /callback` and its aliases.
pub(super) async fn get(request: HttpRequest, state: web::Data<OauthState>) -> HttpResponse {
    if !routes::path_service_exists(&request, &state) {
        return wire::not_found();
    }
    match finish(&request, &state).await {
        Ok(response) => response,
        Err(error) => {
            let flow = error.flow().map(|flow| (flow.id.clone(), flow.client.clone()));
            if let Some((id, client)) = &flow {
                let (reason, aadsts) = error.reason();
                let step = Step { name: "callback_refused", client: client.as_str(), ..Step::default() };
                state.step(id, Step { error: &reason, aadsts, ..step }).await;
            }
            let mut response = refuse(error, &state, &request).await;
            if let Some((id, _)) = &flow {
                trace::mark(&mut response, id);
            }
            response
        }
    }
}

async fn finish(request: &HttpRequest, state: &OauthState) -> Result<HttpResponse, CallbackError> {
    let query = request.query_string();
    if query.len() > MAX_QUERY {
        return Err(CallbackError::UnknownState);
    }
    let params = Params::parse(query.as_bytes()).map_err(|_| CallbackError::UnknownState)?;
    if params.get("admin_consent").is_some_and(|given| given.eq_ignore_ascii_case("true")) {
        // An administrator who followed our link: says something to read and changes nothing.
        let lang = Lang::of(request);
        return Ok(if params.get("error").is_some() {
            pages::dead_end(StatusCode::FORBIDDEN, Fault::Declined, None, lang)
        } else {
            pages::granted(lang)
        });
    }
    let given = params.get("state").ok_or(CallbackError::UnknownState)?;
    if account::is_ours(given) {
        return Ok(account::finish(request, state, &params).await);
    }
    let pending = state.take_pending(given).await?.ok_or(CallbackError::UnknownState)?;
    if !Browser::of(request, state).is_some_and(|browser| pending.flow.is_of(&browser)) {
        audit::alarm("callback_other_browser", &pending.flow.client, None);
        return Err(CallbackError::OtherBrowser);
    }
    if let Some(issuer) = params.get("iss") {
        let asked = state.identity.is_issuer(issuer).await;
        if !asked.map_err(|error| CallbackError::Identity(Box::new(pending.flow.clone()), error))? {
            audit::alarm("callback_foreign_issuer", &pending.flow.client, None);
            return Err(CallbackError::ForeignIssuer(Box::new(pending.flow)));
        }
    }
    if let Some(error) = params.get("error") {
        let text = params.get("error_description").unwrap_or_default();
        let error = state.identity.callback_error(error, text, params.get("claims"));
        return refused(state, pending, error).await;
    }
    let code = params.get("code").ok_or(CallbackError::UnknownState)?;
    let sign_in = match state.signed_in(&exchange(state, &pending, code)).await {
        Ok(sign_in) => sign_in,
        Err(error) => return refused(state, pending, error).await,
    };
    if state.user_budget(&sign_in.user).await.is_some() {
        return Err(CallbackError::TooMany(Box::new(pending.flow)));
    }
    if !is_fresh_enough(&pending, &sign_in, state.clock.now()) {
        let problem = "the sign-in is older than the client accepts";
        return refused(state, pending, IdentityError::new(IdentityFault::LoginRequired, problem)).await;
    }
    if state.settings.admission(&sign_in.user.tid, &sign_in.tokens.profile) != Admission::Admitted {
        audit::alarm("not_admitted", &pending.flow.client, Some(&sign_in.user));
        return Err(CallbackError::NotAdmitted(Box::new(pending.flow)));
    }
    if pending.extra.claims.is_none() && !pending.extra.again {
        // The tokens of this person wait for claims, and this sign-in was begun without knowing who would come.
        let fail = |error| CallbackError::StoreInFlow(Box::new(pending.flow.clone()), error);
        if let Some(claims) = state.standing_challenge(&sign_in.user).await.map_err(fail)? {
            let extra = Extra { claims: Some(claims), prompt: None, again: true };
            return again(state, pending, extra).await;
        }
    }
    admit(state, pending, sign_in).await
}

/// Whether the person signed in as lately as the client wants (`max_age`, OpenID Connect Core §3.1.2.1). Where Entra does
/// not say when, only a sign-in that it was told to ask for counts.
fn is_fresh_enough(pending: &Pending, sign_in: &SignIn, now: Timestamp) -> bool {
    let Some(max_age) = pending.flow.max_age else { return true };
    match sign_in.auth_time {
        Some(at) => now.since(at) <= Duration::from_secs(max_age.into()) + AGE_SKEW,
        None => pending.upstream_prompt().as_deref() == Some("login"),
    }
}

/// Some refusals are a question to the person: Entra is asked once more, in the way that it wants to be asked.
async fn refused(
    state: &OauthState,
    pending: Pending,
    error: IdentityError,
) -> Result<HttpResponse, CallbackError> {
    let consent = error.fault == IdentityFault::ConsentRequired;
    let login = matches!(error.fault, IdentityFault::InteractionRequired | IdentityFault::LoginRequired);
    if pending.extra.again || pending.flow.prompt.none || !(consent || login) {
        return Err(CallbackError::Identity(Box::new(pending.flow), error));
    }
    let prompt = if consent { "consent" } else { "login" };
    tracing::info!(error = %error, client.id = %pending.flow.client, "Entra wants the sign-in begun again");
    let prompt = error.claims.is_none().then(|| prompt.to_owned());
    again(state, pending, Extra { claims: error.claims, prompt, again: true }).await
}

async fn again(state: &OauthState, pending: Pending, extra: Extra) -> Result<HttpResponse, CallbackError> {
    let Pending { flow, remembered_for, .. } = pending;
    let location =
        state.forward_with(flow.clone(), remembered_for, extra).await.map_err(|error| match error {
            ForwardError::Store(error) => CallbackError::StoreInFlow(Box::new(flow), error),
            ForwardError::Identity(error) => CallbackError::Identity(Box::new(flow), error),
        })?;
    Ok(pages::redirect_to(StatusCode::FOUND, &location))
}

fn exchange(state: &OauthState, pending: &Pending, code: &str) -> CodeExchange {
    CodeExchange {
        code: Secret::new(code.to_owned()),
        redirect_uri: state.callback_uri(),
        verifier: Secret::new(pending.verifier.clone()),
        nonce: pending.nonce.clone(),
        scopes: scopes::graph(&pending.flow.scopes),
    }
}

/// Stores what Entra gave and sends the browser back to the client.
async fn admit(state: &OauthState, pending: Pending, sign_in: SignIn) -> Result<HttpResponse, CallbackError> {
    let Pending { flow, remembered_for, .. } = pending;
    let fail = |error| CallbackError::StoreInFlow(Box::new(flow.clone()), error);
    match remembered_for {
        // The page was skipped for somebody else: this person has to be asked.
        Some(asked)
            if asked != sign_in.user && !state.has_consent(&sign_in.user, &flow).await.map_err(fail)? =>
        {
            if flow.prompt.none {
                let text = "the person has not approved this application yet";
                return Ok(back(&flow, state, ("consent_required", text), Fault::ConsentMissing));
            }
            return ask_again(state, flow.clone(), &sign_in).await.map_err(fail);
        }
        Some(_) => {}
        None => state.remember_consent(&sign_in.user, &flow).await.map_err(fail)?,
    }
    let version = state.keep_tokens(&sign_in).await.map_err(fail)?;
    let version = version.ok_or_else(|| CallbackError::Contention(Box::new(flow.clone())))?;
    let code = issue_code(state, &flow, &sign_in, version).await.map_err(fail)?;
    audit::event("login", &flow.client, Some(&sign_in.user));
    state.step(&flow.id, flow.step("signed_in")).await;
    let location = flow.code_location(state.resources.issuer(), code.expose());
    let mut response = pages::redirect_to(StatusCode::FOUND, &location);
    trace::mark(&mut response, &flow.id);
    let _ = response.add_cookie(&cookies::user_cookie(&sign_in, state));
    Ok(response)
}

async fn ask_again(state: &OauthState, flow: Flow, sign_in: &SignIn) -> Result<HttpResponse, StoreError> {
    let mut response = pages::redirect_to(StatusCode::FOUND, &begin_again(state, flow).await?);
    let _ = response.add_cookie(&cookies::user_cookie(sign_in, state));
    Ok(response)
}

/// The consent page of the same request, once more.
async fn begin_again(state: &OauthState, flow: Flow) -> Result<String, StoreError> {
    let id = random::text::<32>();
    state.put_flow(&id, &Flow { created_at: state.clock.now(), ..flow }).await?;
    Ok(format!("/consent?flow={id}"))
}

async fn issue_code(
    state: &OauthState,
    flow: &Flow,
    sign_in: &SignIn,
    upstream_version: u64,
) -> Result<Token, StoreError> {
    let grant = token::new_grant();
    let code = Token::mint(TokenKind::Code, &grant);
    let now = state.clock.now();
    let record = CodeRecord {
        grant,
        client: flow.client.clone(),
        user: sign_in.user.clone(),
        service: flow.service.clone(),
        scopes: scopes::given(&flow.scopes, &sign_in.tokens.scopes),
        redirect_uri: flow.redirect_uri.clone(),
        code_challenge: flow.code_challenge.clone(),
        upstream_version,
        nonce: flow.nonce.clone(),
        jkt: flow.jkt.clone(),
        // A clock of Entra's that is ahead of ours must not date a sign-in into the future.
        auth_time: sign_in.auth_time.filter(|at| *at < now),
        flow: Some(flow.id.clone()),
        issued_at: now,
        expires_at: now.plus(state.settings.code_ttl),
    };
    state.store.put_code(&state.hasher.token_ref(&code), &record).await?;
    Ok(code)
}

async fn refuse(error: CallbackError, state: &OauthState, request: &HttpRequest) -> HttpResponse {
    let reference = error.flow().map(|flow| flow.id.clone());
    let lang = error.flow().and_then(|flow| flow.lang).unwrap_or_else(|| Lang::of(request));
    let page = |status, fault| pages::dead_end(status, fault, reference.as_ref().map(FlowId::as_str), lang);
    match error {
        CallbackError::UnknownState => page(StatusCode::BAD_REQUEST, Fault::Expired),
        CallbackError::OtherBrowser => page(StatusCode::FORBIDDEN, Fault::OtherBrowser),
        // Mix-up (RFC 9207 §2.4): nothing of such an answer goes anywhere.
        CallbackError::ForeignIssuer(_) => page(StatusCode::BAD_REQUEST, Fault::Unverified),
        CallbackError::TooMany(flow) => {
            let text = "too many sign-ins of this person, try again in a minute";
            back(&flow, state, (TEMPORARY.0, text), Fault::Unavailable)
        }
        CallbackError::Identity(flow, error) => identity_refusal(&flow, &error, state, lang).await,
        CallbackError::NotAdmitted(flow) => {
            back(&flow, state, ("access_denied", "this account may not use this server"), Fault::NotAdmitted)
        }
        CallbackError::Contention(flow) => back(&flow, state, TEMPORARY, Fault::Unavailable),
        CallbackError::Store(cause) => {
            tracing::warn!(error = %cause, "a sign-in cannot be finished");
            pages::unavailable(None, lang)
        }
        CallbackError::StoreInFlow(flow, cause) => {
            tracing::warn!(error = %cause, "a sign-in cannot be finished");
            back(&flow, state, TEMPORARY, Fault::Unavailable)
        }
    }
}

const TEMPORARY: (&str, &str) =
    ("temporarily_unavailable", "sign-in does not work for the moment, try again shortly");

/// Tells the client, and where the person can read what happened (`error_uri`, RFC 6749 §4.1.2.1).
fn back(flow: &Flow, state: &OauthState, error: (&str, &str), fault: Fault) -> HttpResponse {
    let issuer = state.resources.issuer();
    let page = help::address(issuer, fault, &flow.id);
    let location = flow.error_location(issuer, error.0, error.1);
    pages::redirect_to(StatusCode::FOUND, &append_query(&location, &[("error_uri", &page)]))
}

/// One exhaustive mapping of upstream faults; Entra's own words stay in our log.
async fn identity_refusal(
    flow: &Flow,
    error: &IdentityError,
    state: &OauthState,
    lang: Lang,
) -> HttpResponse {
    tracing::warn!(error = %error, client.id = %flow.client, "Entra refused a sign-in");
    let (name, text, fault) = match error.fault {
        IdentityFault::Denied => ("access_denied", "the person declined at Microsoft", Fault::Declined),
        IdentityFault::ConsentRequired => {
            let text = "the person has not consented at Microsoft; connect again and accept";
            ("access_denied", text, Fault::ConsentMissing)
        }
        IdentityFault::AdminConsentRequired => return admin_page(flow, state, lang).await,
        IdentityFault::InteractionRequired => {
            let text = "Microsoft asks for another sign-in step; connect again";
            ("access_denied", text, Fault::StepMissing)
        }
        IdentityFault::NotAllowed => {
            ("access_denied", "Microsoft does not let this account in", Fault::NotAllowed)
        }
        IdentityFault::InvalidIdToken => {
            audit::alarm("id_token_refused", &flow.client, None);
            ("access_denied", "the sign-in could not be verified", Fault::Unverified)
        }
        IdentityFault::LoginRequired => {
            ("login_required", "nobody is signed in at Microsoft", Fault::StepMissing)
        }
        IdentityFault::GrantDead => {
            let text = "Microsoft did not accept its own sign-in; connect again";
            ("server_error", text, Fault::Expired)
        }
        IdentityFault::Blocked => {
            let text = "Microsoft does not allow a sign-in from this device or place";
            ("access_denied", text, Fault::NotAllowed)
        }
        IdentityFault::AccountState => {
            let text = "the account is locked or disabled, or its password has expired";
            ("access_denied", text, Fault::NotAllowed)
        }
        IdentityFault::Unknown => {
            let text = "Microsoft refused the sign-in for a reason unknown here";
            ("server_error", text, Fault::Unavailable)
        }
        IdentityFault::Misconfigured => {
            audit::alarm("entra_setup", &flow.client, None);
            ("server_error", "this server is not set up rightly at Microsoft", Fault::Misconfigured)
        }
        IdentityFault::CredentialRefused => {
            audit::alarm("entra_setup", &flow.client, None);
            (TEMPORARY.0, TEMPORARY.1, Fault::Misconfigured)
        }
        IdentityFault::Unavailable => (TEMPORARY.0, TEMPORARY.1, Fault::Unavailable),
    };
    back(flow, state, (name, text), fault)
}

/// In most tenants an administrator has to approve first: say so, with the list to approve and the way to do it.
async fn admin_page(flow: &Flow, state: &OauthState, lang: Lang) -> HttpResponse {
    let scopes = scopes::graph(&flow.scopes);
    let link = state.identity.admin_consent_url(&scopes, &state.callback_uri());
    let text = "an administrator of the organisation has to approve this server first";
    let back = flow.error_location(state.resources.issuer(), "access_denied", text);
    // Without the way back to the consent page the others are still worth showing.
    let again = begin_again(state, flow.clone()).await;
    let again = again.inspect_err(|e| tracing::warn!(error = %e, "a sign-in cannot be offered again")).ok();
    let page = pages::AdminConsent {
        server: state.resources.issuer(),
        scopes: &scopes,
        link: link.as_deref(),
        retry: again.as_deref(),
        back: &back,
        reference: Some(flow.id.as_str()),
    };
    pages::admin_consent(page, lang)
}
