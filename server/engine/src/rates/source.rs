//! Where slices of a minute come from: Valkey where the operator has one and it answers, otherwise the database.

use std::time::Instant;

use marketplace::id::{AccountId, KeyId};
use marketplace::network::Network;
use marketplace::rate::Owner;
use store::rate::{Limits, Need};

use super::valkey::{Valkey, Wish};
use super::{Rates, Subject, whose};
use crate::{Engine, Result};

/// Whose clock and count a slice is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Counter {
    Database,
    Valkey,
}

/// Who is about to make a call, and what the limits of plans are multiplied by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Caller {
    pub account: AccountId,
    pub key: Option<KeyId>,
    pub factor: i64,
}

impl Rates {
    /// Valkey, if there is one and it is what counts now.
    fn valkey_up(&self) -> Option<&Valkey> {
        self.valkey.as_ref().filter(|valkey| valkey.is_up())
    }
}

impl Engine {
    /// Fetches slices of what a call lacks.
    pub(super) async fn fetch(&self, caller: Caller, lacks: &[(Subject, Need)]) -> Result<()> {
        if self.fetch_from_valkey(caller, lacks).await? {
            return Ok(());
        }
        let Caller { account, key, factor } = caller;
        let need = |wanted: Subject| {
            let lack = lacks.iter().find(|(subject, _)| *subject == wanted);
            lack.map(|(_, need)| *need).unwrap_or_default()
        };
        let of_key = key.map(|key| need(Subject::Key(key))).unwrap_or_default();
        let needs = (need(Subject::Account(account)), of_key);
        let asked_at = Instant::now();
        let slices = store::rate::take_slices(&self.0.db, account, key, factor, needs).await?;
        self.0.rates.fill(slices, Counter::Database, asked_at, whose(account, key));
        Ok(())
    }

    /// Whether it was Valkey that was asked. How much there may be it is told by whoever counts with it, who learns it of
    /// the database once a minute.
    async fn fetch_from_valkey(&self, caller: Caller, lacks: &[(Subject, Need)]) -> Result<bool> {
        let Some(valkey) = self.0.rates.valkey_up() else { return Ok(false) };
        let Caller { account, key, factor } = caller;
        let limits = match self.0.rates.limits_in_hand(lacks, Instant::now()) {
            Some(limits) => limits,
            None => store::rate::list_limits(&self.0.db, account, key, factor).await?,
        };
        let wishes: Vec<Wish> =
            lacks.iter().filter_map(|(subject, need)| wish(account, *subject, *need, &limits)).collect();
        let asked_at = Instant::now();
        let Some(slices) = valkey.take(&wishes).await else { return Ok(false) };
        self.0.rates.fill(slices, Counter::Valkey, asked_at, whose(account, key));
        Ok(true)
    }

    /// Fetches a slice of an address, where one is to be counted. False when the database counts, whose look at a key brings
    /// slices along; then none is fetched here.
    pub(crate) async fn fetch_apart(&self, behind: Option<(Network, i64)>) -> bool {
        let Some(valkey) = self.0.rates.valkey_up() else { return false };
        let Some((network, limit)) = behind else { return true };
        let name = network.to_string();
        let wish = Wish {
            name: format!("mercato:rate:address:{name}"),
            limits: Limits { owner: Owner::Address, owner_name: name, requests: Some(limit), tokens: None },
            need: Need { requests: 1, tokens: 0 },
        };
        let asked_at = Instant::now();
        let Some(slices) = valkey.take(&[wish]).await else { return false };
        self.0.rates.fill(slices, Counter::Valkey, asked_at, |_| Some(Subject::Address(network)));
        true
    }
}

/// What Valkey is asked for; nothing of a key that has no limits any more.
fn wish(account: AccountId, subject: Subject, need: Need, limits: &[Limits]) -> Option<Wish> {
    // The braces keep both in one part of a Valkey that is spread over several machines.
    let (owner, name) = match subject {
        Subject::Account(_) => (Owner::Plan, format!("mercato:rate:{{{account}}}:plan")),
        Subject::Key(key) => (Owner::Key, format!("mercato:rate:{{{account}}}:key:{key}")),
        Subject::Address(_) => return None,
    };
    let limits = limits.iter().find(|limits| limits.owner == owner)?.clone();
    Some(Wish { name, limits, need })
}
