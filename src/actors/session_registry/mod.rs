//! SessionRegistry: the open server-to-client streams of this replica.
//!
//! What is said on a stream is in its log, in the store. The registry knows who holds a stream open here and wakes
//! them; existence and owner of a session are the store's business, and plain answers go down their own response.

mod streams;
#[cfg(test)]
mod tests;

pub(crate) use streams::Streams;

use crate::domain::ids::{SessionId, UserKey};
use crate::ports::sessions::{AttachError, Attachment, StreamEvent, StreamId};
use actix::{Actor, AsyncContext, Context, Handler, Message, MessageResult};
use std::collections::HashMap;
use std::time::Duration;
use tokio::sync::mpsc;

const SWEEP_EVERY: Duration = Duration::from_secs(10);
const MAILBOX: usize = 4096;
/// How soon a client may come back after its stream was closed by us.
const RETRY_MS: u64 = 1000;

/// Bounds of the registry.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RegistrySettings {
    /// Open streams per process.
    pub(crate) max_streams: usize,
    /// Open streams per user and process.
    pub(crate) max_streams_per_user: usize,
    /// Life of a session, and so of what was said on its streams.
    pub(crate) session_ttl: Duration,
}

#[derive(Message)]
#[rtype(result = "Result<StreamId, AttachError>")]
struct Attach(Attachment);

#[derive(Message)]
#[rtype(result = "()")]
struct Detach {
    session: SessionId,
    stream: StreamId,
}

/// A stream's log has grown, or its claim has changed.
#[derive(Message)]
#[rtype(result = "()")]
struct Wake {
    session: SessionId,
    stream: String,
}

/// Announcements may have been lost.
#[derive(Message)]
#[rtype(result = "()")]
struct WakeAll;

/// The session has ended.
#[derive(Message)]
#[rtype(result = "()")]
struct Close(SessionId);

#[derive(Message)]
#[rtype(result = "usize")]
struct Count;

#[derive(Message)]
#[rtype(result = "()")]
struct Drain;

struct Stream {
    id: StreamId,
    name: String,
    user: UserKey,
    sender: mpsc::Sender<StreamEvent>,
}

impl Stream {
    /// A holder that does not take even this just sees the channel close. The channel is wide enough for any number
    /// of wake-ups, since one that waits already says it all.
    fn tell(&self, event: StreamEvent) {
        let _ = self.sender.try_send(event);
    }
}

struct SessionRegistry {
    sessions: HashMap<SessionId, Vec<Stream>>,
    users: HashMap<UserKey, usize>,
    open: usize,
    next: u64,
    settings: RegistrySettings,
}

impl Actor for SessionRegistry {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX);
        ctx.run_interval(SWEEP_EVERY, |actor, _| actor.sweep());
    }
}

impl SessionRegistry {
    fn new(settings: RegistrySettings) -> Self {
        Self { sessions: HashMap::new(), users: HashMap::new(), open: 0, next: 0, settings }
    }

    /// Forgets streams whose holder is gone; a lost `Detach` ends up here.
    fn sweep(&mut self) {
        let sessions: Vec<SessionId> = self.sessions.keys().cloned().collect();
        for session in sessions {
            self.remove(&session, |stream| stream.sender.is_closed());
        }
    }

    /// Takes out the streams of a session for which `gone` holds.
    fn remove(&mut self, session: &SessionId, gone: impl Fn(&Stream) -> bool) -> Vec<Stream> {
        let Some(streams) = self.sessions.get_mut(session) else { return Vec::new() };
        let removed: Vec<Stream> = streams.extract_if(.., |stream| gone(stream)).collect();
        if streams.is_empty() {
            self.sessions.remove(session);
        }
        for stream in &removed {
            self.open = self.open.saturating_sub(1);
            if let Some(count) = self.users.get_mut(&stream.user) {
                *count = count.saturating_sub(1);
                if *count == 0 {
                    self.users.remove(&stream.user);
                }
            }
        }
        removed
    }

    fn has_room(&self, user: &UserKey) -> bool {
        self.open < self.settings.max_streams
            && self.users.get(user).is_none_or(|count| *count < self.settings.max_streams_per_user)
    }
}

impl Handler<Attach> for SessionRegistry {
    type Result = Result<StreamId, AttachError>;

    fn handle(&mut self, Attach(new): Attach, _: &mut Self::Context) -> Self::Result {
        for older in self.remove(&new.session, |stream| stream.name == new.stream) {
            older.tell(StreamEvent::End);
        }
        if !self.has_room(&new.user) {
            self.sweep();
        }
        if !self.has_room(&new.user) {
            return Err(AttachError::TooMany);
        }
        self.next += 1;
        self.open += 1;
        *self.users.entry(new.user.clone()).or_default() += 1;
        let id = StreamId(self.next);
        let stream = Stream { id, name: new.stream, user: new.user, sender: new.sender };
        self.sessions.entry(new.session).or_default().push(stream);
        Ok(id)
    }
}

impl Handler<Detach> for SessionRegistry {
    type Result = ();

    fn handle(&mut self, message: Detach, _: &mut Self::Context) {
        self.remove(&message.session, |stream| stream.id == message.stream);
    }
}

impl Handler<Wake> for SessionRegistry {
    type Result = ();

    fn handle(&mut self, message: Wake, _: &mut Self::Context) {
        let streams = self.sessions.get(&message.session).into_iter().flatten();
        for stream in streams.filter(|stream| stream.name == message.stream) {
            stream.tell(StreamEvent::Wake);
        }
    }
}

impl Handler<WakeAll> for SessionRegistry {
    type Result = ();

    fn handle(&mut self, _: WakeAll, _: &mut Self::Context) {
        for stream in self.sessions.values().flatten() {
            stream.tell(StreamEvent::Wake);
        }
    }
}

impl Handler<Close> for SessionRegistry {
    type Result = ();

    fn handle(&mut self, Close(session): Close, _: &mut Self::Context) {
        for stream in self.remove(&session, |_| true) {
            stream.tell(StreamEvent::End);
        }
    }
}

impl Handler<Count> for SessionRegistry {
    type Result = MessageResult<Count>;

    fn handle(&mut self, _: Count, _: &mut Self::Context) -> Self::Result {
        MessageResult(self.open)
    }
}

impl Handler<Drain> for SessionRegistry {
    type Result = ();

    fn handle(&mut self, _: Drain, _: &mut Self::Context) {
        for (_, streams) in self.sessions.drain() {
            for stream in streams {
                stream.tell(StreamEvent::Close { retry_ms: RETRY_MS });
            }
        }
        self.users.clear();
        self.open = 0;
    }
}
