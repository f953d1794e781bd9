//! What must be true of every state, and of every state in which nothing is left to do.

use crate::books::{Closer, Hold, HoldState, PAYMENT, price};
use crate::state::{Call, Stage, State};
use crate::world::World;

/// The first law that this state breaks.
pub fn broken(state: &State, world: &World) -> Option<&'static str> {
    let books = &state.books;
    let open = books.holds.iter().filter(|hold| hold.state == HoldState::Open);
    let open: i8 = open.map(|hold| hold.amount).sum();
    let paid: i8 = books.holds.iter().map(|hold| hold.paid).sum();
    let laws = [
        (
            books.posted + books.provider + books.commission - books.overrun == world.balance + books.cash,
            "money is neither made nor lost",
        ),
        (
            books.posted == world.balance + books.cash - paid,
            "the wallet is what was paid in less what was charged",
        ),
        (books.key_spent == paid, "the key has spent what was charged"),
        (books.posted - books.held >= 0, "a wallet is never overdrawn"),
        (books.held == open && books.key_held == open, "what is held is the sum of the open holds"),
        (books.key_spent + books.key_held <= world.key_limit, "a key stays within its limit"),
        (books.cash <= PAYMENT, "a payment is credited once"),
    ];
    let law = laws.into_iter().find(|(holds, _)| !holds).map(|(_, law)| law);
    law.or_else(|| state.calls.iter().zip(&books.holds).find_map(|(call, hold)| broken_by(call, hold, world)))
}

fn broken_by(call: &Call, hold: &Hold, world: &World) -> Option<&'static str> {
    if call.stage == Stage::Finished {
        return None;
    }
    let each = price(call.offer);
    let (delivered, claim) = (call.delivered * each, call.claim * each);
    // A window that is not full lets one more piece through, and a piece is one token here.
    let give_away_max = (world.window + 1) * each;
    let laws = [
        (hold.closings <= 1, "a call is charged at most once"),
        (hold.paid <= hold.amount, "a charge is never more than was held"),
        (hold.paid <= hold.most(world), "a charge is never more than its call could cost"),
        (hold.state != HoldState::None || call.delivered == 0, "nothing is answered without a hold"),
        (hold.paid <= delivered.max(claim), "a charge is never more than was delivered or reported"),
        (hold.closer != Closer::Reaper || hold.paid <= delivered, "a charge of the reaper was delivered"),
        (
            hold.closer != Closer::Reaper || delivered - hold.paid <= give_away_max,
            "a call that broke off gives away no more than the window and a piece",
        ),
        (call.offer == 0 || !call.had_first, "nobody else is asked once something of an answer came"),
        (hold.offer == call.offer || call.delivered == 0, "the books know who answered"),
        (hold.paid == hold.amount || hold.paid % each == 0, "a charge is at the price of whoever answered"),
        (
            call.offer == 0 || hold.amount == 0 || delivered <= hold.amount,
            "an answer is no longer than the hold affords at whoever writes it",
        ),
        (
            hold.closer != Closer::Server || hold.paid == claim.min(hold.most(world)),
            "a call that ended is charged what it came to",
        ),
    ];
    laws.into_iter().find(|(holds, _)| !holds).map(|(_, law)| law)
}

/// The same for a state that has no next step.
pub fn broken_at_rest(state: &State) -> Option<&'static str> {
    let books = &state.books;
    let laws = [
        (books.holds.iter().all(|hold| hold.state != HoldState::Open), "no hold stays open"),
        (books.held == 0 && books.key_held == 0, "nothing stays held"),
        (books.events_seen == 0 || books.cash == PAYMENT, "a payment is credited"),
    ];
    laws.into_iter().find(|(holds, _)| !holds).map(|(_, law)| law)
}
