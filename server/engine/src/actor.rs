//! Who asks for something.

use std::net::IpAddr;
use std::sync::Arc;

use marketplace::account::{Role, User};
use marketplace::fault::{Code, Fault};
use marketplace::id::{AccountId, KeyId, ModelId, SessionId};
use marketplace::network::Network;
use marketplace::scope::Scope;
use store::known_key::KnownKey;

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
        key: Arc<KnownKey>,
    },
    /// The operator at the command line.
    Operator,
}

impl Actor {
    /// The account whose money and data this caller may see.
    pub fn account(&self) -> Result<AccountId, Fault> {
        self.holding(Scope::Read)
    }

    /// The account that pays for a model of this kind.
    pub(crate) fn buyer(&self, scope: Scope) -> Result<AccountId, Fault> {
        self.holding(scope)
    }

    /// The account whose keys and limits this caller may change.
    pub(crate) fn manager(&self) -> Result<AccountId, Fault> {
        self.holding(Scope::Management)
    }

    /// The account a caller belongs to, whatever they may do with it.
    pub(crate) fn owner(&self) -> Result<AccountId, Fault> {
        self.user().map(|user| user.id).ok_or_else(Fault::sign_in)
    }

    fn holding(&self, scope: Scope) -> Result<AccountId, Fault> {
        match self {
            Self::Key { key, .. } if !key.scopes.contains(&scope) => Err(lacks(key, scope)),
            _ => self.owner(),
        }
    }

    /// Lets a key ask only the models it was made for, by the name that is asked for or the one it stands for.
    pub(crate) fn may_ask(&self, asked: &ModelId, listed: Option<&ModelId>) -> Result<(), Fault> {
        let Self::Key { key, .. } = self else { return Ok(()) };
        let Some(allowed) = &key.models else { return Ok(()) };
        if names(allowed, asked) || listed.is_some_and(|listed| names(allowed, listed)) {
            return Ok(());
        }
        let message = format!(
            "The key {:?} may not ask {asked}, only {}. Add the model to the key at /keys, or use another key",
            key.name,
            allowed.join(", ")
        );
        Err(Fault { field: Some("model".to_owned()), ..Fault::new(Code::PermissionDenied, message) })
    }

    /// Whether a model may be asked by this name.
    pub(crate) fn asks(&self, name: &ModelId) -> bool {
        match self {
            Self::Key { key, .. } => key.models.as_ref().is_none_or(|allowed| names(allowed, name)),
            _ => true,
        }
    }

    /// Whether this caller is kept to certain models.
    pub(crate) fn is_kept_to_models(&self) -> bool {
        matches!(self, Self::Key { key, .. } if key.models.is_some())
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
            Self::Key { key, .. } => Some(key.id),
            _ => None,
        }
    }

    /// The key, if a minute has limits of its own for it.
    pub(crate) fn rated_key(&self) -> Option<KeyId> {
        match self {
            Self::Key { key, .. } if key.is_rated => Some(key.id),
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
            Self::Key { key, .. } => format!("key:{}", key.id),
            Self::Operator => "operator".to_owned(),
        }
    }
}

/// Whether a model is among these names, some of which stand for all of an author's.
fn names(allowed: &[String], model: &ModelId) -> bool {
    allowed.iter().any(|name| match name.strip_suffix("/*") {
        Some(author) => author == model.author(),
        None => name == model.as_str(),
    })
}

/// Lets a key be used only from where it was made for. An address that nobody knows is none of them.
pub(crate) fn may_come_from(key: &KnownKey, address: Option<IpAddr>) -> Result<(), Fault> {
    let Some(allowed) = &key.addresses else { return Ok(()) };
    let is_allowed = |address: IpAddr| {
        allowed.iter().filter_map(|text| Network::parse(text)).any(|network| network.contains(address))
    };
    if address.is_some_and(is_allowed) {
        return Ok(());
    }
    let from =
        address.map_or_else(|| "an unknown address".to_owned(), |address| address.to_canonical().to_string());
    let message = format!(
        "The key {:?} may not be used from {from}. Add the address to the key at /keys, or use another key",
        key.name
    );
    Err(Fault::new(Code::PermissionDenied, message))
}

fn lacks(key: &KnownKey, scope: Scope) -> Fault {
    let what = match scope {
        Scope::Chat => "ask chat models",
        Scope::Embeddings => "make embeddings",
        Scope::Images => "draw images",
        Scope::Read => "read the account",
        Scope::Management => "manage keys and limits",
    };
    let has: Vec<&str> = key.scopes.iter().map(|scope| scope.as_str()).collect();
    let (name, scope) = (&key.name, scope.as_str());
    let message = format!(
        "The key {name:?} may not {what}: its scopes are {}. Add the scope {scope} to it at /keys, or use a key that has it",
        has.join(", ")
    );
    Fault::new(Code::PermissionDenied, message)
}
