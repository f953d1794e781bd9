//! What an API key may do.

use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Ask chat models.
    Chat,
    Embeddings,
    Images,
    /// See the account's money and calls, and change nothing.
    #[serde(alias = "read-only", alias = "read_only")]
    Read,
    /// Make, change and revoke keys, and set limits. What does that runs no model.
    Management,
}

impl Scope {
    pub const ALL: [Self; 5] = [Self::Chat, Self::Embeddings, Self::Images, Self::Read, Self::Management];
    /// What a key may do of which nothing was said.
    pub const USUAL: [Self; 4] = [Self::Chat, Self::Embeddings, Self::Images, Self::Read];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Embeddings => "embeddings",
            Self::Images => "images",
            Self::Read => "read",
            Self::Management => "management",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == text)
    }

    pub fn runs_models(self) -> bool {
        matches!(self, Self::Chat | Self::Embeddings | Self::Images)
    }
}
