//! The chat channel between page and server: one JSON object a message, numbered by the server.

mod flat;

use serde::{Deserialize, Serialize};

use crate::fault::Fault;
use crate::id::{CallId, ConversationId, ModelId};
use crate::money::{Nanos, as_text, as_text_option};
use crate::quote::Quote;
use crate::receipt::Settlement;

/// What the page sends.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum FromPage {
    Send(Prompt),
    /// Stops the answer being written; what was delivered is paid, the rest given back.
    Stop {
        conversation_id: ConversationId,
    },
    /// Asks for everything after `last_seq` again.
    Resume {
        conversation_id: ConversationId,
        last_seq: u64,
    },
}

/// A message to a model within a conversation; without one, a new conversation begins.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Prompt {
    #[serde(default)]
    pub conversation_id: Option<ConversationId>,
    pub model: ModelId,
    pub text: String,
    #[serde(default)]
    pub max_output_tokens: Option<u64>,
    /// The most this one answer may cost.
    #[serde(default, with = "as_text_option", skip_serializing_if = "Option::is_none")]
    pub cap_nanos: Option<Nanos>,
}

/// What the server sends. `seq` counts from 1 within a conversation's current answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "flat::Message")]
pub struct ToPage {
    pub seq: u64,
    pub conversation_id: Option<ConversationId>,
    #[serde(flatten)]
    pub news: News,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum News {
    Quoted {
        #[serde(flatten)]
        quote: Quote,
    },
    Held {
        call_id: CallId,
        model: ModelId,
        #[serde(with = "as_text")]
        hold_nanos: Nanos,
        /// Set aside instead of money.
        free_tokens: u64,
        max_output_tokens: u64,
    },
    Delta {
        text: String,
    },
    /// Thinking that the vendor shows.
    Reasoning {
        text: String,
    },
    Tick {
        output_tokens: u64,
        #[serde(with = "as_text")]
        cost_nanos: Nanos,
        #[serde(with = "as_text")]
        hold_left_nanos: Nanos,
    },
    Settled {
        receipt: Settlement,
        finish: String,
    },
    /// Nothing was charged; the whole hold went back.
    Released {
        call_id: CallId,
        #[serde(with = "as_text")]
        released_nanos: Nanos,
    },
    Refunded {
        call_id: CallId,
        #[serde(with = "as_text")]
        refunded_nanos: Nanos,
    },
    Balance {
        #[serde(with = "as_text")]
        available_nanos: Nanos,
        #[serde(with = "as_text")]
        held_nanos: Nanos,
    },
    Error {
        #[serde(flatten)]
        fault: Fault,
    },
}

/// One thread, for the list beside the transcript.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Conversation {
    pub id: ConversationId,
    pub title: String,
    #[serde(with = "as_text")]
    pub spent_nanos: Nanos,
    pub updated_at: String,
}

/// A thread with everything said in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Transcript {
    pub conversation: Conversation,
    pub turns: Vec<Turn>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Turn {
    pub author: Author,
    pub text: String,
    pub model: Option<ModelId>,
    pub call_id: Option<CallId>,
    #[serde(with = "as_text_option")]
    pub charge_nanos: Option<Nanos>,
    pub output_tokens: Option<u64>,
    pub finish: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = TurnAuthor))]
#[serde(rename_all = "lowercase")]
pub enum Author {
    User,
    Assistant,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_carry_their_type_and_number_at_the_top() {
        let tick = News::Tick { output_tokens: 3, cost_nanos: Nanos(5), hold_left_nanos: Nanos(7) };
        let sent = serde_json::to_value(ToPage { seq: 4, conversation_id: None, news: tick }).unwrap();
        assert_eq!(
            (&sent["type"], &sent["seq"], &sent["cost_nanos"]),
            (&"tick".into(), &4.into(), &"5".into())
        );
    }

    #[test]
    fn a_page_may_send_the_least() {
        let sent = r#"{"type":"send","model":"openai/gpt-5-mini","text":"Hello"}"#;
        assert!(
            matches!(serde_json::from_str(sent).unwrap(), FromPage::Send(prompt) if prompt.cap_nanos.is_none())
        );
    }
}
