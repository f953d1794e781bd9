//! A paid call, from the hold before it to the capture after it.
//!
//! The call runs in a task of its own that no connection owns: whoever asked may leave, the books are still closed.

mod meter;
mod relay;
mod settle;

use chrono::{DateTime, Utc};
use marketplace::allowance::FreeCall;
use marketplace::chat::{ChatEvent, ChatRequest};
use marketplace::fault::{Code, Fault, Shortfall};
use marketplace::id::{CallId, ConversationId, ModelId};
use marketplace::model::Kind;
use marketplace::money::Nanos;
use marketplace::price::Charge;
use marketplace::quote::{OUTPUT_TOKENS_LEAST, PromptSize, Quote, quote, wanted_output};
use marketplace::receipt::Settlement;
use store::ledger::{Limit, Reservation, Reserved};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub use meter::Reading;
pub(crate) use meter::Running;
pub(crate) use relay::{Heard, content_bytes};
pub(crate) use settle::Ending;
pub use settle::STOPPED;

use crate::catalogue::OnSale;
use crate::watch::Happened;
use crate::{Actor, Engine, Error, Result};
use meter::Meter;
use std::sync::Arc;

/// What somebody wants answered, and the most they will pay for it.
#[derive(Debug)]
pub struct Order {
    pub request: ChatRequest,
    pub conversation: Option<ConversationId>,
    pub cap: Option<Nanos>,
    pub run: Option<Run>,
    /// The id that an `Idempotency-Key` has fixed for this call; `None` makes a new one.
    pub id: Option<CallId>,
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
    pub max_output_tokens: u64,
    pub quote: Quote,
    events: mpsc::Receiver<CallEvent>,
    meter: Arc<Meter>,
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
    pub on_sale: OnSale,
    pub hold: Nanos,
    /// Held instead of money.
    pub free_tokens: u64,
    pub prompt: PromptSize,
    pub max_output_tokens: u64,
    /// What the caller would pay at most. The hold heeds it; the charge must not.
    pub cap: Option<Nanos>,
    pub opened_at: DateTime<Utc>,
}

/// Events waiting for a slow reader. Each is a few tokens, so this bounds memory as well.
const EVENTS_WAITING_MAX: usize = 256;

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

    async fn open_call(&self, actor: &Actor, order: Order, has_left: impl Fn() -> bool) -> Result<Call> {
        let account = actor.account()?;
        let on_sale = self.0.catalogue.load().on_sale(&order.request.model)?.that_is(Kind::Chat)?;
        let prompt = order.request.prompt_size();
        check_window(&on_sale, &order.request, prompt)?;
        let wanted = wanted_output(on_sale.model.max_output_tokens, order.request.max_output_tokens);
        let ceiling = |output| on_sale.price.ceiling(prompt.tokens_max, output, on_sale.take).charge;
        let (mut want, least) = (ceiling(wanted), ceiling(wanted.min(OUTPUT_TOKENS_LEAST)));
        if let Some(cap) = order.cap {
            if cap < least {
                return Err(short(
                    format!("The cap of {} is too small for this call", cap.cost()),
                    least,
                    cap,
                )
                .into());
            }
            want = want.min(cap);
        }
        let free = FreeCall::new(&on_sale.price, prompt, wanted);
        let id = order.id.unwrap_or_else(|| CallId(Uuid::now_v7()));
        let reservation = Reservation {
            call: id,
            account,
            key: actor.key(),
            conversation: order.conversation,
            model: &on_sale.model.id,
            provider: &on_sale.model.provider,
            price: on_sale.version,
            take: on_sale.take,
            want,
            least,
            free_tokens: free.map(|free| (free.most(), free.least())),
            run: order.run.as_ref().map(|run| store::ledger::Run { id: &run.id, limit: run.cap }),
            instance: self.0.instance,
        };
        let (hold, free_tokens) = match store::ledger::reserve(&self.0.db, &reservation).await? {
            Reserved::Held { amount, free_tokens, .. } => (amount, free_tokens),
            refused => {
                if refused == Reserved::PriceChanged {
                    // Whoever asks again gets the new price.
                    self.try_to_refresh_prices().await;
                }
                return Err(refusal(&refused, least).into());
            }
        };
        if has_left() {
            store::ledger::release(&self.0.db, id, "stopped").await?;
            return Err(Fault::new(Code::Conflict, "Left before anything was asked").into());
        }
        let opened_at = Utc::now();
        let affordable = match free {
            Some(free) if free_tokens > 0 => Some(free.output_tokens(free_tokens)),
            _ => on_sale.price.affordable_output(prompt.tokens_max, wanted, hold, on_sale.take),
        };
        let max_output_tokens = affordable.unwrap_or(wanted.min(OUTPUT_TOKENS_LEAST));
        let quote = quote(&on_sale.price, on_sale.take, prompt, max_output_tokens, opened_at);
        let cap = order.cap;
        let terms = Terms { id, on_sale, hold, free_tokens, prompt, max_output_tokens, cap, opened_at };
        Ok(self.dispatch(terms, order.request, quote))
    }

    /// Hands the call to a task of its own.
    fn dispatch(&self, terms: Terms, mut request: ChatRequest, quote: Quote) -> Call {
        let (id, hold, max_output_tokens) = (terms.id, terms.hold, terms.max_output_tokens);
        let free_tokens = terms.free_tokens;
        let model = terms.on_sale.model.id.clone();
        // What the hold affords is what the vendor may write: this makes "never more than held" true upstream as well.
        request.max_output_tokens = Some(max_output_tokens);
        let (sender, events) = mpsc::channel(EVENTS_WAITING_MAX);
        let stop = CancellationToken::new();
        let meter = self.0.running.open(&terms, request.stream, &sender);
        let task = relay::Relay {
            engine: self.clone(),
            terms,
            request,
            events: sender,
            stop: stop.clone(),
            meter: meter.clone(),
        };
        tokio::spawn(task.run());
        Call { id, model, hold, free_tokens, max_output_tokens, quote, events, meter, stop }
    }
}

impl Call {
    /// What happens next; `None` after the last event.
    pub async fn next(&mut self) -> Option<CallEvent> {
        let event = self.events.recv().await;
        self.meter.note_taken();
        event
    }

    /// What the answer has come to so far.
    pub fn reading(&self) -> Reading {
        self.meter.reading()
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
            quote: self.quote,
            events,
            meter: self.meter.clone(),
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
    /// Free tokens pay for a call whole: its provider is still owed, its buyer asked for nothing.
    fn asked_of_buyer(&self, charge: Charge) -> Charge {
        if self.free_tokens == 0 {
            return charge;
        }
        Charge { commission: Nanos::ZERO, charge: Nanos::ZERO, ..charge }
    }
}

fn check_window(
    on_sale: &OnSale,
    request: &ChatRequest,
    prompt: PromptSize,
) -> std::result::Result<(), Fault> {
    if request.messages.is_empty() {
        return Err(Fault::invalid("messages", "needs at least one message"));
    }
    if request.max_output_tokens == Some(0) {
        return Err(Fault::invalid("max_tokens", "must be at least 1"));
    }
    let limit = on_sale.model.max_input_tokens.or(on_sale.model.context_tokens);
    match limit {
        Some(limit) if prompt.likely_tokens > limit => {
            let message = format!(
                "is too long: about {} tokens where {} reads at most {limit}",
                prompt.likely_tokens, on_sale.model.id
            );
            Err(Fault::invalid("messages", &message))
        }
        _ => Ok(()),
    }
}

pub(crate) fn short(message: String, required: Nanos, available: Nanos) -> Fault {
    let shortfall = Shortfall { required_nanos: required, available_nanos: available };
    Fault { shortfall: Some(shortfall), ..Fault::new(Code::PaymentRequired, message) }
}

pub(crate) fn refusal(refused: &Reserved, least: Nanos) -> Fault {
    let lacking = |whose: &str, available: Nanos, next: &str| {
        let message = format!(
            "This call needs at least {} and {whose} has {} left. {next}",
            least.cost(),
            available.max(Nanos::ZERO).balance()
        );
        short(message, least, available.max(Nanos::ZERO))
    };
    match refused {
        Reserved::BalanceShort { available } => {
            lacking("your balance", *available, "Add funds, shorten the prompt or choose a cheaper model")
        }
        Reserved::LimitReached { limit, available, resets_at } => {
            let (whose, next) = match limit {
                Limit::Key => ("this API key", "Raise the key's limit or use another key"),
                Limit::Account => ("your spending limit", "Raise the limit"),
                Limit::Conversation => ("this conversation's limit", "Raise the limit or begin another"),
                Limit::Run => ("this run", "Raise the run's cap or begin another run"),
            };
            let when = resets_at.map(|at| at.format("; it begins anew at %Y-%m-%d %H:%M UTC").to_string());
            lacking(whose, *available, &format!("{next}{}", when.unwrap_or_default()))
        }
        Reserved::Frozen => Fault::new(
            Code::PermissionDenied,
            "A payment into this account was taken back after it was spent; settle that debt to make calls again",
        ),
        Reserved::BooksBroken => Fault {
            retry_after_seconds: Some(60),
            ..Fault::new(
                Code::Unavailable,
                "Paid calls are stopped while the books are being checked; balances are safe and can be read",
            )
        },
        Reserved::PriceChanged => Fault {
            retry_after_seconds: Some(1),
            ..Fault::new(
                Code::Unavailable,
                "The price of this model has just changed; ask again to see the new one",
            )
        },
        Reserved::Gone | Reserved::Held { .. } => {
            Fault::new(Code::PermissionDenied, "This account or key can no longer make calls")
        }
    }
}
