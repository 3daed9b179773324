//! `tasks/get`, `tasks/update` and `tasks/cancel` of the tasks extension.

use super::super::error::{MISSING_CAPABILITY, RpcError, refuse, unavailable};
use super::super::exchange::{Answer, Exchange};
use super::super::jsonrpc::{Call, Id};
use super::super::mrtr;
use super::super::result::{required, result};
use super::super::tasks::{Owner, unknown};
use super::super::tool_result::Form;
use crate::ports::store::StoreError;
use crate::tools::outlet::{Feature, Features};
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use serde_json::{Map, Value, json};

pub(super) async fn serve(x: &Exchange<'_>, id: Id<'_>, call: &Call<'_>, features: Features) -> HttpResponse {
    if !features.tasks {
        let error = RpcError::new(MISSING_CAPABILITY, "Tasks need the tasks extension.")
            .with_data(json!({ "requiredCapabilities": required(Feature::Tasks) }));
        return refuse(StatusCode::BAD_REQUEST, Some(id.raw()), &error);
    }
    let owner = Owner { state: x.state, user: &x.bearer.caller.user, service: &x.ready.name };
    let Some(task) = super::string(call.params.task_id) else {
        return x.respond(Answer::error(id, &unknown()));
    };
    let found = match call.method.as_ref() {
        "tasks/get" => owner.get(&task).await,
        "tasks/cancel" => owner.cancel(&task).await.map(ack),
        _ => match given(call) {
            Ok(given) => owner.update(&task, &given).await.map(ack),
            Err(error) => return x.respond(Answer::error(id, &error)),
        },
    };
    answer(x, id, found)
}

fn ack(exists: bool) -> Option<Value> {
    exists.then(|| json!({}))
}

fn given(call: &Call<'_>) -> Result<Map<String, Value>, RpcError> {
    mrtr::responses(call.params.input_responses.map_or("{}", |raw| raw.get()))
}

fn answer(x: &Exchange<'_>, id: Id<'_>, found: Result<Option<Value>, StoreError>) -> HttpResponse {
    match found {
        Ok(Some(members)) => {
            let form = Form::modern(x.ready.modern_close.clone());
            x.respond(Answer::Body(result(id.raw(), &members, &form)))
        }
        Ok(None) => x.respond(Answer::error(id, &unknown())),
        Err(error) => {
            tracing::warn!(error = %error, "tasks without store");
            unavailable(Some(id.raw()))
        }
    }
}
