//! Server-sent events as they come in, in pieces of any size (HTML Living Standard §9.2.6): the data alone.

/// Longest event that is waited for.
const MAX_EVENT: usize = 16 * 1024 * 1024;

/// An event that is too long to be one of an answer.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("an event of the stream is longer than {MAX_EVENT} bytes")]
pub(super) struct TooLong;

/// Puts pieces together.
#[derive(Debug, Default)]
pub(super) struct Events {
    /// What came of a line that has not ended.
    line: Vec<u8>,
    data: Option<String>,
    /// Of the event that is coming, and of the newest that ended.
    id: Option<String>,
    last_id: Option<String>,
}

impl Events {
    /// Takes a piece; the data of every event that ended with it.
    pub(super) fn take(&mut self, piece: &[u8]) -> Result<Vec<String>, TooLong> {
        let mut ended = Vec::new();
        for part in piece.split_inclusive(|byte| *byte == b'\n') {
            if self.line.len() + part.len() + self.data.as_ref().map_or(0, String::len) > MAX_EVENT {
                return Err(TooLong);
            }
            self.line.extend_from_slice(part);
            if !part.ends_with(b"\n") {
                break;
            }
            let line = std::mem::take(&mut self.line);
            let line = String::from_utf8_lossy(&line);
            let line = line.trim_end_matches(['\r', '\n']);
            if line.is_empty() {
                // An event may be nothing but the place to read on from.
                if let Some(id) = self.id.take() {
                    self.last_id = Some(id);
                }
                ended.extend(self.data.take());
            } else if let Some(id) = line.strip_prefix("id:") {
                self.id = Some(id.trim().to_owned());
            } else if let Some(text) = line.strip_prefix("data:") {
                let text = text.strip_prefix(' ').unwrap_or(text);
                match &mut self.data {
                    Some(data) => {
                        data.push('\n');
                        data.push_str(text);
                    }
                    None => self.data = Some(text.to_owned()),
                }
            }
        }
        Ok(ended)
    }

    /// Where a stream that breaks now can be read on from.
    pub(super) fn last_id(&self) -> Option<&str> {
        self.last_id.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_the_same_however_they_are_cut() {
        let stream =
            ": beat\r\n\r\ndata: {\"a\":1}\r\n\r\nevent: x\ndata:가나\ndata: b\n\ndata: [DONE]\n\ndata: lost"
                .as_bytes();
        let expected = ["{\"a\":1}", "가나\nb", "[DONE]"];
        for size in 1..stream.len() {
            let mut events = Events::default();
            let got: Vec<String> =
                stream.chunks(size).flat_map(|piece| events.take(piece).unwrap()).collect();
            assert_eq!(got, expected, "{size}");
        }
    }

    #[test]
    fn the_place_to_read_on_from_is_that_of_the_last_whole_event() {
        let mut events = Events::default();
        assert!(events.last_id().is_none());
        assert!(events.take(b"id: 1\ndata:\n\nid: 2\nda").unwrap() == [""]);
        assert_eq!(events.last_id(), Some("1"));
        assert_eq!(events.take(b"ta: x\n\n").unwrap(), ["x"]);
        assert_eq!(events.last_id(), Some("2"));
    }

    #[test]
    fn an_endless_line_is_given_up() {
        let mut events = Events::default();
        let piece = vec![b'x'; 1 << 20];
        assert!((0..16).all(|_| events.take(&piece).is_ok()));
        assert_eq!(events.take(&piece), Err(TooLong));
    }
}
