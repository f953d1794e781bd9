//! Limits that an account sets on its own spending.

use marketplace::billing::Window;
use marketplace::id::AccountId;
use marketplace::money::Nanos;

use crate::{Db, Error, Result};

/// What a limit is on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    Account,
    Conversation(String),
    Run(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Set,
    Removed,
    /// More than that is spent or held already.
    BelowSpent,
    /// Open calls count against it.
    InUse,
}

impl Scope {
    fn parts(&self) -> (&'static str, &str) {
        match self {
            Self::Account => ("account", ""),
            Self::Conversation(id) => ("conversation", id),
            Self::Run(id) => ("run", id),
        }
    }
}

/// Sets or, with no amount, takes away a limit.
pub async fn set_budget(
    db: &Db,
    account: AccountId,
    scope: &Scope,
    limit: Option<Nanos>,
    resets: Option<Window>,
) -> Result<Outcome> {
    let (scope, subject) = scope.parts();
    let outcome = sqlx::query_scalar!(
        r#"select ledger.set_budget($1, $2, $3, $4, $5) as "outcome!""#,
        account.0,
        scope,
        subject,
        limit.map(|limit| limit.0),
        resets.map(Window::as_str),
    )
    .fetch_one(db.people())
    .await?;
    match outcome.as_str() {
        "set" => Ok(Outcome::Set),
        "removed" => Ok(Outcome::Removed),
        "below_spent" => Ok(Outcome::BelowSpent),
        "in_use" => Ok(Outcome::InUse),
        _ => Err(Error::Unreadable("ledger.set_budget outcome")),
    }
}
