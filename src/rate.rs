//! How much may be asked in a minute, and what is left of it.

/// Whose limit it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// The account's plan.
    Plan,
    Key,
    Address,
}

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    Requests,
    Tokens,
}

/// One limit: how much a minute allows and how much of this minute is left. Beside other servers it is left at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Left {
    pub limit: i64,
    pub remaining: i64,
    pub resets_in_seconds: u64,
}

/// The limits that a caller is nearest to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    pub requests: Option<Left>,
    pub tokens: Option<Left>,
}

/// The limit that refused a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limited {
    pub owner: Owner,
    pub unit: Unit,
    pub left: Left,
}

impl Owner {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Plan => "plan",
            Self::Key => "key",
            Self::Address => "address",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::Plan, Self::Key, Self::Address].into_iter().find(|owner| owner.as_str() == text)
    }
}

impl Unit {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::Tokens => "tokens",
        }
    }
}

impl Standing {
    /// Of each limit the one with less left.
    #[must_use]
    pub fn tighter(self, other: Self) -> Self {
        let tighter = |one: Option<Left>, two: Option<Left>| match (one, two) {
            (Some(one), Some(two)) => Some(if two.remaining < one.remaining { two } else { one }),
            (one, two) => one.or(two),
        };
        Self { requests: tighter(self.requests, other.requests), tokens: tighter(self.tokens, other.tokens) }
    }
}
