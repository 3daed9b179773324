//! A place among the open streams of this replica, for streams that belong to no session: it counts against the caps,
//! hears when the replica stops, and is given back when dropped.

use crate::domain::ids::{SessionId, UserKey};
use crate::domain::random;
use crate::ports::sessions::{AttachError, Attachment, SessionRouter, StreamEvent, StreamId};
use std::sync::Arc;
use tokio::sync::mpsc;

/// The place; `events` says when to end.
pub(super) struct Place {
    router: Arc<dyn SessionRouter>,
    key: SessionId,
    id: StreamId,
    pub(super) events: mpsc::Receiver<StreamEvent>,
}

impl Place {
    /// Takes a place for a stream of `kind` on the account of `user`.
    pub(super) async fn take(
        router: &Arc<dyn SessionRouter>,
        kind: &'static str,
        user: UserKey,
    ) -> Result<Self, AttachError> {
        let key = SessionId::new(format!("{kind}:{}", random::text::<12>()));
        let (sender, events) = mpsc::channel(2);
        let attachment = Attachment { session: key.clone(), stream: kind.to_owned(), user, sender };
        let id = router.attach(attachment).await?;
        Ok(Self { router: Arc::clone(router), key, id, events })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.router.detach(&self.key, self.id);
    }
}
