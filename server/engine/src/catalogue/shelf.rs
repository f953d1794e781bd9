//! From what is known of a model to what is sold: prices in force, and whether each offer can be bought.

use std::collections::HashMap;
use std::sync::Arc;

use marketplace::id::{ModelId, PriceId, ProviderId};
use marketplace::model::{Kind, LaterPrice, Listing, Model, Offer, Sale, Status};
use marketplace::price::TakeRate;
use providers::{Registry, embedding, image};
use store::price::Standing;

use super::{Local, OnSale};

/// Puts prices in force on the offers of one model.
pub struct Shelf<'a> {
    pub model: &'a Model,
    /// What to use once it is retired.
    pub next: Option<&'a ModelId>,
    pub local: &'a Local,
    pub registry: &'a Registry,
    pub prices: &'a mut HashMap<(ModelId, ProviderId), Vec<Standing>>,
}

impl Shelf<'_> {
    pub fn list(&mut self, offer: Offer) -> (Listing, Option<PriceId>) {
        // What the file does not price is not for sale, whatever its price was once.
        let is_priced = offer.price.is_some() || !offer.later.is_empty();
        let key = (self.model.id.clone(), offer.provider.clone());
        let standing = self.prices.remove(&key).filter(|_| is_priced).unwrap_or_default();
        let (later, in_force): (Vec<_>, Vec<_>) =
            standing.into_iter().partition(|price| price.begins.is_some());
        let later = later
            .into_iter()
            .filter_map(|next| Some(LaterPrice { from: next.begins?, price: next.price, free: next.free }));
        let in_force = in_force.into_iter().next();
        let version = in_force.as_ref().map(|price| price.id);
        let free = in_force.as_ref().is_some_and(|price| price.free);
        let offer = Offer { price: in_force.map(|price| price.price), free, later: later.collect(), ..offer };
        (list(self.model.sold_as(offer), self.next, self.local, self.registry), version)
    }
}

/// What follows a model: its replacement, or what replaces that one where it is retired too.
pub fn successor<'a>(models: &'a [Model], of: &'a Model) -> Option<&'a ModelId> {
    const STEPS_MAX: usize = 8;
    let mut next = of.replacement.as_ref();
    for _ in 0..STEPS_MAX {
        let id = next?;
        match models.iter().find(|model| model.id == *id) {
            Some(model) if model.status == Status::Retired => next = model.replacement.as_ref(),
            _ => return next,
        }
    }
    None
}

pub fn on_sale((listing, version): &(Listing, Option<PriceId>)) -> Option<Arc<OnSale>> {
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
pub fn as_one(mut sold: Vec<(Listing, Option<PriceId>)>) -> Option<Listing> {
    let front = sold.iter().position(|(listing, _)| listing.sale.is_open()).unwrap_or_default();
    let (mut listing, _) = (front < sold.len()).then(|| sold.remove(front))?;
    listing.model.offers = sold.iter().flat_map(|(other, _)| other.model.every_offer()).collect();
    Some(listing)
}

pub fn list(model: Model, next: Option<&ModelId>, local: &Local, registry: &Registry) -> Listing {
    let configured = registry.find(&model.provider);
    let sale = match (&configured, model.status) {
        (_, Status::Retired) => Sale::Retired { replacement: next.cloned() },
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

#[cfg(test)]
mod tests {
    use super::super::file;
    use super::*;

    #[test]
    fn nobody_is_sent_from_one_retired_model_to_another() {
        let models = file::parse(include_str!("../../../../catalogue.toml")).unwrap();
        let of = |id: &str| models.iter().find(|model| model.id.as_str() == id).unwrap();
        let next = |id: &str| successor(&models, of(id)).map(ModelId::as_str);
        assert_eq!(next("openai/gpt-4"), Some("openai/gpt-5.6-sol"));
        // Their vendors name models that are retired too, and nothing after them.
        assert_eq!((next("google/gemini-1.0-pro"), next("openai/text-davinci-003")), (None, None));
        for model in &models {
            let next = successor(&models, model);
            assert!(next.is_none_or(|next| of(next.as_str()).status != Status::Retired), "{}", model.id);
        }
    }

    #[test]
    fn models_that_replace_each_other_lead_nowhere() {
        let mut models = file::parse(include_str!("../../../../catalogue.toml")).unwrap();
        for model in &mut models {
            (model.status, model.replacement) = (Status::Retired, Some(model.id.clone()));
        }
        assert_eq!(successor(&models, &models[0]), None);
    }
}
