//! The answer without a language model: five rules, always the same answer to the same request.
//!
//! | The conversation | Answer |
//! |---|---|
//! | ends with calls that nobody answered | they are run; their results |
//! | ends with answers to calls | those, as prose |
//! | `tool_choice` names a tool, and the person wrote a JSON object | it is run; its result |
//! | the person wrote `tool_name {json}` | it is run; its result |
//! | the person asked for something that the planner understands | the call for the client to run, if it has that function; else it is run |
//! | anything else | what can be asked here, with three examples |

use super::super::conversation::{Call, Choice};
use super::super::convert::ToolMessage;
use super::super::error::ApiError;
use super::super::usage;
use super::{End, Job, Piece, Pieces, Reason};
use crate::tools::plan::Plan;
use serde_json::{Map, Value};
use std::fmt::Write as _;
use std::time::{Duration, Instant};

/// Most calls that are run for one request, and how long another one may still begin.
const MAX_OPEN: usize = 32;
const OPEN_TIME: Duration = Duration::from_mins(2);
/// Text goes out in portions of about so many bytes, so that people see it coming.
const PORTION: usize = 1024;

pub(super) async fn answer(job: &Job, out: &Pieces) -> Result<End, ApiError> {
    let conversation = &job.conversation;
    if let Choice::Function(name) = &conversation.choice
        && job.tool(name).is_none()
        && !conversation.has_tool(name)
    {
        let message = format!("`{name}` is neither a tool of this service nor one of yours.");
        return Err(ApiError::invalid("tool_choice", message));
    }
    let open = conversation.open_calls();
    if !open.is_empty() {
        return run_open(job, &open, out).await;
    }
    let answers = conversation.closing_answers();
    if !answers.is_empty() {
        return say(job, &answers.join("\n\n"), out).await;
    }
    let request = conversation.request().unwrap_or_default().trim();
    if let Some(call) = direct(job, request)? {
        return run(job, &call, "", out).await;
    }
    let planned = if request.is_empty() { None } else { plan(job, request).await? };
    match planned {
        Some(plan) => follow(job, &plan, out).await,
        None => say(job, &abilities(job, request), out).await,
    }
}

/// Runs the calls that the client left to us: none before all of them are known to be good.
async fn run_open(job: &Job, open: &[&Call], out: &Pieces) -> Result<End, ApiError> {
    let mut ready = Vec::new();
    let calling = job.conversation.calling_place();
    if open.len() > MAX_OPEN {
        let message =
            format!("At most {MAX_OPEN} calls are run for one request: answer some, or send fewer.");
        return Err(ApiError::invalid(format!("{calling}.tool_calls"), message));
    }
    for call in open {
        let place = |member: &str| format!("{calling}.tool_calls[{}].function.{member}", call.id);
        let Some(tool) = job.tool(&call.name) else {
            let message = "This is no tool of this service, so its answer must come from you.";
            return Err(ApiError::invalid(place("name"), message));
        };
        tool?;
        let arguments = call.parsed().map_err(|message| ApiError::invalid(place("arguments"), message))?;
        ready.push((*call, arguments));
    }
    let mut results = Vec::new();
    // One after the other: a later call may build on what an earlier one wrote.
    let until = Instant::now() + OPEN_TIME;
    for (call, arguments) in ready {
        let result = if Instant::now() < until {
            job.run_call(call, arguments, out).await?
        } else {
            ToolMessage::refused(
                call,
                "Not run: the calls before it took too long. Send it again.".to_owned(),
            )
        };
        results.push(result.clone());
        out.tell(Piece::Ran(result)).await?;
    }
    say(job, &written(job, "", &results), out).await
}

/// A call in so many words: by `tool_choice` and a JSON object, or as `tool_name {json}`.
fn direct(job: &Job, request: &str) -> Result<Option<Call>, ApiError> {
    if let Choice::Function(name) = &job.conversation.choice
        && let Ok(Value::Object(arguments)) = serde_json::from_str(request)
        && let Some(tool) = job.tool(name)
    {
        tool?;
        return Ok(Some(Call::new(name, &arguments)));
    }
    let end = request.find(|c: char| c.is_whitespace() || c == '{').unwrap_or(request.len());
    let (name, rest) = request.split_at_checked(end).unwrap_or((request, ""));
    let rest = rest.trim();
    if !(rest.is_empty() || rest.starts_with('{')) {
        return Ok(None);
    }
    let Some(tool) = job.tool(name) else { return Ok(None) };
    tool?;
    if rest.is_empty() {
        return Ok(Some(Call::new(name, &Map::new())));
    }
    match serde_json::from_str(rest) {
        Ok(arguments) => Ok(Some(Call::new(name, &arguments))),
        Err(error) => {
            let message = format!("What follows `{name}` is no JSON object: {error}.");
            Err(ApiError::invalid(job.conversation.asking_place(), message))
        }
    }
}

async fn plan(job: &Job, request: &str) -> Result<Option<Plan>, ApiError> {
    let planned = job.state.dispatcher.plan(&job.service, request, job.invocation()).await;
    let planned = planned.map_err(|error| {
        job.fatal(&error).unwrap_or_else(|| ApiError::unavailable(error.public.clone(), error.retry_after()))
    })?;
    // A client that insists on another function is not given this one.
    Ok(planned.filter(|plan| match &job.conversation.choice {
        Choice::Function(name) => name == plan.tool,
        Choice::Auto | Choice::None | Choice::Required => true,
    }))
}

/// Hands the planned call to a client that has the function, or runs it.
async fn follow(job: &Job, plan: &Plan, out: &Pieces) -> Result<End, ApiError> {
    let call = Call::new(plan.tool, &plan.arguments);
    if job.conversation.has_tool(plan.tool) && job.conversation.choice != Choice::None {
        out.tell(Piece::Calls(vec![call])).await?;
        return Ok(End::new(Reason::ToolCalls));
    }
    run(job, &call, &plan.understood, out).await
}

async fn run(job: &Job, call: &Call, understood: &str, out: &Pieces) -> Result<End, ApiError> {
    if let Some(tool) = job.tool(&call.name) {
        tool?;
    }
    let arguments =
        call.parsed().map_err(|message| ApiError::invalid(job.conversation.asking_place(), message))?;
    let result = job.run_call(call, arguments, out).await?;
    let text = written(job, understood, std::slice::from_ref(&result));
    out.tell(Piece::Ran(result)).await?;
    say(job, &text, out).await
}

/// Results as the text of an answer.
fn written(job: &Job, understood: &str, results: &[ToolMessage]) -> String {
    if job.conversation.json {
        let all: Vec<String> = results.iter().map(ToolMessage::as_json).collect();
        return match all.as_slice() {
            [one] => one.clone(),
            // JSON mode answers an object (OpenAI, JSON mode).
            _ => format!(r#"{{"results":[{}]}}"#, all.join(",")),
        };
    }
    let several = results.len() > 1;
    let titled = |result: &ToolMessage| {
        if several { format!("## {}\n\n{}", result.name, result.content) } else { result.content.clone() }
    };
    let opening = (!understood.is_empty()).then(|| understood.to_owned());
    opening.into_iter().chain(results.iter().map(titled)).collect::<Vec<_>>().join("\n\n")
}

/// Says a text, within the bound that the client set.
async fn say(job: &Job, text: &str, out: &Pieces) -> Result<End, ApiError> {
    let (text, is_cut) = job.conversation.max_tokens.map_or((text, false), |most| usage::cut(text, most));
    let mut rest = text;
    while !rest.is_empty() {
        let end = (PORTION..=rest.len()).find(|at| rest.is_char_boundary(*at)).unwrap_or(rest.len());
        let (portion, after) = rest.split_at_checked(end).unwrap_or((rest, ""));
        out.tell(Piece::Text(portion.to_owned())).await?;
        rest = after;
    }
    Ok(End::new(if is_cut { Reason::Length } else { Reason::Stop }))
}

/// What can be asked here. Says so in Korean to who wrote Korean.
fn abilities(job: &Job, request: &str) -> String {
    let registry = job.state.dispatcher.registry();
    let Some(service) = registry.service(job.service.as_str()) else {
        return String::new();
    };
    let info = service.info();
    let names = service.tools().iter().map(|tool| tool.spec().name);
    let names: Vec<&str> = names.filter(|name| registry.tool(job.service.as_str(), name).is_some()).collect();
    let examples: Vec<&str> = service.planner().map_or_else(Vec::new, |planner| planner.examples().to_vec());
    let is_korean = request.chars().any(|c| ('가'..='힣').contains(&c));
    let (opening, tools, asking) = if is_korean {
        ("이 요청은 이해하지 못했습니다. 여기서는", "도구", "예를 들어 이렇게 물어보세요")
    } else {
        ("I did not understand this request. Here you reach", "Tools", "Ask for example")
    };
    let mut text = format!("{opening} {}: {}\n\n", info.title, info.description);
    // Writing to a string has no way to fail.
    if !examples.is_empty() {
        let _ = writeln!(text, "{asking}:");
        for example in &examples {
            let _ = writeln!(text, "- {example}");
        }
        text.push('\n');
    }
    let first = names.first().copied().unwrap_or("tool");
    let _ = write!(text, "{tools} (`{first} {{\"...\": \"...\"}}`): {}", names.join(", "));
    if is_korean { text } else { text + "." }
}
