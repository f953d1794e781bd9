//! A paid call, from the hold before it to the capture after it.
//!
//! The call runs in a task of its own that no connection owns: whoever asked may leave, the books are still closed.

mod forward;
mod holding;
mod meter;
mod outlet;
mod promise;
mod reach;
mod reader;
mod refused;
mod relay;
mod serving;
mod settle;

use std::sync::Arc;
use std::time::Instant;

use chrono::{DateTime, Utc};
use marketplace::chat::{ChatEvent, ChatRequest};
use marketplace::fault::{Code, Fault};
use marketplace::id::{CallId, ConversationId, ModelId};
use marketplace::money::Nanos;
use marketplace::price::Charge;
use marketplace::quote::{PromptSize, Quote, wanted_output};
use marketplace::rate::Standing;
use marketplace::receipt::Settlement;
use marketplace::route::{Fallbacks, Reason};
use marketplace::scope::Scope;
use store::ledger::{Follower, Reservation, Taken};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub(crate) use forward::content_bytes;
pub use meter::Reading;
pub(crate) use meter::Running;
pub use promise::Promised;
pub(crate) use refused::short;
pub(crate) use relay::Heard;
pub use serving::{FailedAttempt, Served, Serving};
pub(crate) use settle::Ending;
pub use settle::STOPPED;

use crate::breaker::Came;
use crate::catalogue::OnSale;
use crate::rates::{Counted, Ticket};
use crate::routing::{Route, Routing, Shown};
use crate::watch::Happened;
use crate::{Actor, Engine, Error, Result};
use holding::Hold;
pub use outlet::{Outlet, Parcel};
use reach::{Held, Reach, Second};
use reader::Reader;
use refused::{cap_too_small, check_asked};

/// What somebody wants answered, and the most they will pay for it.
#[derive(Debug)]
pub struct Order {
    pub request: ChatRequest,
    pub conversation: Option<ConversationId>,
    pub cap: Option<Nanos>,
    pub run: Option<Run>,
    /// The id that an `Idempotency-Key` has fixed for this call; `None` makes a new one.
    pub id: Option<CallId>,
    /// Who may answer.
    pub routing: Routing,
}

/// Calls that belong together, under one cap.
#[derive(Clone, Debug)]
pub struct Run {
    pub id: String,
    pub cap: Option<Nanos>,
}

/// A call under way. Dropping it is leaving: a streamed answer is stopped and paid as far as it came.
#[derive(Debug)]
pub struct Call {
    pub id: CallId,
    pub model: ModelId,
    pub hold: Nanos,
    /// Held instead of money.
    pub free_tokens: u64,
    /// Of each of the answers.
    pub max_output_tokens: u64,
    /// Whether that is less than was asked for, since what is left, or the cap, buys no more.
    pub is_shortened: bool,
    /// Its maximum covers whoever answers.
    pub quote: Quote,
    pub serving: Serving,
    /// What its minute allows and has left.
    pub standing: Standing,
    reader: Reader,
    stop: CancellationToken,
}

/// What happens during a call, in order. The last one is always `Settled` or `Failed`.
#[derive(Clone, Debug)]
pub enum CallEvent {
    Chat(ChatEvent),
    /// The charge is durable.
    Settled {
        /// Elsewhere, since it comes once and every event that waits takes the place of the largest.
        settlement: Box<Settlement>,
        finish: marketplace::chat::Finish,
        native: String,
    },
    /// Nothing came of it and nothing was charged; or, with a settlement, what came was charged.
    Failed {
        fault: Fault,
        released: Nanos,
        settlement: Option<Box<Settlement>>,
    },
}

/// Everything a running call needs to know about itself.
pub(crate) struct Terms {
    pub id: CallId,
    /// Who is asked now.
    pub on_sale: Arc<OnSale>,
    /// Who may be asked once instead, as long as nothing of an answer has come.
    pub second: Option<Second>,
    pub reason: Reason,
    pub fallbacks: Fallbacks,
    pub hold: Nanos,
    /// If the hold was there before the call.
    pub taken: Option<Taken>,
    /// Where the next call may find its hold made.
    pub follower: Option<Follower>,
    /// Held instead of money.
    pub free_tokens: u64,
    pub prompt: PromptSize,
    /// Of each of the answers.
    pub max_output_tokens: u64,
    /// How many answers are asked for.
    pub choices: u64,
    /// What the caller would pay at most. The hold heeds it; the charge must not.
    pub cap: Option<Nanos>,
    pub opened_at: DateTime<Utc>,
    /// What it was counted as among the calls of its minute.
    pub ticket: Ticket,
}

/// More events than can wait for a slow reader: what bounds them is how large they are.
const EVENTS_WAITING_MAX: usize = 2_048;
/// Output tokens that a call is counted as among those of its minute when it names no limit.
const OUTPUT_COUNTED: u64 = 1_024;

impl Engine {
    /// Answers a chat, charging for exactly what was used and never more than was held.
    pub async fn chat(&self, actor: &Actor, order: Order) -> Result<Call> {
        let (engine, actor) = (self.clone(), actor.clone());
        let (begun, beginning) = oneshot::channel();
        // In a task of its own: whoever asks may leave while the hold is made, and it must not stay behind.
        tokio::spawn(async move {
            let call = engine.open_call(&actor, order, || begun.is_closed()).await;
            // Unheard, it is dropped, and that stops it.
            let _ = begun.send(call);
        });
        let unsaid = || Fault::new(Code::Internal, "The call could not be begun");
        let call = beginning.await.unwrap_or_else(|_| Err(unsaid().into()));
        if matches!(&call, Err(Error::Fault(fault)) if fault.code == Code::PaymentRequired) {
            self.0.watch.note(Happened::RefusedForMoney);
        }
        call
    }

    async fn open_call(&self, actor: &Actor, mut order: Order, has_left: impl Fn() -> bool) -> Result<Call> {
        actor.buyer(Scope::Chat)?;
        check_asked(&order.request)?;
        self.understand(&mut order.request, &mut order.routing)?;
        self.check_models(actor, &order)?;
        let route = match order.routing.quote {
            Some(quote) => {
                let id = order.id.unwrap_or_else(|| CallId(Uuid::now_v7()));
                order.id = Some(id);
                let (route, most) = self.keep_promise(actor, quote, id, &order.request.model).await?;
                order.cap = Some(order.cap.unwrap_or(most).min(most));
                route
            }
            None => {
                let shown = if order.conversation.is_some() { Shown::ListedPrice } else { Shown::Nothing };
                self.route(&order.request, &order.routing, shown)?
            }
        };
        let spare = order.for_cheaper();
        match (self.open_route(actor, order, route, &has_left).await, spare) {
            (Err(Error::Fault(fault)), Some(order)) => {
                let Some((order, route)) = self.turn_to_cheaper(order, &fault) else {
                    return Err(fault.into());
                };
                self.check_models(actor, &order)?;
                self.open_route(actor, order, route, &has_left).await
            }
            (call, _) => call,
        }
    }

    async fn open_route(
        &self,
        actor: &Actor,
        order: Order,
        route: Route,
        has_left: impl Fn() -> bool,
    ) -> Result<Call> {
        let first = Arc::clone(&route.first);
        let call = match self.count(actor, &order.request, &first).await {
            Ok(ticket) => {
                let standing = ticket.standing;
                let opened = self.open_on(actor, order, route, ticket, has_left).await;
                opened.map_err(|error| error.counted(standing))
            }
            Err(refused) => Err(refused),
        };
        if call.is_err() {
            // Nothing was asked of the vendor, so this is no trial of it.
            let model = &first.model;
            self.0.breakers.learn(&model.provider, &model.id, Came::Nothing, Instant::now());
        }
        call
    }

    /// Counts the call by its prompt and the answer it allows, or a usual one where it does not say.
    async fn count(&self, actor: &Actor, request: &ChatRequest, offer: &OnSale) -> Result<Ticket> {
        let wanted = wanted_output(offer.model.max_output_tokens, request.max_output_tokens);
        let each = if request.max_output_tokens.is_some() { wanted } else { wanted.min(OUTPUT_COUNTED) };
        let output = each.saturating_mul(request.choices());
        let tokens = |tokens: u64| i64::try_from(tokens).unwrap_or(i64::MAX);
        let input = tokens(request.prompt_size().likely_tokens);
        self.admit(actor, Counted { input, output: tokens(output) }).await
    }

    async fn open_on(
        &self,
        actor: &Actor,
        order: Order,
        route: Route,
        ticket: Ticket,
        has_left: impl Fn() -> bool,
    ) -> Result<Call> {
        let Route { first: on_sale, second, reason, fallbacks } = route;
        let reach = Reach::of(&order);
        let least = reach.least(&on_sale);
        let advised = |fault| self.advise(fault, &order.request, &reach, &on_sale);
        let mut want = reach.most(&on_sale, second.as_deref());
        if let Some(cap) = order.cap {
            if cap < least {
                return Err(advised(cap_too_small(&order, least, cap)).into());
            }
            want = want.min(cap);
        }
        let free = reach.free(&on_sale);
        let reservation = Reservation {
            call: order.id.unwrap_or_else(|| CallId(Uuid::now_v7())),
            account: actor.owner()?,
            key: actor.key(),
            conversation: order.conversation,
            model: &on_sale.model.id,
            provider: &on_sale.model.provider,
            price: on_sale.version,
            take: on_sale.take,
            want,
            least,
            free_tokens: free.map(|free| (free.most(), reach.least_free(free, &on_sale))),
            run: order.run.as_ref().map(|run| store::ledger::Run { id: &run.id, limit: run.cap }),
            instance: self.0.instance,
        };
        let made = self.hold(&reservation, order.id.is_some()).await.map_err(|error| match error {
            Error::Fault(fault) => advised(fault).into(),
            other => other,
        })?;
        let Hold { id, held, taken, follower } = made;
        if has_left() {
            store::ledger::release(&self.0.db, id, "stopped").await?;
            return Err(Fault::new(Code::Conflict, "Left before anything was asked").into());
        }
        let opened_at = Utc::now();
        let max_output_tokens = reach.output(&on_sale, &held);
        let second = second.and_then(|offer| reach.second(offer, &held));
        let quote = reach.quote(&on_sale, max_output_tokens, second.as_ref(), opened_at);
        let Held { amount: hold, free_tokens } = held;
        let (prompt, choices, cap) = (reach.prompt, reach.choices, order.cap);
        let terms = Terms {
            id,
            on_sale,
            second,
            reason,
            fallbacks,
            hold,
            taken,
            follower,
            free_tokens,
            prompt,
            max_output_tokens,
            choices,
            cap,
            opened_at,
            ticket,
        };
        Ok(self.dispatch(terms, order.request, quote))
    }

    /// Hands the call to a task of its own.
    fn dispatch(&self, terms: Terms, mut request: ChatRequest, quote: Quote) -> Call {
        let (id, hold, max_output_tokens) = (terms.id, terms.hold, terms.max_output_tokens);
        let free_tokens = terms.free_tokens;
        let model = terms.on_sale.model.id.clone();
        let wanted = wanted_output(terms.on_sale.model.max_output_tokens, request.max_output_tokens);
        // What the hold affords is what the vendor may write: this makes "never more than held" true upstream as well.
        request.max_output_tokens = Some(max_output_tokens);
        let (sender, events) = mpsc::channel(EVENTS_WAITING_MAX);
        let stop = CancellationToken::new();
        let meter = self.0.running.open(&terms, request.stream);
        let serving = Serving::new(&terms.on_sale, terms.reason);
        let standing = terms.ticket.standing;
        let task = relay::Relay {
            engine: self.clone(),
            terms,
            request,
            events: sender,
            stop: stop.clone(),
            meter: meter.clone(),
            serving: serving.clone(),
        };
        tokio::spawn(task.run());
        Call {
            id,
            model,
            hold,
            free_tokens,
            max_output_tokens,
            is_shortened: max_output_tokens < wanted,
            quote,
            serving,
            standing,
            reader: Reader::new(events, meter),
            stop,
        }
    }
}

impl Call {
    /// What happens next; `None` after the last event.
    pub async fn next(&mut self) -> Option<CallEvent> {
        self.reader.next().await
    }

    /// For the connection that the answer leaves by.
    pub fn parcel(&self) -> Parcel {
        Parcel(self.reader.meter.clone())
    }

    /// What the answer has come to so far.
    pub fn reading(&self) -> Reading {
        self.reader.meter.reading()
    }

    /// The same call for another reader, who hears what is sent on to it. Leaving that one stops nothing by itself.
    pub fn hand_on(&self) -> (mpsc::Sender<CallEvent>, Self) {
        // No more than one event waits here, for what waits is paid and perhaps never read.
        let (sender, events) = mpsc::channel(1);
        let reader = Self {
            id: self.id,
            model: self.model.clone(),
            hold: self.hold,
            free_tokens: self.free_tokens,
            max_output_tokens: self.max_output_tokens,
            is_shortened: self.is_shortened,
            quote: self.quote,
            serving: self.serving.clone(),
            standing: self.standing,
            reader: self.reader.second(events),
            stop: self.stop.clone(),
        };
        (sender, reader)
    }

    /// A switch that stops the answer; what was delivered is still settled and told.
    pub fn stop_switch(&self) -> CancellationToken {
        self.stop.clone()
    }
}

impl Terms {
    /// Of all answers together.
    fn output_tokens_max(&self) -> u64 {
        self.max_output_tokens.saturating_mul(self.choices)
    }

    /// Free tokens pay for a call whole: its provider is still owed, its buyer asked for nothing.
    fn asked_of_buyer(&self, charge: Charge) -> Charge {
        if self.free_tokens == 0 {
            return charge;
        }
        Charge { commission: Nanos::ZERO, charge: Nanos::ZERO, ..charge }
    }
}
