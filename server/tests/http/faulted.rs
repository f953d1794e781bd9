//! Goal R2: nobody is asked a second time after something of an answer has come, and no call is charged twice.

use std::collections::HashMap;
use std::time::Instant;

use futures_util::StreamExt;
use serde_json::json;

use crate::support::{Answer, Buyer, Market};

/// Sold by Groq and Together at the same price, and Groq is asked first.
const MODEL: &str = "openai/gpt-oss-120b";
const AFTER: [&str; 3] = ["truncated", "error-at-5", "reset-at-5"];
const BEFORE: [&str; 5] = ["server-error", "rate-limit", "overloaded", "error-at-0", "reset-at-0"];
/// Of so many calls one is faulted: were it half of them, Groq would be passed over and not be asked at all.
const CALLS_A_FAULT: usize = 4;
const AT_ONCE: usize = 8;
/// The vendors' own records go back no further than this.
const FAULTS_A_ROUND: usize = 500;
/// From the rule of retries: a tenth of a vendor's calls in a minute, and a few in any case.
const RETRIES_IN_ANY_CASE: usize = 20;

/// How Groq behaves in one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    None,
    Before(&'static str),
    After(&'static str),
}

impl Fault {
    fn of(number: usize) -> Self {
        let at = number / CALLS_A_FAULT;
        match (number % CALLS_A_FAULT, at % 2) {
            (0, 0) => Self::After(AFTER[at / 2 % AFTER.len()]),
            (0, _) => Self::Before(BEFORE[at / 2 % BEFORE.len()]),
            _ => Self::None,
        }
    }
}

/// What the buyer saw.
struct Seen {
    fault: Fault,
    answer: Answer,
}

async fn ask(buyer: &Buyer<'_>, number: usize) -> Seen {
    let fault = Fault::of(number);
    let scenario = match fault {
        Fault::None => "ok",
        Fault::Before(scenario) | Fault::After(scenario) => scenario,
    };
    let body = json!({
        "model": MODEL, "max_tokens": 20, "stream": true, "provider": { "allow_fallbacks": true },
        "messages": [{ "role": "user", "content": format!("Name three harbours. [[simulate: groq={scenario}]]") }],
    });
    Seen { fault, answer: Answer::to(buyer.chat(&body)).await }
}

/// Which vendors were really asked, in order, for each call.
async fn asked(market: &Market) -> HashMap<String, Vec<String>> {
    let mut records = market.truths().await;
    records.sort_by_key(|record| record["started_at_ms"].as_u64());
    let mut asked = HashMap::<String, Vec<String>>::new();
    for record in records {
        let text = |name: &str| record[name].as_str().unwrap().to_owned();
        asked.entry(text("request_id")).or_default().push(text("vendor"));
    }
    asked
}

/// What was done about faults before the first word.
#[derive(Default)]
struct Done {
    asked_again: usize,
    refused: usize,
}

impl Done {
    /// Looks at one call: who was asked, and what its buyer saw.
    fn judge(&mut self, Seen { fault, answer }: &Seen, vendors: &[String]) {
        assert_eq!(vendors[0], "groq", "{fault:?} was not met: Groq was passed over");
        match (fault, vendors.len()) {
            (Fault::None, 1) => assert_eq!(answer.data_lines().last(), Some(&"[DONE]"), "{}", answer.text),
            (Fault::After(_), 1) => {
                assert_eq!(answer.status, 200);
                assert!(answer.chunks().last().unwrap()["error"].is_object(), "{fault:?}: {}", answer.text);
            }
            (Fault::Before(_), 1) => {
                assert!([429, 502, 529].contains(&answer.status), "{fault:?}: {}", answer.text);
                self.refused += 1;
            }
            (Fault::Before(_), 2) => {
                let by = vendors[1].as_str();
                assert_eq!((answer.status, by), (200, "together"), "{fault:?}: {}", answer.text);
                self.asked_again += 1;
            }
            _ => panic!("{fault:?}: {vendors:?} were asked"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_asked_again_after_the_first_byte_and_no_call_is_charged_twice() {
    let market = Market::open().await;
    let buyer = market.buyer().await;
    buyer.pay_in("100.00").await;
    let faults: usize = std::env::var("MERCATO_FAULTED_CALLS").map_or(60, |calls| calls.parse().unwrap());
    let (begun, mut done) = (Instant::now(), Done::default());
    for first in (0..faults).step_by(FAULTS_A_ROUND) {
        let numbers = first * CALLS_A_FAULT..faults.min(first + FAULTS_A_ROUND) * CALLS_A_FAULT;
        let calls = numbers.map(|number| ask(&buyer, number));
        let seen: Vec<Seen> = futures_util::stream::iter(calls).buffered(AT_ONCE).collect().await;
        let asked = asked(&market).await;
        seen.iter().for_each(|seen| done.judge(seen, &asked[seen.answer.header("x-generation-id")]));
    }
    let (total, minutes) = (faults * CALLS_A_FAULT, begun.elapsed().as_secs() as usize / 60 + 1);
    let Done { asked_again, refused } = done;
    let most = total / 10 + RETRIES_IN_ANY_CASE * minutes;
    assert!(asked_again > 0 && asked_again <= most, "{asked_again} of {total} were asked again");
    let twice = "select count(*) from (select tx.call_id from ledger_entry e join ledger_tx tx using (tx_id)
        where e.fund = 'paid' and tx.call_id is not null group by tx.call_id having count(*) > 1) twice";
    assert_eq!(market.count(twice).await, 0, "a call was charged twice");
    assert_eq!(market.count("select count(*) from hold where state = 'open'").await, 0);
    market.assert_books_balance().await;
    eprintln!(
        "{faults} faulted calls of {total}: 0 asked again after the first byte, 0 charged twice; before it \
         {asked_again} were asked again and {refused} refused"
    );
}
