//! A model of how a paid call is held, checkpointed and charged, and a search through every order of events that two
//! servers, a database, crashes, pauses, lost answers and repeated payment events allow.

#![expect(clippy::panic, clippy::print_stdout, reason = "a test may fail loudly and say what it saw")]

mod books;
mod laws;
mod search;
mod state;
mod world;

use books::{Closer, Hold, HoldState, TOKEN_PRICE, price};
use search::explore;
use state::{Call, Stage, State};
use world::{Bug, Database, Network, World};

#[track_caller]
fn assert_sound(world: &World, visit: impl FnMut(&State)) {
    let explored = explore(world, visit);
    if let Some(violation) = explored.violation {
        panic!("{violation}");
    }
    assert!(explored.rests > 0, "nothing ever comes to rest");
    println!(
        "{} calls: {} states, {} of them at rest, no violation",
        world.calls, explored.states, explored.rests
    );
}

#[track_caller]
fn assert_noticed(bug: Bug, world: &World, law: &str) {
    let Some(violation) = explore(&World { bug: Some(bug), ..*world }, |_| {}).violation else {
        panic!("nobody noticed {bug:?}");
    };
    println!("{bug:?}, {violation}");
    assert_eq!(violation.law, law);
}

type Trouble = (&'static str, fn(&State) -> bool);

/// A model that never gets into trouble proves nothing.
const TROUBLES: [Trouble; 14] = [
    ("a server that was paused writes on after another has closed its hold", |state| {
        any(state, |call, hold| {
            call.stage == Stage::Running
                && hold.closer == Closer::Reaper
                && call.delivered * price(call.offer) > hold.paid
        })
    }),
    ("and settles what is settled", |state| {
        any(state, |call, hold| call.stage == Stage::Settling && hold.closer == Closer::Reaper)
    }),
    ("a server learns that a call is no longer its own", |state| any(state, |call, _| call.lost)),
    ("a capture is written and not heard of", |state| {
        any(state, |call, hold| call.stage == Stage::Settling && hold.closer == Closer::Server)
    }),
    ("a server dies in the middle of an answer", |state| {
        any(state, |call, hold| {
            call.stage == Stage::Over && hold.state == HoldState::Open && hold.progress > 0
        })
    }),
    ("both servers are down", |state| state.servers.iter().all(|server| server.is_down)),
    ("a provider reports more than was held", |state| state.books.overrun > 0),
    ("a key's limit is used up", |state| {
        state.books.key_spent + state.books.key_held == World::PAIR.key_limit
    }),
    ("a hold gets less than it wants", |state| {
        any(state, |_, hold| {
            hold.state == HoldState::Open && hold.amount < World::PAIR.tokens_wanted * TOKEN_PRICE
        })
    }),
    ("a payment is told again", |state| state.books.is_paid && state.deliveries_left == 0),
    ("a second offer answers and is charged", |state| {
        any(state, |call, hold| call.offer == 1 && hold.closer == Closer::Server && hold.paid > 0)
    }),
    ("a server dies in the middle of the second offer's answer, and the reaper charges it", |state| {
        any(state, |call, hold| call.offer == 1 && hold.closer == Closer::Reaper && hold.paid > 0)
    }),
    ("a hold that waits for its call is closed, and its server does not know", |state| {
        any(state, |call, hold| call.stage == Stage::Aside && hold.closer == Closer::Reaper)
    }),
    ("a call is handed over and its server does not hear of it", |state| {
        any(state, |call, hold| hold.offer == 1 && call.offer == 0)
    }),
];

fn any(state: &State, is_so: impl Fn(&Call, &Hold) -> bool) -> bool {
    state.calls.iter().zip(&state.books.holds).any(|(call, hold)| is_so(call, hold))
}

#[test]
fn one_and_two_calls_keep_every_law_in_every_trouble() {
    let mut met = [false; TROUBLES.len()];
    let mut visit = |state: &State| {
        for (met, (_, happens)) in met.iter_mut().zip(TROUBLES) {
            *met = *met || happens(state);
        }
    };
    assert_sound(&World::ALONE, &mut visit);
    assert_sound(&World::PAIR, &mut visit);
    assert_sound(&World::SECOND, &mut visit);
    assert_sound(&World::SECONDS, &mut visit);
    assert_sound(&World::ASIDE, &mut visit);
    for (met, (trouble, _)) in met.into_iter().zip(TROUBLES) {
        assert!(met, "it never comes to this: {trouble}");
    }
}

#[test]
fn three_calls_keep_every_law() {
    assert_sound(&World::CROWD, |_| {});
}

/// The window relies on the database executing the checkpoints of a call in the order they were sent in.
#[test]
fn a_checkpoint_executed_late_may_undo_a_newer_one_unless_progress_only_grows() {
    let late = World { crashes: 1, deliveries: &[], network: Network::Delays, ..World::ALONE };
    let violation = explore(&late, |_| {}).violation.unwrap();
    println!("a late checkpoint, {violation}");
    assert_eq!(violation.law, "a call that broke off gives away no more than the window and a piece");
    assert_sound(&World { database: Database::ProgressOnlyGrows, ..late }, |_| {});
}

#[test]
fn a_capture_of_a_closed_hold_is_noticed() {
    assert_noticed(Bug::CaptureUnguarded, &World::ALONE, "what is held is the sum of the open holds");
}

#[test]
fn a_capture_beyond_the_hold_is_noticed() {
    assert_noticed(Bug::CaptureUnbounded, &World::PAIR, "a charge is never more than was held");
}

#[test]
fn a_missing_window_is_noticed() {
    let law = "a call that broke off gives away no more than the window and a piece";
    assert_noticed(Bug::NoWindow, &World::ALONE, law);
}

#[test]
fn a_reservation_beyond_the_balance_is_noticed() {
    assert_noticed(Bug::ReserveUnguarded, &World::CROWD, "a wallet is never overdrawn");
}

#[test]
fn a_reservation_beyond_the_limit_of_the_key_is_noticed() {
    assert_noticed(Bug::KeyUnguarded, &World::PAIR, "a key stays within its limit");
}

#[test]
fn a_checkpoint_that_does_not_tell_the_loss_of_a_call_is_noticed() {
    let law = "a call that broke off gives away no more than the window and a piece";
    assert_noticed(Bug::CheckpointUnchecked, &World::ALONE, law);
}

#[test]
fn a_reaper_that_guesses_is_noticed() {
    assert_noticed(
        Bug::ReaperGuesses,
        &World::ALONE,
        "a charge is never more than was delivered or reported",
    );
}

#[test]
fn a_reaper_that_overlooks_holds_is_noticed() {
    assert_noticed(Bug::ReaperOverlooksSilent, &World::ALONE, "no hold stays open");
}

#[test]
fn a_payment_credited_for_each_event_is_noticed() {
    assert_noticed(Bug::PaymentPerEvent, &World::ALONE, "a payment is credited once");
}

#[test]
fn a_release_after_a_capture_is_noticed() {
    assert_noticed(Bug::ReleaseAfterCapture, &World::ALONE, "what is held is the sum of the open holds");
}

#[test]
fn a_piece_counted_before_it_is_sent_is_noticed() {
    assert_noticed(
        Bug::CountBeforeSend,
        &World::ALONE,
        "a charge is never more than was delivered or reported",
    );
}

#[test]
fn a_hold_taken_after_it_was_put_back_is_noticed() {
    assert_noticed(Bug::TakenAfterPutBack, &World::ASIDE, "nothing is answered without a hold");
}

#[test]
fn a_charge_of_all_that_was_set_aside_is_noticed() {
    let law = "a charge is never more than its call could cost";
    assert_noticed(Bug::MostForgotten, &World::ASIDE, law);
}

#[test]
fn a_second_offer_asked_after_the_first_byte_is_noticed() {
    let law = "nobody else is asked once something of an answer came";
    assert_noticed(Bug::RerouteLate, &World::SECOND, law);
}

#[test]
fn the_price_of_the_first_offer_for_the_answer_of_the_second_is_noticed() {
    let law = "a charge is at the price of whoever answered";
    assert_noticed(Bug::CaptureAtFirstPrice, &World::SECOND, law);
    assert_noticed(Bug::MeterAtFirstPrice, &World::SECOND, law);
}

#[test]
fn an_answer_of_the_second_offer_beyond_the_hold_is_noticed() {
    let law = "an answer is no longer than the hold affords at whoever writes it";
    assert_noticed(Bug::LengthOfTheFirst, &World::SECOND, law);
}
