//! OpenAI's newer protocol, in which a conversation is a list of items and an answer is another one.

mod decoder;
mod encode;
mod wire;

use marketplace::chat::{ChatEvent, Failure};
use reqwest::StatusCode;
use reqwest::header::HeaderMap;

pub use self::encode::encode;
use crate::failure::malformed;
pub use crate::openai::refusal;
use crate::reading::{self, Reading};

pub type Decoder = Reading<decoder::Items>;

/// Reads an answer that came in one piece.
pub fn decode(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Result<Vec<ChatEvent>, Failure> {
    if !status.is_success() {
        return Err(refusal(status, headers, body));
    }
    let answer: wire::Response = serde_json::from_slice(body)
        .map_err(|_| malformed("the answer is not JSON of the response shape"))?;
    reading::whole(|items: &mut decoder::Items| items.take_whole(answer))
}
