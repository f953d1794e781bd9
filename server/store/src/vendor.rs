//! Vendors that are rows, and the sealed keys of vendors.

use chrono::{DateTime, SecondsFormat, Utc};
use marketplace::id::ProviderId;

use crate::vault::Sealed;
use crate::{Db, Result};

/// What is stored of a vendor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vendor {
    pub id: ProviderId,
    /// Of one that the program does not know, or that has another address.
    pub place: Option<Place>,
    /// Of the key that is stored, or of the last one that was.
    pub key_version: i64,
    pub key: Option<SealedKey>,
    /// Since when it refuses our key.
    pub refused_since: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub name: String,
    pub base_url: String,
}

/// A key and where it may be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedKey {
    pub host: String,
    pub sealed: Sealed,
    pub changed_at: String,
}

/// What servers look for again and again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct News {
    /// Grows with every change.
    pub version: i64,
    pub refused: Vec<ProviderId>,
}

pub async fn get_news(db: &Db) -> Result<News> {
    let row =
        sqlx::query!(r#"select version as "version!", refused as "refused!" from ledger.vendor_news()"#)
            .fetch_one(db.people())
            .await?;
    Ok(News { version: row.version, refused: row.refused.into_iter().map(ProviderId).collect() })
}

pub async fn list_vendors(db: &Db) -> Result<Vec<Vendor>> {
    let rows = sqlx::query!(
        r#"
        select vendor as "vendor!", v.name as "name?", v.base_url as "base_url?", s.version as "key_version?",
            s.host as "host?", s.master as "master?", s.wrapped_key as "wrapped_key?", s.sealed as "sealed?",
            s.changed_at as "changed_at?", r.since as "since?"
        from vendor v full join vendor_secret s using (vendor) full join vendor_refusal r using (vendor)
        order by vendor
        "#
    )
    .fetch_all(db.books())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Vendor {
            id: ProviderId(row.vendor),
            place: row.name.zip(row.base_url).map(|(name, base_url)| Place { name, base_url }),
            key_version: row.key_version.unwrap_or_default(),
            key: match (row.host, row.master, row.wrapped_key, row.sealed, row.changed_at) {
                (Some(host), Some(master), Some(wrapped_key), Some(sealed), Some(at)) => Some(SealedKey {
                    host,
                    sealed: Sealed { master, wrapped_key, sealed },
                    changed_at: written(at),
                }),
                _ => None,
            },
            refused_since: row.since.map(written),
        })
        .collect())
}

/// Whether the key of any vendor is stored.
pub async fn has_keys(db: &Db) -> Result<bool> {
    let found = sqlx::query_scalar!(
        r#"select exists (select from vendor_secret where sealed is not null) as "found!""#
    );
    Ok(found.fetch_one(db.books()).await?)
}

/// Who changes something, and why.
#[derive(Clone, Copy, Debug)]
pub struct By<'a> {
    pub actor: &'a str,
    pub reason: &'a str,
}

/// Adds a vendor or moves one, which clears its key. False when nothing was to be done.
pub async fn set_vendor(db: &Db, id: &ProviderId, place: &Place, by: By<'_>) -> Result<bool> {
    let changed = sqlx::query_scalar!(
        r#"select ledger.set_vendor($1, $2, $3, $4, $5) as "changed!""#,
        id.0,
        place.name,
        place.base_url,
        by.actor,
        by.reason,
    );
    Ok(changed.fetch_one(db.books()).await?)
}

/// False when there is none.
pub async fn remove_vendor(db: &Db, id: &ProviderId, by: By<'_>) -> Result<bool> {
    let removed = sqlx::query_scalar!(
        r#"select ledger.remove_vendor($1, $2, $3) as "removed!""#,
        id.0,
        by.actor,
        by.reason
    );
    Ok(removed.fetch_one(db.books()).await?)
}

/// Stores a key as the version after the last. False when somebody else was quicker.
pub async fn set_key(
    db: &Db,
    id: &ProviderId,
    (version, host): (i64, &str),
    key: &Sealed,
    by: By<'_>,
) -> Result<bool> {
    let kept = sqlx::query_scalar!(
        r#"select ledger.set_vendor_key($1, $2, $3, $4, $5, $6, $7, $8) as "kept!""#,
        id.0,
        version,
        host,
        key.master,
        key.wrapped_key,
        key.sealed,
        by.actor,
        by.reason,
    );
    Ok(kept.fetch_one(db.books()).await?)
}

/// False when there is none.
pub async fn clear_key(db: &Db, id: &ProviderId, by: By<'_>) -> Result<bool> {
    let cleared = sqlx::query_scalar!(
        r#"select ledger.clear_vendor_key($1, $2, $3) as "cleared!""#,
        id.0,
        by.actor,
        by.reason
    );
    Ok(cleared.fetch_one(db.books()).await?)
}

/// Puts a data key that was sealed anew in the place of the one that was read. False when that has changed.
pub async fn rewrap_key(
    db: &Db,
    id: &ProviderId,
    version: i64,
    before: &[u8],
    after: &Sealed,
) -> Result<bool> {
    let kept = sqlx::query_scalar!(
        r#"select ledger.rewrap_vendor_key($1, $2, $3, $4, $5) as "kept!""#,
        id.0,
        version,
        before,
        after.master,
        after.wrapped_key,
    );
    Ok(kept.fetch_one(db.books()).await?)
}

/// Notes that a vendor refuses this version of its key; `None` is one that is not stored.
pub async fn note_refusal(db: &Db, id: &ProviderId, key_version: Option<i64>) -> Result<()> {
    sqlx::query!("select ledger.note_vendor_refusal($1, $2)", id.0, key_version).execute(db.people()).await?;
    Ok(())
}

pub async fn note_acceptance(db: &Db, id: &ProviderId) -> Result<()> {
    sqlx::query!("select ledger.note_vendor_acceptance($1)", id.0).execute(db.people()).await?;
    Ok(())
}

fn written(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}
