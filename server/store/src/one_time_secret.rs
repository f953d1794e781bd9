//! Secrets sent by letter, known by their digest only. Each is used once.

use chrono::TimeDelta;
use marketplace::account::Email;
use marketplace::id::AccountId;

use crate::{Db, Error, Result};

/// What a secret lets its holder do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    ConfirmAddress,
    ResetPassword,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Issued {
    Kept,
    /// Enough were sent for now.
    Wait {
        seconds: u64,
    },
    /// The account is not there or suspended.
    Gone,
}

impl Purpose {
    fn as_str(self) -> &'static str {
        match self {
            Self::ConfirmAddress => "confirm_address",
            Self::ResetPassword => "reset_password",
        }
    }
}

/// Keeps a secret that is about to be sent.
pub async fn insert_secret(
    db: &Db,
    account: AccountId,
    purpose: Purpose,
    digest: &[u8],
    lasts: TimeDelta,
) -> Result<Issued> {
    let minutes = i32::try_from(lasts.num_minutes()).unwrap_or(i32::MAX);
    let wait = sqlx::query_scalar!(
        "select sign_in.issue_secret($1, $2, $3, $4)",
        account.0,
        purpose.as_str(),
        digest,
        minutes
    );
    Ok(match wait.fetch_one(db.people()).await? {
        None => Issued::Gone,
        Some(0) => Issued::Kept,
        Some(seconds) => Issued::Wait { seconds: u64::from(seconds.unsigned_abs()) },
    })
}

/// The address a secret was sent to, as long as it may be used.
pub async fn find_address(db: &Db, purpose: Purpose, digest: &[u8]) -> Result<Option<Email>> {
    let address = sqlx::query_scalar!("select sign_in.find_secret($1, $2)", purpose.as_str(), digest);
    let address = address.fetch_one(db.people()).await?;
    address.map(|address| Email::parse(&address).map_err(|_| Error::Unreadable("account.email"))).transpose()
}

/// Uses a secret up; whose address is confirmed by it, if it was worth anything.
pub async fn confirm_address(db: &Db, digest: &[u8]) -> Result<Option<AccountId>> {
    let owner = sqlx::query_scalar!("select sign_in.confirm_address($1)", digest);
    Ok(owner.fetch_one(db.people()).await?.map(AccountId))
}

/// Uses a secret up; who has the new password, and no session any more.
pub async fn reset_password(db: &Db, digest: &[u8], password_hash: &str) -> Result<Option<AccountId>> {
    let owner = sqlx::query_scalar!("select sign_in.reset_password($1, $2)", digest, password_hash);
    Ok(owner.fetch_one(db.people()).await?.map(AccountId))
}
