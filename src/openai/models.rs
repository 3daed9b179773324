//! `GET /v1/models` and `GET /v1/models/{id}`: one service is one model. `GET /v1/functions`, ours: its tools as
//! functions, ready to be passed as `tools`.

use super::convert;
use super::door;
use super::error::ApiError;
use super::state::OpenAiState;
use crate::tools::tool::{Service, ToolSpec, is_tool_on};
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value, json};

/// `GET /v1/models`.
pub(super) async fn list(request: HttpRequest, state: web::Data<OpenAiState>) -> HttpResponse {
    let answer = async {
        let (service, _) = door::admit(&request, &state).await?;
        Ok(answered(json!({ "object": "list", "data": [model(service.as_ref(), &state)] })))
    };
    door::finish(answer.await, &request, &state)
}

/// `GET /v1/models/{id}`.
pub(super) async fn retrieve(request: HttpRequest, state: web::Data<OpenAiState>) -> HttpResponse {
    let answer = async {
        let (service, _) = door::admit(&request, &state).await?;
        let id = request.match_info().get("id").unwrap_or_default();
        let name = service.info().name.as_str();
        if id != name {
            return Err(ApiError::unknown_model(id, name));
        }
        Ok(answered(model(service.as_ref(), &state)))
    };
    door::finish(answer.await, &request, &state)
}

/// `GET /v1/functions`; `?form=responses` for the flat form.
pub(super) async fn functions(request: HttpRequest, state: web::Data<OpenAiState>) -> HttpResponse {
    let answer = async {
        let (service, _) = door::admit(&request, &state).await?;
        let off = state.dispatcher.registry().switches().now();
        let is_flat = request.query_string().split('&').any(|pair| pair == "form=responses");
        let function =
            |spec: &ToolSpec| if is_flat { convert::flat_function(spec) } else { convert::function(spec) };
        let specs = service.tools().iter().map(|tool| tool.spec());
        let on = specs.filter(|spec| is_tool_on(service.as_ref(), spec.name, &off.off));
        Ok(answered(json!({ "object": "list", "data": on.map(function).collect::<Vec<Value>>() })))
    };
    door::finish(answer.await, &request, &state)
}

fn model(service: &dyn Service, state: &OpenAiState) -> Value {
    let info = service.info();
    json!({
        "id": info.name.as_str(), "object": "model", "created": state.since, "owned_by": "entrada",
        "name": info.title, "description": info.description,
    })
}

fn answered(body: Value) -> HttpResponse {
    HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(body)
}
