//! What is for sale: the facts of `catalogue.toml`, the prices in force, and who can answer.

mod file;
mod local;

use std::collections::HashMap;
use std::sync::Arc;

use marketplace::fault::{Code, Fault};
use marketplace::id::{ModelId, PriceId, ProviderId};
use marketplace::model::{Kind, Listing, Model, Sale, Status};
use marketplace::price::{Price, TakeRate};
use marketplace::search::{Found, Search};
use providers::{Registry, embedding, image};
use store::Db;
use store::price::{InForce, Offer};
use tracing::{info, warn};

pub(crate) use self::local::{Local, is_asked};
use crate::{Actor, Engine, Error, Result};

/// One consistent view of everything for sale. A change makes a new one.
#[derive(Debug)]
pub(crate) struct Catalogue {
    /// As the file has them.
    file: Arc<Vec<Model>>,
    /// What servers of the operator's own have besides.
    local: Arc<Local>,
    /// Both. Their prices are wishes; those in force stand in the listings.
    models: Arc<Vec<Model>>,
    listings: Vec<Listing>,
    /// Every id and alias a client may use.
    by_name: HashMap<String, usize>,
    versions: HashMap<ModelId, PriceId>,
}

/// A model that can be called now, with the price version it will be charged under.
#[derive(Clone, Debug)]
pub(crate) struct OnSale {
    pub model: Model,
    pub price: Price,
    pub version: PriceId,
    pub take: TakeRate,
    pub provider_name: String,
}

impl OnSale {
    /// This one, if it does what is asked of it.
    pub fn that_is(self, wanted: Kind) -> std::result::Result<Self, Fault> {
        let Model { id, kind, .. } = &self.model;
        if *kind == wanted {
            return Ok(self);
        }
        let message = format!("{id} is {}: it is asked at POST {}", kind.noun(), kind.path());
        Err(Fault { field: Some("model".to_owned()), ..Fault::new(Code::WrongEndpoint, message) })
    }
}

impl Catalogue {
    /// `own` are models of the operator's, which stand in the place of ours with the same ids.
    pub async fn load(db: &Db, registry: &Registry, own: Option<&str>) -> Result<Self> {
        let mut models = file::parse(include_str!("../../../catalogue.toml")).map_err(Error::Catalogue)?;
        if let Some(own) = own {
            let own = file::parse(own).map_err(Error::Catalogue)?;
            models.retain(|model| own.iter().all(|other| other.id != model.id));
            models.extend(own);
        }
        store::price::set_prices(db, &offers(&models)).await?;
        let waiting = store::price::list_waiting(db).await?.len();
        if waiting > 0 {
            warn!(
                waiting,
                "{waiting} prices leap by more than a fifth and wait: see `mercato prices list-waiting`"
            );
        }
        let in_force = store::price::list_in_force(db).await?;
        let models = Arc::new(models);
        let catalogue = Self::new((models.clone(), models), Arc::default(), in_force, registry);
        let (models, open) = (catalogue.listings.len(), catalogue.count(Sale::is_open));
        info!(models, open, "loaded the catalogue: {open} of {models} models can be bought");
        Ok(catalogue)
    }

    /// The same models at other prices.
    pub fn at_prices(&self, in_force: Vec<InForce>, registry: &Registry) -> Self {
        Self::new((self.file.clone(), self.models.clone()), self.local.clone(), in_force, registry)
    }

    /// The models of the file and those found on servers of the operator's own.
    pub fn with_local(&self, local: Arc<Local>, in_force: Vec<InForce>, registry: &Registry) -> Self {
        let models = Arc::new(local.with(&self.file));
        Self::new((self.file.clone(), models), local, in_force, registry)
    }

    /// Puts the prices of models in force that were found just now.
    pub async fn price_local(&self, db: &Db, local: &Local) -> Result<()> {
        let models = local.with(&self.file);
        // Those of the file come first and have theirs.
        let found = models.get(self.file.len()..).unwrap_or_default();
        store::price::set_prices(db, &offers(found)).await?;
        Ok(())
    }

    /// The models that stand ready on servers of the operator's own.
    pub fn local_ids(&self) -> Vec<ModelId> {
        let (servers, _) = self.local.servers();
        let local = self
            .listings
            .iter()
            .filter(|listing| listing.sale.is_open() && servers.contains(&listing.model.provider));
        local.map(|listing| listing.model.id.clone()).collect()
    }

    fn new(
        (file, models): (Arc<Vec<Model>>, Arc<Vec<Model>>),
        local: Arc<Local>,
        in_force: Vec<InForce>,
        registry: &Registry,
    ) -> Self {
        let mut prices: HashMap<(ModelId, ProviderId), InForce> = in_force
            .into_iter()
            .map(|price| ((price.model.clone(), price.provider.clone()), price))
            .collect();
        let mut versions = HashMap::new();
        let listings: Vec<Listing> = models
            .iter()
            .map(|model| {
                // What the file does not price is not for sale, whatever its price was once.
                let wanted = model.price.as_ref();
                let price = wanted.and_then(|_| prices.remove(&(model.id.clone(), model.provider.clone())));
                versions.extend(price.as_ref().map(|price| (model.id.clone(), price.id)));
                let free = price.as_ref().is_some_and(|price| price.free);
                let price = price.map(|price| price.price);
                list(Model { price, free, ..model.clone() }, &local, registry)
            })
            .collect();
        Self { file, local, models, by_name: names(&listings), listings, versions }
    }

    /// How many models are in a state of sale.
    pub fn count(&self, is_so: impl Fn(&Sale) -> bool) -> usize {
        self.listings.iter().filter(|listing| is_so(&listing.sale)).count()
    }

    /// Our id of what a provider calls by one of its own names, or by ours.
    pub fn id_of(&self, provider: &ProviderId, name: &str) -> Option<&ModelId> {
        let is_named = |model: &Model| {
            model.id.as_str() == name
                || model.upstream == name
                || model.aliases.iter().any(|alias| alias == name)
        };
        let mut models = self.models.iter().filter(|model| model.provider == *provider);
        models.find(|model| is_named(model)).map(|model| &model.id)
    }

    fn find(&self, id: &str) -> Option<&Listing> {
        self.by_name.get(id).and_then(|at| self.listings.get(*at))
    }

    /// The model, if a call can be made right now; else the reason why not.
    pub fn on_sale(&self, id: &ModelId) -> std::result::Result<OnSale, Fault> {
        let listing = self.find(id.as_str()).ok_or_else(|| unknown(id))?;
        let model = &listing.model;
        if let Some(reason) = listing.sale.reason() {
            let code = if listing.sale == Sale::Unconfigured { Code::Unavailable } else { Code::NotFound };
            let message = format!("{} cannot be called: {reason}", model.id);
            return Err(Fault { field: Some("model".to_owned()), ..Fault::new(code, message) });
        }
        let (Some(price), Some(version)) = (model.price.clone(), self.versions.get(&model.id)) else {
            return Err(Fault::new(Code::NotFound, format!("{id} has no price and is not for sale")));
        };
        Ok(OnSale {
            model: model.clone(),
            price,
            version: *version,
            take: listing.take,
            provider_name: listing.provider_name.clone(),
        })
    }
}

impl Engine {
    pub fn search_models(&self, _actor: &Actor, search: &Search) -> Found {
        search.run(&self.0.catalogue.load().listings)
    }

    pub fn model(&self, _actor: &Actor, id: &ModelId) -> Result<Listing> {
        Ok(self.0.catalogue.load().find(id.as_str()).cloned().ok_or_else(|| unknown(id))?)
    }
}

fn unknown(id: &ModelId) -> Fault {
    let message = format!("There is no model {id} here; GET /v1/models lists those there are");
    Fault { field: Some("model".to_owned()), ..Fault::new(Code::NotFound, message) }
}

/// The prices that models are to have.
fn offers(models: &[Model]) -> Vec<Offer<'_>> {
    let priced = models.iter().filter_map(|model| model.price.as_ref().map(|price| (model, price)));
    priced
        .map(|(model, price)| Offer { model: &model.id, provider: &model.provider, price, free: model.free })
        .collect()
}

fn list(model: Model, local: &Local, registry: &Registry) -> Listing {
    let configured = registry.find(&model.provider);
    let sale = match (&configured, model.status) {
        (_, Status::Retired) => Sale::Retired { replacement: model.replacement.clone() },
        (None, _) => Sale::Unserved,
        _ if !is_spoken(model.kind, &model.protocol) => Sale::Unserved,
        _ if model.price.is_none() => Sale::Unpriced,
        (Some(provider), _) if !provider.is_available() => Sale::Unconfigured,
        _ if local.lacks(&model) => Sale::Absent,
        _ => Sale::Open,
    };
    let provider_name = configured.map_or_else(
        || marketplace::model::publisher_name(&model.provider.0),
        |known| known.vendor.name.to_owned(),
    );
    Listing { model, sale, take: TakeRate::STANDARD, provider_name }
}

fn is_spoken(kind: Kind, protocol: &str) -> bool {
    match kind {
        Kind::Chat => matches!(
            protocol,
            "openai_chat_completions"
                | "anthropic_messages"
                | "gemini_generate_content"
                | "cohere_v2_chat"
                | "ollama_chat"
                | "tgi_generate"
        ),
        Kind::Embedding => embedding::Protocol::parse(protocol).is_some(),
        Kind::Image => image::Protocol::parse(protocol).is_some(),
        Kind::Completion => false,
    }
}

/// Ids first, then `provider/alias`, so that an alias never hides a model.
fn names(listings: &[Listing]) -> HashMap<String, usize> {
    let mut names = HashMap::new();
    for (at, listing) in listings.iter().enumerate() {
        names.insert(listing.model.id.to_string(), at);
    }
    for (at, listing) in listings.iter().enumerate() {
        for alias in &listing.model.aliases {
            names.entry(format!("{}/{alias}", listing.model.id.author())).or_insert(at);
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_readme_says_how_many_models_can_be_called() {
        let models = file::parse(include_str!("../../../catalogue.toml")).unwrap();
        let registry = Registry::simulated("http://simulator");
        let listings: Vec<Listing> =
            models.into_iter().map(|model| list(model, &Local::default(), &registry)).collect();
        let open = listings.iter().filter(|listing| listing.sale.is_open()).count();
        let told = format!("Of the {} models in the catalogue {open} can be called", listings.len());
        let readme = include_str!("../../../README.md").split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(readme.contains(&told), "the README does not say: {told}");
    }
}
