//! A message as it is read: all fields side by side. Serde's own reading of tagged and flattened types would cost the
//! browser ten times the code.

use serde::Deserialize;

use super::{News, ToPage};
use crate::fault::{Code, Fault, Shortfall};
use crate::id::{CallId, ConversationId, ModelId};
use crate::money::{Nanos, as_text_option};
use crate::quote::Quote;
use crate::receipt::Settlement;

#[derive(Deserialize)]
pub(super) struct Message {
    seq: u64,
    conversation_id: Option<ConversationId>,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default, with = "as_text_option")]
    min_nanos: Option<Nanos>,
    #[serde(default, with = "as_text_option")]
    likely_nanos: Option<Nanos>,
    #[serde(default, with = "as_text_option")]
    max_nanos: Option<Nanos>,
    input_tokens: Option<u64>,
    max_output_tokens: Option<u64>,
    free_tokens: Option<u64>,
    call_id: Option<CallId>,
    model: Option<ModelId>,
    #[serde(default, with = "as_text_option")]
    hold_nanos: Option<Nanos>,
    text: Option<String>,
    output_tokens: Option<u64>,
    #[serde(default, with = "as_text_option")]
    cost_nanos: Option<Nanos>,
    #[serde(default, with = "as_text_option")]
    hold_left_nanos: Option<Nanos>,
    receipt: Option<Settlement>,
    finish: Option<String>,
    #[serde(default, with = "as_text_option")]
    released_nanos: Option<Nanos>,
    #[serde(default, with = "as_text_option")]
    refunded_nanos: Option<Nanos>,
    #[serde(default, with = "as_text_option")]
    available_nanos: Option<Nanos>,
    #[serde(default, with = "as_text_option")]
    held_nanos: Option<Nanos>,
    code: Option<Code>,
    message: Option<String>,
    field: Option<String>,
    shortfall: Option<Shortfall>,
    retry_after_seconds: Option<u64>,
    call: Option<CallId>,
}

impl TryFrom<Message> for ToPage {
    type Error = &'static str;

    fn try_from(message: Message) -> Result<Self, Self::Error> {
        let (seq, conversation_id) = (message.seq, message.conversation_id);
        let news = news(message).ok_or("this kind of news is unknown or lacks a field")?;
        Ok(Self { seq, conversation_id, news })
    }
}

fn news(message: Message) -> Option<News> {
    Some(match message.kind.as_str() {
        "quoted" => News::Quoted {
            quote: Quote {
                min_nanos: message.min_nanos?,
                likely_nanos: message.likely_nanos?,
                max_nanos: message.max_nanos?,
                input_tokens: message.input_tokens?,
                max_output_tokens: message.max_output_tokens?,
            },
        },
        "held" => News::Held {
            call_id: message.call_id?,
            model: message.model?,
            hold_nanos: message.hold_nanos?,
            free_tokens: message.free_tokens.unwrap_or_default(),
            max_output_tokens: message.max_output_tokens?,
        },
        "delta" => News::Delta { text: message.text? },
        "reasoning" => News::Reasoning { text: message.text? },
        "tick" => News::Tick {
            output_tokens: message.output_tokens?,
            cost_nanos: message.cost_nanos?,
            hold_left_nanos: message.hold_left_nanos?,
        },
        "settled" => News::Settled { receipt: message.receipt?, finish: message.finish? },
        "released" => News::Released { call_id: message.call_id?, released_nanos: message.released_nanos? },
        "refunded" => News::Refunded { call_id: message.call_id?, refunded_nanos: message.refunded_nanos? },
        "balance" => {
            News::Balance { available_nanos: message.available_nanos?, held_nanos: message.held_nanos? }
        }
        "error" => News::Error {
            fault: Fault {
                code: message.code?,
                message: message.message?,
                field: message.field,
                shortfall: message.shortfall.map(Box::new),
                retry_after_seconds: message.retry_after_seconds,
                call: message.call,
                limited: None,
                standing: None,
            },
        },
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::PriceId;
    use crate::price::{Charge, TakeRate};
    use crate::usage::{Tokens, UsageSource};

    #[test]
    fn every_kind_of_news_is_read_as_it_was_written() {
        let call_id = CallId(uuid::Uuid::from_u128(7));
        let receipt = Settlement {
            id: call_id,
            charge: Charge { provider_cost: Nanos(7), commission: Nanos(3), charge: Nanos(10) },
            take: TakeRate::STANDARD,
            price_version: PriceId(uuid::Uuid::from_u128(6)),
            usage: Tokens { input: 4, ..Tokens::default() },
            usage_source: UsageSource::Provider,
            hold_nanos: Nanos(100),
            released_nanos: Nanos(90),
            available_nanos: Nanos(500),
            free_tokens: 0,
        };
        let shortfall = Shortfall { required_nanos: Nanos(2), available_nanos: Nanos(1), advice: None };
        let fault =
            Fault { shortfall: Some(Box::new(shortfall)), ..Fault::new(Code::PaymentRequired, "too little") };
        let model = ModelId::parse("openai/gpt-5-mini").unwrap();
        for news in [
            News::Quoted { quote: Quote { max_nanos: Nanos(5), max_output_tokens: 9, ..Quote::default() } },
            News::Held { call_id, model, hold_nanos: Nanos(100), free_tokens: 8, max_output_tokens: 10 },
            News::Delta { text: "a".to_owned() },
            News::Reasoning { text: "b".to_owned() },
            News::Tick { output_tokens: 3, cost_nanos: Nanos(5), hold_left_nanos: Nanos(7) },
            News::Settled { receipt, finish: "stop".to_owned() },
            News::Released { call_id, released_nanos: Nanos(1) },
            News::Refunded { call_id, refunded_nanos: Nanos(2) },
            News::Balance { available_nanos: Nanos(3), held_nanos: Nanos(4) },
            News::Error { fault },
        ] {
            let sent = ToPage { seq: 4, conversation_id: None, news };
            let written = serde_json::to_string(&sent).unwrap();
            assert_eq!(serde_json::from_str::<ToPage>(&written).unwrap(), sent, "{written}");
        }
    }

    #[test]
    fn unknown_and_incomplete_news_is_refused() {
        for text in
            [r#"{"seq":1,"type":"hail"}"#, r#"{"seq":1,"type":"delta"}"#, r#"{"type":"delta","text":""}"#]
        {
            assert!(serde_json::from_str::<ToPage>(text).is_err(), "{text} was read");
        }
    }
}
