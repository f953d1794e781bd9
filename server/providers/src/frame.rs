//! Server-sent events, or lines of JSON, out of bytes, however the bytes are cut.

use serde::de::IgnoredAny;

/// One event: the name it was sent under, if any, and its data lines joined.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Event {
    pub name: Option<String>,
    pub data: String,
}

/// How a vendor sets its events apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Framing {
    /// Server-sent events.
    #[default]
    Events,
    /// One JSON object a line.
    Lines,
}

/// Why a stream of events cannot be read on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    #[error("a line is longer than {LINE_BYTES_MAX} bytes")]
    LineTooLong,
    #[error("an event is longer than {EVENT_BYTES_MAX} bytes")]
    EventTooLong,
    #[error("a line is not UTF-8")]
    NotUtf8,
}

pub const LINE_BYTES_MAX: usize = 1 << 20;
pub const EVENT_BYTES_MAX: usize = 4 << 20;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Reads events as their bytes arrive. Looks at every byte once.
#[derive(Debug, Default)]
pub struct Framer {
    framing: Framing,
    /// The start of a line whose end has not arrived.
    line: Vec<u8>,
    /// Whether the last byte was a CR, so that an LF after it belongs to the same line end.
    after_cr: bool,
    /// Whether the first line, which may begin with a byte-order mark, is over.
    begun: bool,
    name: Option<String>,
    data: Option<String>,
    /// Whether the block is JSON that was sent without `data:`.
    is_bare: bool,
}

impl Framer {
    pub fn new(framing: Framing) -> Self {
        Self { framing, ..Self::default() }
    }

    /// Takes the next bytes and adds the events they complete to `events`, also those before an error.
    pub fn feed(&mut self, mut bytes: &[u8], events: &mut Vec<Event>) -> Result<(), FrameError> {
        if self.after_cr && !bytes.is_empty() {
            bytes = bytes.strip_prefix(b"\n").unwrap_or(bytes);
            self.after_cr = false;
        }
        while let Some(end) = bytes.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
            let (line, rest) = (&bytes[..end], &bytes[end + 1..]);
            let event = if self.line.is_empty() {
                self.end_line(line)?
            } else {
                self.keep(line)?;
                let whole = std::mem::take(&mut self.line);
                let event = self.end_line(&whole)?;
                self.line = whole;
                self.line.clear();
                event
            };
            events.extend(event);
            self.after_cr = bytes[end] == b'\r' && rest.is_empty();
            bytes = if bytes[end] == b'\r' { rest.strip_prefix(b"\n").unwrap_or(rest) } else { rest };
        }
        self.keep(bytes)
    }

    /// The event that was cut off by the end of the body, if it is whole all the same.
    ///
    /// The format says to drop it, but servers do forget the last newline.
    pub fn finish(&mut self) -> Option<Event> {
        let line = std::mem::take(&mut self.line);
        // An unreadable last line leaves no whole event behind, which the caller sees as a cut answer.
        let last = if line.is_empty() { None } else { self.end_line(&line).ok()? };
        let event = last.or_else(|| self.dispatch())?;
        let is_whole = event.data == "[DONE]" || serde_json::from_str::<IgnoredAny>(&event.data).is_ok();
        is_whole.then_some(event)
    }

    fn keep(&mut self, bytes: &[u8]) -> Result<(), FrameError> {
        if self.line.len() + bytes.len() > LINE_BYTES_MAX {
            return Err(FrameError::LineTooLong);
        }
        self.line.extend_from_slice(bytes);
        Ok(())
    }

    fn end_line(&mut self, line: &[u8]) -> Result<Option<Event>, FrameError> {
        if line.len() > LINE_BYTES_MAX {
            return Err(FrameError::LineTooLong);
        }
        let line = if self.begun { line } else { line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line) };
        self.begun = true;
        if self.framing == Framing::Lines {
            let data = text(line)?;
            return Ok((!data.trim().is_empty()).then(|| Event { name: None, data: data.to_owned() }));
        }
        if line.is_empty() {
            return Ok(self.dispatch());
        }
        // Where an answer breaks off, some servers say why in JSON of many lines that is no event.
        if self.is_bare || (line[0] == b'{' && self.data.is_none()) {
            self.is_bare = true;
            self.add_data(line)?;
            return Ok(None);
        }
        let colon = line.iter().position(|byte| *byte == b':').unwrap_or(line.len());
        let value = line.get(colon + 1..).unwrap_or_default();
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match &line[..colon] {
            b"data" => self.add_data(value)?,
            b"event" => self.name = Some(text(value)?.to_owned()),
            _ => {}
        }
        Ok(None)
    }

    fn add_data(&mut self, value: &[u8]) -> Result<(), FrameError> {
        let value = text(value)?;
        match &mut self.data {
            None => self.data = Some(value.to_owned()),
            Some(data) if data.len() + value.len() >= EVENT_BYTES_MAX => {
                return Err(FrameError::EventTooLong);
            }
            Some(data) => {
                data.push('\n');
                data.push_str(value);
            }
        }
        Ok(())
    }

    fn dispatch(&mut self) -> Option<Event> {
        let name = self.name.take();
        self.is_bare = false;
        self.data.take().map(|data| Event { name, data })
    }
}

fn text(bytes: &[u8]) -> Result<&str, FrameError> {
    std::str::from_utf8(bytes).map_err(|_| FrameError::NotUtf8)
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn read(pieces: &[&[u8]]) -> (Vec<Event>, Option<FrameError>) {
        read_as(Framing::Events, pieces)
    }

    fn read_as(framing: Framing, pieces: &[&[u8]]) -> (Vec<Event>, Option<FrameError>) {
        let (mut framer, mut events) = (Framer::new(framing), Vec::new());
        for piece in pieces {
            if let Err(error) = framer.feed(piece, &mut events) {
                return (events, Some(error));
            }
        }
        events.extend(framer.finish());
        (events, None)
    }

    fn data(body: &str) -> Vec<String> {
        let (events, error) = read(&[body.as_bytes()]);
        assert_eq!(error, None);
        events.into_iter().map(|event| event.data).collect()
    }

    #[test]
    fn every_kind_of_line_end_ends_a_line() {
        for body in ["data: a\n\ndata: b\n\n", "data: a\r\n\r\ndata: b\r\n\r\n", "data: a\r\rdata:b\r\r"] {
            assert_eq!(data(body), ["a", "b"], "{body:?}");
        }
    }

    #[test]
    fn a_byte_order_mark_is_dropped_only_at_the_start() {
        assert_eq!(data("\u{feff}data: a\n\n\u{feff}data: lost\n\n"), ["a"]);
    }

    #[test]
    fn only_a_block_with_data_is_an_event() {
        assert_eq!(
            data(": comment\n\nretry: 5\nid: 1\n\nevent: ping\n\ndata\n\ndata: a\nwhat\n\n"),
            ["", "a"]
        );
    }

    #[test]
    fn a_name_belongs_to_its_own_block() {
        let (events, _) = read(&[b"event: ping\n\ndata: 1\n\nevent: error\ndata: 2\n\n"]);
        let names: Vec<_> = events.iter().map(|event| event.name.as_deref()).collect();
        assert_eq!(names, [None, Some("error")]);
    }

    #[test]
    fn data_lines_are_joined_and_lose_one_space_each() {
        assert_eq!(data("data: {\ndata:  \"a\": 1\ndata:}\n\n"), ["{\n \"a\": 1\n}"]);
    }

    #[test]
    fn a_forgotten_last_newline_loses_nothing_that_is_whole() {
        assert_eq!(data("data: [DONE]"), ["[DONE]"]);
        assert_eq!(data("data: {\"a\": 1}\n"), ["{\"a\": 1}"]);
        assert_eq!(data("data: {\"a\": "), Vec::<String>::new());
        assert_eq!(data("data: {\"a\": 1}\ndat"), ["{\"a\": 1}"]);
    }

    #[test]
    fn json_without_data_is_an_event_of_its_own() {
        let body = "data: a\n\n{\n  \"error\": {\n: \"x\"\n}\n}\n\ndata: b\n\n{\"error\":1}\n";
        assert_eq!(data(body), ["a", "{\n  \"error\": {\n: \"x\"\n}\n}", "b", "{\"error\":1}"]);
        assert_eq!(data("{\n\"error\": "), Vec::<String>::new());
        assert_eq!(data("data: {\n{ lost\ndata: }\n\n"), ["{\n}"]);
    }

    #[test]
    fn each_line_is_an_event_where_lines_are() {
        let body = b"\xef\xbb\xbf{\"a\":1}\r\n\n  \n{\"a\":\"data: x\"}\n{\"a\":3}";
        let (events, error) = read_as(Framing::Lines, &[body]);
        let data: Vec<_> = events.iter().map(|event| event.data.as_str()).collect();
        assert_eq!((data, error), (vec!["{\"a\":1}", "{\"a\":\"data: x\"}", "{\"a\":3}"], None));
        assert_eq!(read_as(Framing::Lines, &[b"{\"a\":1}\n{\"a\":"]).0.len(), 1);
        assert_eq!(read_as(Framing::Lines, &[b"\xff\n"]).1, Some(FrameError::NotUtf8));
    }

    #[test]
    fn what_came_before_an_overlong_line_is_kept() {
        let mut body = b"data: a\n\ndata: ".to_vec();
        body.resize(LINE_BYTES_MAX + 100, b'x');
        let (events, error) = read(&[&body]);
        assert_eq!((events.len(), error), (1, Some(FrameError::LineTooLong)));
        body.extend_from_slice(b"\n\n");
        assert_eq!(read(&[&body]).1, Some(FrameError::LineTooLong));
        let bytes: Vec<_> = body.chunks(1000).collect();
        assert_eq!(read(&bytes).1, Some(FrameError::LineTooLong));
    }

    #[test]
    fn an_event_of_endless_lines_is_refused() {
        let line = format!("data: {}\n", "x".repeat(LINE_BYTES_MAX / 2));
        assert_eq!(read(&[line.repeat(9).as_bytes()]).1, Some(FrameError::EventTooLong));
    }

    #[test]
    fn damaged_text_is_an_error_and_a_damaged_comment_is_not() {
        assert_eq!(read(&[b"data: \xff\n\n"]).1, Some(FrameError::NotUtf8));
        assert_eq!(read(&[b": \xff\ndata: a\n\n"]).0.len(), 1);
    }

    proptest! {
        #[test]
        fn any_split_gives_the_same_events(
            parts in vec(prop_oneof![
                Just("data"), Just(":"), Just(" "), Just("\r"), Just("\n"), Just("\r\n"), Just("\n\n"), Just("event: e"),
                Just("data: {\"a\":\"ö👋\"}"), Just("\u{feff}"), Just("data: [DONE]"), Just("id: 1"),
                Just("{\n\"a\": 1\n}"), Just("{\"a\":1}"),
            ], 0..40),
            cuts in vec(0usize..400, 0..20),
        ) {
            let body = parts.concat().into_bytes();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(body.len())).chain([0, body.len()]).collect();
            cuts.sort_unstable();
            let pieces: Vec<&[u8]> = cuts.windows(2).map(|pair| &body[pair[0]..pair[1]]).collect();
            let bytes: Vec<&[u8]> = body.chunks(1).collect();
            for framing in [Framing::Events, Framing::Lines] {
                let whole = read_as(framing, &[&body]);
                prop_assert_eq!(&read_as(framing, &pieces), &whole);
                prop_assert_eq!(&read_as(framing, &bytes), &whole);
            }
        }

        #[test]
        fn no_bytes_make_it_fall_over(body in vec(any::<u8>(), 0..300)) {
            let bytes: Vec<&[u8]> = body.chunks(1).collect();
            for framing in [Framing::Events, Framing::Lines] {
                prop_assert_eq!(read_as(framing, &bytes), read_as(framing, &[&body]));
            }
        }
    }
}
