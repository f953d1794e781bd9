//! What is for sale: the facts of `catalogue.toml`, the prices in force, and who can answer.

mod file;
mod import;
mod local;
mod selection;
mod shelf;

use std::collections::HashMap;
use std::ops::Deref;
use std::sync::Arc;

use marketplace::fault::{Code, Fault};
use marketplace::id::{ModelId, PriceId, ProviderId};
use marketplace::model::{Kind, Listing, Model, Offer, Sale};
use marketplace::price::{Price, TakeRate};
use marketplace::search::Index;
use providers::Registry;
use store::Db;
use store::price::Standing;
use tracing::{info, warn};

pub use self::import::{FactChange, Foreseen, ImportPlan, ModelChange};
pub(crate) use self::local::{Local, is_asked};
pub use self::selection::{Measures, Selection};
use self::shelf::{Shelf, as_one, on_sale, successor};
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
    /// The listings made ready for searches.
    index: Index,
    /// Every id and alias a client may use.
    by_name: HashMap<String, Named>,
    /// The offers of each listing that can be called now, in the catalogue's order.
    offers: Vec<Vec<Arc<OnSale>>>,
}

/// Every model as it is at this moment, for whoever looks at all of them. What changes later is not seen.
#[derive(Clone, Debug)]
pub struct Listings(Arc<Catalogue>);

impl Listings {
    pub(crate) fn index(&self) -> &Index {
        &self.0.index
    }

    /// Whether nothing was changed in between.
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

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
        let prices = store::price::list_standing(db).await?;
        let models = Arc::new(models);
        let catalogue = Self::new((models.clone(), models), Arc::default(), prices, registry);
        let (models, open) = (catalogue.listings.len(), catalogue.count(Sale::is_open));
        info!(models, open, "loaded the catalogue: {open} of {models} models can be bought");
        Ok(catalogue)
    }

    /// The same models at other prices.
    pub fn at_prices(&self, prices: Vec<Standing>, registry: &Registry) -> Self {
        Self::new((self.file.clone(), self.models.clone()), self.local.clone(), prices, registry)
    }

    /// The models of the file and those found on servers of the operator's own.
    pub fn with_local(&self, local: Arc<Local>, prices: Vec<Standing>, registry: &Registry) -> Self {
        let models = Arc::new(local.with(&self.file));
        Self::new((self.file.clone(), models), local, prices, registry)
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
        standing: Vec<Standing>,
        registry: &Registry,
    ) -> Self {
        let mut prices: HashMap<(ModelId, ProviderId), Vec<Standing>> = HashMap::new();
        for price in standing {
            prices.entry((price.model.clone(), price.provider.clone())).or_default().push(price);
        }
        let (mut listings, mut offers) = (Vec::new(), Vec::new());
        for model in models.iter() {
            let next = successor(&models, model);
            let mut shelf = Shelf { model, next, local: &local, registry, prices: &mut prices };
            let sold: Vec<(Listing, Option<PriceId>)> =
                model.every_offer().map(|offer| shelf.list(offer)).collect();
            offers.push(sold.iter().filter_map(on_sale).collect());
            listings.extend(as_one(sold));
        }
        let index = Index::new(&listings);
        Self { file, local, models, by_name: names(&listings), listings, index, offers }
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

    /// Everything of one kind, for sale or not.
    pub fn ids_of(&self, kind: Kind) -> Vec<String> {
        let of_kind = self.listings.iter().filter(|listing| listing.model.kind == kind);
        of_kind.map(|listing| listing.model.id.to_string()).collect()
    }

    pub fn on_shelf(&self, kind: Kind) -> impl Iterator<Item = &Listing> {
        self.listings.iter().filter(move |listing| listing.sale.is_open() && listing.model.kind == kind)
    }

    pub fn find(&self, id: &str) -> Option<&Listing> {
        self.by_name.get(id).and_then(|named| self.listings.get(named.at))
    }
}

impl Engine {
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

/// The prices that these offers ask for, of those that ask for one: now, and later on.
fn wanted_prices<'a>(offers: &'a [(&ModelId, Offer)]) -> Vec<store::price::Offer<'a>> {
    let wanted = offers.iter().flat_map(|(model, offer)| {
        let wish =
            |price, free, from| store::price::Offer { model, provider: &offer.provider, price, free, from };
        let now = offer.price.iter().map(move |price| wish(price, offer.free, None));
        now.chain(offer.later.iter().map(move |next| wish(&next.price, next.free, Some(next.from))))
    });
    wanted.collect()
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
    use super::shelf::list;
    use super::*;

    #[test]
    fn the_readme_says_how_many_models_can_be_called() {
        let models = file::parse(include_str!("../../../catalogue.toml")).unwrap();
        let registry = Registry::simulated("http://simulator");
        let listings: Vec<Listing> =
            models.into_iter().map(|model| list(model, None, &Local::default(), &registry)).collect();
        let several = listings.iter().filter(|listing| !listing.model.offers.is_empty()).count();
        assert!(several >= 5, "{several} models have several offers");
        let open = listings.iter().filter(|listing| listing.sale.is_open()).count();
        let told = format!("Of the {} models in the catalogue {open} can be called", listings.len());
        let readme = include_str!("../../../README.md").split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(readme.contains(&told), "the README does not say: {told}");
    }
}
