//! Why a call does not begin, in words that name the next step.

use marketplace::chat::ChatRequest;
use marketplace::fault::{Code, Fault, Shortfall};
use marketplace::money::Nanos;
use store::ledger::{Limit, Reserved};

pub(super) fn check_asked(request: &ChatRequest) -> Result<(), Fault> {
    if request.messages.is_empty() {
        return Err(Fault::invalid("messages", "needs at least one message"));
    }
    if request.max_output_tokens == Some(0) {
        return Err(Fault::invalid("max_tokens", "must be at least 1"));
    }
    Ok(())
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
