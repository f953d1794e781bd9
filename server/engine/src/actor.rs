//! Who asks for something.

use marketplace::account::{Role, User};
use marketplace::fault::{Code, Fault};
use marketplace::id::{AccountId, KeyId, SessionId};

/// The caller of a verb.
#[derive(Clone, Debug)]
pub enum Actor {
    Visitor,
    /// Somebody signed in on a page or with a session token.
    Person {
        user: User,
        session: SessionId,
    },
    /// A program with an API key.
    Key {
        user: User,
        key: KeyId,
    },
    /// The operator at the command line.
    Operator,
}

impl Actor {
    /// The account whose money and data this caller may use.
    pub fn account(&self) -> Result<AccountId, Fault> {
        self.user().map(|user| user.id).ok_or_else(Fault::sign_in)
    }

    pub fn user(&self) -> Option<&User> {
        match self {
            Self::Person { user, .. } | Self::Key { user, .. } => Some(user),
            Self::Visitor | Self::Operator => None,
        }
    }

    /// A signed-in person: what keys and settings need, and no API key can do.
    pub fn person(&self) -> Result<AccountId, Fault> {
        match self {
            Self::Person { user, .. } => Ok(user.id),
            Self::Key { .. } => {
                Err(Fault::new(Code::PermissionDenied, "An API key cannot do this; sign in instead"))
            }
            Self::Visitor | Self::Operator => Err(Fault::sign_in()),
        }
    }

    pub(crate) fn key(&self) -> Option<KeyId> {
        match self {
            Self::Key { key, .. } => Some(*key),
            _ => None,
        }
    }

    /// Lets only people with one of these roles pass.
    pub(crate) fn require(&self, roles: &[Role]) -> Result<(), Fault> {
        match self {
            Self::Operator => Ok(()),
            Self::Person { user, .. } if roles.contains(&user.role) => Ok(()),
            Self::Person { .. } | Self::Key { .. } => {
                Err(Fault::new(Code::PermissionDenied, "This page is for operators"))
            }
            Self::Visitor => Err(Fault::sign_in()),
        }
    }

    /// The caller's name in the audit log.
    pub(crate) fn label(&self) -> String {
        match self {
            Self::Visitor => "visitor".to_owned(),
            Self::Person { user, .. } => format!("account:{}", user.id),
            Self::Key { key, .. } => format!("key:{key}"),
            Self::Operator => "operator".to_owned(),
        }
    }
}
