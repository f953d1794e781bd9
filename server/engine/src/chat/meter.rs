//! How far the calls of this server have come, and how much of that is written down.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use marketplace::chat::Delivery;
use marketplace::id::CallId;
use marketplace::money::Nanos;
use marketplace::price::{Charge, Rates, TakeRate};
use marketplace::usage::Tokens;
use store::ledger::Progress;
use tokio::sync::{Notify, mpsc};
use tokio::time::timeout;

use super::outlet::Outlet;
use super::{CallEvent, Terms};

/// Never forward more than this past what is durable: it bounds what a crash can give away.
const WINDOW_TOKENS: u64 = 1_024;
/// So much of an answer waits for a slow reader; then its vendor has to wait.
pub(super) const WAITING_BYTES_MAX: usize = 64 << 10;
const LOOK_AGAIN: Duration = Duration::from_millis(50);
/// Where a vendor has not counted yet, four bytes are taken for a token, rounded in the buyer's favour.
const BYTES_A_TOKEN: u64 = 4;

/// The calls this server is serving.
#[derive(Default)]
pub(crate) struct Running(Mutex<HashMap<CallId, Arc<Meter>>>);

/// Counts one call while it runs.
#[derive(Debug)]
pub(crate) struct Meter {
    /// Of whoever answers.
    rates: Mutex<Rates>,
    take: TakeRate,
    hold: Nanos,
    /// Paid with free tokens, so the buyer is asked for no money.
    free: bool,
    output_max: AtomicU64,
    /// Until it is settled, nothing of an answer in one piece has arrived.
    in_one_piece: bool,
    input: AtomicU64,
    passage: Mutex<Passage>,
    durable_output: AtomicU64,
    /// The hold was closed by somebody else: this server was taken for dead.
    lost: AtomicBool,
    written_down: Notify,
    /// Something that waited was taken.
    taken: Notify,
    /// Set when an answer goes to a socket of ours; a page's conversation has none.
    outlet: OnceLock<Arc<Outlet>>,
}

/// The bytes on their way to the caller. What still waits when a caller leaves or a server dies was never delivered.
#[derive(Debug, Default)]
struct Passage {
    taken: u64,
    waiting: VecDeque<Piece>,
    /// So many of those that wait, from the first on, are in the hands of the connection.
    leaving: usize,
    /// Of all that waits.
    weight: usize,
}

/// One event on its way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Piece {
    /// How much of the answer it carries.
    pub bytes: u64,
    /// How much memory it takes.
    pub weight: usize,
}

/// What a meter shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    pub output_tokens: u64,
    pub cost: Nanos,
    pub hold_left: Nanos,
}

impl Running {
    pub fn open(&self, terms: &Terms, delivery: Delivery) -> Arc<Meter> {
        let meter = Arc::new(Meter {
            rates: Mutex::new(rates(terms)),
            take: terms.on_sale.take,
            hold: terms.hold,
            free: terms.free_tokens > 0,
            output_max: AtomicU64::new(terms.output_tokens_max()),
            in_one_piece: delivery == Delivery::Whole,
            input: AtomicU64::new(terms.prompt.likely_tokens),
            passage: Mutex::default(),
            durable_output: AtomicU64::new(0),
            lost: AtomicBool::new(false),
            written_down: Notify::new(),
            taken: Notify::new(),
            outlet: OnceLock::new(),
        });
        if let Ok(mut calls) = self.0.lock() {
            calls.insert(terms.id, meter.clone());
        }
        meter
    }

    pub fn close(&self, call: CallId) {
        if let Ok(mut calls) = self.0.lock() {
            calls.remove(&call);
        }
    }

    pub fn count(&self) -> usize {
        self.0.lock().map_or(0, |calls| calls.len())
    }

    /// Where every running call stands.
    pub fn progress(&self) -> Vec<Progress> {
        let Ok(calls) = self.0.lock() else { return Vec::new() };
        calls
            .iter()
            .map(|(call, meter)| {
                // A call of which nothing has arrived would cost nothing, no free token either, if its server died now.
                let arrived =
                    Some(meter.delivered()).filter(|so_far| so_far.output > 0 && !meter.in_one_piece);
                let tokens = arrived.unwrap_or_default();
                let charge = meter.charge(&tokens);
                Progress { call: *call, input: tokens.input, output: tokens.output, charge, most: meter.hold }
            })
            .collect()
    }

    /// Opens the windows of the calls that were written down; the others are no longer ours.
    pub fn mark_durable(&self, written: &[Progress], owned: &[CallId]) {
        let Ok(calls) = self.0.lock() else { return };
        for progress in written {
            let Some(meter) = calls.get(&progress.call) else { continue };
            if owned.contains(&progress.call) {
                meter.durable_output.store(progress.output, Relaxed);
            } else {
                meter.lost.store(true, Relaxed);
            }
            meter.written_down.notify_one();
        }
    }
}

impl Meter {
    /// Hands an event over and counts it as waiting, both before anybody else looks.
    pub fn hand_over(&self, place: mpsc::Permit<'_, CallEvent>, event: CallEvent, piece: Piece) {
        let mut passage = self.passage();
        self.look(&mut passage);
        passage.weight += piece.weight;
        passage.waiting.push_back(piece);
        place.send(event);
    }

    /// Counts what its reader has just taken, so that whoever leaves next pays for it.
    pub fn note_taken(&self) {
        self.look(&mut self.passage());
    }

    /// Counts what its reader had taken who is leaving. What the connection still has of it goes nowhere.
    pub fn note_left(&self) {
        let mut passage = self.passage();
        self.look(&mut passage);
        passage.leaving = 0;
    }

    /// Waits until so much more may wait. What is larger than all that may wait has to wait alone.
    pub async fn room_for(&self, weight: usize) {
        while !self.has_room_for(weight) {
            tokio::select! {
                () = self.taken.notified() => {}
                () = self.cleared() => {}
            }
        }
    }

    pub(super) fn leave_by(&self, outlet: Arc<Outlet>) {
        // One answer leaves by one connection.
        let _ = self.outlet.set(outlet);
    }

    /// Waits until all that was taken is out of this server's hands.
    pub async fn until_cleared(&self) {
        if let Some(outlet) = self.outlet.get() {
            outlet.until_clear().await;
        }
        self.note_taken();
    }

    /// What comes next. It is in the connection's hands from then on, and nobody may look in between. What is sent on to
    /// another reader has been counted already.
    pub fn poll_next(
        &self,
        events: &mut mpsc::Receiver<CallEvent>,
        is_sent_on: bool,
        cx: &mut Context<'_>,
    ) -> Poll<Option<CallEvent>> {
        let mut passage = self.passage();
        self.look(&mut passage);
        let event = ready!(events.poll_recv(cx));
        if !is_sent_on {
            // The last event carries nothing that waits.
            passage.leaving = passage.waiting.len().min(passage.leaving + 1);
        }
        match self.outlet.get() {
            Some(outlet) => outlet.block(),
            None => self.look(&mut passage),
        }
        Poll::Ready(event)
    }

    fn passage(&self) -> MutexGuard<'_, Passage> {
        self.passage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_blocked(&self) -> bool {
        self.outlet.get().is_some_and(|outlet| outlet.is_blocked())
    }

    /// Whoever looks just before a connection is cleared looks again soon.
    async fn cleared(&self) {
        match self.outlet.get() {
            Some(outlet) => drop(timeout(LOOK_AGAIN, outlet.cleared()).await),
            None => std::future::pending().await,
        }
    }

    fn has_room_for(&self, weight: usize) -> bool {
        let mut passage = self.passage();
        self.look(&mut passage);
        passage.waiting.is_empty() || passage.weight + weight <= WAITING_BYTES_MAX
    }

    /// Whether something was handed over that nobody is known to have taken.
    pub fn waits(&self) -> bool {
        !self.passage().waiting.is_empty()
    }

    /// Counts what waits, and so many bytes more, as if they had been taken.
    pub fn count_unread(&self, bytes: usize) {
        let mut passage = self.passage();
        passage.leaving = 0;
        passage.taken += passage.waiting.drain(..).map(|piece| piece.bytes).sum::<u64>() + bytes as u64;
        passage.weight = 0;
    }

    /// A vendor that counts the prompt at once knows better than our estimate.
    pub fn set_input(&self, tokens: u64) {
        self.input.store(tokens, Relaxed);
    }

    /// Waits until enough is durable to forward so many bytes more. False when the call is no longer ours.
    pub async fn may_forward(&self, bytes: usize) -> bool {
        loop {
            if self.lost.load(Relaxed) {
                return false;
            }
            let durable = self.durable_output.load(Relaxed);
            let ahead = |more| self.handed_with(more).saturating_sub(durable);
            // What is larger than the window passes alone.
            if ahead(0) == 0 || ahead(bytes as u64) <= WINDOW_TOKENS {
                return true;
            }
            self.written_down.notified().await;
        }
    }

    /// What certainly reached the caller, as we count it.
    pub fn delivered(&self) -> Tokens {
        let taken = {
            let mut passage = self.passage();
            self.look(&mut passage);
            passage.taken
        };
        let output = (taken / BYTES_A_TOKEN).min(self.output_max.load(Relaxed));
        Tokens { input: self.input.load(Relaxed), output, ..Tokens::default() }
    }

    /// What a crash could have given away, with what is durable, once so many bytes more are handed over. They are
    /// counted in one sum, for what is left over of each piece adds up.
    fn handed_with(&self, more: u64) -> u64 {
        let passage = self.passage();
        let waiting: u64 = passage.waiting.iter().map(|piece| piece.bytes).sum();
        let bytes = passage.taken + waiting + more;
        (bytes / BYTES_A_TOKEN).min(self.output_max.load(Relaxed))
    }

    /// Sees which events were taken. A caller who has left takes what waited along, unread, and a server that dies what its
    /// connection could not pass on.
    fn look(&self, passage: &mut Passage) {
        if passage.leaving == 0 || self.is_blocked() {
            return;
        }
        let leaving = std::mem::take(&mut passage.leaving);
        for piece in passage.waiting.drain(..leaving) {
            passage.taken += piece.bytes;
            passage.weight -= piece.weight;
        }
        self.taken.notify_one();
    }

    pub fn reading(&self) -> Reading {
        let tokens = self.delivered();
        let cost = if self.free { Nanos::ZERO } else { self.charge(&tokens).charge };
        Reading { output_tokens: tokens.output, cost, hold_left: self.hold - cost }
    }

    fn charge(&self, tokens: &Tokens) -> Charge {
        self.rates.lock().unwrap_or_else(PoisonError::into_inner).charge(tokens, self.take)
    }

    /// Counts for another vendor from here on. Nothing of an answer has come yet.
    pub fn turn_to(&self, terms: &Terms) {
        *self.rates.lock().unwrap_or_else(PoisonError::into_inner) = rates(terms);
        self.output_max.store(terms.output_tokens_max(), Relaxed);
        self.input.store(terms.prompt.likely_tokens, Relaxed);
    }
}

fn rates(terms: &Terms) -> Rates {
    terms.on_sale.price.rates_for(terms.prompt.likely_tokens, terms.opened_at)
}

#[cfg(test)]
mod tests;
