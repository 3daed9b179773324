//! The time zone of a user's mailbox, asked once in a while.

use super::{ServiceDeps, windows_zones};
use crate::domain::clock::Timestamp;
use crate::domain::ids::UserKey;
use crate::graph::client::GraphClient;
use crate::graph::encode::Target;
use crate::graph::error::GraphError;
use crate::graph::page::Text;
use crate::graph::request::{Asker, Request};
use crate::tools::context::CallContext;
use chrono_tz::Tz;
use parking_lot::Mutex;
use serde::Deserialize;
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// Permission that lets us ask.
pub(super) const SCOPE: &str = "MailboxSettings.Read";
const LIFE: Duration = Duration::from_hours(6);
/// After a failure the default zone serves this long.
const RETRY: Duration = Duration::from_mins(1);
/// The zone is worth this much of a call's time.
const PATIENCE: Duration = Duration::from_secs(4);
/// Beyond this many users the cache starts anew: a look-up costs one small call.
const CAPACITY: usize = 50_000;

/// Zones of users seen lately, and until when each is believed.
#[derive(Default)]
pub(super) struct Zones {
    known: Mutex<HashMap<UserKey, (Tz, Timestamp)>>,
}

impl Zones {
    /// The caller's zone; the server's default when it cannot be told.
    pub(super) async fn of(&self, deps: &ServiceDeps, context: &CallContext) -> Tz {
        let default = deps.settings.zone();
        if !context.caller.scopes.allows(SCOPE) {
            return default;
        }
        let (user, now) = (&context.caller.user, deps.clock.now());
        if let Some((zone, until)) = self.known.lock().get(user).copied()
            && now < until
        {
            return zone;
        }
        let deadline = context.deadline.min(Instant::now() + PATIENCE);
        let (zone, life) = match ask(&deps.graph, Asker { user, mailbox: None, deadline, mark: None }).await {
            Ok(zone) => (zone.unwrap_or(default), LIFE),
            Err(_) => (default, RETRY),
        };
        let mut known = self.known.lock();
        if known.len() >= CAPACITY {
            known.clear();
        }
        known.insert(user.clone(), (zone, now.plus(life)));
        zone
    }
}

/// `GET /me/mailboxSettings` (MailboxSettings.Read), which takes no options.
async fn ask(graph: &GraphClient, asker: Asker<'_>) -> Result<Option<Tz>, GraphError> {
    #[derive(Deserialize)]
    struct Settings<'a> {
        #[serde(borrow, rename = "timeZone", default)]
        zone: Text<'a>,
    }
    let answer = graph.send(asker, Request::outlook(Target::new("/me/mailboxSettings"))).await?;
    let settings: Settings<'_> = answer.view()?;
    Ok(named(&settings.zone))
}

/// A zone by its Windows or IANA name.
pub(super) fn named(name: &str) -> Option<Tz> {
    windows_zones::iana(name).unwrap_or(name).parse().ok()
}
