//! `subscriptions/listen` (2026-07-28): one stream of changes that the client chose, acknowledged first, ended with a
//! result. Nothing is replayed: a client that comes back lists again.

use super::super::encode;
use super::super::error::{
    INTERNAL_ERROR, INVALID_PARAMS, MISSING_CAPABILITY, RpcError, refuse, unavailable,
};
use super::super::exchange::{Answer, Exchange};
use super::super::hub::{Filter, Listener, SUBSCRIPTION};
use super::super::jsonrpc::{Call, Id};
use super::super::place::Place;
use super::super::result::required;
use super::super::tasks::{self, Owner};
use super::super::tether::Tether;
use crate::ports::sessions::{AttachError, StreamEvent};
use crate::tools::outlet::Feature;
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, rt};
use bytes::Bytes;
use futures_util::stream::unfold;
use serde::Deserialize;
use serde_json::{Value, json};
use std::convert::Infallible;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::sleep;
use tokio_util::task::AbortOnDropHandle;

/// Changes that may wait for a slow reader before its stream ends.
const BACKLOG: usize = 64;
/// Most URIs and tasks of one stream.
const MAX_NAMES: usize = 256;
const BEAT: &[u8] = b": keep-alive\n\n";

/// `params.notifications`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Wanted {
    tools_list_changed: bool,
    prompts_list_changed: bool,
    resources_list_changed: bool,
    resource_subscriptions: Vec<String>,
    task_ids: Vec<String>,
}

/// Opens the stream.
pub(super) async fn open(x: &Exchange<'_>, id: Id<'_>, call: &Call<'_>, follows_tasks: bool) -> HttpResponse {
    let bad = |message| x.respond(Answer::error(id, &RpcError::new(INVALID_PARAMS, message)));
    let wanted = call.params.notifications.map(|raw| serde_json::from_str::<Wanted>(raw.get()));
    let Some(Ok(wanted)) = wanted else { return bad("`notifications` must say what to listen to.") };
    if wanted.resource_subscriptions.len() > MAX_NAMES || wanted.task_ids.len() > MAX_NAMES {
        return bad("Too many names for one stream.");
    }
    if !wanted.task_ids.is_empty() && !follows_tasks {
        let error = RpcError::new(MISSING_CAPABILITY, "`taskIds` needs the tasks extension.")
            .with_data(json!({ "requiredCapabilities": required(Feature::Tasks) }));
        return refuse(StatusCode::BAD_REQUEST, Some(id.raw()), &error);
    }
    if !x.streams {
        let error = RpcError::new(INVALID_PARAMS, "Accept must allow text/event-stream.");
        return refuse(StatusCode::NOT_ACCEPTABLE, Some(id.raw()), &error);
    }
    let filter = granted(x, wanted).await;
    let (user, service, tasks) = (x.bearer.caller.user.clone(), x.ready.name.clone(), filter.tasks.clone());
    let shown: Value = serde_json::from_str(id.raw()).unwrap_or_default();
    let meta = json!({ SUBSCRIPTION: shown });
    let ack = json!({ "notifications": filter.json(), "_meta": meta });
    let ack = encode::notification("notifications/subscriptions/acknowledged", &ack);
    let place = match Place::take(&x.state.router, "listen", x.bearer.caller.user.clone()).await {
        Ok(place) => place,
        Err(AttachError::TooMany) => {
            let error =
                RpcError::new(INTERNAL_ERROR, "Too many open streams. Close one, or try again later.");
            return x.respond(Answer::error(id, &error));
        }
        Err(AttachError::Unavailable) => return unavailable(Some(id.raw())),
    };
    let tether = match x.state.tethers.tie(&x.bearer).await {
        Ok(tether) => tether,
        Err(failure) => return x.state.guard.response(&failure, &x.ready.name, x.endpoint),
    };
    // A handle keeps the memory of its task, so a stream without tasks has none.
    let watch = (!tasks.is_empty())
        .then(|| AbortOnDropHandle::new(rt::spawn(tasks::watch(x.state.clone(), user, service, tasks))));
    let (sender, receiver) = mpsc::channel(BACKLOG);
    let mut signed = x.ready.modern_meta.clone();
    encode::set(&mut signed, SUBSCRIPTION, shown.clone());
    let farewell = json!({ "resultType": "complete", "_meta": signed });
    let live = Live {
        ack: Some(event(ack.as_bytes())),
        receiver,
        farewell: Some(event(&encode::splice(id.raw(), format!(r#""result":{farewell}}}"#).as_bytes()))),
        heartbeat: x.state.settings.heartbeat,
        tether,
        place,
        _listener: x.state.hub.listen(&x.ready.name, filter, shown, sender),
        _watch: watch,
    };
    encode::event_stream().streaming(unfold(live, |mut live| async move {
        live.next().await.map(|bytes| (Ok::<_, Infallible>(bytes), live))
    }))
}

/// The part of what is wanted that this service has.
async fn granted(x: &Exchange<'_>, wanted: Wanted) -> Filter {
    let offers = x.ready.offers;
    let owner = Owner { state: x.state, user: &x.bearer.caller.user, service: &x.ready.name };
    let mut uris = Vec::new();
    for uri in wanted.resource_subscriptions {
        let caller = &x.bearer.caller;
        if offers.subscriptions && x.state.may_read(&x.ready.name, caller, &uri).await.is_ok() {
            uris.push(uri);
        }
    }
    let mut tasks = Vec::new();
    for id in wanted.task_ids {
        if offers.tasks && owner.knows(&id).await {
            tasks.push(id);
        }
    }
    Filter {
        tools: wanted.tools_list_changed,
        prompts: wanted.prompts_list_changed,
        resources: wanted.resources_list_changed && offers.resources,
        uris,
        tasks,
    }
}

fn event(json: &[u8]) -> Bytes {
    Bytes::from(encode::event(None, json))
}

/// An open stream.
struct Live {
    ack: Option<Bytes>,
    receiver: mpsc::Receiver<Bytes>,
    /// The result that ends the stream.
    farewell: Option<Bytes>,
    heartbeat: Duration,
    tether: Tether,
    place: Place,
    _listener: Listener,
    _watch: Option<AbortOnDropHandle<()>>,
}

impl Live {
    async fn next(&mut self) -> Option<Bytes> {
        if let Some(ack) = self.ack.take() {
            return Some(ack);
        }
        self.farewell.as_ref()?;
        tokio::select! {
            biased;
            message = self.receiver.recv() => match message {
                Some(message) => Some(event(&message)),
                None => self.farewell.take(),
            },
            () = stopped(&mut self.place) => self.farewell.take(),
            _ = self.tether.over() => self.farewell.take(),
            () = sleep(self.heartbeat) => Some(Bytes::from_static(BEAT)),
        }
    }
}

/// Waits until the replica stops, or the registry was made anew and counts this stream no more. To be woken means
/// nothing here: there is no log behind this stream.
async fn stopped(place: &mut Place) {
    while let Some(StreamEvent::Wake) = place.events.recv().await {}
}
