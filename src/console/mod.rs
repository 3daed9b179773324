//! The operators' front: REST under `/admin/v1` and `/metrics`, on a listener of its own, behind one bearer token.
//!
//! # One request
//! `token` lets nobody in without the token, whatever the path; one file per resource reads the request, asks the store
//! or the core, and answers JSON; `wire` has the one shape of refusals. What an operator changes is written to the audit
//! log and takes effect on every replica.
//!
//! # Must not know
//! The other fronts. What a change means for open streams and lists is theirs to hear from the bus.

mod clients;
mod flows;
mod grants;
mod metrics;
mod paging;
mod services;
mod sessions;
mod state;
mod token;
mod wire;

pub(crate) use state::{ConsoleState, EndSession};
pub(crate) use token::AdminToken;

use actix_web::middleware::from_fn;
use actix_web::web;

/// Largest request body, in bytes.
const BODY_LIMIT: usize = 16 * 1024;

/// Mounts the API; needs `web::Data<ConsoleState>`.
pub(crate) fn configure(cfg: &mut web::ServiceConfig) {
    let api = web::scope("/admin/v1")
        .app_data(web::JsonConfig::default().limit(BODY_LIMIT).error_handler(wire::bad_body))
        .app_data(web::QueryConfig::default().error_handler(wire::bad_query))
        .service(web::resource("/clients").route(web::get().to(clients::list)))
        .service(
            web::resource("/clients/{id:.+}")
                .route(web::get().to(clients::get))
                .route(web::delete().to(clients::delete)),
        )
        .service(web::resource("/grants").route(web::get().to(grants::list)))
        .service(web::resource("/grants/{id}").route(web::delete().to(grants::delete)))
        .service(web::resource("/revoke").route(web::post().to(grants::revoke)))
        .service(web::resource("/users").route(web::get().to(grants::users)))
        .service(web::resource("/sessions").route(web::get().to(sessions::list)))
        .service(web::resource("/sessions/{id}").route(web::delete().to(sessions::delete)))
        .service(web::resource("/flows/{id}").route(web::get().to(flows::get)))
        .service(web::resource("/services").route(web::get().to(services::list)))
        .service(web::resource("/services/{service}").route(web::put().to(services::put)))
        .service(web::resource("/services/{service}/tools/{tool}").route(web::put().to(services::put_tool)));
    // Nobody learns without the token what there is and what not.
    cfg.service(
        web::scope("")
            .service(api)
            .route("/metrics", web::get().to(metrics::scrape))
            .default_service(web::to(wire::nothing_here))
            .wrap(from_fn(token::required)),
    );
}
