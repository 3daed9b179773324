//! Every service over a scripted Graph: what holds for all tools, whatever they are given and whatever Graph answers.

use super::schema;
use crate::adapters::embedded::EmbeddedStore;
use crate::adapters::net_probe::NetProbe;
use crate::domain::cipher::Cipher;
use crate::domain::clock::{Clock, SharedClock, Timestamp};
use crate::domain::ids::{ClientId, GrantId, UserKey};
use crate::domain::keyring::KeyRing;
use crate::domain::reach::Policy;
use crate::domain::resource::Resources;
use crate::domain::scope::ScopeSet;
use crate::domain::token::Hasher;
use crate::domain::write_mark::WriteMark;
use crate::extract::{Extractor, PoolLimits};
use crate::graph::fuzzing::{self as graph, Asked};
use crate::planner::{Background, Organizations, Period, explain, read};
use crate::ports::graph::{GraphRequest, GraphResponse};
use crate::services::{ServiceDeps, ServiceSettings, all, m365};
use crate::tools::activity::Activity;
use crate::tools::confirm::{WriteRules, Writes};
use crate::tools::context::{CallContext, Caller};
use crate::tools::cursor::Cursors;
use crate::tools::error::{ToolError, ToolErrorKind};
use crate::tools::keepsakes::Keepsakes;
use crate::tools::offer::Offers;
use crate::tools::outlet::Outlet;
use crate::tools::schema::prepare;
use crate::tools::tool::{Service, Tool};
use crate::tools::transfer::Transfers;
use bytes::Bytes;
use chrono_tz::Tz;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use parking_lot::Mutex;
use serde_json::Value;
use std::cell::RefCell;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::runtime::{Builder, Runtime};
use url::Url;

/// Saturday, 21 November 2026, 09:00 in Seoul.
const NOW: i64 = 1_795_219_200_000;
/// Calls after which a world is made anew: what tools keep for later would add up.
const CALLS: usize = 500;
/// Reads that Graph wants as a POST.
const READING_POSTS: [&str; 6] =
    ["/search/query", "/getSchedule", "/findMeetingTimes", "/getPresencesByUserId", "/$batch", "/getByPath"];

#[derive(Debug)]
struct StandingClock;

impl Clock for StandingClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(NOW)
    }
}

struct World {
    services: Vec<Arc<dyn Service>>,
    tools: Vec<Arc<dyn Tool>>,
    asked: Arc<Asked>,
    /// Graph's answers, in order and over again.
    script: Arc<Mutex<Vec<(StatusCode, Bytes)>>>,
    runtime: Runtime,
    calls: usize,
}

impl World {
    fn new() -> Option<Self> {
        let script: Arc<Mutex<Vec<(StatusCode, Bytes)>>> = Arc::default();
        let answers = Arc::clone(&script);
        let world = graph::client(move |_| {
            let mut answers = answers.lock();
            let next = answers.first().cloned();
            if !answers.is_empty() {
                answers.rotate_left(1);
            }
            let (status, body) = next.unwrap_or((StatusCode::NOT_FOUND, Bytes::new()));
            GraphResponse { status, headers: HeaderMap::new(), body }
        });
        let clock: SharedClock = Arc::new(StandingClock);
        let ring = KeyRing::from_text(&"k".repeat(40)).ok()?;
        let store = Arc::new(EmbeddedStore::memory(Arc::clone(&clock)));
        let (cipher, hasher) = (Cipher::new(&ring), Hasher::new(&ring));
        let keepsakes = Keepsakes::new(store.clone(), cipher.clone());
        let writes = Writes::new(store.clone(), cipher.clone(), hasher.clone(), WriteRules::default());
        let deps = ServiceDeps {
            graph: world.client,
            cursors: Cursors::new(store.clone(), cipher.clone()),
            activity: Activity::new(keepsakes.clone(), clock.clone()),
            keepsakes,
            transfers: Transfers::new(store.clone(), cipher, hasher, "https://entrada.example"),
            store,
            offers: Offers::default(),
            writes: Arc::new(writes),
            extractor: Arc::new(Extractor::new("/nonexistent".into(), PoolLimits::default())),
            clock: Arc::clone(&clock),
            settings: ServiceSettings {
                default_time_zone: "Asia/Seoul".to_owned(),
                ..ServiceSettings::default()
            },
            // Nothing here calls it.
            probe: Arc::new(NetProbe::new(Policy::default())),
        };
        let own = all(&deps);
        let infos = own.iter().map(|service| service.info().clone()).collect();
        let resources = Resources::new("https://entrada.example".to_owned(), infos, None);
        deps.offers.set(&own, Arc::new(resources));
        let bundles = m365::all(&own, &Arc::default(), &clock);
        // Pings and look-ups leave the process.
        let tools = own.iter().filter(|service| service.info().name.as_str() != "net");
        let tools = tools.flat_map(|service| service.tools().iter().cloned()).collect();
        let services = own.into_iter().chain(bundles).collect();
        let runtime = Builder::new_current_thread().enable_all().build().ok()?;
        Some(Self { services, tools, asked: world.asked, script, runtime, calls: 0 })
    }
}

thread_local! {
    static WORLD: RefCell<Option<World>> = const { RefCell::new(None) };
}

fn in_world(check: impl FnOnce(&World)) {
    WORLD.with_borrow_mut(|world| {
        if world.as_ref().is_none_or(|world| world.calls > CALLS) {
            *world = World::new();
        }
        let Some(world) = world else { unreachable!("a world can be made") };
        world.calls += 1;
        check(world);
    });
}

fn context(world: &World) -> CallContext {
    let scopes: ScopeSet = world.tools.iter().flat_map(|tool| tool.spec().scopes.iter().copied()).collect();
    let caller = Caller {
        user: UserKey::new("tenant", "alice"),
        client: ClientId::new("client"),
        grant: GrantId::new("grant"),
        scopes,
    };
    // Too short to wait for anything.
    let deadline = Instant::now() + Duration::from_millis(400);
    CallContext { caller, deadline, outlet: Outlet::default(), mailbox: None, mark: WriteMark::default() }
}

/// Arguments for every tool: repaired into what its schema says, and then left as they are; or refused in words that name
/// the place.
pub(super) fn arguments(data: &[u8]) {
    let Ok(given) = serde_json::from_slice::<Value>(data) else { return };
    in_world(|world| {
        for tool in &world.tools {
            let spec = tool.spec();
            match prepare(spec, given.clone()) {
                Ok(prepared) => {
                    let args = Value::Object(prepared.args);
                    assert_eq!(schema::fault(&spec.input_schema, &args), None, "{}: {given}", spec.name);
                    let again = prepare(spec, args.clone());
                    let Ok(again) = again else { unreachable!("{}: {args} was good before", spec.name) };
                    assert_eq!(
                        (Value::Object(again.args), again.warnings),
                        (args, Vec::new()),
                        "{}",
                        spec.name
                    );
                    assert!(prepared.warnings.iter().all(|warning| !warning.chars().any(char::is_control)));
                }
                Err(error) => refused(&error),
            }
        }
    });
}

fn refused(error: &ToolError) {
    assert!(!error.public.is_empty() && error.public.chars().count() < 2_000, "{error:?}");
    assert!(error.kind != ToolErrorKind::Internal, "{error:?}");
}

/// A call: the tool's name on the first line, its arguments, and after each NUL an answer of Graph, which may begin with a
/// status.
pub(super) fn tool_call(data: &[u8]) {
    let mut parts = data.split(|byte| *byte == 0);
    let call = String::from_utf8_lossy(parts.next().unwrap_or_default());
    let (name, arguments) = call.split_once('\n').unwrap_or(("", &call));
    let Ok(arguments) = serde_json::from_str::<Value>(arguments) else { return };
    let answers: Vec<(StatusCode, Bytes)> = parts.map(answer).collect();
    in_world(|world| {
        let by_name = world.tools.iter().find(|tool| tool.spec().name == name);
        let number: usize = name.bytes().map(usize::from).sum();
        let Some(tool) = by_name.or_else(|| world.tools.get(number % world.tools.len())) else { return };
        let Ok(prepared) = prepare(tool.spec(), arguments) else { return };
        world.script.lock().clone_from(&answers);
        world.asked.seen.lock().clear();
        let context = context(world);
        let deadline = context.deadline;
        let outcome = world.runtime.block_on(async {
            tokio::select! {
                outcome = tool.call(&context, prepared.args.clone()) => Some(outcome),
                () = tokio::time::sleep_until(deadline.into()) => None,
            }
        });
        let told: HashSet<String> = answers.iter().flat_map(|(_, body)| texts(body)).collect();
        for request in world.asked.seen.lock().iter() {
            sent(tool.as_ref(), request, &told);
        }
        match outcome {
            Some(Ok(output)) => {
                let structured = serde_json::from_str(output.structured.get()).unwrap_or_default();
                let fault = schema::fault(&tool.spec().output_schema, &structured);
                assert!(output.is_error || fault.is_none(), "{}: {fault:?}: {structured}", tool.spec().name);
            }
            Some(Err(error)) => refused(&error),
            None => {}
        }
    });
}

fn answer(part: &[u8]) -> (StatusCode, Bytes) {
    let status = part.get(..3).and_then(|text| StatusCode::from_bytes(text).ok());
    match status {
        Some(status) => (status, Bytes::copy_from_slice(part.get(3..).unwrap_or_default())),
        None => (StatusCode::OK, Bytes::copy_from_slice(part)),
    }
}

/// Every text of an answer.
fn texts(body: &[u8]) -> Vec<String> {
    fn walk(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::String(text) => found.push(text.clone()),
            Value::Array(items) => items.iter().for_each(|item| walk(item, found)),
            Value::Object(members) => members.values().for_each(|member| walk(member, found)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
    let mut found = Vec::new();
    walk(&serde_json::from_slice(body).unwrap_or_default(), &mut found);
    found
}

/// A request of ours is one request: a path of ours, options by their names, headers of one line. Links of Graph are its own.
fn sent(tool: &dyn Tool, request: &GraphRequest, told: &HashSet<String>) {
    let (name, target) = (tool.spec().name, request.target.as_str());
    for (header, value) in &request.headers {
        assert!(HeaderValue::from_str(value).is_ok(), "{name}: {header}: {value:?}");
    }
    if tool.spec().annotations.read_only {
        let path = target.split('?').next().unwrap_or_default();
        let reads = request.method == Method::GET || READING_POSTS.iter().any(|end| path.ends_with(end));
        assert!(reads, "{name}: {} {target}", request.method);
    }
    if told.contains(target) {
        return;
    }
    assert!(
        target.starts_with('/') && target.bytes().all(|byte| byte.is_ascii_graphic()),
        "{name}: {target}"
    );
    let Ok(url) = Url::parse(&format!("https://graph.example/v1.0{target}")) else {
        unreachable!("{name}: {target}")
    };
    assert_eq!((url.host_str(), url.fragment()), (Some("graph.example"), None), "{name}: {target}");
    let written = target.split('?').next().unwrap_or_default();
    assert_eq!(url.path(), format!("/v1.0{written}"), "{name}: {target}");
    assert!(!written.contains("//") && !target.contains('#'), "{name}: {target}");
    let mut options = HashSet::new();
    for (option, _) in url.query_pairs() {
        let is_name = option.chars().all(|c| c.is_ascii_alphanumeric() || "$@.".contains(c));
        assert!(is_name && options.insert(option.clone()), "{name}: {option} in {target}");
    }
}

/// A request in plain words: whatever is planned is a call that its tool takes, and the reading of a period is one.
pub(super) fn utterance(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let organizations = Organizations::built_in();
    for (zone, millis) in [(Tz::Asia__Seoul, NOW), (Tz::America__Sao_Paulo, 1_709_251_199_000), (Tz::UTC, 0)]
    {
        let Some(now) = chrono::DateTime::from_timestamp_millis(millis) else { return };
        let background =
            Background { now, zone, organizations: &organizations, home: None, only_home: false };
        let reading = read(&text, background);
        assert_eq!(reading, read(&text, background), "nothing but the text and the moment counts");
        if let Some(Period { start, end }) = reading.period {
            assert!(start.is_some() || end.is_some());
            assert!(start.zip(end).is_none_or(|(start, end)| start < end), "{text}: {start:?} {end:?}");
        }
        assert!(reading.words.len() <= 20 && reading.people().count() <= 60);
        let told = explain(&reading);
        assert!(!told.is_empty() && told.len() < 10_000, "{text}");
    }
    in_world(|world| {
        let context = context(world);
        for service in &world.services {
            let Some(planner) = service.planner() else { continue };
            let Ok(plan) = world.runtime.block_on(planner.plan(&context, &text)) else { continue };
            let Some(plan) = plan else { continue };
            let tool = service.tools().iter().find(|tool| tool.spec().name == plan.tool);
            let Some(spec) = tool.map(|tool| tool.spec()) else { unreachable!("{} is no tool", plan.tool) };
            match prepare(spec, Value::Object(plan.arguments.clone())) {
                Ok(prepared) => {
                    assert_eq!((prepared.args, prepared.warnings), (plan.arguments, Vec::new()), "{text}");
                }
                Err(error) => unreachable!("{text}: {}: {}", plan.tool, error.public),
            }
        }
    });
}
