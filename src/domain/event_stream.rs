//! Server-sent events as they come in from other servers, in pieces of any size (HTML Living Standard §9.2.6): the data,
//! and the place to read on from.

/// Longest event that is waited for.
const MAX_EVENT: usize = 16 * 1024 * 1024;

/// An event that is too long to be one of an answer.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("an event of the stream is longer than {MAX_EVENT} bytes")]
pub(crate) struct TooLong;

/// Puts pieces together.
#[derive(Debug, Default)]
pub(crate) struct Events {
    /// What came of a line that has not ended.
    line: Vec<u8>,
    data: Option<String>,
    /// Of the event that is coming, and of the newest that ended.
    id: Option<String>,
    last_id: Option<String>,
    /// The last line ended with a carriage return; a line feed right behind belongs to it.
    returned: bool,
    /// The first line, before which there may be a byte order mark, is over.
    begun: bool,
}

impl Events {
    /// Takes a piece; the data of every event that ended with it.
    pub(crate) fn take(&mut self, piece: &[u8]) -> Result<Vec<String>, TooLong> {
        let mut ended = Vec::new();
        let ends = |byte: &u8| matches!(byte, b'\r' | b'\n');
        for part in piece.split_inclusive(ends) {
            if std::mem::take(&mut self.returned) && part == b"\n" {
                continue;
            }
            if self.line.len() + part.len() + self.data.as_ref().map_or(0, String::len) > MAX_EVENT {
                return Err(TooLong);
            }
            self.line.extend_from_slice(part);
            if !part.last().is_some_and(ends) {
                break;
            }
            self.returned = part.ends_with(b"\r");
            let line = std::mem::take(&mut self.line);
            let line = String::from_utf8_lossy(&line);
            let mut line = line.trim_end_matches(['\r', '\n']);
            if !std::mem::replace(&mut self.begun, true) {
                line = line.strip_prefix('\u{feff}').unwrap_or(line);
            }
            let (field, text) = line.split_once(':').unwrap_or((line, ""));
            let text = text.strip_prefix(' ').unwrap_or(text);
            if line.is_empty() {
                // An event may be nothing but the place to read on from.
                if let Some(id) = self.id.take() {
                    self.last_id = Some(id).filter(|id| !id.is_empty());
                }
                ended.extend(self.data.take());
            } else if field == "id" && !text.contains('\0') {
                self.id = Some(text.to_owned());
            } else if field == "data" {
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
    pub(crate) fn last_id(&self) -> Option<&str> {
        self.last_id.as_deref()
    }

    /// The stream broke, another one reads on: what came of an event that never ended comes again, whole.
    pub(crate) fn anew(&mut self) {
        *self = Self { last_id: self.last_id.take(), ..Self::default() };
    }
}

/// What holds for every stream, against the words of the standard.
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing {
    use super::Events;

    /// The data of every event of a stream that comes in pieces of `cut` bytes.
    pub(crate) fn events(stream: &[u8], cut: usize) -> Vec<String> {
        with_place(stream, cut).0
    }

    /// The same with the place to read on from.
    pub(crate) fn with_place(stream: &[u8], cut: usize) -> (Vec<String>, Option<String>) {
        let mut events = Events::default();
        let pieces = stream.chunks(cut.max(1));
        let found = pieces.filter_map(|piece| events.take(piece).ok()).flatten().collect();
        (found, events.last_id().map(str::to_owned))
    }

    /// The same, read whole and line by line as the standard words it.
    pub(crate) fn by_the_standard(stream: &str) -> (Vec<String>, Option<String>) {
        let text =
            stream.strip_prefix('\u{feff}').unwrap_or(stream).replace("\r\n", "\n").replace('\r', "\n");
        // What no line break ends is not processed.
        let Some((lines, _)) = text.rsplit_once('\n') else { return (Vec::new(), None) };
        let (mut found, mut data, mut id, mut last) = (Vec::new(), Vec::new(), String::new(), String::new());
        for line in lines.split('\n') {
            let (field, value) = line.split_once(':').unwrap_or((line, ""));
            let value = value.strip_prefix(' ').unwrap_or(value);
            match (line, field) {
                ("", _) => {
                    last.clone_from(&id);
                    if !data.is_empty() {
                        found.push(std::mem::take(&mut data).join("\n"));
                    }
                }
                (_, "data") => data.push(value.to_owned()),
                (_, "id") if !value.contains('\0') => value.clone_into(&mut id),
                _ => {}
            }
        }
        (found, Some(last).filter(|last| !last.is_empty()))
    }

    /// A stream that breaks and is read on with: the events of both, and nothing of one in the other.
    pub(crate) fn broken(stream: &[u8], at: usize) {
        let (before, after) = stream.split_at(at.min(stream.len()));
        let mut reader = Events::default();
        let (Ok(mut found), ()) = (reader.take(before), reader.anew()) else { return };
        let Ok(more) = reader.take(after) else { return };
        found.extend(more);
        assert_eq!(found, [events(before, before.len()), events(after, after.len())].concat());
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
        assert_eq!(events.take(b"id: 3\0\ndata: y\n\n").unwrap(), ["y"]);
        assert_eq!(events.last_id(), Some("2"));
    }

    #[test]
    fn half_an_event_of_a_stream_that_broke_does_not_spoil_the_next_one() {
        let mut events = Events::default();
        assert_eq!(events.take(b"id: 1\ndata: {}\n\nid: 2\ndata: {\"half").unwrap(), ["{}"]);
        events.anew();
        assert_eq!(events.last_id(), Some("1"));
        assert_eq!(events.take(b"id: 2\ndata: {\"half\":1}\n\n").unwrap(), ["{\"half\":1}"]);
        assert_eq!(events.last_id(), Some("2"));
    }

    #[test]
    fn every_end_of_line_and_a_byte_order_mark_are_read() {
        let stream = "\u{feff}data: a\r\rdata: b\r\n\r\ndata: c\n\rdata\n\n: \n\ndata:  d\n\ndata: lost\n";
        assert_eq!(fuzzing::by_the_standard(stream).0, ["a", "b", "c", "", " d"]);
        for size in 1..stream.len() {
            assert_eq!(fuzzing::events(stream.as_bytes(), size), ["a", "b", "c", "", " d"], "{size}");
        }
    }

    #[test]
    fn an_endless_line_is_given_up() {
        let mut events = Events::default();
        let piece = vec![b'x'; 1 << 20];
        assert!((0..16).all(|_| events.take(&piece).is_ok()));
        assert_eq!(events.take(&piece), Err(TooLong));
    }
}
