//! Statements as a forger would change them: by a byte, or by a digit and with a key of their own.

use ed25519_dalek::{Signer, SigningKey};
use proptest::prelude::*;
use serde_json::Value;

use super::chain::link;
use super::*;
use crate::money::Rate;

const GOLDEN: &str = include_str!("golden.json");
/// The key that the golden file is signed with.
const GOLDEN_KEY: &str = "6kpsY+KcUgq+9VB7Ey7F+ZVHdq6+vnuSQh7qaRRG0iw=";

fn key() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

fn signed(statement: &str) -> String {
    let signature = key().sign(&signed_message(statement)).to_bytes();
    write(statement, key().verifying_key().as_bytes(), &signature)
}

fn file(statement: &Statement) -> String {
    signed(&serde_json::to_string(statement).unwrap())
}

fn id(number: u128) -> Uuid {
    Uuid::from_u128(0x0199_0000_0000_7000_8000_0000_0000_0000 + number)
}

fn account() -> AccountId {
    AccountId(id(1))
}

/// A wallet that stood somewhere and got these entries: kind, call and amount.
fn wallet(fund: Fund, opening: Point, entries: &[(&str, Option<CallId>, i64)]) -> WalletMonth {
    let mut closing = opening.clone();
    let mut written = Vec::new();
    for (kind, call, amount) in entries {
        let version = closing.version + 1;
        let mut entry = Entry {
            version,
            tx: id(1_000 * (fund as u128 + 1) + u128::from(version.unsigned_abs())),
            line: 1,
            kind: (*kind).to_owned(),
            note: None,
            call: *call,
            at: "2026-11-22T09:30:00.000Z".to_owned(),
            amount: *amount,
            balance: closing.balance + amount,
            hash: String::new(),
        };
        entry.hash = hexadecimal(&link(&super::chain::head(&closing.head).unwrap(), account(), fund, &entry));
        closing = Point { version, balance: entry.balance, head: entry.hash.clone() };
        written.push(entry);
    }
    WalletMonth { fund, opening, closing, entries: written }
}

fn call(number: u128, usage: Tokens) -> CallLine {
    let rates = Rates {
        input: Rate(250_000_000),
        output: Rate(2_000_000_000),
        cached_input: Some(Rate(25_000_000)),
        cache_write: Some(Rate(300_000_000)),
        cache_write_1h: Some(Rate(500_000_000)),
        reasoning: Some(Rate(3_000_000_000)),
    };
    let charge = rates.charge(&usage, TakeRate::STANDARD);
    CallLine {
        id: CallId(id(number)),
        model: ModelId::parse("openai/gpt-5-mini").unwrap(),
        provider: ProviderId("openai".to_owned()),
        price_version: PriceId(id(2)),
        rates,
        commission_bps: TakeRate::STANDARD,
        usage,
        usage_source: UsageSource::Provider,
        provider_cost_nanos: charge.provider_cost,
        commission_nanos: charge.commission,
        charge_nanos: charge.charge,
        overrun_nanos: Nanos::ZERO,
        free_tokens: 0,
        finish: "stop".to_owned(),
        begun_at: "2026-11-22T09:29:58.000Z".to_owned(),
        settled_at: "2026-11-22T09:30:00.000Z".to_owned(),
    }
}

fn statement(wallets: Vec<WalletMonth>, calls: Vec<CallLine>) -> Statement {
    let totals = Totals::of(&wallets, &calls);
    Statement {
        account: account(),
        month: Month::parse("2026-11").unwrap(),
        complete: true,
        issued_at: "2026-12-01T00:05:00.000Z".to_owned(),
        wallets,
        calls,
        totals,
    }
}

/// A month with everything in it: money paid in, a gift, calls paid by both, by free tokens and by the house, and one
/// that came to nothing.
fn full() -> Statement {
    let whole = Tokens {
        input: 11,
        cached_input: 12,
        cache_write: 13,
        cache_write_1h: 14,
        output: 297,
        reasoning: 61,
    };
    let shared = call(101, whole);
    let overrun = CallLine { overrun_nanos: Nanos(100_000), ..call(102, whole) };
    let free_usage = Tokens { input: 20, output: 80, ..Tokens::default() };
    let nothing = Nanos::ZERO;
    let free = CallLine {
        free_tokens: 100,
        commission_nanos: nothing,
        charge_nanos: nothing,
        ..call(103, free_usage)
    };
    let failed = CallLine {
        usage_source: UsageSource::None,
        provider_cost_nanos: nothing,
        commission_nanos: nothing,
        charge_nanos: nothing,
        finish: "error: timeout".to_owned(),
        ..call(104, Tokens::default())
    };
    let opening = Point { version: 41, balance: 5_000_000_000, head: "ab".repeat(32) };
    let paid = wallet(
        Fund::Paid,
        opening,
        &[
            ("top_up", None, 10_000_000_000),
            (USAGE, Some(shared.id), 50_000 - shared.charge_nanos.0),
            (USAGE, Some(overrun.id), -overrun.paid().0),
        ],
    );
    let gift = [("grant", None, 50_000), (USAGE, Some(shared.id), -50_000)];
    let promo = wallet(Fund::Promo, Point::default(), &gift);
    let allowance = [("free_tokens", None, 1_000), (USAGE, Some(free.id), -100)];
    let tokens = wallet(Fund::Free, Point::default(), &allowance);
    statement(vec![paid, promo, tokens], vec![shared, overrun, free, failed])
}

fn empty() -> Statement {
    statement(Fund::ALL.map(|fund| wallet(fund, Point::default(), &[])).to_vec(), Vec::new())
}

/// Checks a statement that was changed and signed by whoever changed it.
fn broken(change: impl FnOnce(&mut Statement)) -> String {
    let mut statement = full();
    change(&mut statement);
    verify(&file(&statement), None).unwrap_err().to_string()
}

#[test]
fn a_whole_month_passes() {
    let verified = verify(&file(&full()), None).unwrap();
    assert_eq!(verified.statement, full());
    let report = report(&file(&full()), Some(&verified.public_key));
    assert_eq!((report.genuine, report.headline.as_str()), (true, "This statement is genuine and adds up."));
    let fact =
        |name: &str| report.facts.iter().find(|(known, _)| known == name).map(|(_, figure)| figure.as_str());
    assert_eq!(fact("Opening balance"), Some("$5.000000000"));
    assert_eq!(fact("Received"), Some("$10.000050000"));
    assert_eq!(fact("Calls computed anew"), Some("4"));
}

#[test]
fn a_month_with_nothing_in_it_passes() {
    verify(&file(&empty()), None).unwrap();
}

#[test]
fn a_statement_so_far_says_so() {
    let running = Statement { complete: false, issued_at: "2026-11-22T10:00:00Z".to_owned(), ..full() };
    let report = report(&file(&running), None);
    assert!(report.genuine, "{}", report.headline);
    assert!(report.facts.iter().any(|(_, figure)| figure.contains("so far")), "{:?}", report.facts);
    let early = Statement { complete: true, ..running };
    assert!(verify(&file(&early), None).is_err(), "a month was complete before it was over");
}

#[test]
fn a_file_from_last_year_still_passes() {
    let report = report(GOLDEN, Some(GOLDEN_KEY));
    assert!(report.genuine, "{}", report.headline);
    assert_eq!(GOLDEN, file(&full()), "the form of statements has changed");
}

#[test]
fn the_key_that_is_expected_must_be_the_one_that_signed() {
    let other = report(&file(&full()), Some("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="));
    assert!(!other.genuine && other.headline.contains("another key"), "{}", other.headline);
    let unknown = report(&file(&full()), None);
    assert!(
        unknown.advice.contains("/api/v1/books") && unknown.advice.contains(GOLDEN_KEY),
        "{}",
        unknown.advice
    );
}

#[test]
fn the_first_broken_thing_is_named_with_what_was_expected() {
    let raised = broken(|statement| statement.wallets[0].entries[0].amount += 1);
    assert_eq!(
        raised,
        "entry 42 of the paid wallet: the balance after it should be $15.000000001 and is $15.000000000"
    );
    let both = broken(|statement| {
        let entry = &mut statement.wallets[0].entries[0];
        (entry.amount, entry.balance) = (entry.amount + 1, entry.balance + 1);
    });
    assert!(both.starts_with("entry 42 of the paid wallet: its hash should be "), "{both}");
    let removed = broken(|statement| drop(statement.wallets[0].entries.remove(1)));
    assert!(removed.contains("its version should be 43 and is 44"), "{removed}");
    let dearer = broken(|statement| statement.calls[0].usage.output += 1);
    assert!(dearer.contains("the provider's cost should be ") && dearer.starts_with("call "), "{dearer}");
    let hidden = broken(|statement| drop(statement.calls.remove(0)));
    assert!(hidden.contains("the call it pays for should be one that is listed"), "{hidden}");
    let twice = broken(|statement| statement.calls.push(statement.calls[3].clone()));
    assert!(twice.contains("the times it is listed should be 1"), "{twice}");
    let cut = broken(|statement| drop(statement.wallets[2].entries.pop()));
    assert!(cut.starts_with("the closing of the free wallet: its version should be 1 and is 2"), "{cut}");
    let total = broken(|statement| statement.totals.commission_nanos = Nanos(1));
    assert!(total.starts_with("the totals: the commission should be "), "{total}");
    let elsewhen = broken(|statement| statement.month = statement.month.next());
    assert!(elsewhen.contains("its date"), "{elsewhen}");
}

#[test]
fn a_change_after_signing_is_told_with_the_place_it_was_made_at() {
    let honest = file(&full());
    let forged = honest.replacen("\"amount\":\"10000000000\"", "\"amount\":\"90000000000\"", 1);
    let told = verify(&forged, None).unwrap_err().to_string();
    assert!(told.contains("changed after it was signed; inside, entry 42 of the paid wallet"), "{told}");
    let harmless = honest.replacen("\"finish\":\"stop\"", "\"finish\":\"stip\"", 1);
    assert_eq!(verify(&harmless, None), Err(Broken::Signature { inside: None }));
}

#[test]
fn what_is_no_statement_is_refused_in_words() {
    let pretty =
        serde_json::to_string_pretty(&serde_json::from_str::<Value>(&file(&full())).unwrap()).unwrap();
    let unknown_field = signed(&serde_json::to_string(&full()).unwrap().replacen('{', "{\"extra\":1,", 1));
    for text in
        ["", "{}", "not JSON", "{\"statement\":{}}", &pretty, &signed("{}"), &signed("null"), &unknown_field]
    {
        let told = report(text, None);
        assert!(
            !told.genuine && told.headline.contains("no statement that can be read"),
            "{}",
            told.headline
        );
    }
}

#[test]
fn absurd_numbers_are_refused_and_no_crash() {
    let huge = u64::MAX;
    let usage = Tokens {
        input: huge,
        cached_input: huge,
        cache_write: huge,
        cache_write_1h: huge,
        output: huge,
        reasoning: huge,
    };
    assert!(broken(|statement| statement.calls[0].usage = usage).contains("its count of tokens"));
    assert!(
        broken(|statement| statement.calls[0].commission_bps = TakeRate(10_000)).contains("basis points")
    );
    assert!(broken(|statement| statement.calls[0].rates.input = Rate(-1)).contains("its rate"));
    broken(|statement| statement.calls[0].rates.input = Rate(i64::MAX));
    broken(|statement| statement.calls[0].overrun_nanos = Nanos(i64::MIN));
    broken(|statement| {
        statement.wallets[0].opening = Point { version: i64::MAX, balance: i64::MAX, head: "ab".repeat(32) }
    });
    broken(|statement| statement.wallets[0].entries[0].amount = i64::MIN);
}

/// Every number inside that a forger might want otherwise, as a pointer into the JSON.
fn figures(value: &Value, path: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            let told =
                ["at", "begun_at", "settled_at", "issued_at", "finish", "model", "price_version", "provider"];
            for (name, member) in members.iter().filter(|(name, _)| !told.contains(&name.as_str())) {
                figures(member, &format!("{path}/{name}"), found);
            }
        }
        Value::Array(members) => {
            for (at, member) in members.iter().enumerate() {
                figures(member, &format!("{path}/{at}"), found);
            }
        }
        Value::Number(_) => found.push(path.to_owned()),
        Value::String(text) if text.bytes().any(|byte| byte.is_ascii_digit()) => found.push(path.to_owned()),
        _ => {}
    }
}

proptest! {
    #[test]
    fn no_byte_can_be_changed(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut forged = GOLDEN.trim_end().as_bytes().to_vec();
        let at = at.index(forged.len());
        prop_assume!(forged[at] != byte);
        forged[at] = byte;
        if let Ok(forged) = String::from_utf8(forged) {
            prop_assert!(verify(&forged, None).is_err(), "byte {at} became {byte}");
        }
    }

    /// Dates and names stand under the signature alone; every figure is held by another one besides.
    #[test]
    fn no_digit_can_be_changed_even_by_somebody_who_can_sign(
        which in any::<prop::sample::Index>(), place in any::<prop::sample::Index>(), step in 1_u8..10,
    ) {
        let mut value = serde_json::to_value(full()).unwrap();
        let mut pointers = Vec::new();
        figures(&value, "", &mut pointers);
        let pointer = &pointers[which.index(pointers.len())];
        // What was not charged in money has no commission, and what came to nothing has nothing to compute.
        let is_idle = pointer.starts_with("/calls/3/")
            || pointer.starts_with("/calls/2/rates") || pointer == "/calls/2/commission_bps";
        prop_assume!(!is_idle);
        // Rates are finer than the nano-dollar that a charge is rounded to.
        let is_rate = pointer.contains("/rates/");
        let figure = value.pointer_mut(pointer).unwrap();
        let (text, is_number) = figure.as_str().map_or_else(|| (figure.to_string(), true), |text| (text.to_owned(), false));
        let digits: Vec<usize> = text.bytes().enumerate().filter(|(_, byte)| byte.is_ascii_digit()).map(|(at, _)| at).collect();
        let at = digits[if is_rate { 0 } else { place.index(digits.len()) }];
        let mut forged = text.clone().into_bytes();
        forged[at] = b'0' + (forged[at] - b'0' + step) % 10;
        let forged = String::from_utf8(forged).unwrap();
        *figure = match is_number {
            true => serde_json::from_str(&forged).unwrap_or(Value::Null),
            false => Value::String(forged.clone()),
        };
        let forged_file = signed(&value.to_string());
        prop_assert!(verify(&forged_file, None).is_err(), "{pointer}: {text} became {forged}");
    }
}
