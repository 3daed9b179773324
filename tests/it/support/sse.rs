//! Events of a `text/event-stream`, as they come.

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
