//! What the operator sees: sums over the ledger, never a second set of books.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::id::{ModelId, PriceId, ProviderId};
use crate::money::{Nanos, as_text, as_text_option};
use crate::price::Price;

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

/// A provider's day of one model: what the books say it is owed, beside what it says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reconciled {
    pub provider: ProviderId,
    /// In UTC.
    pub day: NaiveDate,
    /// As the provider names it, where we have no such model.
    pub model: String,
    pub calls: i64,
    /// What is payable, leaks included.
    #[serde(with = "as_text")]
    pub booked_nanos: Nanos,
    #[serde(with = "as_text")]
    pub abort_leak_nanos: Nanos,
    #[serde(with = "as_text")]
    pub crash_leak_nanos: Nanos,
    #[serde(with = "as_text_option")]
    pub reported_nanos: Option<Nanos>,
    #[serde(with = "as_text_option")]
    pub difference_nanos: Option<Nanos>,
    pub state: Agreement,
}

/// How a report and the books stand to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Agreement {
    Agrees,
    /// By more than half a per cent, or than a dollar.
    Differs,
    /// Nothing was reported of what is booked.
    Missing,
}

impl Agreement {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Agrees => "agrees",
            Self::Differs => "differs",
            Self::Missing => "missing",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::Agrees, Self::Differs, Self::Missing].into_iter().find(|state| state.as_str() == text)
    }
}

/// What became of a provider's report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportTaken {
    pub provider: ProviderId,
    pub lines: usize,
    pub new: usize,
    pub corrected: usize,
    pub unchanged: usize,
    /// What this report added to the leaks in the books; negative when it corrects a higher one.
    #[serde(with = "as_text")]
    pub abort_leak_nanos: Nanos,
    #[serde(with = "as_text")]
    pub crash_leak_nanos: Nanos,
}

/// A price that leaps by more than a fifth and waits to be approved. Approved, it keeps its id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PriceChange {
    pub id: PriceId,
    pub model: ModelId,
    pub provider: ProviderId,
    pub before: Price,
    pub after: Price,
    pub free: bool,
    pub proposed_at: String,
    /// When it would begin; at once where that is not told or has come.
    pub begins_at: Option<String>,
}

/// A vendor as its operator sees it. Of its key no more than the last characters leave the server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VendorState {
    pub id: ProviderId,
    pub name: String,
    pub base_url: String,
    pub base_url_source: AddressSource,
    pub key: KeyState,
    /// Only of a key long enough not to be told by them.
    pub key_last_four: Option<String>,
    pub key_changed_at: Option<String>,
    /// Whether its models can be called.
    pub available: bool,
    /// Since when it refuses our key.
    pub refused_since: Option<String>,
}

/// Who says where a vendor is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AddressSource {
    BuiltIn,
    Environment,
    Stored,
    /// Stored, for a vendor that the program does not know.
    Added,
    Simulator,
}

/// How things stand with the key of a vendor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyState {
    Missing,
    Environment,
    Stored,
    /// Stored for another address than the one in force, and so not used.
    OtherAddress,
    /// Stored, but not to be opened with the master key of this server.
    Unreadable,
    Simulated,
}
