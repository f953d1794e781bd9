//! Plans, what somebody has subscribed to, and what the house has given them.

use serde::{Deserialize, Serialize};

use crate::money::{Nanos, as_text};

/// What an account may do, and what that costs each month.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Plan {
    pub id: String,
    pub name: String,
    /// Taken from the balance each month.
    #[serde(with = "as_text")]
    pub fee_nanos: Nanos,
    pub free_tokens: i64,
    pub requests_a_minute: i32,
    pub tokens_a_minute: i64,
    pub keys_max: i32,
    /// `None` keeps history for ever.
    pub history_days: Option<i32>,
}

impl Plan {
    pub const FREE: &str = "free";
    /// Agreed with people, not chosen from a list.
    const AGREED: &str = "enterprise";

    pub fn is_open(&self) -> bool {
        self.id != Self::AGREED
    }
}

/// A plan that is paid for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscription {
    pub plan: String,
    pub paid_until: String,
    /// The free plan follows when what was paid for has run out.
    pub is_ending: bool,
}

/// Promotional money or free tokens given by the house, and what is left of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    pub gift: Gift,
    pub reason: String,
    pub expires_at: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gift {
    Money { amount: Nanos, left: Nanos },
    Tokens { amount: u64, left: u64 },
}
