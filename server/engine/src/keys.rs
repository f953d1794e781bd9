//! API keys: made here, shown once, known afterwards by digest only.

mod door;
mod ring;
mod site;
mod terms;

use marketplace::fault::{Code, Fault};
use marketplace::id::{AccountId, KeyId};
use marketplace::scope::Scope;
use marketplace::secret_key::{self, ApiKey, BODY_LENGTH};
use rand::RngExt;
use store::api_key::{Hand, KeySpending, Secret};
use store::audit::NewEvent;

pub use self::door::Doorstep;
pub(crate) use self::door::disabled;
pub(crate) use self::ring::Ring;
pub use self::site::{Wish, unknown_method};
pub use self::terms::{KeyChange, KeyTerms};
use crate::{Actor, Engine, Result};

/// The secret before a rotation works no longer than this.
const OVERLAP_SECONDS_MAX: i64 = 30 * 24 * 3_600;

impl Engine {
    /// Makes a key. The second value is the secret: nobody can ever read it again.
    pub async fn mint_key(&self, actor: &Actor, name: &str, mut terms: KeyTerms) -> Result<(ApiKey, String)> {
        let account = actor.manager()?;
        let name = terms.check(name)?;
        terms.check_end()?;
        if terms.scopes.contains(&Scope::Management) {
            // Whoever got hold of one must not be able to leave another behind.
            actor.person()?;
        }
        let (key, secret) = match self.keep_new_key(account, &terms.stored(name)).await {
            Err(store::Error::TooManyKeys) => return Err(self.too_many_keys(actor).await?.into()),
            made => made?,
        };
        self.record(actor, "key.mint", &format!("key:{}", key.id)).await?;
        Ok((key, secret))
    }

    async fn keep_new_key(
        &self,
        account: AccountId,
        terms: &store::api_key::KeyTerms<'_>,
    ) -> store::Result<(ApiKey, String)> {
        let secret = random_key();
        let (prefix, digest) = (secret_key::visible_prefix(&secret), self.0.secrets.key_digest(&secret));
        let kept = Secret { prefix: &prefix, digest: &digest };
        Ok((store::api_key::insert_key(&self.0.db, account, kept, terms).await?, secret))
    }

    /// What to say when the plan allows no more.
    async fn too_many_keys(&self, actor: &Actor) -> Result<Fault> {
        let plans = store::plan::list_plans(&self.0.db).await?;
        let plan = plans.iter().find(|plan| actor.user().is_some_and(|user| user.plan == plan.id));
        let (name, allowed) = plan.map_or(("", 0), |plan| (&plan.name, plan.keys_max));
        let message =
            format!("The plan {name} allows {allowed} keys; revoke one first, or choose a larger plan");
        Ok(Fault::new(Code::Conflict, message))
    }

    pub async fn list_keys(&self, actor: &Actor) -> Result<Vec<ApiKey>> {
        Ok(store::api_key::list_keys(&self.0.db, actor.manager()?).await?)
    }

    /// One of the keys that this caller may manage.
    pub async fn key(&self, actor: &Actor, key: KeyId) -> Result<ApiKey> {
        let found = store::api_key::find_key(&self.0.db, actor.manager()?, key).await?;
        Ok(found.ok_or_else(|| Fault::not_found("This key"))?)
    }

    /// Changes what is named and leaves the rest as it is.
    pub async fn change_key(&self, actor: &Actor, key: KeyId, change: KeyChange) -> Result<ApiKey> {
        let account = actor.manager()?;
        let there = self.key(actor, key).await?;
        let is_switched_alone = change == KeyChange { disabled: change.disabled, ..KeyChange::default() };
        let there_until = there.expires_at.as_deref().and_then(|at| at.parse().ok());
        let limit = change.limit.unwrap_or(there.limit_nanos);
        let mut terms = KeyTerms {
            limit,
            // Without a limit there is nothing that could begin anew.
            limit_reset: change.limit_reset.unwrap_or(there.limit_reset.filter(|_| limit.is_some())),
            expires_at: change.expires_at.unwrap_or(there_until),
            scopes: change.scopes.unwrap_or(there.scopes),
            models: change.models.unwrap_or(there.models),
            addresses: change.addresses.unwrap_or(there.addresses),
            requests_a_minute: change.requests_a_minute.unwrap_or(there.requests_a_minute),
            tokens_a_minute: change.tokens_a_minute.unwrap_or(there.tokens_a_minute),
            disabled: change.disabled,
        };
        let name = change.name.unwrap_or(there.name);
        let name = terms.check(&name)?;
        if change.expires_at.is_some() {
            terms.check_end()?;
        }
        if terms.scopes.contains(&Scope::Management) {
            actor.person()?;
        }
        let stored = terms.stored(name);
        let changed = store::api_key::update_terms(&self.0.db, account, key, hand(actor), &stored).await;
        self.0.ring.forget(account);
        changed?;
        let subject = format!("key:{key}");
        let switched = change.disabled.filter(|disabled| *disabled != there.disabled);
        if let Some(disabled) = switched {
            self.record(actor, if disabled { "key.disable" } else { "key.enable" }, &subject).await?;
        }
        if switched.is_none() || !is_switched_alone {
            self.record(actor, "key.change", &subject).await?;
        }
        self.key(actor, key).await
    }

    /// Gives a key another secret, which is shown this once. The one before works on for the overlap, and everything else
    /// of the key stays as it is.
    pub async fn rotate_key(
        &self,
        actor: &Actor,
        key: KeyId,
        overlap_seconds: i64,
    ) -> Result<(ApiKey, String)> {
        let account = actor.manager()?;
        if !(0..=OVERLAP_SECONDS_MAX).contains(&overlap_seconds) {
            let problem = format!("must be between 0 and {OVERLAP_SECONDS_MAX}");
            return Err(Fault::invalid("overlap_seconds", &problem).into());
        }
        let secret = random_key();
        let (prefix, digest) = (secret_key::visible_prefix(&secret), self.0.secrets.key_digest(&secret));
        let kept = Secret { prefix: &prefix, digest: &digest };
        let changed =
            store::api_key::update_secret(&self.0.db, account, key, hand(actor), kept, overlap_seconds).await;
        self.0.ring.forget(account);
        changed?;
        self.record(actor, "key.rotate", &format!("key:{key}")).await?;
        Ok((self.key(actor, key).await?, secret))
    }

    /// The key that asks, and what it has spent.
    pub async fn own_key(&self, actor: &Actor) -> Result<(ApiKey, KeySpending)> {
        let (account, Some(key)) = (actor.owner()?, actor.key()) else {
            return Err(
                Fault::invalid("authorization", "must be an API key, for it is what is asked about").into()
            );
        };
        let about = store::api_key::find_key(&self.0.db, account, key).await?;
        let spending = store::api_key::get_spending(&self.0.db, account, key).await?;
        Ok((about.ok_or_else(|| Fault::not_found("This key"))?, spending))
    }

    pub async fn revoke_key(&self, actor: &Actor, key: KeyId) -> Result<()> {
        let account = actor.manager()?;
        let revoked = store::api_key::update_revoked(&self.0.db, account, key, hand(actor)).await;
        // Also when nobody could say whether it was done.
        self.0.ring.forget(account);
        revoked?;
        self.record(actor, "key.revoke", &format!("key:{key}")).await
    }

    pub(crate) async fn record(&self, actor: &Actor, action: &str, subject: &str) -> Result<()> {
        self.record_why(actor, action, subject, None).await
    }

    pub(crate) async fn record_why(
        &self,
        actor: &Actor,
        action: &str,
        subject: &str,
        reason: Option<&str>,
    ) -> Result<()> {
        let event = NewEvent { actor: &actor.label(), action, subject, reason };
        Ok(store::audit::insert_event(&self.0.db, &event).await?)
    }
}

fn hand(actor: &Actor) -> Hand {
    if matches!(actor, Actor::Key { .. }) { Hand::Key } else { Hand::Person }
}

fn random_key() -> String {
    let mut rng = rand::rng();
    let random: [u8; BODY_LENGTH] = std::array::from_fn(|_| rng.random_range(0..62));
    secret_key::format(&random)
}
