//! `X-OpenRouter-Cache`: what is asked again is answered as it was before, for as long as the asker wishes.
//!
//! Such an answer is no call: no vendor is asked, nothing is held and nothing is booked. It counts as a request of its
//! minute and as no tokens, and is told only to a key that may ask for it now.

use aws_lc_rs::digest::{Context, SHA256};
use marketplace::id::{AccountId, CallId, ModelId};
use marketplace::model::Kind;
use marketplace::rate::Standing;
use marketplace::scope::Scope;
use store::response_cache::{NewCached, Room};
use tracing::warn;

use crate::idempotency::KEPT_BYTES_MAX;
use crate::rates::Counted;
use crate::{Actor, Engine, Result};

/// How long an answer is kept when nothing is said of it.
pub const TTL_SECONDS: u32 = 300;
pub const TTL_SECONDS_MAX: u32 = 86_400;

/// What all of an account's kept answers may come to.
const ROOM: Room = Room { bytes: 16 * 1024 * 1024, answers: 1_000 };

/// That a request may be answered from what is kept, and its answer be kept.
#[derive(Clone, Debug)]
pub struct CacheWish {
    /// The address that was asked and the body, written in one way.
    pub request: String,
    pub ttl_seconds: u32,
    pub reading: Reading,
}

/// Whether an answer that is kept will do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    Kept,
    /// It is forgotten, and a new one kept.
    Anew,
}

/// What an answer is asked of, for who may ask it.
#[derive(Debug)]
pub struct Asked<'a> {
    kind: Kind,
    models: Vec<&'a ModelId>,
}

/// An answer that was kept.
#[derive(Debug)]
pub struct Cached {
    /// The call that was paid for it.
    pub source: CallId,
    pub content_type: String,
    pub body: Vec<u8>,
    pub age_seconds: u64,
    pub left_seconds: u64,
    /// What the minute allows and has left.
    pub standing: Standing,
}

impl<'a> Asked<'a> {
    /// A chat, with the models that may stand in.
    pub fn chat(model: &'a ModelId, others: &'a [ModelId]) -> Self {
        Self { kind: Kind::Chat, models: std::iter::once(model).chain(others).collect() }
    }

    pub fn embedding(model: &'a ModelId) -> Self {
        Self { kind: Kind::Embedding, models: vec![model] }
    }

    fn scope(&self) -> Scope {
        if self.kind == Kind::Embedding { Scope::Embeddings } else { Scope::Chat }
    }
}

impl CacheWish {
    /// An account's keys are different callers, and each is answered with its own.
    fn hash(&self, actor: &Actor) -> Vec<u8> {
        let mut hash = Context::new(&SHA256);
        hash.update(actor.label().as_bytes());
        hash.update(b"\n");
        hash.update(self.request.as_bytes());
        hash.finish().as_ref().to_vec()
    }
}

impl Engine {
    /// The answer that is kept for this request, if there is one and whoever asks could buy it now.
    pub async fn find_cached(
        &self,
        actor: &Actor,
        wish: &CacheWish,
        asked: &Asked<'_>,
    ) -> Result<Option<Cached>> {
        if !self.could_ask(actor, asked) {
            // The call itself is refused in better words.
            return Ok(None);
        }
        let (account, hash) = (actor.owner()?, wish.hash(actor));
        if wish.reading == Reading::Anew {
            store::response_cache::delete_cached(&self.0.db, account, &hash).await?;
            return Ok(None);
        }
        let Some(kept) = store::response_cache::find_cached(&self.0.db, account, &hash).await? else {
            return Ok(None);
        };
        let place = place(account, &hash, kept.call, &kept.content_type);
        // Sealed with an earlier master key, it is as good as forgotten.
        let Some(body) = self.0.secrets.open_answer(&place, &kept.sealed_body) else { return Ok(None) };
        let standing = self.admit(actor, Counted::default()).await?.standing;
        Ok(Some(Cached {
            source: kept.call,
            content_type: kept.content_type,
            body,
            age_seconds: kept.age_seconds,
            left_seconds: kept.left_seconds,
            standing,
        }))
    }

    /// Keeps an answer as it will be told again. One that cannot be kept is merely paid for again.
    pub async fn keep_cached(
        &self,
        actor: &Actor,
        wish: &CacheWish,
        source: CallId,
        content_type: &str,
        body: Vec<u8>,
    ) {
        if body.len() > KEPT_BYTES_MAX {
            return;
        }
        if let Err(cause) = self.try_to_keep(actor, wish, source, content_type, body).await {
            warn!(%cause, call.id = %source, "an answer could not be kept for those who ask the same again");
        }
    }

    async fn try_to_keep(
        &self,
        actor: &Actor,
        wish: &CacheWish,
        source: CallId,
        content_type: &str,
        body: Vec<u8>,
    ) -> Result<()> {
        let (account, hash) = (actor.owner()?, wish.hash(actor));
        let sealed = self.0.secrets.seal_answer(&place(account, &hash, source, content_type), body)?;
        let new = NewCached {
            account,
            api_key: actor.key(),
            request_hash: &hash,
            call: source,
            content_type,
            sealed_body: &sealed,
            ttl_seconds: wish.ttl_seconds,
        };
        store::response_cache::insert_cached(&self.0.db, &new, ROOM).await?;
        Ok(())
    }

    /// Whether this caller could buy such an answer now, but for the money.
    fn could_ask(&self, actor: &Actor, asked: &Asked<'_>) -> bool {
        let catalogue = self.0.catalogue.load();
        let on_sale = |name: &ModelId| catalogue.first_on_sale(name, asked.kind).ok();
        let may_ask = |name: &ModelId| {
            actor.may_ask(name, on_sale(name).as_ref().map(|listed| &listed.model.id)).is_ok()
        };
        actor.buyer(asked.scope()).is_ok()
            && asked.models.iter().all(|name| may_ask(name))
            && asked.models.iter().any(|name| on_sale(name).is_some())
    }
}

/// Where an answer belongs: it opens for no other request, caller or account.
fn place(account: AccountId, hash: &[u8], source: CallId, content_type: &str) -> Vec<u8> {
    let head = format!("cache:{account}:{source}:{content_type}:");
    [head.as_bytes(), hash].concat()
}
