//! Settings of calls that accounts have saved, each under a short name.

use chrono::{DateTime, Utc};
use marketplace::id::AccountId;
use marketplace::preset::{PRESETS_MAX, Settings, Slug};
use serde_json::Value;

use crate::{Db, Error, Result};

#[derive(Clone, Debug, PartialEq)]
pub struct Preset {
    pub slug: Slug,
    pub settings: Settings,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// What became of settings that were to be saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Saved {
    Made,
    Replaced,
}

/// Saves settings, in the place of those that had the name.
pub async fn insert_preset(db: &Db, account: AccountId, slug: &Slug, settings: &Settings) -> Result<Saved> {
    let settings = serde_json::to_value(settings).map_err(|_| Error::Unreadable("preset.settings"))?;
    let saved = sqlx::query_scalar!(
        r#"select ledger.keep_preset($1, $2, $3, $4) as "saved!""#,
        account.0,
        slug.as_str(),
        settings,
        PRESETS_MAX,
    );
    match saved.fetch_one(db.people()).await?.as_str() {
        "made" => Ok(Saved::Made),
        "replaced" => Ok(Saved::Replaced),
        _ => Err(Error::TooManyPresets),
    }
}

pub async fn find_preset(db: &Db, account: AccountId, slug: &Slug) -> Result<Option<Preset>> {
    let found = sqlx::query_as!(
        PresetRow,
        r#"select slug as "slug!", settings as "settings!", created_at as "created_at!", updated_at as "updated_at!"
        from ledger.find_preset($1, $2)"#,
        account.0,
        slug.as_str(),
    );
    found.fetch_optional(db.people()).await?.map(Preset::try_from).transpose()
}

/// All of an account, by name.
pub async fn list_presets(db: &Db, account: AccountId) -> Result<Vec<Preset>> {
    let rows = sqlx::query_as!(
        PresetRow,
        "select slug, settings, created_at, updated_at from preset where account_id = $1 order by slug",
        account.0,
    )
    .fetch_all(&mut *db.of(account).await?)
    .await?;
    rows.into_iter().map(Preset::try_from).collect()
}

pub async fn delete_preset(db: &Db, account: AccountId, slug: &Slug) -> Result<()> {
    let deleted = sqlx::query_scalar!("select ledger.forget_preset($1, $2)", account.0, slug.as_str());
    match deleted.fetch_one(db.people()).await? {
        Some(true) => Ok(()),
        _ => Err(Error::NotFound),
    }
}

struct PresetRow {
    slug: String,
    settings: Value,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl TryFrom<PresetRow> for Preset {
    type Error = Error;

    fn try_from(row: PresetRow) -> Result<Self> {
        Ok(Self {
            slug: Slug::parse(&row.slug).map_err(|_| Error::Unreadable("preset.slug"))?,
            settings: serde_json::from_value(row.settings)
                .map_err(|_| Error::Unreadable("preset.settings"))?,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}
