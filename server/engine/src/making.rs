//! Paid calls whose answer is no conversation and comes in one piece.
//!
//! As a chat, each runs in a task of its own that no connection owns. Whoever asked may leave: its vendor bills it whole,
//! so it is heard to its end and its books are closed.

use std::sync::Arc;

use chrono::Utc;
use marketplace::chat::{Delivery, Failure, FailureClass, Finish};
use marketplace::fault::{Code, Fault};
use marketplace::id::{CallId, ModelId};
use marketplace::money::Nanos;
use marketplace::quote::PromptSize;
use marketplace::rate::Standing;
use marketplace::receipt::Settlement;
use marketplace::route::{Fallbacks, Reason};
use marketplace::usage::{Tokens, Usage};
use store::ledger::{Reservation, Reserved};
use tokio::sync::oneshot;
use tracing::warn;
use uuid::Uuid;

use crate::catalogue::OnSale;
use crate::chat::{CallEvent, Ending, Heard, Run, STOPPED, Terms, short};
use crate::error::from_failure;
use crate::rates::Counted;
use crate::watch::Happened;
use crate::{Actor, Engine, Error, Result};

/// What somebody wants made, and the most they will pay for it.
#[derive(Debug)]
pub struct MakeOrder<R> {
    pub model: ModelId,
    pub request: R,
    pub cap: Option<Nanos>,
    pub run: Option<Run>,
    /// The id that an `Idempotency-Key` has fixed for this call; `None` makes a new one.
    pub id: Option<CallId>,
}

/// A call under way.
#[derive(Debug)]
pub struct Making<T> {
    pub id: CallId,
    pub model: ModelId,
    /// Whether what is used is counted in pictures rather than tokens.
    pub by_the_picture: bool,
    /// What its minute allows and has left.
    pub standing: Standing,
    done: oneshot::Receiver<std::result::Result<Made<T>, Fault>>,
}

/// What was made, and what it cost. The charge is durable.
#[derive(Debug)]
pub struct Made<T> {
    pub made: T,
    pub settlement: Settlement,
}

/// Who has counted what was used.
pub(crate) enum Count {
    ByVendor(Option<Usage>),
    /// The tokens of what was read, where its vendor counts nothing.
    ByUs(u64),
}

/// An order whose price is known.
pub(crate) struct Purchase {
    pub on_sale: Arc<OnSale>,
    pub prompt: PromptSize,
    /// All of this is held: what is made cannot be made shorter.
    pub most: Nanos,
    pub cap: Option<Nanos>,
    pub run: Option<Run>,
    pub id: Option<CallId>,
}

impl<T> Making<T> {
    /// Waits for what is made; a fault says that nothing was, and nothing was charged.
    pub async fn finish(self) -> std::result::Result<Made<T>, Fault> {
        let unsaid = || Fault::new(Code::Internal, "The call ended without a result");
        self.done.await.unwrap_or_else(|_| Err(unsaid()))
    }
}

impl Engine {
    /// Holds the most it can cost, then has it made. An error says that nothing has begun.
    pub(crate) async fn make<T, A>(
        &self,
        actor: &Actor,
        purchase: Purchase,
        ask: impl FnOnce(CallId) -> A + Send + 'static,
    ) -> Result<Making<T>>
    where
        T: Send + 'static,
        A: Future<Output = std::result::Result<(T, Count), Failure>> + Send,
    {
        let (engine, actor) = (self.clone(), actor.clone());
        let (begun, beginning) = oneshot::channel();
        tokio::spawn(async move {
            let terms = match engine.hold_all(&actor, purchase).await {
                Ok(terms) => terms,
                Err(refused) => {
                    // Whoever has left does not hear it.
                    let _ = begun.send(Err(refused));
                    return;
                }
            };
            let (told, done) = oneshot::channel();
            let by_the_picture = terms.on_sale.price.picture().is_some();
            let (model, standing) = (terms.on_sale.model.id.clone(), terms.ticket.standing);
            let making = Making { id: terms.id, model, by_the_picture, standing, done };
            if begun.send(Ok(making)).is_err() {
                engine.let_go(terms.id).await;
                return;
            }
            let _ = told.send(engine.carry_out(terms, ask).await);
        });
        let unsaid = || Fault::new(Code::Internal, "The call could not be begun");
        let begun = beginning.await.unwrap_or_else(|_| Err(unsaid().into()));
        if matches!(&begun, Err(Error::Fault(fault)) if fault.code == Code::PaymentRequired) {
            self.0.watch.note(Happened::RefusedForMoney);
        }
        begun
    }

    async fn hold_all(&self, actor: &Actor, purchase: Purchase) -> Result<Terms> {
        let Purchase { on_sale, prompt, most, cap, run, id } = purchase;
        let account = actor.owner()?;
        if let Some(cap) = cap.filter(|cap| *cap < most) {
            return Err(short(
                format!("The cap of {} is too small for this call", cap.cost()),
                most,
                cap,
                "max_cost",
            )
            .into());
        }
        let counted = Counted { input: i64::try_from(prompt.likely_tokens).unwrap_or(i64::MAX), output: 0 };
        let ticket = self.admit(actor, counted).await?;
        let id = id.unwrap_or_else(|| CallId(Uuid::now_v7()));
        let reservation = Reservation {
            call: id,
            account,
            key: actor.key(),
            conversation: None,
            model: &on_sale.model.id,
            provider: &on_sale.model.provider,
            price: on_sale.version,
            take: on_sale.take,
            want: most,
            least: most,
            free_tokens: None,
            run: run.as_ref().map(|run| store::ledger::Run { id: &run.id, limit: run.cap }),
            instance: self.0.instance,
        };
        let hold = match store::ledger::reserve(&self.0.db, &reservation).await? {
            Reserved::Held { amount, .. } => amount,
            refused => {
                let error = Error::from(self.refuse(&reservation, &refused).await);
                return Err(error.counted(ticket.standing));
            }
        };
        Ok(Terms {
            id,
            on_sale,
            second: None,
            reason: Reason::OnlyOffer,
            fallbacks: Fallbacks::Never,
            hold,
            taken: None,
            follower: None,
            free_tokens: 0,
            prompt,
            max_output_tokens: 0,
            choices: 1,
            cap,
            opened_at: Utc::now(),
            ticket,
        })
    }

    /// Gives back what was held for somebody who left before anything was asked.
    async fn let_go(&self, call: CallId) {
        if let Err(cause) = store::ledger::release(&self.0.db, call, STOPPED).await {
            warn!(%cause, %call, "a hold could not be given back; its lease runs out by itself");
        }
    }

    async fn carry_out<T, A>(
        &self,
        terms: Terms,
        ask: impl FnOnce(CallId) -> A,
    ) -> std::result::Result<Made<T>, Fault>
    where
        A: Future<Output = std::result::Result<(T, Count), Failure>>,
    {
        // Counted among the running calls, so that its lease is renewed for as long as its vendor takes.
        let meter = self.0.running.open(&terms, Delivery::Whole);
        let (made, heard, ending) = match ask(terms.id).await {
            Ok((made, counted)) => {
                self.note_accepted_key(&terms.on_sale.model.provider);
                let finish = Some((Finish::Stop, Finish::Stop.as_str().to_owned()));
                let mut heard = Heard { content: true, finish, ..Heard::default() };
                match counted {
                    Count::ByVendor(usage) => heard.usage = usage,
                    // The hold is for no more than this.
                    Count::ByUs(input) => {
                        let input = input.min(terms.prompt.tokens_max);
                        heard.counted = Some(Tokens { input, ..Tokens::default() });
                    }
                }
                (Some(made), heard, Ending::Whole)
            }
            Err(failure) => (None, Heard::default(), Ending::Refused(self.told_of(&terms, &failure))),
        };
        let last = self.settle(&terms, &meter, heard, ending).await;
        self.0.running.close(terms.id);
        match (last, made) {
            (CallEvent::Settled { settlement, .. }, Some(made)) => Ok(Made { made, settlement: *settlement }),
            (CallEvent::Failed { fault, .. }, _) => Err(fault),
            _ => Err(Fault::new(Code::Internal, "The call ended without a result")),
        }
    }

    fn told_of(&self, terms: &Terms, failure: &Failure) -> Fault {
        let model = &terms.on_sale.model;
        if failure.class == FailureClass::Auth {
            self.note_refused_key(&model.provider, self.0.vendors.load().key_version(&model.provider));
        }
        if failure.class != FailureClass::InvalidRequest {
            self.0.watch.note_provider_failure(&model.provider.0);
            warn!(call.id = %terms.id, class = ?failure.class, "the provider of {} failed", model.id);
        }
        from_failure(&terms.on_sale.provider_name, failure)
    }
}
