//! The engine itself: what the verbs share.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Instant;

use arc_swap::ArcSwap;
use marketplace::id::ConversationId;
use providers::{Registry, Sender};
use store::Db;
use uuid::Uuid;

use crate::Result;
use crate::books::BooksState;
use crate::breaker::Breakers;
use crate::catalogue::{Catalogue, Local};
use crate::chat::Running;
use crate::conversation::Answering;
use crate::health::Health;
use crate::keys::Ring;
use crate::letters::{Letters, Post};
use crate::rates::{RateLimits, Rates, Valkey, ValkeyAddress};
use crate::replay::Replays;
use crate::retries::Retries;
use crate::secrets::{MasterKey, Secrets};
use crate::sign_in::{Hasher, Throttle};
use crate::vault::Vault;
use crate::vendors::{Refusals, Vendors};
use crate::watch::Watch;

/// How this installation wants to be run.
#[derive(Debug)]
pub struct Settings {
    pub master_key: MasterKey,
    /// The one it replaces: still opens what was sealed with it.
    pub older_master_key: Option<MasterKey>,
    /// Models of the operator's own, as `catalogue.toml` has them.
    pub own_models: Option<String>,
    /// Answers come from the simulator, and pages say so.
    pub demo: bool,
    /// Whether the built-in gateway, which takes no real money, may fill balances.
    pub test_gateway: bool,
    /// The file that keeps a signed line for each sealed block of the books.
    pub seal_file: Option<PathBuf>,
    /// How letters leave.
    pub post: Post,
    /// Where people reach this market. Letters lead there; without it, to this server's own address.
    pub public_url: Option<String>,
    pub rates: RateLimits,
    /// What counts limits a minute instead of the database.
    pub valkey: Option<ValkeyAddress>,
}

/// A handle to everything; cheap to clone.
#[derive(Clone)]
pub struct Engine(pub(crate) Arc<Shared>);

pub(crate) struct Shared {
    pub db: Db,
    pub vendors: ArcSwap<Vendors>,
    /// Lets one at a time take over what is stored of vendors.
    pub vendors_renewing: tokio::sync::Mutex<()>,
    pub refusals: Refusals,
    pub vault: Vault,
    pub sender: Sender,
    pub catalogue: ArcSwap<Catalogue>,
    /// What was last found on servers of the operator's own.
    pub local: tokio::sync::Mutex<Local>,
    /// Lets one at a time take over prices, so that the newest are kept.
    pub prices_renewing: tokio::sync::Mutex<()>,
    pub secrets: Secrets,
    pub demo: bool,
    pub test_gateway: bool,
    /// Where this server can be reached by itself, for the test gateway's webhook.
    pub own_address: OnceLock<String>,
    pub instance: Uuid,
    pub rates: Rates,
    pub ring: Ring,
    pub running: Running,
    pub breakers: Breakers,
    pub retries: Retries,
    /// Where signed seals of the books are kept, outside the database.
    pub seal_file: Option<PathBuf>,
    pub answering: Mutex<HashMap<ConversationId, Arc<Answering>>>,
    /// Hashing a password takes a core for a while; one at a time leaves the other cores to everybody else.
    pub hashing: Arc<tokio::sync::Mutex<Hasher>>,
    pub throttle: Throttle,
    pub watch: Watch,
    /// The state of the books as pages last told it.
    pub books_glance: tokio::sync::Mutex<Option<(Instant, Option<BooksState>)>>,
    /// How well vendors answer.
    pub health: Arc<Health>,
    /// What months of accounts would have cost otherwise.
    pub replays: Replays,
    pub letters: Letters,
    pub public_url: Option<String>,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("instance", &self.0.instance).finish_non_exhaustive()
    }
}

impl Engine {
    /// Brings catalogue and prices into the database and starts the background work.
    pub async fn open(db: Db, registry: Registry, sender: Sender, settings: Settings) -> Result<Self> {
        let vault = Vault::new(&settings.master_key, settings.older_master_key.as_ref())?;
        let secrets = Secrets::derive(&vault.root(&db, &settings.master_key).await?)?;
        let vendors = Vendors::load(&db, &vault, registry).await?;
        let catalogue = Catalogue::load(&db, &vendors.registry, settings.own_models.as_deref()).await?;
        let valkey = settings.valkey.map(Valkey::at);
        if let Some(valkey) = &valkey {
            valkey.start().await;
        }
        let engine = Self(Arc::new(Shared {
            db,
            vendors: ArcSwap::from_pointee(vendors),
            vendors_renewing: tokio::sync::Mutex::default(),
            refusals: Refusals::default(),
            vault,
            sender,
            catalogue: ArcSwap::from_pointee(catalogue),
            local: tokio::sync::Mutex::default(),
            prices_renewing: tokio::sync::Mutex::default(),
            secrets,
            demo: settings.demo,
            test_gateway: settings.test_gateway,
            own_address: OnceLock::new(),
            instance: Uuid::now_v7(),
            rates: Rates::new(settings.rates, valkey),
            ring: Ring::default(),
            running: Running::default(),
            breakers: Breakers::default(),
            retries: Retries::default(),
            seal_file: settings.seal_file,
            answering: Mutex::default(),
            hashing: Arc::default(),
            throttle: Throttle::default(),
            watch: Watch::default(),
            books_glance: tokio::sync::Mutex::default(),
            health: Arc::default(),
            replays: Replays::default(),
            letters: Letters::open(settings.post)?,
            public_url: settings.public_url,
        }));
        engine.start_background();
        Ok(engine)
    }

    pub fn is_demo(&self) -> bool {
        self.0.demo
    }

    /// Tells the engine its own address once the listener is bound.
    pub fn set_own_address(&self, address: String) {
        // A second call would come from a second listener; the first address still reaches this server.
        let _ = self.0.own_address.set(address);
    }

    /// The address of one of our pages, as a letter or a site map names it.
    pub fn link(&self, path: &str) -> String {
        let base = self.0.public_url.as_deref().or_else(|| self.0.own_address.get().map(String::as_str));
        format!("{}{path}", base.unwrap_or_default().trim_end_matches('/'))
    }

    /// Whether the database answers. Valkey need not: without it the database counts.
    pub async fn is_ready(&self) -> bool {
        store::books::ping(&self.0.db).await.is_ok()
    }
}
