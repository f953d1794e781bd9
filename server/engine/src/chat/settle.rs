//! Closing the books of a call: what is charged, however it ended.

use std::time::Duration;

use marketplace::chat::Finish;
use marketplace::fault::{Code, Fault};
use marketplace::money::Nanos;
use marketplace::price::Charge;
use marketplace::receipt::Settlement;
use marketplace::usage::{Tokens, UsageSource};
use store::ledger::{Capture, Captured};
use store::seeded::{self, Bug, Sale};
use tracing::{error, info, warn};

use super::meter::Meter;
use super::relay::Heard;
use super::{CallEvent, Terms};
use crate::Engine;
use crate::watch::Happened;

/// How the vendor's answer ended.
#[derive(Debug)]
pub(crate) enum Ending {
    /// The vendor said all it had to say.
    Whole,
    /// The caller stopped it or left.
    Stopped,
    /// The vendor refused before the first byte.
    Refused(Fault),
    /// The vendor failed in the middle.
    Broken(Fault),
    /// Another server took this one for dead and has closed the hold.
    Lost,
}

/// How an answer ended that its caller stopped or left.
pub const STOPPED: &str = "stopped";

/// Attempts to write a capture while the database is away; after that the reaper settles at the last checkpoint.
const TRIES: u32 = 8;

impl Engine {
    pub(crate) async fn settle(
        &self,
        terms: &Terms,
        meter: &Meter,
        heard: Heard,
        ending: Ending,
    ) -> CallEvent {
        let (finish, native) = match (&ending, &heard.finish) {
            (Ending::Whole, Some((finish, native))) => (*finish, native.clone()),
            (Ending::Stopped, _) => (Finish::Stop, STOPPED.to_owned()),
            _ => (Finish::Error, "error".to_owned()),
        };
        let word = match &ending {
            Ending::Whole => native.clone(),
            Ending::Stopped => STOPPED.to_owned(),
            Ending::Refused(fault) | Ending::Broken(fault) => format!("error: {}", fault.code.as_str()),
            Ending::Lost => "interrupted".to_owned(),
        };
        let (tokens, source) = billable(terms, meter, &heard, &ending);
        let charge = if source == UsageSource::None {
            Charge::default()
        } else {
            let rates = terms.on_sale.price.rates_for(tokens.input_total(), terms.opened_at);
            let take = terms.on_sale.take;
            let sale = Sale { call: terms.id, rates: &rates, take, tokens: &tokens, cap: terms.cap };
            let charge = seeded::mischarge(&self.0.db, sale, rates.charge(&tokens, take)).await;
            terms.asked_of_buyer(charge)
        };
        let used = tokens.input_total().saturating_add(tokens.output_total());
        terms.ticket.settle(i64::try_from(used).unwrap_or(i64::MAX));
        let finish_word = word.clone();
        let capture =
            Capture { call: terms.id, tokens, source, charge, finish: finish_word, taken: terms.taken };
        let Some(captured) = self.capture_patiently(&capture).await else {
            let message = "The answer was delivered, but the books could not be reached; it is settled as soon as they can";
            let fault = Fault::new(Code::Unavailable, message);
            return CallEvent::Failed { fault, released: Nanos::ZERO, settlement: None };
        };
        // A lost answer to an earlier try finds its own figures; a reaper's are others, and those are what counts.
        if !captured.applied && captured.paid + captured.overrun != charge.charge {
            warn!(call.id = %terms.id, "a call was settled by a reaper before its answer was over");
            return last_event(Ending::Lost, None, captured.released, (finish, native));
        }
        if captured.overrun > Nanos::ZERO {
            error!(call.id = %terms.id, overrun = captured.overrun.0, "a provider reported more than was held; the house pays");
        }
        info!(call.id = %terms.id, model = %terms.on_sale.model.id, paid = captured.paid.0, finish = %word, "settled a call");
        // Also what costs nothing is settled, as long as there was something.
        let settlement =
            (source != UsageSource::None).then(|| settlement(terms, tokens, source, charge, &captured));
        last_event(ending, settlement, captured.released, (finish, native))
    }

    async fn capture_patiently(&self, capture: &Capture) -> Option<Captured> {
        for attempt in 0..TRIES {
            match store::ledger::settle(&self.0.db, capture).await {
                Ok(captured) => return Some(captured),
                Err(cause) => {
                    warn!(%cause, attempt, call.id = %capture.call, "a capture could not be written, trying again")
                }
            }
            self.0.watch.note(Happened::CaptureRetried);
            tokio::time::sleep(Duration::from_millis(100 << attempt.min(5))).await;
        }
        None
    }
}

/// The tokens to charge and who counted them.
fn billable(terms: &Terms, meter: &Meter, heard: &Heard, ending: &Ending) -> (Tokens, UsageSource) {
    // A failed, refused or empty answer costs nothing.
    if !heard.content || matches!(ending, Ending::Refused(_)) {
        return (Tokens::default(), UsageSource::None);
    }
    let delivered = meter.delivered();
    if matches!(ending, Ending::Whole) {
        let usage =
            heard.usage.filter(|usage| !(seeded::is_on(Bug::EstimateZero) && usage.output_tokens == Some(0)));
        match usage.map(|usage| usage.billable()) {
            Some(Ok(tokens)) => return (tokens, UsageSource::Provider),
            Some(Err(why)) => {
                warn!(call.id = %terms.id, ?why, "the usage of {} cannot be trusted; estimating", terms.on_sale.model.id);
            }
            None => {}
        }
    } else if delivered.output == 0 {
        // The same as for a server that dies: a prompt alone, of which nothing came, is not charged.
        return (Tokens::default(), UsageSource::None);
    }
    (heard.counted.unwrap_or(delivered), UsageSource::Estimated)
}

fn settlement(
    terms: &Terms,
    usage: Tokens,
    usage_source: UsageSource,
    charge: Charge,
    captured: &Captured,
) -> Settlement {
    Settlement {
        id: terms.id,
        charge,
        take: terms.on_sale.take,
        price_version: terms.on_sale.version,
        usage,
        usage_source,
        hold_nanos: terms.hold,
        released_nanos: captured.released,
        available_nanos: captured.available,
        free_tokens: captured.free_tokens,
    }
}

fn last_event(
    ending: Ending,
    settlement: Option<Settlement>,
    released: Nanos,
    (finish, native): (Finish, String),
) -> CallEvent {
    let failed = |fault| CallEvent::Failed { fault, released, settlement: settlement.map(Box::new) };
    match (ending, settlement) {
        (Ending::Refused(fault) | Ending::Broken(fault), _) => failed(fault),
        (Ending::Lost, _) => failed(Fault::new(
            Code::Unavailable,
            "The connection to the books was lost; only what was delivered is charged",
        )),
        (Ending::Whole | Ending::Stopped, Some(settlement)) => {
            CallEvent::Settled { settlement: Box::new(settlement), finish, native }
        }
        (Ending::Stopped, None) => failed(Fault::new(Code::Conflict, "Stopped before anything was written")),
        (Ending::Whole, None) => failed(Fault::new(
            Code::ProviderUnavailable,
            "The provider sent an empty answer; nothing was charged",
        )),
    }
}
