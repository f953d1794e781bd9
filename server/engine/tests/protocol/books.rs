//! The database's half of the protocol: what each function of the ledger does, as one step.
//!
//! Money is counted in small pieces: a token of the first offer costs three, of which two are the provider's and one is
//! ours. The offer that may be asked once the first has failed is dearer.

use crate::world::{Bug, Database, World};

pub const CALLS_MAX: usize = 3;
pub const TOKEN_PRICE: i8 = OFFERS[0].price;
pub const PAYMENT: i8 = 6;

/// Who may answer, and for how much a token.
pub struct Offer {
    pub price: i8,
    cost: i8,
}

pub const OFFERS: [Offer; 2] = [Offer { price: 3, cost: 2 }, Offer { price: 4, cost: 3 }];

pub fn price(offer: u8) -> i8 {
    OFFERS[usize::from(offer)].price
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum HoldState {
    #[default]
    None,
    Open,
    Captured,
    Released,
}

/// Who closed a hold. A ghost: the database does not keep it, the laws need it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Closer {
    #[default]
    Nobody,
    Server,
    Reaper,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Hold {
    pub state: HoldState,
    pub amount: i8,
    pub instance: u8,
    /// Who is asked, as far as the books know.
    pub offer: u8,
    pub progress: i8,
    /// At whose price its server has put the progress.
    pub progress_offer: u8,
    pub paid: i8,
    pub closings: u8,
    pub closer: Closer,
}

impl Hold {
    /// What its call can cost: not all of a hold that was made before it.
    pub fn most(&self, world: &World) -> i8 {
        if world.set_aside { self.amount.min(world.tokens_wanted * TOKEN_PRICE) } else { self.amount }
    }
}

/// One wallet with one limited key, their holds, and the sums of all other accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Books {
    pub posted: i8,
    pub held: i8,
    pub key_spent: i8,
    pub key_held: i8,
    pub provider: i8,
    pub commission: i8,
    pub overrun: i8,
    pub cash: i8,
    pub holds: [Hold; CALLS_MAX],
    pub is_paid: bool,
    pub events_seen: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reserved {
    Held,
    BalanceShort,
    KeyLimit,
}

impl Books {
    pub fn new(world: &World) -> Self {
        Self {
            posted: world.balance,
            held: 0,
            key_spent: 0,
            key_held: 0,
            provider: 0,
            commission: 0,
            overrun: 0,
            cash: 0,
            holds: [Hold::default(); CALLS_MAX],
            is_paid: false,
            events_seen: 0,
        }
    }

    /// `ledger.reserve`: as much as wallet and key allow, at least the price of one token.
    pub fn reserve(&mut self, world: &World, call: usize, instance: u8) -> Reserved {
        let available = self.posted - self.held;
        let room = world.key_limit - self.key_spent - self.key_held;
        if room < TOKEN_PRICE && world.bug != Some(Bug::KeyUnguarded) {
            return Reserved::KeyLimit;
        }
        // The dearer of those who may answer, for either is paid out of the same hold.
        let offers = if world.reroutes { &OFFERS[..] } else { &OFFERS[..1] };
        let dearest = offers.iter().map(|offer| offer.price).max().unwrap_or(TOKEN_PRICE);
        let mut amount = (world.tokens_wanted + i8::from(world.set_aside)) * dearest;
        if world.bug != Some(Bug::KeyUnguarded) {
            amount = amount.min(room);
        }
        if world.bug != Some(Bug::ReserveUnguarded) {
            amount = amount.min(available);
        }
        if amount < TOKEN_PRICE {
            return Reserved::BalanceShort;
        }
        self.held += amount;
        self.key_held += amount;
        self.holds[call] = Hold { state: HoldState::Open, amount, instance, ..Hold::default() };
        Reserved::Held
    }

    /// `ledger.checkpoint`: writes progress down; says whether the call is still the instance's.
    pub fn checkpoint(
        &mut self,
        world: &World,
        call: usize,
        instance: u8,
        (output, offer): (i8, u8),
    ) -> bool {
        let hold = &mut self.holds[call];
        if hold.state != HoldState::Open || hold.instance != instance {
            return world.bug == Some(Bug::CheckpointUnchecked);
        }
        if output >= hold.progress || world.database == Database::ProgressOverwrites {
            (hold.progress, hold.progress_offer) = (output, offer);
        }
        true
    }

    /// `ledger.reroute`: hands an open call to the second offer, if nothing of it was written down and it had none yet.
    pub fn reroute(&mut self, call: usize, instance: u8) -> bool {
        let hold = &mut self.holds[call];
        let may = hold.state == HoldState::Open
            && hold.instance == instance
            && hold.progress == 0
            && hold.offer == 0;
        if may {
            hold.offer = 1;
        }
        may
    }

    /// `ledger.capture`: takes what was used out of a hold, once. Without anything to charge it is `ledger.release`.
    pub fn capture(&mut self, world: &World, call: usize, (tokens, offer): (i8, u8), closer: Closer) {
        let hold = &mut self.holds[call];
        if hold.state != HoldState::Open && world.bug != Some(Bug::CaptureUnguarded) {
            return;
        }
        let Offer { price, cost } = OFFERS[usize::from(offer)];
        let charge = tokens * price;
        let most = if world.bug == Some(Bug::MostForgotten) { hold.amount } else { hold.most(world) };
        let paid = if world.bug == Some(Bug::CaptureUnbounded) { charge } else { charge.min(most) };
        hold.state = if charge > 0 { HoldState::Captured } else { HoldState::Released };
        hold.paid += paid;
        hold.closings += 1;
        hold.closer = closer;
        self.posted -= paid;
        self.held -= hold.amount;
        self.key_held -= hold.amount;
        self.key_spent += paid;
        self.provider += tokens * cost;
        self.commission += tokens * (price - cost);
        self.overrun += charge - paid;
    }

    /// `ledger.put_back`: undoes a hold that was made for a call that did not come.
    pub fn put_back(&mut self, call: usize) {
        let hold = &mut self.holds[call];
        if hold.state == HoldState::Open {
            self.held -= hold.amount;
            self.key_held -= hold.amount;
            // Its server may still remember the amount.
            *hold = Hold { amount: hold.amount, ..Hold::default() };
        }
    }

    /// What `ledger.release` would be without asking for the hold's state.
    pub fn release_unguarded(&mut self, call: usize) {
        let hold = &mut self.holds[call];
        hold.state = HoldState::Released;
        hold.closings += 1;
        self.held -= hold.amount;
        self.key_held -= hold.amount;
    }

    /// `ledger.reap`: closes a hold whose lease is over at what was written down.
    pub fn reap(&mut self, world: &World, call: usize) {
        let Hold { progress, progress_offer, .. } = self.holds[call];
        let tokens = match world.bug {
            Some(Bug::ReaperGuesses) => progress + world.window,
            _ => progress,
        };
        self.capture(world, call, (tokens, progress_offer), Closer::Reaper);
    }

    /// No clock is trusted: the lease of any open hold may be over, however lately it was renewed.
    pub fn is_reapable(&self, world: &World, call: usize) -> bool {
        let hold = &self.holds[call];
        let is_overlooked = world.bug == Some(Bug::ReaperOverlooksSilent) && hold.progress == 0;
        hold.state == HoldState::Open && !is_overlooked
    }

    /// `ledger.record_payment`: an event of the one payment there is. Each has an id; a kind counts once a payment.
    pub fn record_payment(&mut self, world: &World, event: u8) {
        let is_new_event = self.events_seen & (1 << event) == 0;
        self.events_seen |= 1 << event;
        let is_credited = match world.bug {
            Some(Bug::PaymentPerEvent) => is_new_event,
            _ => is_new_event && !self.is_paid,
        };
        if is_credited {
            self.is_paid = true;
            self.posted += PAYMENT;
            self.cash += PAYMENT;
        }
    }
}
