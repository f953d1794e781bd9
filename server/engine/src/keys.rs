//! API keys: made here, shown once, known afterwards by digest only.

use chrono::{DateTime, Utc};
use marketplace::billing::Window;
use marketplace::fault::{Code, Fault};
use marketplace::id::KeyId;
use marketplace::money::Nanos;
use marketplace::secret_key::{self, ApiKey, BODY_LENGTH};
use rand::RngExt;
use store::api_key::{KeySpending, NewKey};
use store::audit::NewEvent;

use crate::watch::Happened;
use crate::{Actor, Engine, Result};

/// How far a key goes.
#[derive(Clone, Copy, Debug, Default)]
pub struct KeyTerms {
    pub limit: Option<Nanos>,
    pub limit_reset: Option<Window>,
    pub expires_at: Option<DateTime<Utc>>,
}

/// What is to change of a key: the outer `None` leaves a term as it is, the inner one takes it away.
#[derive(Clone, Debug, Default)]
pub struct KeyChange {
    pub name: Option<String>,
    pub limit: Option<Option<Nanos>>,
    pub limit_reset: Option<Option<Window>>,
    pub expires_at: Option<Option<DateTime<Utc>>>,
}

impl KeyTerms {
    /// The name as it is kept, if name and terms are possible ones.
    fn check<'a>(&self, name: &'a str) -> std::result::Result<&'a str, Fault> {
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
        if self.expires_at.is_some_and(|at| at <= Utc::now()) {
            return Err(Fault::invalid("expires_at", "lies in the past"));
        }
        Ok(name)
    }
}

impl Engine {
    /// Makes a key. The second value is the secret: nobody can ever read it again.
    pub async fn mint_key(&self, actor: &Actor, name: &str, terms: KeyTerms) -> Result<(ApiKey, String)> {
        let account = actor.person()?;
        let name = terms.check(name)?;
        let KeyTerms { limit, limit_reset, expires_at } = terms;
        let secret = random_key();
        let new = NewKey {
            name,
            prefix: &secret_key::visible_prefix(&secret),
            digest: &self.0.secrets.key_digest(&secret),
            limit,
            limit_reset,
            expires_at,
        };
        let key = match store::api_key::insert_key(&self.0.db, account, &new).await {
            Err(store::Error::TooManyKeys) => return Err(self.too_many_keys(actor).await?.into()),
            made => made?,
        };
        self.record(actor, "key.mint", &format!("key:{}", key.id)).await?;
        Ok((key, secret))
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
        Ok(store::api_key::list_keys(&self.0.db, actor.person()?).await?)
    }

    /// Changes what is named and leaves the rest as it is.
    pub async fn change_key(&self, actor: &Actor, key: KeyId, change: KeyChange) -> Result<ApiKey> {
        let account = actor.person()?;
        let unknown = || Fault::not_found("This key");
        let there = store::api_key::find_key(&self.0.db, account, key).await?.ok_or_else(unknown)?;
        let there_until = there.expires_at.as_deref().and_then(|at| at.parse().ok());
        let limit = change.limit.unwrap_or(there.limit_nanos);
        let terms = KeyTerms {
            limit,
            // Without a limit there is nothing that could begin anew.
            limit_reset: change.limit_reset.unwrap_or(there.limit_reset.filter(|_| limit.is_some())),
            expires_at: change.expires_at.unwrap_or(there_until),
        };
        let name = terms.check(change.name.as_deref().unwrap_or(&there.name))?;
        let KeyTerms { limit, limit_reset, expires_at } = terms;
        let stored = store::api_key::KeyTerms { name, limit, limit_reset, expires_at };
        store::api_key::update_terms(&self.0.db, account, key, &stored).await?;
        self.record(actor, "key.change", &format!("key:{key}")).await?;
        Ok(store::api_key::find_key(&self.0.db, account, key).await?.ok_or_else(unknown)?)
    }

    /// The key that asks, and what it has spent.
    pub async fn own_key(&self, actor: &Actor) -> Result<(ApiKey, KeySpending)> {
        let (account, Some(key)) = (actor.account()?, actor.key()) else {
            return Err(
                Fault::invalid("authorization", "must be an API key, for it is what is asked about").into()
            );
        };
        let about = store::api_key::find_key(&self.0.db, account, key).await?;
        let spending = store::api_key::get_spending(&self.0.db, account, key).await?;
        Ok((about.ok_or_else(|| Fault::not_found("This key"))?, spending))
    }

    pub async fn revoke_key(&self, actor: &Actor, key: KeyId) -> Result<()> {
        store::api_key::update_revoked(&self.0.db, actor.person()?, key).await?;
        self.record(actor, "key.revoke", &format!("key:{key}")).await
    }

    /// Whose key this is. A mistyped one is turned away without a query.
    pub async fn recognise_key(&self, key: &str) -> Result<Actor> {
        let refused = || {
            self.0.watch.note(Happened::KeyRefused);
            Fault::new(Code::Unauthenticated, "This API key is not valid: it is mistyped, expired or revoked")
        };
        if !secret_key::is_well_formed(key) {
            return Err(refused().into());
        }
        let owner = store::api_key::find_owner(&self.0.db, &self.0.secrets.key_digest(key)).await?;
        let (key, user) = owner.ok_or_else(refused)?;
        Ok(Actor::Key { user, key })
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

fn random_key() -> String {
    let mut rng = rand::rng();
    let random: [u8; BODY_LENGTH] = std::array::from_fn(|_| rng.random_range(0..62));
    secret_key::format(&random)
}
