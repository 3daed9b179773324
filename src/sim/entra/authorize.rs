//! `/{tenant}/oauth2/v2.0/authorize`: the account page and its answer.

use actix_web::{
    HttpRequest, HttpResponse,
    cookie::{Cookie, SameSite},
    http::header,
    web,
};
use url::Url;
use uuid::Uuid;

use super::{
    apps::APP_ID,
    error::{AadError, Trace},
    grants::{Code, Grant},
    params::Params,
    request::{Prompt, ResponseMode, Target, Wish},
};
use crate::sim::{clock, directory::Person, page, state::SimState};

/// The browser's sign-in session.
pub(super) const SESSION_COOKIE: &str = "SIMESTSAUTH";
/// What the account page adds to the request it carries.
const PAGE_FIELDS: [&str; 2] = ["username", "decision"];

/// One authorization request with what is needed to answer it.
struct Visit<'a> {
    state: &'a SimState,
    trace: &'a Trace,
    target: &'a Target,
    /// The session of the browser, from its cookie.
    sid: Option<String>,
}

/// `GET`: shows the account page, or answers at once with `prompt=none`.
pub(super) async fn open(
    request: HttpRequest,
    tenant: web::Path<String>,
    state: web::Data<SimState>,
) -> HttpResponse {
    handle(&request, &tenant, &state, request.query_string().as_bytes())
}

/// `POST`: the account page's answer, or a request sent as a form.
pub(super) async fn submit(
    request: HttpRequest,
    tenant: web::Path<String>,
    state: web::Data<SimState>,
    body: Result<web::Bytes, actix_web::Error>,
) -> HttpResponse {
    match body {
        Ok(body) => handle(&request, &tenant, &state, &body),
        Err(_) => AadError::body_too_large().page(&Trace::of(&request)),
    }
}

fn handle(request: &HttpRequest, tenant: &str, state: &SimState, raw: &[u8]) -> HttpResponse {
    let trace = Trace::of(request);
    let parsed = Params::parse(raw).and_then(|params| Ok((Target::parse(tenant, &params, state)?, params)));
    let (target, params) = match parsed {
        Ok(parsed) => parsed,
        Err(error) => return error.page(&trace),
    };
    let sid = request.cookie(SESSION_COOKIE).map(|cookie| cookie.value().to_owned());
    let visit = Visit { state, trace: &trace, target: &target, sid };
    let wish = match Wish::parse(&params) {
        Ok(wish) => wish,
        Err(error) => return visit.refuse(&error),
    };
    if params.get("decision") == Some("cancel") {
        return visit.refuse(&AadError::declined());
    }
    if wish.prompt == Prompt::None {
        return visit.silent(wish);
    }
    if params.has("username") { visit.sign_in(wish, &params) } else { visit.page(&wish, &params, None) }
}

impl Visit<'_> {
    fn page(&self, wish: &Wish, params: &Params, problem: Option<&str>) -> HttpResponse {
        let username = params.get("username").or(wish.login_hint.as_deref()).unwrap_or_default();
        let page = page::account(&page::Account {
            action: "authorize",
            username,
            problem,
            people: &self.state.directory.people,
            permissions: &wish.asked.graph,
            carried: params.except(&PAGE_FIELDS).collect(),
        });
        let mut response = HttpResponse::Ok();
        self.trace
            .stamp(&mut response)
            .insert_header((header::X_FRAME_OPTIONS, "DENY"))
            .content_type(page::HTML)
            .body(page.into_string())
    }

    fn sign_in(&self, wish: Wish, params: &Params) -> HttpResponse {
        let Some(person) = params.get("username").and_then(|name| self.state.directory.by_upn(name)) else {
            return self.page(&wish, params, Some(AadError::unknown_user().text()));
        };
        if person.is_disabled() {
            return self.page(&wish, params, Some(AadError::disabled_user().text()));
        }
        let strict = self.state.options.admin_consent_required();
        let approved = self.state.grants.approved();
        let missing =
            wish.asked.admin_only(strict).find(|scope| !approved.iter().any(|known| known == scope));
        if let Some(scope) = missing {
            return self.refuse(&AadError::needs_admin(scope));
        }
        self.state.grants.consent(&person.oid, &wish.asked.graph);
        let sid = self.state.grants.open_session(&person.oid);
        self.grant(wish, person, sid)
    }

    /// `prompt=none`: a code for the browser's session, or the reason why a page would be needed.
    fn silent(&self, wish: Wish) -> HttpResponse {
        let signed_in = self.sid.as_ref().and_then(|sid| {
            let person = self.state.directory.by_oid(&self.state.grants.session(sid)?.oid)?;
            Some((sid.clone(), person))
        });
        let Some((sid, person)) = signed_in else { return self.refuse(&AadError::login_required()) };
        let other_wanted =
            wish.login_hint.as_ref().is_some_and(|hint| !hint.eq_ignore_ascii_case(&person.upn));
        if person.is_disabled() || other_wanted {
            return self.refuse(&AadError::login_required());
        }
        let consented = self.state.grants.consented(&person.oid);
        if !wish.asked.graph.iter().all(|scope| consented.contains(scope)) {
            return self.refuse(&AadError::consent_missing_silently());
        }
        self.grant(wish, person, sid)
    }

    fn grant(&self, wish: Wish, person: &Person, sid: String) -> HttpResponse {
        let cookie = Cookie::build(SESSION_COOKIE, sid.clone())
            .path("/")
            .http_only(true)
            .same_site(SameSite::Lax)
            .finish();
        let since = self.state.grants.session(&sid).map(|session| session.since);
        let code = self.state.grants.add_code(Code {
            grant: Grant {
                oid: person.oid.clone(),
                app_id: APP_ID.to_owned(),
                asked: wish.asked,
                auth_time: since.unwrap_or_else(clock::now_secs),
                sid,
            },
            redirect_uri: self.target.redirect_uri.clone(),
            nonce: wish.nonce,
            challenge: wish.challenge,
        });
        let session_state = Uuid::new_v4().to_string();
        self.send(&[("code", &code), ("session_state", &session_state)], Some(cookie))
    }

    fn refuse(&self, error: &AadError) -> HttpResponse {
        let description = error.description(self.trace);
        let uri = error.uri(&self.state.url);
        let mut answer =
            vec![("error", error.error), ("error_description", &description), ("error_uri", &uri)];
        if error.code == 65_004 {
            answer.push(("error_subcode", "cancel"));
        }
        self.send(&answer, None)
    }

    /// Sends the answer to the reply URL, `state` added.
    fn send(&self, answer: &[(&str, &str)], cookie: Option<Cookie<'static>>) -> HttpResponse {
        let mut pairs = answer.to_vec();
        if let Some(state) = &self.target.state {
            pairs.push(("state", state));
        }
        let mut response = if self.target.mode == ResponseMode::FormPost {
            HttpResponse::Ok()
        } else {
            HttpResponse::Found()
        };
        self.trace.stamp(&mut response);
        if let Some(cookie) = cookie {
            response.cookie(cookie);
        }
        if self.target.mode == ResponseMode::FormPost {
            let page = page::form_post(&self.target.redirect_uri, &pairs);
            return response.content_type(page::HTML).body(page.into_string());
        }
        match location(self.target, &pairs) {
            Some(location) => response.insert_header((header::LOCATION, location)).finish(),
            None => AadError::wrong_reply_url().page(self.trace),
        }
    }
}

fn location(target: &Target, pairs: &[(&str, &str)]) -> Option<String> {
    let mut url = Url::parse(&target.redirect_uri).ok()?;
    if target.mode == ResponseMode::Query {
        url.query_pairs_mut().extend_pairs(pairs);
    } else {
        let text = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        url.set_fragment(Some(&text));
    }
    Some(url.into())
}
