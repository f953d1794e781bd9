//! What must hold inside a statement: chains, balances, charges and sums.

use std::collections::HashMap;
use std::fmt::Display;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use super::chain::{head, link};
use super::{CallLine, Entry, Fund, Point, Statement, Totals, USAGE, WalletMonth, hexadecimal};
use crate::id::{AccountId, CallId};
use crate::money::Nanos;
use crate::price::{Charge, TakeRate};
use crate::usage::UsageSource;

/// Why a statement does not pass: the first thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Broken {
    #[error("this is no statement that can be read: {0}")]
    Unreadable(String),
    #[error("it was signed with another key: expected {expected}, found {found}")]
    OtherKey { expected: String, found: String },
    #[error("the signature does not belong to it, so it was changed after it was signed{}", inside_words(inside.as_deref()))]
    Signature { inside: Option<Box<Self>> },
    #[error("{place}: {what} should be {expected} and is {found}")]
    Wrong { place: String, what: &'static str, expected: String, found: String },
}

type Result<T> = std::result::Result<T, Broken>;

/// Transactions are dated when they begin and booked when they end, so near midnight a date may miss the month.
const MARGIN: TimeDelta = TimeDelta::minutes(1);
/// Past any call; up to here no product of tokens and rates can overflow.
const TOKENS_MAX: u64 = 1_000_000_000_000;

fn inside_words(inside: Option<&Broken>) -> String {
    inside.map(|broken| format!("; inside, {broken}")).unwrap_or_default()
}

fn equal<T: PartialEq + Display>(place: &str, what: &'static str, expected: T, found: T) -> Result<()> {
    if expected == found {
        return Ok(());
    }
    let (expected, found) = (expected.to_string(), found.to_string());
    Err(Broken::Wrong { place: place.to_owned(), what, expected, found })
}

fn holds(is_so: bool, place: &str, what: &'static str, expected: &str, found: impl Display) -> Result<()> {
    if is_so {
        return Ok(());
    }
    let (expected, found) = (expected.to_owned(), found.to_string());
    Err(Broken::Wrong { place: place.to_owned(), what, expected, found })
}

pub(super) fn check(statement: &Statement) -> Result<()> {
    let month = statement.month;
    let issued_at = moment("the statement", "its date of issue", &statement.issued_at)?;
    let end = if statement.complete { month.ends() } else { month.begins() };
    holds(issued_at >= end, "the statement", "its date of issue", &format!("after {end}"), issued_at)?;
    let funds = |funds: &[Fund]| funds.iter().map(|fund| fund.as_str()).collect::<Vec<_>>().join(", ");
    let found: Vec<Fund> = statement.wallets.iter().map(|wallet| wallet.fund).collect();
    equal("the statement", "its list of wallets", funds(&Fund::ALL), funds(&found))?;
    for wallet in &statement.wallets {
        check_wallet(statement, wallet)?;
    }
    for call in &statement.calls {
        check_call(statement, call)?;
    }
    check_payments(statement)?;
    check_totals(&Totals::of(&statement.wallets, &statement.calls), &statement.totals)
}

fn moment(place: &str, what: &'static str, text: &str) -> Result<DateTime<Utc>> {
    let read = DateTime::parse_from_rfc3339(text).map(|at| at.to_utc()).ok();
    read.ok_or_else(|| Broken::Wrong {
        place: place.to_owned(),
        what,
        expected: "a moment such as 2026-11-22T09:30:00Z".to_owned(),
        found: text.to_owned(),
    })
}

fn in_month(statement: &Statement, place: &str, what: &'static str, text: &str) -> Result<()> {
    let at = moment(place, what, text)?;
    let (from, until) = (statement.month.begins() - MARGIN, statement.month.ends() + MARGIN);
    holds(from <= at && at < until, place, what, &format!("in {}", statement.month), text)
}

/// The chain from the opening head to the closing one, without gaps, with the balance after each entry.
fn check_wallet(statement: &Statement, wallet: &WalletMonth) -> Result<()> {
    let fund = wallet.fund;
    let place = format!("the opening of the {} wallet", fund.as_str());
    let Point { version, balance, head: opening_head } = &wallet.opening;
    holds(*version >= 0, &place, "its version", "0 or more", version)?;
    let opened = head(opening_head).filter(|head| head.is_empty() == (*version == 0));
    let Some(mut before) = opened else {
        let expected = if *version == 0 { "empty" } else { "a SHA-256 in hexadecimal" };
        return holds(false, &place, "its chain head", expected, opening_head);
    };
    holds(*version > 0 || *balance == 0, &place, "its balance", "0", fund.amount(*balance))?;
    let mut here = wallet.opening.clone();
    for entry in &wallet.entries {
        let place = format!("entry {} of the {} wallet", entry.version, fund.as_str());
        before = check_entry(&place, statement.account, fund, (&here, &before), entry)?;
        in_month(statement, &place, "its date", &entry.at)?;
        here = Point { version: entry.version, balance: entry.balance, head: entry.hash.clone() };
    }
    let place = format!("the closing of the {} wallet", fund.as_str());
    equal(&place, "its version", here.version, wallet.closing.version)?;
    equal(&place, "its balance", fund.amount(here.balance), fund.amount(wallet.closing.balance))?;
    equal(&place, "its chain head", &here.head, &wallet.closing.head)
}

/// One entry against where its wallet stood before; returns its hash.
fn check_entry(
    place: &str,
    account: AccountId,
    fund: Fund,
    (here, before): (&Point, &[u8]),
    entry: &Entry,
) -> Result<Vec<u8>> {
    equal(place, "its version", here.version.saturating_add(1), entry.version)?;
    let after = here.balance.saturating_add(entry.amount);
    equal(place, "the balance after it", fund.amount(after), fund.amount(entry.balance))?;
    let hash = link(before, account, fund, entry);
    equal(place, "its hash", hexadecimal(&hash), entry.hash.clone())?;
    Ok(hash)
}

/// The charge of a call, computed anew from its tokens and rates.
fn check_call(statement: &Statement, call: &CallLine) -> Result<()> {
    let place = format!("call {}", call.id);
    in_month(statement, &place, "its date", &call.settled_at)?;
    let tokens = &call.usage;
    for (component, count, rate) in call.rates.lines(tokens) {
        let place = format!("{place}, {component}");
        holds(count <= TOKENS_MAX, &place, "its count of tokens", &format!("at most {TOKENS_MAX}"), count)?;
        holds(rate.0 >= 0, &place, "its rate", "0 or more", rate.0)?;
    }
    let TakeRate(bps) = call.commission_bps;
    holds(bps < 10_000, &place, "its commission in basis points", "below 10000", bps)?;
    let due = due(call);
    equal(&place, "the provider's cost", due.provider_cost.exact(), call.provider_cost_nanos.exact())?;
    equal(&place, "the commission", due.commission.exact(), call.commission_nanos.exact())?;
    equal(&place, "the charge", due.charge.exact(), call.charge_nanos.exact())?;
    let overrun = call.overrun_nanos;
    let is_part = overrun >= Nanos::ZERO && overrun <= call.charge_nanos;
    holds(is_part, &place, "what the house paid of it", "a part of the charge", overrun.exact())?;
    let used = tokens.input_total() + tokens.output_total();
    holds(call.free_tokens <= used, &place, "its free tokens", &format!("at most {used}"), call.free_tokens)
}

/// What nobody counted costs nothing; what free tokens paid for is owed to the provider, but not by the buyer.
fn due(call: &CallLine) -> Charge {
    let computed = call.rates.charge(&call.usage, call.commission_bps);
    match (call.usage_source, call.free_tokens) {
        (UsageSource::None, _) => Charge::default(),
        (_, 0) => computed,
        _ => Charge { commission: Nanos::ZERO, charge: Nanos::ZERO, ..computed },
    }
}

/// Each call took from the wallets what it was charged, and nothing was taken for a call that is not listed.
fn check_payments(statement: &Statement) -> Result<()> {
    let mut taken: HashMap<CallId, (Nanos, i64)> = HashMap::new();
    for call in &statement.calls {
        let is_new = taken.insert(call.id, (Nanos::ZERO, 0)).is_none();
        holds(is_new, &format!("call {}", call.id), "the times it is listed", "1", "more")?;
    }
    for wallet in &statement.wallets {
        for entry in wallet.entries.iter().filter(|entry| entry.kind == USAGE) {
            let place = format!("entry {} of the {} wallet", entry.version, wallet.fund.as_str());
            let named = entry.call.map_or_else(|| "none".to_owned(), |call| call.to_string());
            let Some((money, tokens)) = entry.call.and_then(|call| taken.get_mut(&call)) else {
                return holds(false, &place, "the call it pays for", "one that is listed", named);
            };
            holds(
                entry.amount < 0,
                &place,
                "its amount",
                "taken, not given",
                wallet.fund.amount(entry.amount),
            )?;
            match wallet.fund {
                Fund::Paid | Fund::Promo => *money = *money - Nanos(entry.amount),
                Fund::Free => *tokens = tokens.saturating_sub(entry.amount),
            }
        }
    }
    for call in &statement.calls {
        let place = format!("call {}", call.id);
        let (money, tokens) = taken.get(&call.id).copied().unwrap_or_default();
        equal(&place, "what the wallets paid for it", call.paid().exact(), money.exact())?;
        equal(&place, "the free tokens taken for it", i128::from(call.free_tokens), i128::from(tokens))?;
    }
    Ok(())
}

fn check_totals(expected: &Totals, found: &Totals) -> Result<()> {
    let money =
        |what, of: fn(&Totals) -> Nanos| equal("the totals", what, of(expected).exact(), of(found).exact());
    money("the opening balance", |totals| totals.opening_nanos)?;
    money("what was received", |totals| totals.received_nanos)?;
    money("what was spent", |totals| totals.spent_nanos)?;
    money("the closing balance", |totals| totals.closing_nanos)?;
    equal("the totals", "the number of calls", expected.calls, found.calls)?;
    money("the providers' cost", |totals| totals.provider_cost_nanos)?;
    money("the commission", |totals| totals.commission_nanos)?;
    money("the charges", |totals| totals.charge_nanos)?;
    money("what the house paid", |totals| totals.overrun_nanos)?;
    equal("the totals", "the free tokens", expected.free_tokens, found.free_tokens)
}
