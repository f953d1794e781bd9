//! Ways to put the events of an answer on the wire that a good reader does not mind, and one that it must refuse.

use std::iter;

use super::dialect::Frames;
use super::frame::Frame;
use super::scenario::Scenario;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
const GIANT_LINE_BYTES: usize = 10 << 20;
/// What is said before the giant line begins.
const GIANT_LINE_AFTER: usize = 8;

/// How a stream sets its events apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    Events,
    Lines,
}

impl Shape {
    pub fn of(content_type: &str) -> Self {
        if content_type.starts_with("text/event-stream") { Self::Events } else { Self::Lines }
    }

    /// What stands between events and means nothing.
    fn filler(self) -> &'static str {
        match self {
            Self::Events => ": nothing yet\n\n",
            Self::Lines => "\n",
        }
    }

    fn opening(self) -> &'static str {
        match self {
            Self::Events => "data: ",
            Self::Lines => "",
        }
    }
}

/// The frames as a scenario wants them written.
pub fn distorted(scenario: Scenario, shape: Shape, frames: Frames) -> Frames {
    match scenario {
        Scenario::Crlf => Box::new(frames.map(Frame::with_crlf)),
        Scenario::SplitUtf8 => Box::new(frames.flat_map(Frame::parted)),
        Scenario::TightData => Box::new(frames.map(Frame::tightened)),
        Scenario::Comments => Box::new(frames.flat_map(move |frame| [Frame::raw(shape.filler()), frame])),
        Scenario::ByteOrderMark => Box::new(iter::once(Frame::raw(BYTE_ORDER_MARK)).chain(frames)),
        Scenario::NoLastBlank => unended(frames),
        Scenario::AfterDone => repeated_after_the_end(frames),
        Scenario::GiantLine => with_a_giant_line(shape, frames),
        _ => frames,
    }
}

fn unended(frames: Frames) -> Frames {
    let mut frames = frames.peekable();
    Box::new(iter::from_fn(move || {
        let frame = frames.next()?;
        Some(if frames.peek().is_none() { frame.unended() } else { frame })
    }))
}

/// After its end the stream says the first word once more, which is no part of the answer.
fn repeated_after_the_end(mut frames: Frames) -> Frames {
    let (mut first, mut is_over) = (None, false);
    Box::new(iter::from_fn(move || match frames.next() {
        Some(frame) => {
            if frame.tokens > 0 && first.is_none() {
                first = Some(Frame::raw(frame.bytes.clone()));
            }
            Some(frame)
        }
        None if is_over => None,
        None => {
            is_over = true;
            first.take()
        }
    }))
}

/// Ten megabytes in one line in the middle of the answer.
fn with_a_giant_line(shape: Shape, frames: Frames) -> Frames {
    Box::new(frames.enumerate().flat_map(move |(at, frame)| {
        let giant = (at == GIANT_LINE_AFTER).then(|| {
            let opening = shape.opening();
            Frame::raw(format!("{opening}{}\n\n", "x".repeat(GIANT_LINE_BYTES)))
        });
        giant.into_iter().chain([frame])
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(scenario: Scenario) -> String {
        let frames = ["data: a\n\n", "data: b\n\n", "data: end\n\n"].map(Frame::raw);
        let frames = frames.into_iter().enumerate().map(|(at, frame)| frame.carrying(u64::from(at < 2)));
        let bytes: Vec<u8> = distorted(scenario, Shape::Events, Box::new(frames))
            .flat_map(|frame| frame.bytes.to_vec())
            .collect();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn each_distortion_is_what_its_name_says() {
        assert_eq!(written(Scenario::TightData), "data:a\n\ndata:b\n\ndata:end\n\n");
        assert_eq!(written(Scenario::ByteOrderMark), "\u{feff}data: a\n\ndata: b\n\ndata: end\n\n");
        assert_eq!(written(Scenario::NoLastBlank), "data: a\n\ndata: b\n\ndata: end");
        assert_eq!(written(Scenario::AfterDone), "data: a\n\ndata: b\n\ndata: end\n\ndata: a\n\n");
        assert_eq!(written(Scenario::Comments).matches(": nothing yet\n\n").count(), 3);
    }
}
