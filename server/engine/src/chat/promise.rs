//! What is told before a call and kept during it: quotes, and where to turn when money is short.

use std::sync::Arc;
use std::time::Instant;

use chrono::{DateTime, Utc};
use marketplace::chat::{ChatRequest, Content};
use marketplace::fault::{Cheapest, Code, Fault};
use marketplace::id::{CallId, ModelId, PriceId, ProviderId, QuoteId};
use marketplace::model::{Kind, Model};
use marketplace::money::Nanos;
use marketplace::quote::Quote;
use marketplace::route::{Fallbacks, Reason};
use serde_json::Value;
use store::quote::NewQuote;
use uuid::Uuid;

use super::reach::{Held, Reach};
use super::refused::{cap_too_small, check_asked};
use super::{Order, Route};
use crate::breaker::Came;
use crate::catalogue::OnSale;
use crate::routing::{Shown, WhenShort, unsayable};
use crate::{Actor, Engine, Result};

/// What a call will cost if it is sent with this quote before it runs out.
#[derive(Clone, Debug)]
pub struct Promised {
    pub id: QuoteId,
    pub figures: Quote,
    /// What the call would set aside.
    pub hold: Nanos,
    pub model: ModelId,
    pub provider: ProviderId,
    pub version: PriceId,
    pub valid_until: DateTime<Utc>,
}

impl Engine {
    /// Says what a call would cost and promises the price for ten minutes. Nothing is held, and no vendor is asked.
    pub async fn quote(&self, actor: &Actor, mut order: Order) -> Result<Promised> {
        let account = actor.account()?;
        check_asked(&order.request)?;
        self.understand(&mut order.request, &mut order.routing)?;
        let route = self.route(&order.request, &order.routing, Shown::Nothing)?;
        let on_sale = route.first;
        self.0.breakers.learn(&on_sale.model.provider, &on_sale.model.id, Came::Nothing, Instant::now());
        let reach = Reach::of(&order);
        let (least, mut hold) = (reach.least(&on_sale), reach.most(&on_sale, None));
        if let Some(cap) = order.cap {
            if cap < least {
                let fault = cap_too_small(&order, least, cap);
                return Err(self.advise(fault, &order.request, &reach, &on_sale).into());
            }
            hold = hold.min(cap);
        }
        let output = reach.output(&on_sale, &Held { amount: hold, free_tokens: 0 });
        let figures = reach.quote(&on_sale, output, None, Utc::now());
        let new = NewQuote {
            id: QuoteId(Uuid::now_v7()),
            account,
            model: &on_sale.model.id,
            provider: &on_sale.model.provider,
            price: on_sale.version,
            take: on_sale.take,
            most: figures.max_nanos,
        };
        let Some(valid_until) = store::quote::insert_quote(&self.0.db, &new).await? else {
            self.try_to_refresh_prices().await;
            let message = "The price of this model has just changed; ask again to see the new one";
            return Err(
                Fault { retry_after_seconds: Some(1), ..Fault::new(Code::Unavailable, message) }.into()
            );
        };
        let (id, hold, version) = (new.id, figures.max_nanos, on_sale.version);
        let Model { id: model, provider, .. } = on_sale.model.clone();
        Ok(Promised { id, figures, hold, model, provider, version, valid_until })
    }

    /// The way that a quote names, at the price it promised, and the most that a call under it may cost.
    pub(super) async fn keep_promise(
        &self,
        actor: &Actor,
        quote: QuoteId,
        call: CallId,
        asked: &ModelId,
    ) -> Result<(Route, Nanos)> {
        let refused =
            |code, message: String| Fault { field: Some("quote_id".to_owned()), ..Fault::new(code, message) };
        let promise = store::quote::rely_on(&self.0.db, quote, actor.owner()?, call).await?;
        let promise =
            promise.ok_or_else(|| refused(Code::NotFound, "This quote was not found".to_owned()))?;
        if !promise.is_valid {
            let message = "This quote has run out; ask for a new one";
            return Err(refused(Code::Unprocessable, message.to_owned()).into());
        }
        let offers = self.0.catalogue.load().on_sale(asked, Kind::Chat)?;
        let is_meant = |offer: &&Arc<OnSale>| {
            offer.model.id == promise.model && offer.model.provider == promise.provider
        };
        let Some(offer) = offers.iter().find(is_meant) else {
            let message = format!("This quote is for {} at {}", promise.model, promise.provider);
            return Err(refused(Code::Unprocessable, message).into());
        };
        let OnSale { model, provider_name, .. } = OnSale::clone(offer);
        let (price, version, take) = (promise.price, promise.version, promise.take);
        let first = Arc::new(OnSale { model, price, version, take, provider_name });
        // It is asked whether it keeps failing or not, for nobody else can keep the promise.
        self.0.breakers.try_begin(&promise.provider, &promise.model, Instant::now());
        let route = Route { first, second: None, reason: Reason::Quote, fallbacks: Fallbacks::Never };
        Ok((route, promise.most))
    }

    /// Adds to a refusal for money how an answer could be had all the same.
    pub(super) fn advise(
        &self,
        mut fault: Fault,
        request: &ChatRequest,
        reach: &Reach,
        asked: &OnSale,
    ) -> Fault {
        if let Some(shortfall) = &mut fault.shortfall
            && let Some(advice) = &mut shortfall.advice
        {
            advice.output_tokens_max = Some(reach.fitting(asked, shortfall.available_nanos));
            advice.cheapest = self.cheapest(request, reach, shortfall.available_nanos);
        }
        fault
    }

    /// The model that does what is asked for the least money, and fits into what is left.
    fn cheapest(&self, request: &ChatRequest, reach: &Reach, budget: Nanos) -> Option<Cheapest> {
        let catalogue = self.0.catalogue.load();
        let vendors = self.0.vendors.load();
        let offers = catalogue.every_offer().filter(|offer| {
            does(&offer.model, request, reach) && unsayable(&vendors.registry, offer, request).is_none()
        });
        let fitting = offers.filter(|offer| reach.fitting(offer, budget) >= reach.least_output(offer));
        let cost = |offer: &OnSale| reach.ceiling(offer, reach.wanted(offer));
        let cheapest = fitting.min_by_key(|offer| (cost(offer), offer.model.id.clone()))?;
        Some(Cheapest {
            model: cheapest.model.id.clone(),
            required_nanos: cost(cheapest),
            output_tokens_max: reach.fitting(cheapest, budget),
        })
    }

    /// The order for the cheapest model, where the one asked for was refused for money alone.
    pub(super) fn turn_to_cheaper(&self, mut order: Order, refusal: &Fault) -> Option<(Order, Route)> {
        let advice = refusal.shortfall.as_ref()?.advice.as_ref()?;
        order.request.model = advice.cheapest.as_ref()?.model.clone();
        let route = self.route(&order.request, &order.routing, Shown::Nothing).ok()?;
        Some((order, Route { reason: Reason::Cheaper, ..route }))
    }
}

impl Order {
    /// The same order for another model, where one may be asked instead of what is too dear.
    pub(super) fn for_cheaper(&self) -> Option<Self> {
        let mut routing = self.routing.clone();
        if routing.when_short != WhenShort::Cheaper || routing.quote.is_some() {
            return None;
        }
        (routing.when_short, routing.models) = (WhenShort::Clamp, Vec::new());
        // What was said at the end of a name was said of that model.
        routing.narrowed.clear();
        let (request, run) = (self.request.clone(), self.run.clone());
        Some(Self { request, conversation: self.conversation, cap: self.cap, run, id: self.id, routing })
    }
}

/// Whether a model takes such a request, as far as the catalogue knows.
fn does(model: &Model, request: &ChatRequest, reach: &Reach) -> bool {
    let can = |ability: &str| model.abilities.iter().any(|one| one == ability);
    let asks = |option: &str| request.options.get(option).is_some_and(|value| !value.is_null());
    let is_picture =
        |part: &serde_json::Map<String, Value>| part.get("type").and_then(Value::as_str) == Some("image_url");
    let shows = request.messages.iter().any(|message| match &message.content {
        Content::Parts(parts) => parts.iter().any(is_picture),
        Content::Text(_) | Content::Absent => false,
    });
    let room = model.max_input_tokens.or(model.context_tokens);
    (!asks("tools") || can("tools"))
        && (!asks("response_format") || can("structured_output"))
        && (!shows || model.input.iter().any(|kind| kind == "image"))
        && room.is_none_or(|room| reach.prompt.likely_tokens <= room)
}
