//! What is read is what was written, and nothing else is taken for it.

use std::collections::BTreeMap;

use marketplace::fault::{Code, Fault, Shortfall};
use marketplace::id::{CallId, ConversationId, ModelId, PriceId};
use marketplace::live::{Author, Conversation, News, ToPage, Transcript, Turn};
use marketplace::money::{Nanos, Rate};
use marketplace::price::{Charge, LongContext, OffPeak, Price, Rates, TakeRate, Unit, Window};
use marketplace::receipt::Settlement;
use marketplace::usage::{Tokens, UsageSource};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::*;

#[derive(Debug, PartialEq, Serialize, serde::Deserialize)]
struct Shelf {
    name: String,
    kind: Kind,
    count: u32,
    balance: i64,
    share: f64,
    is_open: bool,
    note: Option<String>,
    nested: Option<Box<Shelf>>,
    tags: Vec<String>,
    pairs: Vec<(String, u8)>,
    by_name: BTreeMap<String, u64>,
}

#[derive(Debug, PartialEq, Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    OpenWeights,
    Closed,
}

fn shelf(name: &str) -> Shelf {
    Shelf {
        name: name.to_owned(),
        kind: Kind::OpenWeights,
        count: u32::MAX,
        balance: i64::MIN,
        share: 0.25,
        is_open: true,
        note: None,
        nested: None,
        tags: vec![String::new(), "a".to_owned()],
        pairs: vec![("b".to_owned(), 255)],
        by_name: BTreeMap::from([("c".to_owned(), u64::MAX)]),
    }
}

#[test]
fn what_was_written_is_read() {
    let nested = Some(Box::new(Shelf { kind: Kind::Closed, ..shelf("inner") }));
    let written = Shelf { nested, note: Some("n".to_owned()), ..shelf("outer") };
    for text in [serde_json::to_string(&written), serde_json::to_string_pretty(&written)] {
        assert_eq!(read::<Shelf>(&text.unwrap()).as_ref(), Ok(&written));
    }
}

#[test]
fn every_letter_is_read_as_it_was_written() {
    let all = (0..=0x2fff).chain([0xe000, 0xfffd, 0x1_f600, 0x10_ffff]);
    let text: String = all.filter_map(char::from_u32).collect();
    assert_eq!(read::<String>(&serde_json::to_string(&text).unwrap()), Ok(text));
    assert_eq!(read::<String>(r#""\ud83d\ude00 \u00e9\/\b\f""#), Ok("😀 é/\u{8}\u{c}".to_owned()));
}

#[test]
fn what_nobody_asks_for_is_passed_over() {
    let mut value = serde_json::to_value(shelf("known")).unwrap();
    value["zebra"] = serde_json::json!({ "a": [1.5e-7, true, null, "}]\"", {}, []], "b": { "c": -1 } });
    value["aardvark"] = serde_json::json!("\\");
    assert_eq!(read::<Shelf>(&value.to_string()), Ok(shelf("known")));
}

#[test]
fn what_may_be_absent_is_absent_and_the_rest_is_missed() {
    let mut value = serde_json::to_value(shelf("known")).unwrap();
    value.as_object_mut().unwrap().remove("note");
    assert_eq!(read::<Shelf>(&value.to_string()), Ok(shelf("known")));
    value.as_object_mut().unwrap().remove("count");
    assert_eq!(read::<Shelf>(&value.to_string()), Err(Unreadable));
}

#[test]
fn broken_texts_are_refused() {
    let whole = serde_json::to_string(&shelf("é😀")).unwrap();
    for (end, _) in whole.char_indices() {
        assert_eq!(read::<Shelf>(&whole[..end]), Err(Unreadable), "{}", &whole[..end]);
    }
    assert_eq!(read::<Shelf>(&format!("{whole}]")), Err(Unreadable));
    for text in ["300", "-1", "1.5", "\"1\"", "null", "[", ""] {
        assert_eq!(read::<u8>(text), Err(Unreadable), "{text}");
    }
    for text in [
        r#""\ud83d""#,
        r#""\ud83d \ude00""#,
        r#""\ud83d\uffff""#,
        r#""\ude00""#,
        r#""\u00é""#,
        r#""\x""#,
        "\"",
        "\"\\",
    ] {
        assert_eq!(read::<String>(text), Err(Unreadable), "{text}");
    }
    for text in ["[1 2]", "[,1]", "{1}", "[1", "]", r#"["a":1"#] {
        assert_eq!(read::<Vec<u8>>(text), Err(Unreadable), "{text}");
    }
}

fn is_read_back<T: Serialize + DeserializeOwned + PartialEq + fmt::Debug>(value: &T) {
    let written = serde_json::to_string(value).unwrap();
    assert_eq!(read::<T>(&written).as_ref(), Ok(value), "{written}");
}

#[test]
fn a_price_is_read_with_all_that_changes_it() {
    let rates =
        Rates { input: Rate(1), output: Rate(i64::MAX), reasoning: Some(Rate(0)), ..Rates::default() };
    let window = Window { weekdays: vec![1, 7], from_minute: 0, until_minute: 1_440 };
    is_read_back(&Price {
        rates,
        long_context: Some(LongContext { above_input_tokens: 200_000, rates }),
        off_peak: Some(OffPeak { windows: vec![window], rates }),
        output_unit: Some(Unit::Picture),
    });
    is_read_back(&Price::default());
}

#[test]
fn a_fault_is_read_with_what_is_lacking() {
    let shortfall = Shortfall { required_nanos: Nanos(9), available_nanos: Nanos(-1), advice: None };
    let mut fault = Fault::new(Code::ProviderOverloaded, "„Zu viel“ \"now\"\n");
    is_read_back(&fault);
    fault.shortfall = Some(Box::new(shortfall));
    fault.retry_after_seconds = Some(3);
    fault.call = Some(CallId(uuid::Uuid::from_u128(7)));
    is_read_back(&fault);
}

#[test]
fn news_is_read_as_the_server_tells_it() {
    let id = CallId(uuid::Uuid::from_u128(7));
    let receipt = Settlement {
        id,
        charge: Charge { provider_cost: Nanos(7), commission: Nanos(3), charge: Nanos(10) },
        take: TakeRate::STANDARD,
        price_version: PriceId(uuid::Uuid::from_u128(6)),
        usage: Tokens { input: 4, ..Tokens::default() },
        usage_source: UsageSource::Estimated,
        hold_nanos: Nanos(100),
        released_nanos: Nanos(90),
        available_nanos: Nanos(500),
        free_tokens: 2,
    };
    let told = [
        News::Settled { receipt, finish: "stop".to_owned() },
        News::Delta { text: "a \"b\" \\ 😀\u{2028}".to_owned() },
        News::Error { fault: Fault::new(Code::NotFound, "gone") },
    ];
    for (seq, news) in (0..).zip(told) {
        is_read_back(&ToPage { seq, conversation_id: Some(ConversationId(uuid::Uuid::nil())), news });
    }
}

#[test]
fn a_transcript_is_read_with_its_turns() {
    let conversation = Conversation {
        id: ConversationId(uuid::Uuid::nil()),
        title: String::new(),
        spent_nanos: Nanos(i64::MAX),
        updated_at: "2026-01-01T00:00:00Z".to_owned(),
    };
    let turn = Turn {
        author: Author::Assistant,
        text: "<b>".to_owned(),
        model: ModelId::parse("a/b:c").ok(),
        call_id: None,
        charge_nanos: Some(Nanos(1)),
        output_tokens: Some(5),
        finish: None,
    };
    is_read_back(&Transcript { conversation, turns: vec![turn.clone(), turn] });
}
