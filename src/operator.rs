//! What the operator sees: sums over the ledger, never a second set of books.

use serde::{Deserialize, Serialize};

use crate::money::{Nanos, as_text};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overview {
    pub spans: Vec<Span>,
    pub users: i64,
    #[serde(with = "as_text")]
    pub balances_nanos: Nanos,
    #[serde(with = "as_text")]
    pub held_nanos: Nanos,
    pub open_holds: i64,
    /// The sum of every entry in dollars; anything but zero is an alarm.
    #[serde(with = "as_text")]
    pub entry_sum_nanos: Nanos,
    pub top_models: Vec<ModelShare>,
    pub audit: Vec<AuditLine>,
}

/// Sums over the last so many days.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    pub days: i32,
    #[serde(with = "as_text")]
    pub revenue_nanos: Nanos,
    #[serde(with = "as_text")]
    pub commission_nanos: Nanos,
    #[serde(with = "as_text")]
    pub provider_nanos: Nanos,
    pub calls: i64,
    pub failed_calls: i64,
    pub active_users: i64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelShare {
    pub model: String,
    pub calls: i64,
    #[serde(with = "as_text")]
    pub charge_nanos: Nanos,
    #[serde(with = "as_text")]
    pub commission_nanos: Nanos,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditLine {
    pub at: String,
    pub actor: String,
    pub action: String,
    pub subject: String,
    pub reason: Option<String>,
}
