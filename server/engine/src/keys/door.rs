//! Letting a key in: the one place where it is looked at, with its owner, its addresses and what its minute has left.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use marketplace::fault::{Code, Fault};
use marketplace::network::Network;
use marketplace::secret_key;
use store::known_key::Wanted;

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

impl Engine {
    /// Whose key this is, for a caller without an address.
    pub async fn recognise_key(&self, key: &str) -> Result<Actor> {
        self.admit_key(key, Doorstep::default()).await
    }

    /// Whose key this is, if it may be used from there. A mistyped one is turned away without a query.
    ///
    /// Nothing of a key is remembered: the database is asked each time, so what is revoked is refused at once, everywhere.
    /// The same statement brings along what counting the call will need.
    pub async fn admit_key(&self, key: &str, doorstep: Doorstep) -> Result<Actor> {
        let refused = || {
            self.0.watch.note(Happened::KeyRefused);
            Fault::new(Code::Unauthenticated, "This API key is not valid: it is mistyped, expired or revoked")
        };
        if !secret_key::is_well_formed(key) {
            return Err(refused().into());
        }
        let (rates, digest) = (&self.0.rates, self.0.secrets.key_digest(key));
        let behind = doorstep.address.and_then(|address| rates.address_limit(address));
        let mut is_counted = self.is_counted(behind)?;
        for _ in 0..TRIES {
            let now = Instant::now();
            let uncounted = behind.filter(|_| !is_counted);
            // What is counted elsewhere than in the database does not come along with the key.
            let along = !self.fetch_apart(uncounted).await;
            let asked = uncounted.filter(|_| along).map(|(network, limit)| (network.to_string(), limit));
            let wants_slices = along && doorstep.is_call && rates.wants_slices(&digest, now);
            let wanted = Wanted {
                factor: rates.factor().filter(|_| wants_slices),
                address: asked.as_ref().map(|(network, limit)| (network.as_str(), *limit)),
            };
            let (known, slices) = store::known_key::find_known(&self.0.db, &digest, wanted).await?;
            rates.keep(&digest, known.as_ref(), behind.map(|(network, _)| network), slices, now);
            is_counted = is_counted || self.is_counted(behind)?;
            if is_counted {
                let (key, user) = known.ok_or_else(refused)?;
                may_come_from(&key, doorstep.address)?;
                return Ok(Actor::Key { user, key: Arc::new(key) });
            }
        }
        let message = "Too many requests at once from this address; try again in a moment";
        Err(Fault { retry_after_seconds: Some(1), ..Fault::new(Code::RateLimitExceeded, message) }.into())
    }

    /// Whether a request is counted already, or need not be.
    fn is_counted(&self, behind: Option<(Network, i64)>) -> std::result::Result<bool, Fault> {
        let Some((network, _)) = behind else { return Ok(true) };
        let counted = self.0.rates.count_address(network, Instant::now());
        counted.inspect_err(|fault| self.0.watch.note_limited(fault))
    }
}
