//! The terms of a key: what it may do, with which models, from where, for how much and how long.

use chrono::{DateTime, Utc};
use marketplace::billing::Window;
use marketplace::fault::Fault;
use marketplace::id::ModelId;
use marketplace::money::Nanos;
use marketplace::network::Network;
use marketplace::scope::Scope;

/// What a key may do and how far it goes.
#[derive(Clone, Debug)]
pub struct KeyTerms {
    pub limit: Option<Nanos>,
    pub limit_reset: Option<Window>,
    pub expires_at: Option<DateTime<Utc>>,
    pub scopes: Vec<Scope>,
    /// `None` allows every model.
    pub models: Option<Vec<String>>,
    /// `None` allows every address.
    pub addresses: Option<Vec<String>>,
    pub requests_a_minute: Option<i32>,
    pub tokens_a_minute: Option<i64>,
    /// `None` leaves it as it is; a new key is enabled.
    pub disabled: Option<bool>,
}

impl Default for KeyTerms {
    fn default() -> Self {
        Self {
            limit: None,
            limit_reset: None,
            expires_at: None,
            scopes: Scope::USUAL.to_vec(),
            models: None,
            addresses: None,
            requests_a_minute: None,
            tokens_a_minute: None,
            disabled: None,
        }
    }
}

/// What is to change of a key: the outer `None` leaves a term as it is, the inner one takes it away.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyChange {
    pub name: Option<String>,
    pub limit: Option<Option<Nanos>>,
    pub limit_reset: Option<Option<Window>>,
    pub expires_at: Option<Option<DateTime<Utc>>>,
    pub scopes: Option<Vec<Scope>>,
    pub models: Option<Option<Vec<String>>>,
    pub addresses: Option<Option<Vec<String>>>,
    pub requests_a_minute: Option<Option<i32>>,
    pub tokens_a_minute: Option<Option<i64>>,
    pub disabled: Option<bool>,
}

/// Longer lists are no list of exceptions any more.
const NAMES_MAX: usize = 50;

impl KeyTerms {
    /// The name as it is kept, if name and terms are possible ones; lists are put in order.
    pub(super) fn check<'a>(&mut self, name: &'a str) -> Result<&'a str, Fault> {
        let name = name.trim();
        if name.is_empty() || name.chars().count() > 80 {
            return Err(Fault::invalid("name", "needs 1 to 80 characters"));
        }
        if self.limit.is_some_and(|limit| limit <= Nanos::ZERO) {
            return Err(Fault::invalid("limit", "must be more than nothing; leave it out for no limit"));
        }
        if self.limit.is_none() && self.limit_reset.is_some() {
            return Err(Fault::invalid("limit_reset", "needs a limit to reset"));
        }
        if self.requests_a_minute.is_some_and(|requests| requests < 1) {
            return Err(Fault::invalid("requests_a_minute", "must be at least 1; leave it out for no limit"));
        }
        if self.tokens_a_minute.is_some_and(|tokens| tokens < 1) {
            return Err(Fault::invalid("tokens_a_minute", "must be at least 1; leave it out for no limit"));
        }
        self.check_scopes()?;
        self.models = self.models.take().map(models).transpose()?;
        self.addresses = self.addresses.take().map(addresses).transpose()?;
        Ok(name)
    }

    /// An end that is set lies ahead; one that was set before may have come.
    pub(super) fn check_end(&self) -> Result<(), Fault> {
        if self.expires_at.is_some_and(|at| at <= Utc::now()) {
            return Err(Fault::invalid("expires_at", "lies in the past"));
        }
        Ok(())
    }

    fn check_scopes(&mut self) -> Result<(), Fault> {
        if self.scopes.is_empty() {
            return Err(Fault::invalid("scopes", "must name something that the key may do"));
        }
        self.scopes = Scope::ALL.into_iter().filter(|scope| self.scopes.contains(scope)).collect();
        if self.scopes.contains(&Scope::Management) && self.scopes.iter().any(|scope| scope.runs_models()) {
            let problem =
                "may not hold management beside chat, embeddings or images: what manages keys runs no models";
            return Err(Fault::invalid("scopes", problem));
        }
        Ok(())
    }

    pub(super) fn stored<'a>(&'a self, name: &'a str) -> store::api_key::KeyTerms<'a> {
        store::api_key::KeyTerms {
            name,
            limit: self.limit,
            limit_reset: self.limit_reset,
            expires_at: self.expires_at,
            scopes: &self.scopes,
            models: self.models.as_deref(),
            addresses: self.addresses.as_deref(),
            requests_a_minute: self.requests_a_minute,
            tokens_a_minute: self.tokens_a_minute,
            disabled: self.disabled,
        }
    }
}

/// Names of models as they are written anywhere, or an author with all that is theirs.
fn models(names: Vec<String>) -> Result<Vec<String>, Fault> {
    list("models", names, |name| match name.strip_suffix("/*") {
        Some(author) if !author.is_empty() && !author.contains('/') => Ok(name.to_owned()),
        Some(_) => Err(Fault::invalid("models", "must be written author/slug or author/*")),
        None => Ok(ModelId::parse(name)
            .map_err(|fault| Fault { field: Some("models".to_owned()), ..fault })?
            .into()),
    })
}

fn addresses(names: Vec<String>) -> Result<Vec<String>, Fault> {
    list("addresses", names, |name| match Network::parse(name) {
        Some(network) => Ok(network.to_string()),
        None => Err(Fault::invalid(
            "addresses",
            "must be IP addresses or networks, for example 203.0.113.7 or 203.0.113.0/24",
        )),
    })
}

fn list(
    field: &str,
    names: Vec<String>,
    read: impl Fn(&str) -> Result<String, Fault>,
) -> Result<Vec<String>, Fault> {
    let mut read: Vec<String> = names
        .iter()
        .map(|name| name.trim())
        .filter(|name| !name.is_empty())
        .map(read)
        .collect::<Result<_, _>>()?;
    read.dedup();
    match read.len() {
        0 => Err(Fault::invalid(field, "must name something; null allows everything")),
        count if count > NAMES_MAX => {
            Err(Fault::invalid(field, &format!("may have {NAMES_MAX} names at most")))
        }
        _ => Ok(read),
    }
}
