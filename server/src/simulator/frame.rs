//! One write to the socket, and what it stands for in the log of truth.

use bytes::Bytes;
use serde_json::Value;

/// One write to the socket.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Frame {
    pub bytes: Bytes,
    /// The tokens that arrive with it, reasoning included.
    pub tokens: u64,
    pub reasoning_tokens: u64,
    /// How many bytes of text arrive with it, reasoning that is shown included.
    pub text_bytes: u64,
    /// The usage it reports, in the vendor's own words.
    pub usage: Option<Value>,
}

impl Frame {
    /// A body, or a part of one, as it stands.
    pub fn raw(bytes: impl Into<Bytes>) -> Self {
        Self { bytes: bytes.into(), ..Self::default() }
    }

    /// An event without a name.
    pub fn data(value: &Value) -> Self {
        Self::raw(format!("data: {value}\n\n"))
    }

    /// An event named after the `type` inside it.
    pub fn event(value: &Value) -> Self {
        let name = value["type"].as_str().unwrap_or_default();
        Self::raw(format!("event: {name}\ndata: {value}\n\n"))
    }

    pub fn carrying(self, tokens: u64) -> Self {
        Self { tokens, ..self }
    }

    pub fn thinking(self, tokens: u64) -> Self {
        Self { reasoning_tokens: tokens, ..self.carrying(tokens) }
    }

    pub fn showing(self, text: &str) -> Self {
        Self { text_bytes: text.len() as u64, ..self }
    }

    pub fn reporting(self, usage: Option<Value>) -> Self {
        Self { usage, ..self }
    }

    /// The first half of the bytes, which stands for nothing.
    pub fn halved(&self) -> Self {
        Self::raw(self.bytes.slice(..self.bytes.len() / 2))
    }

    /// The same event with the line ends of Windows. JSON has no bare line feeds, so nothing else changes.
    pub fn with_crlf(self) -> Self {
        let bytes = self.bytes.iter().flat_map(|byte| match byte {
            b'\n' => b"\r\n".as_slice(),
            other => std::slice::from_ref(other),
        });
        Self { bytes: bytes.copied().collect(), ..self }
    }

    /// The same event without the blank that most put after `data:`.
    pub fn tightened(self) -> Self {
        let text = String::from_utf8_lossy(&self.bytes).replace("data: ", "data:");
        Self { bytes: text.into(), ..self }
    }

    /// The same event without the line ends after it.
    pub fn unended(self) -> Self {
        let end = self.bytes.iter().rposition(|byte| *byte != b'\n').map_or(0, |at| at + 1);
        Self { bytes: self.bytes.slice(..end), ..self }
    }

    /// Several writes, parted inside every character of more than one byte; the last one counts.
    pub fn parted(self) -> Vec<Self> {
        let mut rest = self.bytes.clone();
        let mut parts = Vec::new();
        while let Some(at) = rest.iter().position(|byte| *byte >= 0xC0) {
            parts.push(Self::raw(rest.split_to(at + 1)));
        }
        parts.push(Self { bytes: rest, ..self });
        parts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_split_characters_and_lose_nothing() {
        let parts = Frame::raw("wörld 👋!".to_owned()).carrying(3).parted();
        let bytes: Vec<&[u8]> = parts.iter().map(|part| part.bytes.as_ref()).collect();
        assert_eq!(bytes.concat(), "wörld 👋!".as_bytes());
        assert!(parts[..2].iter().all(|part| std::str::from_utf8(&part.bytes).is_err() && part.tokens == 0));
        assert_eq!((parts.len(), parts[2].tokens), (3, 3));
    }

    #[test]
    fn crlf_ends_every_line() {
        assert_eq!(Frame::raw("data: 1\n\n").with_crlf().bytes, "data: 1\r\n\r\n");
    }
}
