//! Models that operators brought in.

use marketplace::id::ModelId;

use crate::{Db, Result};

/// A model as the catalogue's file would have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stanza {
    pub model: ModelId,
    pub text: String,
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
