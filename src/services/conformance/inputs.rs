//! Tools that need input over several round trips.

use super::fixture::{Run, bare, field, form, sample, sampled};
use crate::tools::outlet::{Ask, Question};
use crate::tools::output::ToolOutput;
use crate::tools::tool::Tool;
use futures_util::FutureExt;
use std::sync::Arc;

pub(super) fn tools() -> Vec<Arc<dyn Tool>> {
    vec![
        bare("test_input_required_result_elicitation", "Asks for a name.", ELICITATION),
        bare("test_input_required_result_sampling", "Asks the client's model.", SAMPLING),
        bare("test_input_required_result_list_roots", "Asks for the roots.", ROOTS),
        bare("test_input_required_result_request_state", "Asks and checks the state.", STATE),
        bare("test_input_required_result_multiple_inputs", "Asks three things at once.", SEVERAL),
        bare("test_input_required_result_multi_round", "Asks twice.", ROUNDS),
        bare("test_input_required_result_tampered_state", "Asks and checks the state.", STATE),
        bare("test_input_required_result_capabilities", "Asks what the client can answer.", CAPABILITIES),
    ]
}

fn question(key: &str, ask: Ask) -> Question {
    Question { key: key.to_owned(), ask }
}

fn name() -> Ask {
    form("What is your name?", "name", "string")
}

const ELICITATION: Run = |context, _| {
    async move {
        let answer = context.ask("user_name", name())?;
        Ok(ToolOutput::text(format!("Hello, {}!", field(&answer, "name"))))
    }
    .boxed()
};
const SAMPLING: Run = |context, _| {
    async move {
        let answer = context.ask("capital_question", sample("What is the capital of France?", 100))?;
        Ok(ToolOutput::text(sampled(&answer)))
    }
    .boxed()
};
const ROOTS: Run = |context, _| {
    async move {
        let answer = context.ask("client_roots", Ask::Roots)?;
        let count = answer.get("roots").and_then(serde_json::Value::as_array).map_or(0, Vec::len);
        Ok(ToolOutput::text(format!("The client has {count} roots.")))
    }
    .boxed()
};
const STATE: Run = |context, _| {
    async move {
        context.ask("confirm", form("Please confirm", "ok", "boolean"))?;
        let state = if context.outlet.resumed { "state-ok" } else { "no state" };
        Ok(ToolOutput::text(format!("Confirmed: {state}")))
    }
    .boxed()
};
const SEVERAL: Run = |context, _| {
    async move {
        let answers = context.ask_all(vec![
            question("user_name", name()),
            question("greeting", sample("Generate a greeting", 50)),
            question("client_roots", Ask::Roots),
        ])?;
        Ok(ToolOutput::text(format!("Received {} answers.", answers.len())))
    }
    .boxed()
};
const ROUNDS: Run = |context, _| {
    async move {
        let first = context.ask("step1", form("Step 1: What is your name?", "name", "string"))?;
        let second = context.ask("step2", form("Step 2: What is your favorite color?", "color", "string"))?;
        Ok(ToolOutput::text(format!("{} likes {}.", field(&first, "name"), field(&second, "color"))))
    }
    .boxed()
};
const CAPABILITIES: Run = |context, _| {
    async move {
        let all = [question("user_name", name()), question("greeting", sample("Generate a greeting", 50))];
        let offered = all.into_iter().filter(|q| context.offers(q.ask.feature())).collect();
        let answers = context.ask_all(offered)?;
        Ok(ToolOutput::text(format!("Received {} answers.", answers.len())))
    }
    .boxed()
};
