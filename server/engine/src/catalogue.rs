//! What is for sale: the facts of `catalogue.toml`, the prices in force, and who can answer.

mod file;

use std::collections::HashMap;

use marketplace::fault::{Code, Fault};
use marketplace::id::{ModelId, PriceId};
use marketplace::model::{Kind, Listing, Model, Sale, Status};
use marketplace::price::{Price, TakeRate};
use marketplace::search::{Found, Search};
use providers::Registry;
use store::Db;
use store::price::Offer;
use tracing::info;

use crate::{Actor, Engine, Error, Result};

/// One consistent view of everything for sale. A change makes a new one.
#[derive(Debug)]
pub(crate) struct Catalogue {
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

impl Catalogue {
    pub async fn load(db: &Db, registry: &Registry) -> Result<Self> {
        let models = file::parse(include_str!("../../../catalogue.toml")).map_err(Error::Catalogue)?;
        let priced: Vec<(&Model, &Price)> =
            models.iter().filter_map(|model| model.price.as_ref().map(|price| (model, price))).collect();
        let offers: Vec<Offer<'_>> = priced
            .iter()
            .map(|(model, price)| Offer {
                model: &model.id,
                provider: &model.provider,
                price,
                free: model.free,
            })
            .collect();
        let ids = store::price::set_prices(db, &offers).await?;
        let versions = priced.iter().map(|(model, _)| model.id.clone()).zip(ids).collect();
        let listings: Vec<Listing> = models.into_iter().map(|model| list(model, registry)).collect();
        let open = listings.iter().filter(|listing| listing.sale.is_open()).count();
        info!(
            models = listings.len(),
            open,
            "loaded the catalogue: {open} of {} models can be bought",
            listings.len()
        );
        Ok(Self { by_name: names(&listings), listings, versions })
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

fn list(model: Model, registry: &Registry) -> Listing {
    let configured = registry.find(&model.provider);
    let sale = match (&configured, model.status) {
        (_, Status::Retired) => Sale::Retired { replacement: model.replacement.clone() },
        (None, _) => Sale::Unserved,
        _ if model.kind != Kind::Chat || !is_spoken(&model.protocol) => Sale::Unserved,
        _ if model.price.is_none() => Sale::Unpriced,
        (Some(provider), _) if !provider.is_available() => Sale::Unconfigured,
        _ => Sale::Open,
    };
    let provider_name = configured.map_or_else(
        || marketplace::model::publisher_name(&model.provider.0),
        |known| known.vendor.name.to_owned(),
    );
    Listing { model, sale, take: TakeRate::STANDARD, provider_name }
}

fn is_spoken(protocol: &str) -> bool {
    matches!(
        protocol,
        "openai_chat_completions"
            | "anthropic_messages"
            | "gemini_generate_content"
            | "cohere_v2_chat"
            | "ollama_chat"
            | "tgi_generate"
    )
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
        let listings: Vec<Listing> = models.into_iter().map(|model| list(model, &registry)).collect();
        let open = listings.iter().filter(|listing| listing.sale.is_open()).count();
        let told = format!("Of the {} models in the catalogue {open} can be called", listings.len());
        let readme = include_str!("../../../README.md").split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(readme.contains(&told), "the README does not say: {told}");
    }
}
