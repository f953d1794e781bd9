//! What is explored: how much of everything, and what is wrong on purpose.

/// Mistakes that the checker must notice when they are planted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bug {
    /// Capture does not ask whether the hold is still open.
    CaptureUnguarded,
    /// Capture takes more than was held.
    CaptureUnbounded,
    /// Pieces are forwarded however little is written down.
    NoWindow,
    /// Reserve does not look at the balance.
    ReserveUnguarded,
    /// Reserve does not look at the key's limit.
    KeyUnguarded,
    /// Checkpoint calls every hold still the instance's.
    CheckpointUnchecked,
    /// The reaper takes the whole window for delivered.
    ReaperGuesses,
    /// The reaper leaves holds alone of which nothing was written down.
    ReaperOverlooksSilent,
    /// A payment is credited for each of its events.
    PaymentPerEvent,
    /// A server that hears no answer to its capture gives the hold back.
    ReleaseAfterCapture,
    /// The meter counts a piece before it is handed on.
    CountBeforeSend,
    /// A server turns to the second offer although something of the first one's answer was handed on.
    RerouteLate,
    /// What the second offer answered is charged at the price of the first.
    CaptureAtFirstPrice,
    /// The meter goes on at the price of the first offer.
    MeterAtFirstPrice,
    /// The second offer may write as much as the hold affords at the first.
    LengthOfTheFirst,
    /// A hold that was put back is still there for its server to take.
    TakenAfterPutBack,
    /// A call that takes a larger hold may be charged all of it.
    MostForgotten,
}

/// What a checkpoint does to progress that is written down already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Database {
    ProgressOverwrites,
    ProgressOnlyGrows,
}

/// What becomes of a statement whose connection breaks before its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Network {
    /// It was executed by then, or never is.
    Decides,
    /// It may also be executed at any time later, even after the statements sent since.
    Delays,
}

#[derive(Clone, Copy, Debug)]
pub struct World {
    pub calls: usize,
    pub crashes: u8,
    /// What the wallet has, and what its key may spend.
    pub balance: i8,
    pub key_limit: i8,
    /// What each call asks for; an answer is no longer than its hold affords.
    pub tokens_wanted: i8,
    /// Tokens a call may be ahead of what is written down before its next piece has to wait.
    pub window: i8,
    /// Deliveries of payment events, by event id.
    pub deliveries: &'static [u8],
    pub database: Database,
    pub network: Network,
    /// Whether there is a second offer to turn to when the first one fails.
    pub reroutes: bool,
    /// Whether holds are made before their calls come, and larger than those need.
    pub set_aside: bool,
    pub bug: Option<Bug>,
}

impl World {
    /// One call whose answer could fill its window twice, on a balance that is too small, and a payment told three times under two ids.
    pub const ALONE: Self = Self {
        calls: 1,
        crashes: 2,
        balance: 10,
        key_limit: 20,
        tokens_wanted: 5,
        window: 1,
        deliveries: &[0, 0, 1],
        database: Database::ProgressOverwrites,
        network: Network::Decides,
        reroutes: false,
        set_aside: false,
        bug: None,
    };

    /// One call that a dearer second offer may answer, on a balance that affords it fewer tokens than the first.
    pub const SECOND: Self =
        Self { balance: 15, tokens_wanted: 4, deliveries: &[], reroutes: true, ..Self::ALONE };

    /// Two of them, on a key that cannot give both what they want.
    pub const SECONDS: Self = Self { crashes: 1, tokens_wanted: 2, reroutes: true, ..Self::PAIR };

    /// Two calls whose holds are made before they come, if they come, on a wallet that has something else to pay.
    pub const ASIDE: Self = Self { tokens_wanted: 2, set_aside: true, ..Self::PAIR };

    /// Two calls on a key that cannot give both what they want.
    pub const PAIR: Self = Self {
        calls: 2,
        balance: 15,
        key_limit: 14,
        tokens_wanted: 3,
        window: 0,
        deliveries: &[],
        ..Self::ALONE
    };

    /// Three calls on a balance that cannot give all of them something at once.
    pub const CROWD: Self =
        Self { calls: 3, crashes: 0, balance: 7, key_limit: 20, tokens_wanted: 1, ..Self::PAIR };
}
