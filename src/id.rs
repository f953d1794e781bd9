//! Names of things: models, providers, and the keys of rows.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::fault::Fault;

macro_rules! row_id {
    ($(#[$doc:meta] $name:ident $(after $prefixes:expr)?),* $(,)?) => { $(
        #[$doc]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            pub fn parse(text: &str) -> Result<Self, Fault> {
                $(let text = $prefixes.iter().find_map(|prefix| text.strip_prefix(prefix)).unwrap_or(text);)?
                Uuid::parse_str(text).map(Self).map_err(|_| Fault::invalid("id", "is not one of ours"))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )* };
}

row_id! {
    /// Someone who signed up.
    AccountId,
    /// One sign-in, from log-in to log-out.
    SessionId,
    /// An API key. Its secret is not in here.
    KeyId,
    /// One paid call from hold to receipt; also the `x-generation-id` of its answer.
    CallId after CallId::WRITTEN_AFTER,
    /// One payment into a balance.
    TopUpId,
    /// One thread of messages.
    ConversationId,
    /// One version of a model's price.
    PriceId,
    /// A price promised before a call.
    QuoteId,
}

impl CallId {
    /// What stands before it in the `id` of an answer, in each dialect; whoever asks about the answer sends it along.
    const WRITTEN_AFTER: [&str; 3] = ["gen-", "resp_", "msg_"];
}

/// A model for sale, `author/slug`. The slug may itself contain slashes, colons and at signs.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(try_from = "String", into = "String")]
#[cfg_attr(feature = "openapi", schema(example = "openai/gpt-5-mini"))]
pub struct ModelId(String);

impl ModelId {
    pub const LENGTH_MAX: usize = 200;

    pub fn parse(text: &str) -> Result<Self, Fault> {
        let fits = text.len() <= Self::LENGTH_MAX && text.chars().all(|c| c.is_ascii_graphic());
        match text.split_once('/') {
            Some((author, slug)) if fits && !author.is_empty() && !slug.is_empty() => {
                Ok(Self(text.to_owned()))
            }
            _ => Err(Fault::invalid("model", "must be written author/slug, for example openai/gpt-5-mini")),
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn author(&self) -> &str {
        self.0.split_once('/').map_or("", |(author, _)| author)
    }

    pub fn slug(&self) -> &str {
        self.0.split_once('/').map_or("", |(_, slug)| slug)
    }
}

impl TryFrom<String> for ModelId {
    type Error = Fault;
    fn try_from(text: String) -> Result<Self, Fault> {
        Self::parse(&text)
    }
}

impl From<ModelId> for String {
    fn from(id: ModelId) -> String {
        id.0
    }
}

impl fmt::Display for ModelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Who answers a call: a key of the provider registry, such as `openai`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(transparent)]
pub struct ProviderId(pub String);

impl ProviderId {
    /// As callers spell it: `Hugging Face`, `hugging-face` and `huggingface` are one.
    pub fn spelt(name: &str) -> Self {
        Self(name.to_lowercase().replace([' ', '-', '_', '.'], ""))
    }
}

impl fmt::Display for ProviderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_known_by_the_id_of_its_answer() {
        let call = CallId(Uuid::from_u128(0x01a2_16cb_7478));
        let simple = call.0.simple();
        for text in
            [format!("{call}"), format!("gen-{call}"), format!("msg_{call}"), format!("resp_{simple}")]
        {
            assert_eq!(CallId::parse(&text), Ok(call), "{text}");
        }
        assert!(CallId::parse("gen-gen-").is_err() && KeyId::parse(&format!("gen-{call}")).is_err());
    }

    #[test]
    fn a_model_id_splits_at_its_first_slash() {
        let id = ModelId::parse("huggingface/meta-llama/Llama-2-70b-chat-hf").unwrap();
        assert_eq!((id.author(), id.slug()), ("huggingface", "meta-llama/Llama-2-70b-chat-hf"));
    }

    #[test]
    fn a_model_id_without_an_author_is_refused() {
        for text in ["gpt-4", "/gpt-4", "openai/", "", "openai/gpt 4", "openai/\u{202e}gpt"] {
            assert!(ModelId::parse(text).is_err(), "{text:?} was accepted");
        }
    }
}
