//! Codes with which a site fetches the key it was promised, known by their digest only. Each is used once.

use chrono::TimeDelta;
use marketplace::billing::Window;
use marketplace::id::{AccountId, KeyId};
use marketplace::money::Nanos;

use crate::{Db, Error, Result};

/// What somebody agreed to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agreed {
    pub account: AccountId,
    pub site: String,
    pub limit: Option<Nanos>,
    pub limit_reset: Option<Window>,
}

/// What a code was worth that is used up now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Used {
    Good(Agreed),
    /// It had been used before, by whoever knew as much; the key that was made with it, if it came to that.
    Again(AccountId, Option<KeyId>),
    Worthless,
}

/// Keeps a code that is about to be told; false when there were too many of late.
pub async fn insert_code(
    db: &Db,
    agreed: &Agreed,
    digest: &[u8],
    proof: &[u8],
    lasts: TimeDelta,
) -> Result<bool> {
    let kept = sqlx::query_scalar!(
        r#"select sign_in.keep_site_code($1, $2, $3, $4, $5, $6, $7) as "kept!""#,
        agreed.account.0,
        digest,
        proof,
        agreed.site,
        agreed.limit.map(|limit| limit.0),
        agreed.limit_reset.map(Window::as_str),
        i32::try_from(lasts.num_minutes()).unwrap_or(i32::MAX),
    );
    Ok(kept.fetch_one(db.people()).await?)
}

pub async fn use_code(db: &Db, digest: &[u8], proof: &[u8]) -> Result<Used> {
    let row = sqlx::query!(
        r#"select outcome as "outcome!", account_id, site, limit_nanos, limit_resets, api_key_id
        from sign_in.use_site_code($1, $2)"#,
        digest,
        proof,
    )
    .fetch_one(db.people())
    .await?;
    let account = || row.account_id.map(AccountId).ok_or(Error::Unreadable("site_code.account_id"));
    Ok(match row.outcome.as_str() {
        "good" => Used::Good(Agreed {
            account: account()?,
            site: row.site.unwrap_or_default(),
            limit: row.limit_nanos.map(Nanos),
            limit_reset: row.limit_resets.as_deref().and_then(Window::parse),
        }),
        "again" => Used::Again(account()?, row.api_key_id.map(KeyId)),
        _ => Used::Worthless,
    })
}

/// Remembers which key was made, in case the code comes again; says whether it did while the key was made.
pub async fn update_key(db: &Db, digest: &[u8], key: KeyId) -> Result<bool> {
    let named =
        sqlx::query_scalar!(r#"select sign_in.name_site_key($1, $2) as "came_again!""#, digest, key.0);
    Ok(named.fetch_one(db.people()).await?)
}
