//! Entra ID of the simulated tenant, one endpoint per file.

mod admin_consent;
mod apps;
mod authorize;
mod credentials;
mod discovery;
mod error;
pub(crate) mod forgery;
pub(crate) mod grants;
mod id_token;
mod keys;
mod logout;
mod on_demand;
mod params;
mod request;
mod scopes;
mod tenants;
mod token;

pub(crate) use apps::{APP_ID, APP_SECRET};
pub(crate) use credentials::{AppCredentials, CredentialChange};
pub(crate) use error::not_found;
pub(crate) use keys::KEY_ID;
pub(crate) use on_demand::refuse;

use actix_web::web::{self, ServiceConfig};

/// Mounts the endpoints below `/{tenant}`.
pub(crate) fn configure(cfg: &mut ServiceConfig) {
    cfg.route("/{tenant}/v2.0/.well-known/openid-configuration", web::get().to(discovery::discovery))
        .route("/{tenant}/discovery/v2.0/keys", web::get().to(keys::keys))
        .route("/{tenant}/oauth2/v2.0/authorize", web::get().to(authorize::open))
        .route("/{tenant}/oauth2/v2.0/authorize", web::post().to(authorize::submit))
        .route("/{tenant}/oauth2/v2.0/token", web::to(token::token))
        .route("/{tenant}/oauth2/v2.0/logout", web::to(logout::logout))
        .route("/{tenant}/v2.0/adminconsent", web::get().to(admin_consent::open))
        .route("/{tenant}/v2.0/adminconsent", web::post().to(admin_consent::submit))
        .route("/error", web::get().to(error::explain));
}
