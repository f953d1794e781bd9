//! Models that operators brought in, and what would become of their prices.

use marketplace::id::{ModelId, ProviderId};
use marketplace::price::Price;

use crate::price::{Columns, Offer};
use crate::{Db, Error, Result};

/// A model as the catalogue's file would have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stanza {
    pub model: ModelId,
    pub text: String,
}

/// What would become of a price.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Foreseen {
    pub model: ModelId,
    pub provider: ProviderId,
    pub before: Option<Price>,
    pub after: Price,
    pub free: bool,
    pub outcome: Outcome,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// There was none.
    First,
    Same,
    /// A new version begins at once.
    Begins,
    /// It leaps, and waits to be approved.
    Waits,
}

pub async fn list_imported(db: &Db) -> Result<Vec<String>> {
    let stanzas = sqlx::query_scalar!("select stanza from imported_model order by model_id");
    Ok(stanzas.fetch_all(db.books()).await?)
}

/// Keeps these stanzas, and says how many were not there already.
pub async fn import_models(db: &Db, stanzas: &[Stanza], actor: &str, reason: &str) -> Result<i64> {
    let models: Vec<String> = stanzas.iter().map(|stanza| stanza.model.to_string()).collect();
    let texts: Vec<String> = stanzas.iter().map(|stanza| stanza.text.clone()).collect();
    let changed = sqlx::query_scalar!(
        r#"select ledger.import_models($1, $2, $3, $4) as "changed!""#,
        &models,
        &texts,
        actor,
        reason,
    );
    Ok(changed.fetch_one(db.books()).await?)
}

/// What setting these prices would do; nothing is changed.
pub async fn foresee_prices(db: &Db, offers: &[Offer<'_>]) -> Result<Vec<Foreseen>> {
    let Columns { models, providers, terms, free } = Columns::of(offers)?;
    let rows = sqlx::query!(
        r#"select before as "before?", outcome as "outcome!"
        from ledger.foresee_prices($1, $2, $3, $4) order by place"#,
        &models,
        &providers,
        &terms,
        &free,
    )
    .fetch_all(db.books())
    .await?;
    let read = |terms| serde_json::from_value(terms).map_err(|_| Error::Unreadable("price.terms"));
    rows.into_iter()
        .zip(offers)
        .map(|(row, offer)| {
            Ok(Foreseen {
                model: offer.model.clone(),
                provider: offer.provider.clone(),
                before: row.before.map(read).transpose()?,
                after: offer.price.clone(),
                free: offer.free,
                outcome: match row.outcome.as_str() {
                    "first" => Outcome::First,
                    "same" => Outcome::Same,
                    "begins" => Outcome::Begins,
                    "waits" => Outcome::Waits,
                    _ => return Err(Error::Unreadable("ledger.foresee_prices outcome")),
                },
            })
        })
        .collect()
}
