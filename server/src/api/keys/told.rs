//! A key in our words and, beside them, in those of OpenRouter's clients.

use marketplace::fault::Fault;
use marketplace::id::KeyId;
use marketplace::money::Nanos;
use marketplace::secret_key::ApiKey;
use serde::Serialize;
use serde_json::Value;

use crate::api::models::number;
use crate::api::sale::dollars::ceiling;

#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct ToldKey {
    #[serde(flatten)]
    about: ApiKey,
    /// The same as `id`.
    hash: KeyId,
    label: String,
    /// Dollars; `limit_nanos` is exact.
    #[schema(value_type = Option<f64>)]
    limit: Value,
    #[schema(value_type = Option<f64>)]
    limit_remaining: Value,
    /// There are no keys of your own at vendors.
    include_byok_in_limit: bool,
}

/// One key: flat as ours, and under `data` as theirs.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct OneKey {
    #[serde(flatten)]
    key: ToldKey,
    data: ToldKey,
}

impl From<ApiKey> for ToldKey {
    fn from(about: ApiKey) -> Self {
        let left = about.limit_nanos.map(|limit| limit - about.spent_nanos - about.held_nanos);
        Self {
            hash: about.id,
            label: about.prefix.clone(),
            limit: about.limit_nanos.map_or(Value::Null, number),
            limit_remaining: left.map_or(Value::Null, number),
            include_byok_in_limit: false,
            about,
        }
    }
}

impl From<ApiKey> for OneKey {
    fn from(about: ApiKey) -> Self {
        let key = ToldKey::from(about);
        Self { data: key.clone(), key }
    }
}

/// A limit that is asked for: nano-dollars as text, or theirs in dollars. One that is not understood must not be none.
pub fn limit(nanos: Option<&str>, dollars: Option<&Value>) -> Result<Option<Nanos>, Fault> {
    match (nanos, dollars.filter(|dollars| !dollars.is_null())) {
        (Some(_), Some(_)) => Err(Fault::invalid("limit", "must not stand beside limit_nanos")),
        (None, Some(dollars)) => ceiling("limit", dollars).map(Some),
        (Some(text), None) => text
            .parse()
            .map(|nanos| Some(Nanos(nanos)))
            .map_err(|_| Fault::invalid("limit_nanos", "must be a string of whole nano-dollars")),
        (None, None) => Ok(None),
    }
}
