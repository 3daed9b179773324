//! Reading event streams, event by event.

use super::http::GUARD;
use super::tapped;
use std::collections::VecDeque;

/// One event with a name, an id or data.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) name: String,
    pub(crate) id: String,
    pub(crate) data: String,
}

impl Event {
    fn of(block: &str) -> Self {
        let field = |name: &str| {
            let lines = block.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            lines.map(|value| value.strip_prefix(' ').unwrap_or(value)).collect::<Vec<_>>().join("\n")
        };
        Self { name: field("event"), id: field("id"), data: field("data") }
    }
}

/// Puts events together that come in pieces.
#[derive(Default)]
pub(crate) struct Events(Vec<u8>);

impl Events {
    /// The events that `chunk` completes.
    pub(crate) fn take(&mut self, chunk: &[u8]) -> Vec<Event> {
        self.0.extend_from_slice(chunk);
        let mut events = Vec::new();
        while let Some(end) = self.0.windows(2).position(|pair| pair == b"\n\n") {
            let rest = self.0.split_off(end + 2);
            let block = std::mem::replace(&mut self.0, rest);
            events.push(Event::of(std::str::from_utf8(&block).unwrap()));
        }
        events.retain(|event| *event != Event::default());
        events
    }
}

/// An open event stream.
pub(crate) struct Stream {
    response: reqwest::Response,
    events: Events,
    waiting: VecDeque<Event>,
}

impl Stream {
    pub(crate) fn of(response: reqwest::Response) -> Self {
        Self { response, events: Events::default(), waiting: VecDeque::new() }
    }

    /// Reads on to an event whose data contains `text`; what it is.
    pub(crate) async fn until(&mut self, text: &str) -> String {
        let found = async {
            while let Some(event) = self.next().await {
                if event.data.contains(text) {
                    return event.data;
                }
            }
            panic!("the stream ended before {text:?}")
        };
        tokio::time::timeout(GUARD, found).await.unwrap_or_else(|_| panic!("no {text:?} on the stream"))
    }

    /// Reads to the end that the server makes; the events that came before it.
    pub(crate) async fn rest(mut self) -> Vec<Event> {
        let mut events = Vec::new();
        let read = async {
            while let Some(event) = self.next().await {
                events.push(event);
            }
        };
        tokio::time::timeout(GUARD, read).await.expect("the stream never ends");
        events
    }

    /// The next event with a name, an id or data; none when the stream has ended or broken.
    pub(crate) async fn next(&mut self) -> Option<Event> {
        while self.waiting.is_empty() {
            let chunk = self.response.chunk().await.ok()??;
            self.waiting.extend(self.events.take(&chunk));
        }
        let event = self.waiting.pop_front()?;
        if let Some(tap) = tapped::tap(&self.response) {
            tap.event(event.data.as_bytes());
        }
        Some(event)
    }
}
