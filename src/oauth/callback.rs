//! The way back from Entra: same browser, `state` spent once, identity from a verified id_token, our code out.

use super::cookies::{self, Browser};
use super::flow::{Flow, Pending};
use super::pages::{self, Notice};
use super::params::Params;
use super::state::OauthState;
use super::texts::{Lang, explain};
use super::trace::{self, Step};
use super::{audit, routes, scopes, wire};
use crate::domain::grant::CodeRecord;
use crate::domain::ids::UserKey;
use crate::domain::random;
use crate::domain::secret::Secret;
use crate::domain::token::{self, Token, TokenKind};
use crate::domain::upstream::{SignIn, UpstreamTokens, sealing_context};
use crate::ports::identity::{CodeExchange, IdentityError, IdentityFault};
use crate::ports::store::{StoreError, Swap};
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};

const MAX_QUERY: usize = 16 * 1024;
/// Sign-ins of one user that may run into each other before we give up.
const SWAP_ATTEMPTS: usize = 8;

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
            let mut response = refuse(error, &state, Lang::of(request.headers()));
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
    let given = params.get("state").ok_or(CallbackError::UnknownState)?;
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
        let error = state.identity.callback_error(error, text);
        return Err(CallbackError::Identity(Box::new(pending.flow), error));
    }
    let code = params.get("code").ok_or(CallbackError::UnknownState)?;
    let sign_in = exchange(state, &pending, code).await?;
    if state.user_budget(&sign_in.user).await.is_some() {
        return Err(CallbackError::TooMany(Box::new(pending.flow)));
    }
    if !state.settings.admits(&sign_in.user.tid, &sign_in.tokens.profile) {
        audit::alarm("not_admitted", &pending.flow.client, Some(&sign_in.user));
        return Err(CallbackError::NotAdmitted(Box::new(pending.flow)));
    }
    admit(state, pending, sign_in).await
}

async fn exchange(state: &OauthState, pending: &Pending, code: &str) -> Result<SignIn, CallbackError> {
    let exchange = CodeExchange {
        code: Secret::new(code.to_owned()),
        redirect_uri: state.callback_uri(),
        verifier: Secret::new(pending.verifier.clone()),
        nonce: pending.nonce.clone(),
        scopes: scopes::graph(&pending.flow.scopes),
    };
    let outcome = state.identity.exchange(&exchange).await;
    outcome.map_err(|error| CallbackError::Identity(Box::new(pending.flow.clone()), error))
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
                return Ok(back(&flow, state, "consent_required", text));
            }
            return ask_again(state, flow.clone(), &sign_in.user).await.map_err(fail);
        }
        Some(_) => {}
        None => state.remember_consent(&sign_in.user, &flow).await.map_err(fail)?,
    }
    let version = store_tokens(state, &sign_in).await.map_err(fail)?;
    let version = version.ok_or_else(|| CallbackError::Contention(Box::new(flow.clone())))?;
    let code = issue_code(state, &flow, &sign_in, version).await.map_err(fail)?;
    audit::event("login", &flow.client, Some(&sign_in.user));
    state.step(&flow.id, flow.step("signed_in")).await;
    let location = flow.code_location(state.resources.issuer(), code.expose());
    let mut response = pages::redirect_to(StatusCode::FOUND, &location);
    trace::mark(&mut response, &flow.id);
    let _ = response.add_cookie(&cookies::user_cookie(&sign_in.user, state));
    Ok(response)
}

async fn ask_again(state: &OauthState, flow: Flow, user: &UserKey) -> Result<HttpResponse, StoreError> {
    let id = random::text::<32>();
    state.put_flow(&id, &Flow { created_at: state.clock.now(), ..flow }).await?;
    let mut response = pages::redirect_to(StatusCode::FOUND, &format!("/consent?flow={id}"));
    let _ = response.add_cookie(&cookies::user_cookie(user, state));
    Ok(response)
}

/// Writes the user's Entra tokens over whatever version stands; `None` when others keep getting in between.
async fn store_tokens(state: &OauthState, sign_in: &SignIn) -> Result<Option<u64>, StoreError> {
    let SignIn { user, tokens } = sign_in;
    let mut standing = match state.store.upstream(user).await {
        Ok(record) => record.map_or(0, |record| record.version),
        // A record that nobody can read any more must not lock its owner out; the swap tells the version.
        Err(StoreError::Corrupt { .. }) => 0,
        Err(error @ StoreError::Unavailable(_)) => return Err(error),
    };
    for _ in 0..SWAP_ATTEMPTS {
        let version = standing + 1;
        let sealed = state.cipher.seal(&sealing_context(user, version), &plain(tokens));
        match state.store.swap_upstream(user, standing, &sealed, state.settings.upstream_ttl).await? {
            Swap::Done => {
                state.tokens.forget(user);
                return Ok(Some(version));
            }
            Swap::Conflict { current } => standing = current,
        }
    }
    Ok(None)
}

fn plain(tokens: &UpstreamTokens) -> Vec<u8> {
    serde_json::to_vec(tokens).unwrap_or_default()
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
        flow: Some(flow.id.clone()),
        issued_at: now,
        expires_at: now.plus(state.settings.code_ttl),
    };
    state.store.put_code(&state.hasher.token_ref(&code), &record).await?;
    Ok(code)
}

fn refuse(error: CallbackError, state: &OauthState, lang: Lang) -> HttpResponse {
    match error {
        CallbackError::UnknownState => {
            let text = lang.pick(
                "This sign-in is unknown, finished already or too old.",
                "알 수 없거나 이미 끝났거나 만료된 로그인입니다.",
            );
            pages::dead_end(StatusCode::BAD_REQUEST, text, lang)
        }
        CallbackError::OtherBrowser => {
            let text = lang.pick(
                "This sign-in was begun in another browser. It has been ended.",
                "다른 브라우저에서 시작한 로그인이어서 종료했습니다.",
            );
            pages::dead_end(StatusCode::FORBIDDEN, text, lang)
        }
        // Mix-up (RFC 9207 §2.4): nothing of such an answer goes anywhere.
        CallbackError::ForeignIssuer(_) => {
            let text = lang.pick(
                "The answer does not come from the sign-in service that was asked.",
                "요청한 로그인 서비스에서 온 응답이 아닙니다.",
            );
            pages::dead_end(StatusCode::BAD_REQUEST, text, lang)
        }
        CallbackError::TooMany(flow) => {
            back(&flow, state, TEMPORARY.0, "too many sign-ins of this person, try again in a minute")
        }
        CallbackError::Identity(flow, error) => identity_refusal(&flow, &error, state, lang),
        CallbackError::NotAdmitted(flow) => {
            back(&flow, state, "access_denied", "this account may not use this server")
        }
        CallbackError::Contention(flow) => back(&flow, state, TEMPORARY.0, TEMPORARY.1),
        CallbackError::Store(cause) => {
            tracing::warn!(error = %cause, "a sign-in cannot be finished");
            pages::unavailable(lang)
        }
        CallbackError::StoreInFlow(flow, cause) => {
            tracing::warn!(error = %cause, "a sign-in cannot be finished");
            back(&flow, state, TEMPORARY.0, TEMPORARY.1)
        }
    }
}

const TEMPORARY: (&str, &str) =
    ("temporarily_unavailable", "sign-in does not work for the moment, try again shortly");

fn back(flow: &Flow, state: &OauthState, error: &str, description: &str) -> HttpResponse {
    let location = flow.error_location(state.resources.issuer(), error, description);
    pages::redirect_to(StatusCode::FOUND, &location)
}

/// One exhaustive mapping of upstream faults; Entra's own words stay in our log.
fn identity_refusal(flow: &Flow, error: &IdentityError, state: &OauthState, lang: Lang) -> HttpResponse {
    tracing::warn!(error = %error, client.id = %flow.client, "Entra refused a sign-in");
    let (name, text) = match error.fault {
        IdentityFault::Denied => ("access_denied", "the person declined at Microsoft"),
        IdentityFault::ConsentRequired => {
            ("access_denied", "the person has not consented at Microsoft; connect again and accept")
        }
        IdentityFault::AdminConsentRequired => return admin_page(flow, state, lang),
        IdentityFault::InteractionRequired => {
            ("access_denied", "Microsoft asks for another sign-in step; connect again")
        }
        IdentityFault::NotAllowed => ("access_denied", "Microsoft does not let this account in"),
        IdentityFault::InvalidIdToken => {
            audit::alarm("id_token_refused", &flow.client, None);
            ("access_denied", "the sign-in could not be verified")
        }
        IdentityFault::LoginRequired => ("login_required", "nobody is signed in at Microsoft"),
        IdentityFault::GrantDead => {
            ("server_error", "Microsoft did not accept its own sign-in; connect again")
        }
        IdentityFault::Misconfigured => ("server_error", "this server is not set up rightly at Microsoft"),
        IdentityFault::Unavailable => TEMPORARY,
    };
    back(flow, state, name, text)
}

/// In most tenants an administrator has to approve first: say so, with the list to approve.
fn admin_page(flow: &Flow, state: &OauthState, lang: Lang) -> HttpResponse {
    let wanted: Vec<String> = scopes::graph(&flow.scopes)
        .iter()
        .map(|scope| explain(scope, lang).map_or_else(|| scope.to_owned(), |w| format!("{scope}: {w}")))
        .collect();
    let steps: Vec<&str> = wanted.iter().map(String::as_str).collect();
    let back = flow.error_location(
        state.resources.issuer(),
        "access_denied",
        "an administrator of the organisation has to approve this server first",
    );
    let notice = Notice {
        status: StatusCode::FORBIDDEN,
        title: lang.pick("Your administrator has to approve", "관리자 승인이 필요합니다"),
        text: lang.pick(
            "Your organisation lets only administrators approve these permissions. Send them this list:",
            "조직에서 관리자만 다음 권한을 승인할 수 있습니다. 관리자에게 이 목록을 전달하세요.",
        ),
        steps: &steps,
        back: Some(&back),
    };
    pages::notice(notice, lang)
}
