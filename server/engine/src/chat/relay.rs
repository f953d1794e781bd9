//! The task that owns a call: it asks the vendor, hands the answer on, and closes the books.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use marketplace::chat::{ChatRequest, Delivery, Failure, FailureClass, Finish};
use marketplace::fault::{Code, Fault};
use marketplace::usage::{Tokens, Usage};
use store::attempt::Rerouting;
use store::seeded::{self, Bug};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::meter::Meter;
use super::settle::Ending;
use super::{CallEvent, STOPPED, Serving, Terms};
use crate::Engine;
use crate::breaker::Came;
use crate::error::from_failure;
use crate::health::Attended;
use crate::tokens::{self, Said};
use crate::watch::Happened;

pub(super) struct Relay {
    pub engine: Engine,
    pub terms: Terms,
    pub request: ChatRequest,
    pub events: mpsc::Sender<CallEvent>,
    pub stop: CancellationToken,
    pub meter: Arc<Meter>,
    pub serving: Serving,
}

/// What was learnt of an answer until it ended.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    pub usage: Option<Usage>,
    /// Text, reasoning, a refusal or a tool call: something worth paying for.
    pub content: bool,
    pub finish: Option<(Finish, String)>,
    /// Of several answers those that ended, all but the first.
    pub others_finished: BTreeSet<u32>,
    /// What it said, in case its vendor does not count it.
    pub said: Said,
    /// What we count ourselves, where nobody else did.
    pub counted: Option<Tokens>,
}

/// The attempt under way.
pub(super) struct Attempt {
    number: i32,
    began_at: DateTime<Utc>,
    /// How it failed, where it did.
    failure: Option<FailureClass>,
    /// Which stored key its vendor was asked with, if any.
    key_version: Option<i64>,
}

impl Relay {
    pub async fn run(mut self) {
        let mut heard = Heard::default();
        let mut attempt = Attempt { number: 1, began_at: Utc::now(), failure: None, key_version: None };
        let mut ending = self.listen(&mut heard, &mut attempt).await;
        if seeded::is_on(Bug::RetryAfterFirstByte) && matches!(ending, Ending::Broken(_)) {
            ending = self.listen(&mut heard, &mut attempt).await;
        }
        let ending = self.until_taken(ending).await;
        if seeded::is_on(Bug::LeakHold) && matches!(ending, Ending::Stopped) {
            return;
        }
        self.learn(&attempt, &ending, heard.content);
        let outcome = match (&ending, attempt.failure) {
            (_, Some(class)) => class.as_str(),
            (Ending::Whole, None) => "answered",
            _ => STOPPED,
        };
        self.count_ourselves(&mut heard, &ending).await;
        let last = self.engine.settle(&self.terms, &self.meter, heard, ending).await;
        self.engine.0.running.close(self.terms.id);
        Box::pin(self.write_down(&attempt, outcome)).await;
        let settled = match &last {
            CallEvent::Settled { settlement, .. } => Some(settlement.available_nanos),
            _ => None,
        };
        // Whoever has left, or takes nothing, does not hear the end; the receipt keeps it.
        let _ = self.events.send_timeout(last, self.patience()).await;
        if let (Some(available), Some(follower)) = (settled, self.terms.follower) {
            tokio::spawn(self.engine.set_aside_next(follower, available));
        }
    }

    /// Hears one answer to its end. If its vendor fails before anything came, another one may be asked, once.
    async fn listen(&mut self, heard: &mut Heard, attempt: &mut Attempt) -> Ending {
        loop {
            // What only the beginning needs lies elsewhere: this task is kept for as long as a stream lasts.
            let answer = match Box::pin(self.ask(attempt)).await {
                Ok(answer) => answer,
                Err(ending) => return ending,
            };
            let failure = match answer {
                Ok(answer) => match self.forward(answer, heard, attempt).await {
                    Ok(ending) => return ending,
                    Err(failure) => failure,
                },
                Err(failure) => failure,
            };
            let fault = self.told(&failure, attempt);
            *heard = Heard::default();
            if !Box::pin(self.turn_to_second(failure.class, attempt)).await {
                return Ending::Refused(fault);
            }
        }
    }

    /// Asks whoever is to answer now; an ending where nobody can be asked or nobody waits.
    async fn ask(&self, attempt: &mut Attempt) -> Result<Result<Attended, Failure>, Ending> {
        let model = &self.terms.on_sale.model;
        // The key that is taken now is the one that this attempt ends with, whatever is stored meanwhile.
        let vendors = self.engine.0.vendors.load_full();
        let known = vendors.registry.find(&model.provider).filter(|provider| provider.is_available());
        let Some(provider) = known else {
            return Err(Ending::Refused(Fault::new(
                Code::Unavailable,
                "The provider of this model is not configured",
            )));
        };
        attempt.key_version = vendors.key_version(&model.provider);
        self.engine.0.retries.note_asked(&model.provider, Instant::now());
        let id = self.terms.id.to_string();
        let provider = provider.speaking(&model.protocol);
        let asked = self.engine.0.sender.open(&provider, &self.request, &model.upstream, &id);
        let asked = self.engine.0.health.attend((&model.id, &model.provider), self.request.stream, asked);
        let answer = tokio::select! {
            answer = asked => answer,
            () = self.left() => return Err(Ending::Stopped),
        };
        if answer.is_ok() {
            self.engine.note_accepted_key(&model.provider);
        }
        Ok(answer)
    }

    /// Goes to the second vendor, if there is one and this failure allows it; then nothing but the vendor has changed.
    async fn turn_to_second(&mut self, class: FailureClass, attempt: &mut Attempt) -> bool {
        if !self.terms.fallbacks.allow_after(class) || self.stop.is_cancelled() || self.events.is_closed() {
            return false;
        }
        let Some(second) = self.terms.second.take() else { return false };
        if !self.engine.0.retries.allow(&self.terms.on_sale.model.provider, Instant::now()) {
            return false;
        }
        let (failed, model) = (&self.terms.on_sale.model, &second.on_sale.model);
        let breakers = &self.engine.0.breakers;
        if !breakers.try_begin(&model.provider, &model.id, Instant::now()) {
            return false;
        }
        let to = Rerouting {
            call: self.terms.id,
            instance: self.engine.0.instance,
            model: &model.id,
            provider: &model.provider,
            price: second.on_sale.version,
            began_at: attempt.began_at,
            outcome: class.as_str(),
        };
        let is_done = store::attempt::reroute(&self.engine.0.db, &to).await.unwrap_or_else(|cause| {
            warn!(%cause, call.id = %self.terms.id, "a call could not be handed to its second provider");
            false
        });
        if !is_done {
            breakers.learn(&model.provider, &model.id, Came::Nothing, Instant::now());
            return false;
        }
        breakers.learn(&failed.provider, &failed.id, came(class), Instant::now());
        info!(call.id = %self.terms.id, failed = %failed.provider, to = %model.provider, "asks a second provider");
        self.engine.0.watch.note(Happened::FailedOver);
        self.serving.turn_to(&second.on_sale, class.as_str());
        self.request.max_output_tokens = Some(second.max_output_tokens);
        self.terms.max_output_tokens = second.max_output_tokens;
        self.terms.on_sale = second.on_sale;
        self.meter.turn_to(&self.terms);
        *attempt = Attempt { number: 2, began_at: Utc::now(), failure: None, key_version: None };
        true
    }

    /// Counts a whole answer whose vendor has not, or not so that it can be billed. One that was cut off is charged by what
    /// the meter says, as it would be if this server had died.
    async fn count_ourselves(&self, heard: &mut Heard, ending: &Ending) {
        let is_counted = heard.usage.is_some_and(|usage| usage.billable().is_ok());
        if is_counted || !heard.content || !matches!(ending, Ending::Whole) {
            return;
        }
        let said = std::mem::take(&mut heard.said);
        let Some((input, output)) = tokens::count_call(&self.request, said).await else { return };
        // A vendor may count the prompt alone, and knows better.
        let is_told = heard.usage.is_some_and(|usage| usage.input_tokens.is_some_and(is_readable));
        let input = if is_told { self.meter.delivered().input } else { input };
        let output = output.min(self.terms.output_tokens_max());
        heard.counted = Some(Tokens { input, output, ..Tokens::default() });
    }

    /// Tells the breaker what came of the last attempt.
    fn learn(&self, attempt: &Attempt, ending: &Ending, has_content: bool) {
        let came = match (attempt.failure, ending) {
            (Some(class), _) => came(class),
            (None, Ending::Whole) => Came::Answer,
            (None, Ending::Stopped) if has_content => Came::Answer,
            _ => Came::Nothing,
        };
        let model = &self.terms.on_sale.model;
        self.engine.0.breakers.learn(&model.provider, &model.id, came, Instant::now());
    }

    /// Of a call that was not answered straight away, what came of its last attempt.
    async fn write_down(&self, attempt: &Attempt, outcome: &str) {
        if attempt.number == 1 && attempt.failure.is_none() {
            return;
        }
        let Attempt { number, began_at, .. } = attempt;
        let noted =
            store::attempt::note_attempt(&self.engine.0.db, self.terms.id, *number, *began_at, outcome).await;
        if let Err(cause) = noted {
            warn!(%cause, call.id = %self.terms.id, "an attempt could not be written down");
        }
    }

    /// Resolves when nobody wants the rest: the caller stopped it, or hung up on a stream.
    pub(super) async fn left(&self) {
        match self.request.stream {
            Delivery::Streamed => tokio::select! {
                () = self.stop.cancelled() => {}
                () = self.events.closed() => {}
            },
            // An answer in one piece is billed in full by its vendor, so it is heard to the end.
            Delivery::Whole => std::future::pending().await,
        }
    }

    /// A reader who takes nothing for this long has left.
    pub(super) fn patience(&self) -> Duration {
        self.engine.0.sender.limits().reader
    }

    pub(super) fn told(&self, failure: &Failure, attempt: &mut Attempt) -> Fault {
        attempt.failure = Some(failure.class);
        if failure.class == FailureClass::Auth {
            self.engine.note_refused_key(&self.terms.on_sale.model.provider, attempt.key_version);
        }
        if failure.class != FailureClass::InvalidRequest {
            self.engine.0.watch.note_provider_failure(&self.terms.on_sale.model.provider.0);
            warn!(call.id = %self.terms.id, class = ?failure.class, "the provider of {} failed", self.terms.on_sale.model.id);
        }
        from_failure(&self.terms.on_sale.provider_name, failure)
    }
}

/// A count that no window can hold says nothing of the prompt.
pub(super) fn is_readable(input: i64) -> bool {
    (0..=Tokens::REPORTED_MAX).contains(&input)
}

/// What a failure says of its vendor.
fn came(class: FailureClass) -> Came {
    if class.is_the_vendors() { Came::Failure } else { Came::Nothing }
}
