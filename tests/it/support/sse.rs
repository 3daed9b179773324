//! Reading event streams, event by event.

use super::http::GUARD;

/// One event of a stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) name: String,
    pub(crate) id: String,
    pub(crate) data: String,
}

/// An open event stream.
pub(crate) struct Stream {
    response: reqwest::Response,
    text: String,
}

impl Stream {
    pub(crate) fn of(response: reqwest::Response) -> Self {
        Self { response, text: String::new() }
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
        loop {
            if let Some(end) = self.text.find("\n\n") {
                let block: String = self.text.drain(..end + 2).collect();
                let field = |name: &str| {
                    let lines = block.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
                    lines.collect::<Vec<_>>().join("\n")
                };
                let event = Event { name: field("event"), id: field("id"), data: field("data") };
                if event != Event::default() {
                    return Some(event);
                }
                continue;
            }
            let chunk = self.response.chunk().await.ok()??;
            self.text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }
}
