//! Choosing who answers a call: the offers there are, what the caller prefers, and how vendors stand.

mod named;

use std::sync::Arc;
use std::time::Instant;

use chrono::Utc;
use marketplace::chat::ChatRequest;
use marketplace::fault::{Code, Fault};
use marketplace::id::{ModelId, ProviderId, QuoteId};
use marketplace::model::Kind;
use marketplace::money::Nanos;
use marketplace::quote::{PromptSize, wanted_output};
use marketplace::route::{
    Candidate, Demand, Fallbacks, Preferences, Reason, Speed, Standing, nobody_left, rank,
};
use providers::Registry;

pub use self::named::Narrowing;
use crate::Engine;
use crate::catalogue::{Catalogue, OnSale};

/// What a caller says about who may answer.
#[derive(Clone, Debug, Default)]
pub struct Routing {
    pub preferences: Preferences,
    /// Models that may stand in for the one asked for, in this order.
    pub models: Vec<ModelId>,
    /// The promise of a price, which only the vendor it names can keep.
    pub quote: Option<QuoteId>,
    pub when_short: WhenShort,
    /// Which offers of the model asked for may answer, and then of each of `models`, as the ends of their names say. The
    /// engine takes them off and finds out; empty for names without any.
    pub narrowed: Vec<Vec<Narrowing>>,
}

/// What is to be done when what is left does not buy the longest answer that was asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WhenShort {
    /// The answer may be as long as what is left buys.
    #[default]
    Clamp,
    Refuse,
    /// The cheapest model is asked that does what is asked for.
    Cheaper,
}

/// Who is asked, and who may be asked if that fails.
#[derive(Debug)]
pub(crate) struct Route {
    pub first: Arc<OnSale>,
    pub second: Option<Arc<OnSale>>,
    pub reason: Reason,
    pub fallbacks: Fallbacks,
}

/// A page shows the price of the listing before the call is sent, and nothing dearer is asked then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    Nothing,
    ListedPrice,
}

/// More models than this are no order of preference.
pub const MODELS_MAX: usize = 8;

impl Engine {
    /// Chooses, and begins a call to the one chosen with its breaker: whoever does not go on says so to that.
    pub(crate) fn route(
        &self,
        request: &ChatRequest,
        routing: &Routing,
        shown: Shown,
    ) -> Result<Route, Fault> {
        let catalogue = self.0.catalogue.load();
        let vendors = self.0.vendors.load();
        let offers = offers(&catalogue, &vendors.registry, request, routing)?;
        let prompt = request.prompt_size();
        let demand = Demand {
            prompt,
            output_tokens: request.max_output_tokens,
            choices: request.choices(),
            at: Utc::now(),
            told: match shown {
                Shown::Nothing => None,
                Shown::ListedPrice => listed_ceiling(&catalogue, request, prompt),
            },
        };
        let candidates: Vec<Candidate<'_>> = offers.iter().map(|offer| offer.candidate()).collect();
        let preferences = &routing.preferences;
        let speed = |offer: &Candidate<'_>| self.speed_of(offer.provider, offer.model);
        let (ranking, second_is_well) = self.0.breakers.choose(Instant::now(), |admits| {
            let is_well = |offer: &Candidate<'_>| admits(offer.provider, offer.model);
            let standing =
                |offer: &Candidate<'_>| if is_well(offer) { Standing::Well } else { Standing::Failing };
            let ranking = rank(&candidates, preferences, &demand, speed, standing);
            let first = ranking.ranked.first().and_then(|at| candidates.get(*at));
            let key = first.map(|first| (first.provider.clone(), first.model.clone()));
            let second = ranking.ranked.get(1).and_then(|at| candidates.get(*at));
            let second_is_well = second.is_some_and(is_well);
            ((ranking, second_is_well), key)
        });
        let offer = |place: usize| ranking.ranked.get(place).and_then(|at| offers.get(*at)).cloned();
        let Some(first) = offer(0) else {
            return Err(nobody_left(&candidates, &ranking, preferences, &demand));
        };
        let fallbacks = preferences.fallbacks;
        let second = if fallbacks == Fallbacks::Never || !second_is_well { None } else { offer(1) };
        Ok(Route { first, second, reason: ranking.reason, fallbacks })
    }

    /// How fast an offer was in the last half hour, and how surely it answered, as far as that was measured.
    fn speed_of(&self, provider: &ProviderId, model: &ModelId) -> Speed {
        self.0.health.glance(model, provider).map_or_else(Speed::default, |glance| Speed {
            first_token_ms: glance.first_token_ms,
            tokens_per_minute: glance.tokens_per_second.map(|tokens| tokens.saturating_mul(60)),
            answered_bps: Some(glance.uptime_bps),
        })
    }
}

impl OnSale {
    /// The offer as the rule of choice sees it.
    fn candidate(&self) -> Candidate<'_> {
        Candidate {
            model: &self.model.id,
            provider: &self.model.provider,
            price: &self.price,
            take: self.take,
            input_tokens_max: self.model.max_input_tokens.or(self.model.context_tokens),
            output_tokens_max: self.model.max_output_tokens,
        }
    }
}

/// Every offer of the model asked for, then of those that may stand in for it.
fn offers(
    catalogue: &Catalogue,
    registry: &Registry,
    request: &ChatRequest,
    routing: &Routing,
) -> Result<Vec<Arc<OnSale>>, Fault> {
    let (mut offers, mut refusal) = (Vec::<Arc<OnSale>>::new(), None);
    for (at, id) in std::iter::once(&request.model).chain(&routing.models).enumerate() {
        let found = catalogue.on_sale(id, Kind::Chat).and_then(|found| able(found, request));
        let found = found.and_then(|found| speaking(registry, found, request));
        let narrowed = routing.narrowed.get(at).into_iter().flatten();
        let narrow = |found, narrowing: &Narrowing| narrowing.among(found, registry);
        match found.and_then(|found| narrowed.clone().try_fold(found, narrow)) {
            Ok(found) => {
                let known = |offer: &Arc<OnSale>| offers.iter().any(|other| Arc::ptr_eq(other, offer));
                let new: Vec<_> = found.into_iter().filter(|offer| !known(offer)).collect();
                offers.extend(new);
            }
            // A name that means nothing or no chat is a mistake; a model that is not sold any more is what the others are there for.
            Err(fault) if fault.code == Code::WrongEndpoint || (at > 0 && !catalogue.knows(id)) => {
                let field = if at > 0 { "models" } else { "model" };
                return Err(Fault { field: Some(field.to_owned()), ..fault });
            }
            Err(fault) => refusal = refusal.or(Some(fault)),
        }
    }
    match refusal {
        Some(fault) if offers.is_empty() => Err(fault),
        _ if offers.is_empty() => Err(Fault::new(Code::NotFound, "No model was named")),
        _ => Ok(offers),
    }
}

/// What a model is known not to be able to is refused before anything is paid for it.
fn able(found: Vec<Arc<OnSale>>, request: &ChatRequest) -> Result<Vec<Arc<OnSale>>, Fault> {
    let lacks = |ability: &str| {
        let lacking = found.first().filter(|offer| offer.model.lacks.iter().any(|lack| lack == ability));
        lacking.map(|offer| &offer.model.id)
    };
    if let Some(blind) = lacks("vision").filter(|_| request.shows_pictures()) {
        return Err(Fault::invalid("messages", &format!("show a picture, which {blind} cannot see")));
    }
    if let Some(alone) = lacks("tools").filter(|_| request.offers_tools()) {
        return Err(Fault::invalid("tools", &format!("cannot be called by {alone}")));
    }
    Ok(found)
}

/// Those of these offers whose vendors can be asked so.
fn speaking(
    registry: &Registry,
    found: Vec<Arc<OnSale>>,
    request: &ChatRequest,
) -> Result<Vec<Arc<OnSale>>, Fault> {
    let lacking = found.first().and_then(|first| {
        let (field, why) = unsayable(registry, first, request)?;
        Some(Fault::invalid(field, &format!("cannot be had of {}: {why}", first.model.id)))
    });
    let speaking: Vec<_> =
        found.into_iter().filter(|offer| unsayable(registry, offer, request).is_none()).collect();
    match lacking {
        Some(fault) if speaking.is_empty() => Err(fault),
        _ => telling(registry, speaking, request),
    }
}

/// Those that tell how likely words were, where that is asked for. The answer is the same without it, so where nobody
/// does it is left untold, unless the caller says that it must not be.
fn telling(
    registry: &Registry,
    speaking: Vec<Arc<OnSale>>,
    request: &ChatRequest,
) -> Result<Vec<Arc<OnSale>>, Fault> {
    if !request.asks_for_logprobs() {
        return Ok(speaking);
    }
    let (telling, silent): (Vec<_>, Vec<_>) =
        speaking.into_iter().partition(|offer| tells_likelihood(registry, offer));
    match silent.first() {
        Some(offer) if telling.is_empty() && request.requires_parameters() => {
            let why = "its vendor does not tell them";
            Err(Fault::invalid("logprobs", &format!("cannot be had of {}: {why}", offer.model.id)))
        }
        Some(_) if telling.is_empty() => Ok(silent),
        _ => Ok(telling),
    }
}

fn tells_likelihood(registry: &Registry, offer: &OnSale) -> bool {
    let vendor = registry.find(&offer.model.provider);
    let dialect = vendor.map(|found| found.vendor.dialect.of_model(&offer.model.protocol));
    dialect.is_some_and(|dialect| dialect.offers_logprobs(&offer.model.upstream))
}

/// The field of a request that this offer's vendor cannot be told, and why.
pub(crate) fn unsayable(
    registry: &Registry,
    offer: &OnSale,
    request: &ChatRequest,
) -> Option<(&'static str, &'static str)> {
    let (several, forced) = (request.choices() > 1, request.forces_a_call());
    if !several && !forced {
        return None;
    }
    let dialect = registry.find(&offer.model.provider)?.vendor.dialect.of_model(&offer.model.protocol);
    if several && !dialect.offers_choices() {
        return Some(("n", "its vendor gives one answer a call"));
    }
    let decides = "its vendor lets the model decide whether to call a function";
    (forced && !dialect.offers_forced_calls()).then_some(("tool_choice", decides))
}

/// The most that the page said: what it computes from the listing.
fn listed_ceiling(catalogue: &Catalogue, request: &ChatRequest, prompt: PromptSize) -> Option<Nanos> {
    let listing = catalogue.find(request.model.as_str())?;
    let output = wanted_output(listing.model.max_output_tokens, request.max_output_tokens);
    let output = output.saturating_mul(request.choices());
    Some(listing.model.price.as_ref()?.ceiling(prompt.tokens_max, output, listing.take).charge)
}
