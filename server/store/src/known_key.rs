//! Whose key it is that asks, and what it may do; and whose keys have changed, for servers that remember what they read.

use std::time::Duration;

use marketplace::account::User;
use marketplace::id::{AccountId, KeyId};
use marketplace::scope::Scope;
use uuid::Uuid;

use crate::account::user;
use crate::rate::{Slice, SliceRow};
use crate::{Db, Error, Result};

/// A key that may be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownKey {
    pub id: KeyId,
    pub name: String,
    pub scopes: Vec<Scope>,
    /// `None` allows every model.
    pub models: Option<Vec<String>>,
    /// `None` allows every address.
    pub addresses: Option<Vec<String>>,
    /// Whether it has limits a minute of its own.
    pub is_rated: bool,
}

/// A key and whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owned {
    pub key: KnownKey,
    pub owner: User,
    /// As long as nobody changes anything, counted from when the database was asked.
    pub good_for: Duration,
}

/// Why a secret opens nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unusable {
    /// There is no such secret, or it, its key or their owner is over.
    Unknown,
    /// This key may be enabled again.
    Disabled(KeyId),
}

/// An account whose keys, or what they tell of it, were changed by a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Change {
    pub account: AccountId,
    pub xid: i64,
}

/// The slices that the same statement is to bring.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wanted<'a> {
    /// Of the account's plan and the key, with the factor that multiplies the plan's limits.
    pub factor: Option<i64>,
    /// Of whoever is behind an address, with the limit.
    pub address: Option<(&'a str, i64)>,
}

struct KnownRow {
    api_key_id: Option<Uuid>,
    account_id: Option<Uuid>,
    email: Option<String>,
    name: Option<String>,
    role: Option<String>,
    plan: Option<String>,
    verified: Option<bool>,
    key_name: Option<String>,
    scopes: Option<Vec<String>>,
    models: Option<Vec<String>>,
    addresses: Option<Vec<String>>,
    is_rated: Option<bool>,
    good_millis: Option<i64>,
    disabled_key_id: Option<Uuid>,
    owner: Option<String>,
    owner_name: Option<String>,
    request_limit: Option<i64>,
    requests: Option<i64>,
    requests_left: Option<i64>,
    token_limit: Option<i64>,
    tokens: Option<i64>,
    tokens_left: Option<i64>,
    minute: Option<i64>,
    millis_left: Option<i64>,
}

/// Whose key this is, or why it may not be used; and the slices that were wanted.
pub async fn find_known(
    db: &Db,
    digest: &[u8],
    wanted: Wanted<'_>,
) -> Result<(std::result::Result<Owned, Unusable>, Vec<Slice>)> {
    let mut step = db.step().await?;
    let rows = sqlx::query_as!(
        KnownRow,
        "select api_key_id, account_id, email, name, role, plan, verified, key_name, scopes, models, addresses, is_rated,
            good_millis, disabled_key_id, owner, owner_name, request_limit, requests, requests_left, token_limit, tokens, tokens_left,
            minute, millis_left
        from sign_in.know_key($1, $2, $3, $4, $5)",
        digest,
        wanted.factor.is_some(),
        wanted.factor,
        wanted.address.map(|(address, _)| address),
        wanted.address.map(|(_, limit)| limit),
    )
    .fetch_all(&mut *step)
    .await?;
    step.done();
    let (mut known, mut slices) = (Err(Unusable::Unknown), Vec::new());
    for row in rows {
        let (key, slice) = row.read()?;
        slices.extend(slice);
        // Each row says the same of the key.
        known = known.or(key);
    }
    Ok((known, slices))
}

/// What has changed since an earlier answer, some of which it may have told already, and what to name the next time.
pub async fn list_changes(db: &Db, since: Option<i64>) -> Result<(i64, Vec<Change>)> {
    let mut step = db.step().await?;
    let rows = sqlx::query!(
        r#"select seen as "seen!", account_id, changed_xid from sign_in.list_changed_keys($1)"#,
        since
    )
    .fetch_all(&mut *step)
    .await?;
    step.done();
    let seen = rows.first().ok_or(Error::NotFound)?.seen;
    let change = |account: Option<Uuid>, xid| Some(Change { account: AccountId(account?), xid: xid? });
    Ok((seen, rows.into_iter().filter_map(|row| change(row.account_id, row.changed_xid)).collect()))
}

/// Forgets changes that every server has heard of.
pub async fn forget_changes(db: &Db) -> Result<i64> {
    let forgotten = sqlx::query_scalar!(r#"select sign_in.forget_key_changes() as "forgotten!""#);
    Ok(forgotten.fetch_one(db.people()).await?)
}

impl KnownRow {
    fn read(self) -> Result<(std::result::Result<Owned, Unusable>, Option<Slice>)> {
        let slice = SliceRow {
            owner: self.owner,
            owner_name: self.owner_name,
            request_limit: self.request_limit,
            requests: self.requests,
            requests_left: self.requests_left,
            token_limit: self.token_limit,
            tokens: self.tokens,
            tokens_left: self.tokens_left,
            minute: self.minute,
            millis_left: self.millis_left,
        };
        let slice = slice.read()?;
        let (Some(id), Some(account)) = (self.api_key_id, self.account_id) else {
            let disabled = self.disabled_key_id.map(|id| Unusable::Disabled(KeyId(id)));
            return Ok((Err(disabled.unwrap_or(Unusable::Unknown)), slice));
        };
        let text = Option::unwrap_or_default;
        let owner = user(account, &text(self.email), self.name, &text(self.role), text(self.plan))?;
        let key = KnownKey {
            id: KeyId(id),
            name: text(self.key_name),
            scopes: scopes(&self.scopes.unwrap_or_default())?,
            models: self.models,
            addresses: self.addresses,
            is_rated: self.is_rated.unwrap_or_default(),
        };
        let owner = User { email_verified: self.verified.unwrap_or_default(), ..owner };
        let good_for = self.good_millis.and_then(|millis| u64::try_from(millis).ok()).unwrap_or_default();
        Ok((Ok(Owned { key, owner, good_for: Duration::from_millis(good_for) }), slice))
    }
}

pub(crate) fn scopes(names: &[String]) -> Result<Vec<Scope>> {
    names.iter().map(|name| Scope::parse(name).ok_or(Error::Unreadable("api_key.scopes"))).collect()
}
