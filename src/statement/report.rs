//! What a check found, in words: the same at the command line and in the browser.

use serde::{Deserialize, Serialize};

use super::{Fund, Statement, Verified, verify};
use crate::money::Nanos;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    pub genuine: bool,
    /// One sentence.
    pub headline: String,
    /// What is to be known about it, as names and figures.
    pub facts: Vec<(String, String)>,
    /// What the check cannot know by itself.
    pub advice: String,
}

/// Checks a file. Whoever names the key they expect need not compare it themselves.
pub fn report(text: &str, expected_key: Option<&str>) -> Report {
    let verified = match verify(text, expected_key) {
        Ok(verified) => verified,
        Err(broken) => {
            return Report {
                genuine: false,
                headline: format!("This statement does not pass: {broken}."),
                facts: Vec::new(),
                advice: "Download it again from your account; if that one does not pass either, keep it and ask us."
                    .to_owned(),
            };
        }
    };
    let key = &verified.public_key;
    let (headline, advice) = match expected_key {
        Some(_) => {
            ("This statement is genuine and adds up.", format!("It is signed with the expected key {key}."))
        }
        None => (
            "This statement adds up and was not changed since it was signed.",
            format!(
                "It is signed with the key {key}. A forger could bring a key of their own, so compare it with \
                 public_key at /api/v1/books of your market."
            ),
        ),
    };
    Report { genuine: true, headline: headline.to_owned(), facts: facts(&verified), advice }
}

fn facts(Verified { statement, public_key }: &Verified) -> Vec<(String, String)> {
    let totals = &statement.totals;
    let mut facts = vec![
        ("Account", statement.account.to_string()),
        ("Month", month(statement)),
        ("Issued", statement.issued_at.clone()),
        ("Signed with", public_key.clone()),
        ("Opening balance", totals.opening_nanos.exact()),
        ("Received", totals.received_nanos.exact()),
        ("Spent", totals.spent_nanos.exact()),
        ("Closing balance", totals.closing_nanos.exact()),
        ("Calls computed anew", totals.calls.to_string()),
        ("Charged for them", totals.charge_nanos.exact()),
        ("Of it commission", totals.commission_nanos.exact()),
    ];
    if totals.overrun_nanos != Nanos::ZERO {
        facts.push(("Of it paid by the house", totals.overrun_nanos.exact()));
    }
    if totals.free_tokens > 0 {
        facts.push(("Free tokens used", totals.free_tokens.to_string()));
    }
    for wallet in &statement.wallets {
        let name = match wallet.fund {
            Fund::Paid => "Paid wallet",
            Fund::Promo => "Promotional wallet",
            Fund::Free => "Free tokens",
        };
        facts.push((name, chain(wallet.opening.version, wallet.closing.version, &wallet.closing.head)));
    }
    facts.into_iter().map(|(name, figure)| (name.to_owned(), figure)).collect()
}

fn month(statement: &Statement) -> String {
    match statement.complete {
        true => statement.month.to_string(),
        false => format!("{}, so far: the month was not over", statement.month),
    }
}

fn chain(after: i64, upto: i64, head: &str) -> String {
    match (after, upto) {
        (_, 0) => "no entry yet".to_owned(),
        _ if after == upto => format!("no new entry after entry {upto}, chain head {head}"),
        _ => format!("entries {} to {upto} without a gap, chain head {head}", after + 1),
    }
}
