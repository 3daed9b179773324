//! What may be wrong with an answer of the simulated tenant.

use super::description::{Description, Operation};
use super::record::Exchange;

pub(crate) fn faults(description: &Description, operation: &Operation, exchange: &Exchange) -> Vec<String> {
    let status = exchange.status;
    if status >= 400 {
        let wrong = description.misfits_of("odataError", &exchange.response);
        return wrong.into_iter().map(|fault| format!("answer {status}: {fault}")).collect();
    }
    let place = format!("/responses/{status}");
    let Some(declared) = description.at(operation, &place) else {
        return vec![format!("the operation never answers {status}")];
    };
    let content = &declared["content"];
    let is_text = exchange.response.get("bytes").is_some();
    match (content.get("application/json"), exchange.response.is_null()) {
        (Some(_), true) => vec![format!("answer {status} has no body")],
        (Some(_), false) => {
            let schema = format!("{place}/content/application~1json/schema");
            let wrong = description.misfits(operation, &schema, &exchange.response);
            wrong.into_iter().map(|fault| format!("answer {status}: {fault}")).collect()
        }
        (None, false) if !is_text && content.is_null() => vec![format!("answer {status} has a body")],
        (None, _) => Vec::new(),
    }
}
