//! Letting a key in: the one place where it is looked at, with its owner, its addresses and what its minute has left.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use marketplace::fault::{Code, Fault};
use marketplace::id::KeyId;
use marketplace::network::Network;
use marketplace::secret_key;
use store::known_key::{Unusable, Wanted};
use tokio::time::timeout;

use super::ring::{Lookup, Whose};
use crate::actor::may_come_from;
use crate::watch::Happened;
use crate::{Actor, Engine, Result};

/// How a key is presented: from where, and whether a model is about to be asked.
#[derive(Clone, Copy, Debug, Default)]
pub struct Doorstep {
    pub address: Option<IpAddr>,
    pub is_call: bool,
}

/// Others may spend what one has brought; they cannot go on for ever.
const TRIES: u32 = 8;
/// Whoever looks for the same key is waited for so long; then something is wrong, and nobody should wait in line for that.
const WAIT_MAX: Duration = Duration::from_secs(1);

impl Engine {
    /// Whose key this is, for a caller without an address.
    pub async fn recognise_key(&self, key: &str) -> Result<Actor> {
        self.admit_key(key, Doorstep::default()).await
    }

    /// Whose key this is, if it may be used from there. A mistyped one is turned away without a query.
    ///
    /// What is remembered of a key is told to be over within a moment, wherever that was decided; paid calls look again as
    /// they set money aside. A look at the database brings along what counting the call will need.
    pub async fn admit_key(&self, key: &str, doorstep: Doorstep) -> Result<Actor> {
        if !secret_key::is_well_formed(key) {
            return Err(self.no_entry(Unusable::Unknown).into());
        }
        let (rates, ring, digest) = (&self.0.rates, &self.0.ring, self.0.secrets.key_digest(key));
        let behind = doorstep.address.and_then(|address| rates.address_limit(address));
        let mut is_counted = self.is_counted(behind)?;
        let mut patience = Some(WAIT_MAX);
        for _ in 0..TRIES {
            let now = Instant::now();
            // What is counted elsewhere than in the database does not come along with the key.
            let along = !self.fetch_apart(behind.filter(|_| !is_counted)).await;
            is_counted = is_counted || (!along && self.is_counted(behind)?);
            let asked = behind.filter(|_| along && !is_counted);
            let wants_slices = along && doorstep.is_call && rates.wants_slices(&digest, now);
            if is_counted
                && !wants_slices
                && let Some(whose) = ring.find(&digest, now)
            {
                return enter(whose, doorstep);
            }
            // Whoever looks already brings what is wanted, unless that is for an address of somebody else.
            let lookup = match ring.look(&digest, now) {
                Ok(lookup) => lookup,
                Err(mut other) => match patience.take().filter(|_| asked.is_none()) {
                    Some(patience) => {
                        // However that ends, what is known now decides.
                        let _ = timeout(patience, other.changed()).await;
                        continue;
                    }
                    None => ring.look_beside(&digest, now),
                },
            };
            let known = self.look_up(lookup, wants_slices, asked).await?;
            is_counted = is_counted || self.is_counted(behind)?;
            if is_counted {
                return enter(known.map_err(|why| self.no_entry(why))?, doorstep);
            }
        }
        let message = "Too many requests at once from this address; try again in a moment";
        Err(Fault { retry_after_seconds: Some(1), ..Fault::new(Code::RateLimitExceeded, message) }.into())
    }

    /// Asks the database, and keeps what it says and the slices that it brings.
    async fn look_up(
        &self,
        lookup: Lookup<'_>,
        wants_slices: bool,
        behind: Option<(Network, i64)>,
    ) -> Result<std::result::Result<Whose, Unusable>> {
        let rates = &self.0.rates;
        let asked = behind.map(|(network, limit)| (network.to_string(), limit));
        let wanted = Wanted {
            factor: rates.factor().filter(|_| wants_slices),
            address: asked.as_ref().map(|(network, limit)| (network.as_str(), *limit)),
        };
        let (known, slices) = store::known_key::find_known(&self.0.db, lookup.digest, wanted).await?;
        rates.keep(
            lookup.digest,
            known.as_ref().ok(),
            behind.map(|(network, _)| network),
            slices,
            lookup.asked_at,
        );
        Ok(known.map(|known| lookup.keep(known)))
    }

    fn no_entry(&self, why: Unusable) -> Fault {
        self.0.watch.note(Happened::KeyRefused);
        match why {
            Unusable::Unknown => Fault::new(
                Code::Unauthenticated,
                "This API key is not valid: it is mistyped, expired or revoked",
            ),
            Unusable::Disabled(key) => disabled(key),
        }
    }

    /// Whether a request is counted already, or need not be.
    fn is_counted(&self, behind: Option<(Network, i64)>) -> std::result::Result<bool, Fault> {
        let Some((network, _)) = behind else { return Ok(true) };
        let counted = self.0.rates.count_address(network, Instant::now());
        counted.inspect_err(|fault| self.0.watch.note_limited(fault))
    }
}

/// What a program is told whose key is disabled. It is no secret to whoever has the key's own.
pub(crate) fn disabled(key: KeyId) -> Fault {
    let message = format!(
        "This API key is disabled. Its owner enables it again on the page /keys or with PATCH /api/v1/keys/{key} \
        and {{\"disabled\": false}}; so does a key that manages keys, unless it is one itself"
    );
    Fault::new(Code::KeyDisabled, message)
}

fn enter(whose: Whose, doorstep: Doorstep) -> Result<Actor> {
    let Whose { user, key } = whose;
    may_come_from(&key, doorstep.address)?;
    Ok(Actor::Key { user, key })
}
