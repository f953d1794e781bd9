//! People: their address, password, role and plan.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::fault::Fault;
use crate::id::{AccountId, SessionId};

/// An address we can write to. Always trimmed, lower-case and containing one `@`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(transparent)]
pub struct Email(String);

impl Email {
    pub const LENGTH_MAX: usize = 254;

    pub fn parse(text: &str) -> Result<Self, Fault> {
        let address = text.trim().to_lowercase();
        if address.len() > Self::LENGTH_MAX || address.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(Fault::invalid("email", "does not look like an address"));
        }
        let Some((name, host)) = address.split_once('@') else {
            return Err(Fault::invalid("email", "needs an @"));
        };
        let whole_host = host.contains('.') && !host.starts_with('.') && !host.ends_with('.');
        if name.is_empty() || !whole_host || host.contains('@') {
            return Err(Fault::invalid("email", "does not look like an address"));
        }
        Ok(Self(address))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Who the address belongs to: spellings that reach the same person are one. `sign_in.identity` in the database
    /// says the same.
    pub fn identity(&self) -> String {
        let address = self.0.to_ascii_lowercase();
        let (name, host) = address.split_once('@').unwrap_or((&address, ""));
        let name = name.split('+').next().unwrap_or_default();
        match host {
            "gmail.com" | "googlemail.com" => format!("{}@gmail.com", name.replace('.', "")),
            _ => format!("{name}@{host}"),
        }
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The length rule for passwords; the server also refuses common and guessable ones.
pub const PASSWORD_LENGTH_MIN: usize = 8;
pub const PASSWORD_BYTES_MAX: usize = 1_024;

pub fn check_password_length(password: &str) -> Result<(), Fault> {
    if password.chars().count() < PASSWORD_LENGTH_MIN {
        return Err(Fault::invalid("password", "needs at least 8 characters; 15 or more are better"));
    }
    if password.len() > PASSWORD_BYTES_MAX {
        return Err(Fault::invalid("password", "may have at most 1,024 bytes"));
    }
    Ok(())
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Role {
    #[default]
    User,
    /// May read what users see.
    Support,
    /// May read the books.
    Auditor,
    Admin,
}

impl Role {
    pub const ALL: [Self; 4] = [Self::User, Self::Support, Self::Auditor, Self::Admin];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Support => "support",
            Self::Auditor => "auditor",
            Self::Admin => "admin",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == text)
    }
}

/// Who is signed in, as the page may know it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct User {
    pub id: AccountId,
    pub email: Email,
    pub name: Option<String>,
    pub role: Role,
    pub plan: String,
    /// Whether the address was shown to reach its owner; free tokens are given to nobody else.
    #[serde(default)]
    pub email_verified: bool,
}

/// A sign-in that still opens something, as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SignIn {
    pub id: SessionId,
    /// Whether it is the one that asks.
    pub is_this_one: bool,
    pub created_at: String,
    pub last_seen_at: String,
    pub expires_at: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_trimmed_and_lower_case() {
        assert_eq!(Email::parse("  Ada@Example.ORG ").unwrap().as_str(), "ada@example.org");
    }

    #[test]
    fn spellings_of_one_address_are_one_identity() {
        for (address, identity) in [
            ("a.d.a@gmail.com", "ada@gmail.com"),
            ("ada+shop+more@Googlemail.com", "ada@gmail.com"),
            ("ada.lovelace+shop@example.org", "ada.lovelace@example.org"),
            ("ada@gmail.com.example.org", "ada@gmail.com.example.org"),
        ] {
            assert_eq!(Email::parse(address).unwrap().identity(), identity);
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in [
            "",
            "ada",
            "@example.org",
            "ada@",
            "ada@localhost",
            "a@b@c.de",
            "ada@.org",
            "a b@c.de",
            "a\n@c.de",
        ] {
            assert!(Email::parse(text).is_err(), "{text:?} was accepted");
        }
    }
}
