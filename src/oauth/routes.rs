//! The routes of the authorization server with all their aliases; none of them redirects to another.

use super::limits::{self, Endpoint};
use super::state::OauthState;
use super::{
    account, authorize, callback, consent, help, introspect, manage, metadata, openid, register, revoke,
    token, wire,
};
use actix_web::dev::{ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::middleware::from_fn;
use actix_web::{Error, HttpRequest, HttpResponse, Route, guard, web};

const REGISTER_LIMIT: usize = 16 * 1024;
const TOKEN_LIMIT: usize = 64 * 1024;
const FORM_LIMIT: usize = 64 * 1024;

const GET: &str = "GET, HEAD, OPTIONS";
const POST: &str = "POST, OPTIONS";
const REGISTRATION: &str = "GET, PUT, DELETE, OPTIONS";
const PAGE: &str = "GET, HEAD, POST";

/// What a resource with middleware still is.
trait Endpoints:
    ServiceFactory<ServiceRequest, Config = (), Response = ServiceResponse, Error = Error, InitError = ()>
{
}

impl<T> Endpoints for T where
    T: ServiceFactory<ServiceRequest, Config = (), Response = ServiceResponse, Error = Error, InitError = ()>
{
}

/// Mounts the endpoints. Expects `web::Data<OauthState>`. No route of a service matches `/<svc>/authorize` and its like.
pub(crate) fn configure(cfg: &mut web::ServiceConfig) {
    well_known(cfg);
    for path in ["/register", "/oauth/register", "/{service}/register"] {
        cfg.service(json_post(path, (REGISTER_LIMIT, Endpoint::Register), web::post().to(register::post)));
    }
    for path in ["/register/{client_id}", "/oauth/register/{client_id}"] {
        cfg.service(registration(path));
    }
    for path in ["/token", "/oauth/token", "/{service}/token"] {
        cfg.service(json_post(path, (TOKEN_LIMIT, Endpoint::Token), web::post().to(token::post)));
    }
    cfg.service(json_post("/revoke", (TOKEN_LIMIT, Endpoint::Other), web::post().to(revoke::post)));
    cfg.service(json_post("/introspect", (TOKEN_LIMIT, Endpoint::Other), web::post().to(introspect::post)));
    for path in ["/authorize", "/oauth/authorize"] {
        cfg.service(page(path).route(read().to(authorize::get)).route(web::post().to(authorize::post)));
    }
    cfg.service(page("/{service}/authorize").route(read().to(authorize::of_service)));
    cfg.service(page("/consent").route(read().to(consent::get)).route(web::post().to(consent::post)));
    let connections = page("/account/connections").route(read().to(account::get));
    cfg.service(connections.route(web::post().to(account::post)));
    let keys = page("/account/keys").route(read().to(account::keys));
    cfg.service(keys.route(web::post().to(account::make_key)));
    cfg.service(page("/account/sign-out").route(web::post().to(account::sign_out)));
    cfg.service(page("/account/signed-out").route(read().to(account::signed_out)));
    cfg.service(page("/account").route(read().to(account::home)));
    cfg.service(page("/help/sign-in/{fault}").route(read().to(help::get)));
    for path in ["/callback", "/oauth/azure_callback", "/auth/callback", "/{service}/callback"] {
        cfg.service(page(path).route(web::get().to(callback::get)));
    }
}

fn well_known(cfg: &mut web::ServiceConfig) {
    let server = "/.well-known/oauth-authorization-server";
    for path in [server.to_owned(), format!("{server}/{{path:.+}}")] {
        cfg.service(document(&path, read().to(metadata::authorization_server)));
    }
    let openid = "/.well-known/openid-configuration";
    for path in [openid.to_owned(), format!("{openid}/{{path:.+}}"), format!("/{{path:.+}}{openid}")] {
        cfg.service(document(&path, read().to(metadata::openid_configuration)));
    }
    cfg.service(offered(document("/jwks.json", read().to(openid::jwks))));
    cfg.service(offered(userinfo()));
    let resource = "/.well-known/oauth-protected-resource";
    let appended = "/{path:[^/.]+(?:/(?:mcp|sse|ws))?}/.well-known/oauth-protected-resource";
    for path in [resource.to_owned(), format!("{resource}/{{path:.+}}"), appended.to_owned()] {
        cfg.service(document(&path, read().to(metadata::protected_resource)));
    }
}

/// GET, and HEAD with the same headers.
fn read() -> Route {
    web::route().guard(guard::Any(guard::Get()).or(guard::Head()))
}

fn document(path: &str, get: Route) -> actix_web::Resource {
    web::resource(path.to_owned())
        .route(get)
        .route(web::method(actix_web::http::Method::OPTIONS).to(async || wire::preflight("GET, OPTIONS")))
        .default_service(web::to(refuse_get))
}

/// Part of the OpenID unit: as good as absent where that is switched off.
fn offered(resource: actix_web::Resource) -> actix_web::Resource {
    let is_offered = |context: &guard::GuardContext<'_>| {
        context.app_data::<web::Data<OauthState>>().is_some_and(|state| state.settings.openid)
    };
    resource.guard(guard::fn_guard(is_offered))
}

fn userinfo() -> actix_web::Resource {
    web::resource("/userinfo")
        .route(web::get().to(openid::userinfo))
        .route(web::post().to(openid::userinfo))
        .route(
            web::method(actix_web::http::Method::OPTIONS).to(async || wire::preflight("GET, POST, OPTIONS")),
        )
        .default_service(web::to(refuse_userinfo))
}

async fn refuse_userinfo(request: HttpRequest) -> HttpResponse {
    wire::wrong_method(request.method(), "GET, POST, OPTIONS")
}

fn json_post(
    path: &str,
    (limit, budget): (usize, Endpoint),
    post: Route,
) -> actix_web::Resource<impl Endpoints + use<>> {
    web::resource(path.to_owned())
        .app_data(web::PayloadConfig::new(limit))
        .route(post)
        .route(web::method(actix_web::http::Method::OPTIONS).to(async || wire::preflight(POST)))
        .default_service(web::to(refuse_post))
        .wrap(from_fn(move |request, next| limits::json(budget, request, next)))
}

/// A registration that its holder manages (RFC 7592 §2).
fn registration(path: &str) -> actix_web::Resource<impl Endpoints + use<>> {
    web::resource(path.to_owned())
        .app_data(web::PayloadConfig::new(REGISTER_LIMIT))
        .route(web::get().to(manage::get))
        .route(web::put().to(manage::put))
        .route(web::delete().to(manage::delete))
        .route(web::method(actix_web::http::Method::OPTIONS).to(async || wire::preflight(REGISTRATION)))
        .default_service(web::to(refuse_registration))
        .wrap(from_fn(move |request, next| limits::json(Endpoint::Other, request, next)))
}

fn page(path: &str) -> actix_web::Resource<impl Endpoints + use<>> {
    web::resource(path.to_owned())
        .app_data(web::PayloadConfig::new(FORM_LIMIT))
        .default_service(web::to(refuse_page))
        .wrap(from_fn(move |request, next| limits::page(Endpoint::Authorize, request, next)))
}

async fn refuse_get(request: HttpRequest) -> HttpResponse {
    wire::wrong_method(request.method(), GET)
}

async fn refuse_post(request: HttpRequest) -> HttpResponse {
    wire::wrong_method(request.method(), POST)
}

async fn refuse_registration(request: HttpRequest) -> HttpResponse {
    wire::wrong_method(request.method(), REGISTRATION)
}

async fn refuse_page(request: HttpRequest) -> HttpResponse {
    wire::wrong_method(request.method(), PAGE)
}

/// Whether the service of the path exists; root paths name none.
pub(super) fn path_service_exists(request: &HttpRequest, state: &OauthState) -> bool {
    wire::service_in_path(request).is_none_or(|name| state.resources.service(name).is_some())
}
