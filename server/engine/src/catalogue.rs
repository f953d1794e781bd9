//! What is for sale: the facts of `catalogue.toml`, the prices in force, and who can answer.

mod file;
mod import;
mod local;

use std::collections::{BTreeSet, HashMap};
use std::ops::Deref;
use std::sync::Arc;

use marketplace::fault::{Code, Fault};
use marketplace::id::{ModelId, PriceId, ProviderId};
use marketplace::model::{Kind, Listing, Model, Offer, Sale, Status};
use marketplace::price::{Price, TakeRate};
use marketplace::search::{Found, Search};
use providers::{Registry, embedding, image};
use store::Db;
use store::price::InForce;
use tracing::{info, warn};

pub use self::import::{FactChange, ImportPlan, ModelChange};
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
    by_name: HashMap<String, Named>,
    /// The offers of each listing that can be called now, in the catalogue's order.
    offers: Vec<Vec<Arc<OnSale>>>,
}

/// Every model as it is at this moment, for whoever looks at all of them. What changes later is not seen.
#[derive(Clone, Debug)]
pub struct Listings(Arc<Catalogue>);

impl Deref for Listings {
    type Target = [Listing];

    fn deref(&self) -> &[Listing] {
        &self.0.listings
    }
}

/// What a name stands for: a listing, and where it names one offer alone, whose.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Named {
    at: usize,
    only: Option<ProviderId>,
}

/// An offer that can be called now, with the price version it will be charged under. The model is as this offer sells it.
#[derive(Clone, Debug)]
pub(crate) struct OnSale {
    pub model: Model,
    pub price: Price,
    pub version: PriceId,
    pub take: TakeRate,
    pub provider_name: String,
}

impl OnSale {
    /// Whether it does what is asked of it.
    fn check_is(&self, wanted: Kind) -> std::result::Result<(), Fault> {
        let Model { id, kind, .. } = &self.model;
        if *kind == wanted {
            return Ok(());
        }
        let message = format!("{id} is {}: it is asked at POST {}", kind.noun(), kind.path());
        Err(Fault { field: Some("model".to_owned()), ..Fault::new(Code::WrongEndpoint, message) })
    }
}

impl Catalogue {
    /// Models that were imported stand in the place of ours with the same ids, and those of `own` in the place of both.
    pub async fn load(db: &Db, registry: &Registry, own: Option<&str>) -> Result<Self> {
        let mut models = file::parse(include_str!("../../../catalogue.toml")).map_err(Error::Catalogue)?;
        let imported = store::catalogue::list_imported(db).await?;
        for stanza in imported.iter().map(String::as_str).chain(own) {
            let own = file::parse(stanza).map_err(Error::Catalogue)?;
            models.retain(|model| own.iter().all(|other| other.id != model.id));
            models.extend(own);
        }
        set_prices(db, &models).await?;
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
        set_prices(db, found).await
    }

    /// The models that stand ready on servers of the operator's own.
    pub fn local_ids(&self) -> Vec<ModelId> {
        let (servers, _) = self.local.servers();
        let stands_there =
            |offers: &[Arc<OnSale>]| offers.iter().any(|offer| servers.contains(&offer.model.provider));
        let local = self.listings.iter().zip(&self.offers).filter(|(_, offers)| stands_there(offers));
        local.map(|(listing, _)| listing.model.id.clone()).collect()
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
        let (mut listings, mut offers) = (Vec::new(), Vec::new());
        for model in models.iter() {
            let mut shelf = Shelf { model, local: &local, registry, prices: &mut prices };
            let sold: Vec<(Listing, Option<PriceId>)> =
                model.every_offer().map(|offer| shelf.list(offer)).collect();
            offers.push(sold.iter().filter_map(on_sale).collect());
            listings.extend(as_one(sold));
        }
        Self { file, local, models, by_name: names(&listings), listings, offers }
    }

    /// How many models are in a state of sale.
    pub fn count(&self, is_so: impl Fn(&Sale) -> bool) -> usize {
        self.listings.iter().filter(|listing| is_so(&listing.sale)).count()
    }

    /// Our id of what a provider calls by one of its own names, or by ours.
    pub fn id_of(&self, provider: &ProviderId, name: &str) -> Option<&ModelId> {
        let is_named = |model: &Model| {
            model.id.as_str() == name
                || model.every_offer().any(|offer| offer.provider == *provider && offer.upstream == name)
                || model.aliases.iter().any(|alias| alias == name)
        };
        let sells = |model: &&Model| model.every_offer().any(|offer| offer.provider == *provider);
        self.models.iter().filter(sells).find(|model| is_named(model)).map(|model| &model.id)
    }

    /// The offer of a model that stands first, for what one vendor alone is asked to make.
    pub fn first_on_sale(&self, id: &ModelId, wanted: Kind) -> std::result::Result<Arc<OnSale>, Fault> {
        self.on_sale(id, wanted)?.into_iter().next().ok_or_else(|| unknown(id))
    }

    /// The offers of a model that can be called right now, at least one; else the reason why there is none.
    pub fn on_sale(&self, id: &ModelId, wanted: Kind) -> std::result::Result<Vec<Arc<OnSale>>, Fault> {
        let named = self.by_name.get(id.as_str()).ok_or_else(|| unknown(id))?;
        let (Some(listing), Some(offers)) = (self.listings.get(named.at), self.offers.get(named.at)) else {
            return Err(unknown(id));
        };
        let is_meant =
            |offer: &&Arc<OnSale>| named.only.as_ref().is_none_or(|only| offer.model.provider == *only);
        let offers: Vec<Arc<OnSale>> = offers.iter().filter(is_meant).cloned().collect();
        if let Some(first) = offers.first() {
            first.check_is(wanted)?;
            return Ok(offers);
        }
        // Somebody else's offer is open, and only the one named is not.
        let sale = if listing.sale.is_open() { &Sale::Unconfigured } else { &listing.sale };
        let code = if *sale == Sale::Unconfigured { Code::Unavailable } else { Code::NotFound };
        let message = format!("{id} cannot be called: {}", sale.reason().unwrap_or_default());
        Err(Fault { field: Some("model".to_owned()), ..Fault::new(code, message) })
    }

    /// Who sells each offer there is, and whether it can be bought now.
    pub fn sellers(&self) -> impl Iterator<Item = (ProviderId, bool)> {
        self.listings.iter().zip(&self.offers).flat_map(|(listing, open)| {
            listing.model.every_offer().map(|offer| {
                let is_open = open.iter().any(|one| one.model.provider == offer.provider);
                (offer.provider, is_open)
            })
        })
    }

    /// Everything that can be talked to right now.
    pub fn every_offer(&self) -> impl Iterator<Item = &OnSale> {
        self.offers.iter().flatten().map(Arc::as_ref).filter(|offer| offer.model.kind == Kind::Chat)
    }

    /// Whether a name means anything here.
    pub fn knows(&self, id: &ModelId) -> bool {
        self.by_name.contains_key(id.as_str())
    }

    /// The listings that a caller may ask by any of their names.
    fn open_to(&self, actor: &Actor) -> Vec<Listing> {
        let may_ask = |name: &str| ModelId::parse(name).is_ok_and(|name| actor.asks(&name));
        let named = self.by_name.iter().filter(|(name, _)| may_ask(name)).map(|(_, named)| named.at);
        let places: BTreeSet<usize> = named.collect();
        places.into_iter().filter_map(|at| self.listings.get(at).cloned()).collect()
    }

    pub fn find(&self, id: &str) -> Option<&Listing> {
        self.by_name.get(id).and_then(|named| self.listings.get(named.at))
    }
}

/// Puts prices in force on the offers of one model.
struct Shelf<'a> {
    model: &'a Model,
    local: &'a Local,
    registry: &'a Registry,
    prices: &'a mut HashMap<(ModelId, ProviderId), InForce>,
}

impl Shelf<'_> {
    fn list(&mut self, offer: Offer) -> (Listing, Option<PriceId>) {
        // What the file does not price is not for sale, whatever its price was once.
        let key = (self.model.id.clone(), offer.provider.clone());
        let in_force = offer.price.as_ref().and_then(|_| self.prices.remove(&key));
        let version = in_force.as_ref().map(|price| price.id);
        let free = in_force.as_ref().is_some_and(|price| price.free);
        let offer = Offer { price: in_force.map(|price| price.price), free, ..offer };
        (list(self.model.sold_as(offer), self.local, self.registry), version)
    }
}

fn on_sale((listing, version): &(Listing, Option<PriceId>)) -> Option<Arc<OnSale>> {
    if !listing.sale.is_open() {
        return None;
    }
    Some(Arc::new(OnSale {
        model: listing.model.clone(),
        price: listing.model.price.clone()?,
        version: (*version)?,
        take: listing.take,
        provider_name: listing.provider_name.clone(),
    }))
}

/// One listing for all offers of a model: the first that can be called stands for it, and the others beside it.
fn as_one(mut sold: Vec<(Listing, Option<PriceId>)>) -> Option<Listing> {
    let front = sold.iter().position(|(listing, _)| listing.sale.is_open()).unwrap_or_default();
    let (mut listing, _) = (front < sold.len()).then(|| sold.remove(front))?;
    listing.model.offers = sold.iter().flat_map(|(other, _)| other.model.every_offer()).collect();
    Some(listing)
}

impl Engine {
    /// What matches, of what the caller may ask: everything, but for a key that is kept to certain models.
    pub fn search_models(&self, actor: &Actor, search: &Search) -> Found {
        let catalogue = self.0.catalogue.load();
        if !actor.is_kept_to_models() {
            return search.run(&catalogue.listings);
        }
        search.run(&catalogue.open_to(actor))
    }

    pub fn listings(&self, _actor: &Actor) -> Listings {
        Listings(self.0.catalogue.load_full())
    }

    pub fn model(&self, _actor: &Actor, id: &ModelId) -> Result<Listing> {
        Ok(self.0.catalogue.load().find(id.as_str()).cloned().ok_or_else(|| unknown(id))?)
    }
}

fn unknown(id: &ModelId) -> Fault {
    let message = format!("There is no model {id} here; GET /v1/models lists those there are");
    Fault { field: Some("model".to_owned()), ..Fault::new(Code::NotFound, message) }
}

/// Puts the prices in force that the offers of models are to have.
async fn set_prices(db: &Db, models: &[Model]) -> Result<()> {
    let offers: Vec<(&ModelId, Offer)> =
        models.iter().flat_map(|model| model.every_offer().map(|offer| (&model.id, offer))).collect();
    store::price::set_prices(db, &wanted_prices(&offers)).await?;
    Ok(())
}

/// The prices that these offers ask for, of those that ask for one.
fn wanted_prices<'a>(offers: &'a [(&ModelId, Offer)]) -> Vec<store::price::Offer<'a>> {
    let wanted = offers.iter().filter_map(|(model, offer)| {
        let price = offer.price.as_ref()?;
        Some(store::price::Offer { model, provider: &offer.provider, price, free: offer.free })
    });
    wanted.collect()
}

fn list(model: Model, local: &Local, registry: &Registry) -> Listing {
    let configured = registry.find(&model.provider);
    let sale = match (&configured, model.status) {
        (_, Status::Retired) => Sale::Retired { replacement: model.replacement.clone() },
        (None, _) => Sale::Unserved,
        _ if !is_spoken(model.kind, &model.protocol) => Sale::Unserved,
        _ if model.price.is_none() || is_priced_amiss(&model) => Sale::Unpriced,
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

/// A price that was put in force for another way of counting does for no picture, until the right one is.
fn is_priced_amiss(model: &Model) -> bool {
    let by_the_picture = model.price.as_ref().is_some_and(|price| price.picture().is_some());
    let protocol = image::Protocol::parse(&model.protocol).filter(|_| model.kind == Kind::Image);
    protocol.is_some_and(image::Protocol::is_paid_by_the_picture) && !by_the_picture
}

fn is_spoken(kind: Kind, protocol: &str) -> bool {
    match kind {
        Kind::Chat => matches!(
            protocol,
            "openai_chat_completions"
                | "openai_responses"
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

/// Ids first, then `author/alias`, then `provider/upstream` of each offer, so that a later name never hides an earlier.
fn names(listings: &[Listing]) -> HashMap<String, Named> {
    let mut names = HashMap::new();
    for (at, listing) in listings.iter().enumerate() {
        names.insert(listing.model.id.to_string(), Named { at, only: None });
    }
    for (at, listing) in listings.iter().enumerate() {
        for alias in &listing.model.aliases {
            let name = format!("{}/{alias}", listing.model.id.author());
            names.entry(name).or_insert(Named { at, only: None });
        }
    }
    for (at, listing) in listings.iter().enumerate() {
        for offer in listing.model.every_offer() {
            let name = format!("{}/{}", offer.provider, offer.upstream);
            names.entry(name).or_insert(Named { at, only: Some(offer.provider) });
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
        let several = listings.iter().filter(|listing| !listing.model.offers.is_empty()).count();
        assert!(several >= 5, "{several} models have several offers");
        let open = listings.iter().filter(|listing| listing.sale.is_open()).count();
        let told = format!("Of the {} models in the catalogue {open} can be called", listings.len());
        let readme = include_str!("../../../README.md").split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(readme.contains(&told), "the README does not say: {told}");
    }
}
