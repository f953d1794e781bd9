//! Why a call does not begin, in words that name the next step.

use chrono::SecondsFormat;
use marketplace::chat::{CHOICES_MAX, ChatRequest};
use marketplace::fault::{Advice, Code, Fault, Shortfall};
use marketplace::model::Kind;
use marketplace::money::Nanos;
use store::ledger::{Limit, Reservation, Reserved};

use super::Order;
use crate::keys::disabled;
use crate::{Actor, Engine};

pub(super) fn check_asked(request: &ChatRequest) -> Result<(), Fault> {
    if request.messages.is_empty() {
        return Err(Fault::invalid("messages", "needs at least one message"));
    }
    if request.max_output_tokens == Some(0) {
        return Err(Fault::invalid("max_tokens", "must be at least 1"));
    }
    let counted = request.options.get("n").filter(|n| !n.is_null());
    if counted.is_some_and(|n| !n.as_u64().is_some_and(|n| (1..=CHOICES_MAX).contains(&n))) {
        return Err(Fault::invalid("n", &format!("must be a whole number from 1 to {CHOICES_MAX}")));
    }
    Ok(())
}

pub(crate) fn short(message: String, required: Nanos, available: Nanos, limit: &'static str) -> Fault {
    let advice = Some(Box::new(Advice { limit, ..Advice::default() }));
    let shortfall = Shortfall { required_nanos: required, available_nanos: available, advice };
    Fault { shortfall: Some(Box::new(shortfall)), ..Fault::new(Code::PaymentRequired, message) }
}

/// What the caller allows, or was promised, buys no answer.
pub(super) fn cap_too_small(order: &Order, least: Nanos, cap: Nanos) -> Fault {
    match order.routing.quote {
        Some(_) => {
            short("This call is larger than the one its quote was made for".to_owned(), least, cap, "quote")
        }
        None => {
            short(format!("The cap of {} is too small for this call", cap.cost()), least, cap, "max_cost")
        }
    }
}

fn refusal(asked: &Reservation<'_>, refused: &Reserved) -> Fault {
    let least = asked.least;
    let lacking = |limit, whose: &str, available: Nanos, next: &str| {
        let message = format!(
            "This call needs at least {} and {whose} has {} left. {next}",
            least.cost(),
            available.max(Nanos::ZERO).balance()
        );
        short(message, least, available.max(Nanos::ZERO), limit)
    };
    match refused {
        Reserved::BalanceShort { available } => {
            let next = "Add funds, shorten the prompt or choose a cheaper model";
            lacking("balance", "your balance", *available, next)
        }
        Reserved::LimitReached { limit, available, resets_at } => {
            let (name, whose, next) = match limit {
                Limit::Key => ("key", "this API key", "Raise the key's limit or use another key"),
                Limit::Account => ("account", "your spending limit", "Raise the limit"),
                Limit::Conversation => {
                    ("conversation", "this conversation's limit", "Raise the limit or begin another")
                }
                Limit::Run => ("run", "this run", "Raise the run's cap or begin another run"),
            };
            let when = resets_at.map(|at| at.format("; it begins anew at %Y-%m-%d %H:%M UTC").to_string());
            let mut fault = lacking(name, whose, *available, &format!("{next}{}", when.unwrap_or_default()));
            if let Some(advice) = fault.shortfall.as_mut().and_then(|short| short.advice.as_mut()) {
                advice.resets_at = resets_at.map(|at| at.to_rfc3339_opts(SecondsFormat::Secs, true));
            }
            fault
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
        Reserved::KeyDisabled | Reserved::Gone | Reserved::Held { .. } => match asked.key {
            Some(key) if *refused == Reserved::KeyDisabled => disabled(key),
            _ => Fault::new(
                Code::Unauthenticated,
                "This account or key can no longer make calls; it was closed or revoked",
            ),
        },
    }
}

impl Engine {
    /// Why a call does not begin. What this server knew wrongly is put right for whoever asks again.
    pub(crate) async fn refuse(&self, asked: &Reservation<'_>, refused: &Reserved) -> Fault {
        match refused {
            Reserved::PriceChanged => {
                self.try_to_refresh_prices().await;
            }
            Reserved::Gone | Reserved::KeyDisabled => self.0.ring.forget(asked.account),
            _ => {}
        }
        refusal(asked, refused)
    }

    /// Refuses what this key may not ask, also in second place.
    pub(super) fn check_models(&self, actor: &Actor, order: &Order) -> Result<(), Fault> {
        if !actor.is_kept_to_models() {
            return Ok(());
        }
        let catalogue = self.0.catalogue.load();
        for name in std::iter::once(&order.request.model).chain(&order.routing.models) {
            let listed = catalogue.first_on_sale(name, Kind::Chat).ok();
            actor.may_ask(name, listed.as_ref().map(|listed| &listed.model.id))?;
        }
        Ok(())
    }
}
