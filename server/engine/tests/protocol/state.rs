//! Everything at one moment, and every step that may come next.

use crate::books::{Books, CALLS_MAX, Closer, Hold, HoldState, Reserved, price};
use crate::world::{Bug, Network, World};

const SERVERS: usize = 2;

/// How far a call is in the memory of its server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Stage {
    #[default]
    Ahead,
    /// Its hold is made and waits for it.
    Aside,
    Running,
    /// The answer has ended; what it comes to is not written yet.
    Settling,
    /// Nobody remembers it: it was settled, given up, refused, or its server died.
    Over,
    /// Over, and its hold closed: nothing can happen to it any more.
    Finished,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Call {
    pub stage: Stage,
    pub server: u8,
    /// What the buyer has. A ghost: no part of the protocol can look at it.
    pub delivered: i8,
    /// What the meter says.
    pub counted: i8,
    /// What the meter takes for written down.
    pub durable: i8,
    pub lost: bool,
    /// The answer to a checkpoint that is on its way: what it wrote, and whether the call was still the server's.
    pub answer: Option<(i8, bool)>,
    /// A checkpoint whose connection broke, and which may yet be executed.
    pub stray: Option<(i8, u8)>,
    /// What the ended answer comes to, in tokens.
    pub claim: i8,
    /// Who is asked, as far as its server knows.
    pub offer: u8,
    /// Whether the first offer has said something. A ghost too.
    pub had_first: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Server {
    pub is_down: bool,
    pub restarts: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct State {
    pub books: Books,
    pub calls: [Call; CALLS_MAX],
    pub servers: [Server; SERVERS],
    pub crashes_left: u8,
    /// A bit for each delivery of a payment event still to come.
    pub deliveries_left: u8,
}

/// A statement and what its server does next are separate steps wherever anything can come between. Sending is not:
/// what a server does between sending a statement and its execution touches nothing that the statement reads.
///
/// A pause needs no step either. No step ever has to be taken, so any server may stand still for as long as its leases
/// run out and the other one reaps, and then go on with what it remembers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Reserve {
        call: usize,
        server: usize,
    },
    /// The hold is made, and its server does not hear of it.
    ReserveUnheard {
        call: usize,
        server: usize,
    },
    /// The call comes, and takes the hold that waits for it.
    Take(usize),
    /// No call comes, so the hold is put back.
    PutBack(usize),
    /// The connection breaks before it is put back, and the lease is to end.
    PutBackLost(usize),
    /// The offer that was asked fails before anything came, and the call is handed to the second one.
    Reroute(usize),
    /// The call is handed over, and its server does not hear of it.
    RerouteUnheard(usize),
    Send(usize),
    Count(usize),
    Checkpoint(usize),
    HearCheckpoint(usize),
    MissCheckpoint(usize),
    /// The connection breaks before the statement is executed.
    CheckpointStrays(usize),
    StrayArrives(usize),
    /// The answer ends, for whatever reason: what was counted is charged.
    End(usize),
    /// The answer ends, and its provider reports more than the hold affords.
    EndDearly(usize),
    Capture(usize),
    /// The capture is written, and its server does not hear of it.
    CaptureUnheard(usize),
    GiveUp(usize),
    /// The lease ends, and a server that is up closes the hold.
    Reap(usize),
    Crash(usize),
    Restart(usize),
    Pay(usize),
}

impl State {
    pub fn new(world: &World) -> Self {
        Self {
            books: Books::new(world),
            calls: [Call::default(); CALLS_MAX],
            servers: [Server::default(); SERVERS],
            crashes_left: world.crashes,
            deliveries_left: (1 << world.deliveries.len()) - 1,
        }
    }

    pub fn steps(&self, world: &World) -> Vec<Step> {
        let mut steps = Vec::new();
        for call in 0..world.calls {
            self.steps_of_call(world, call, &mut steps);
        }
        for (server, it) in self.servers.iter().enumerate() {
            match it.is_down {
                true => steps.push(Step::Restart(server)),
                false if self.crashes_left > 0 => steps.push(Step::Crash(server)),
                false => {}
            }
        }
        let left = (0..world.deliveries.len()).filter(|delivery| self.deliveries_left & (1 << delivery) != 0);
        steps.extend(left.map(Step::Pay));
        steps
    }

    fn steps_of_call(&self, world: &World, call: usize, steps: &mut Vec<Step>) {
        let it = &self.calls[call];
        if self.books.is_reapable(world, call) && self.servers.iter().any(|server| !server.is_down) {
            steps.push(Step::Reap(call));
        }
        if it.stray.is_some() {
            steps.push(Step::StrayArrives(call));
        }
        match it.stage {
            // The calls are alike, so they begin in order.
            Stage::Ahead if call > 0 && self.calls[call - 1].stage == Stage::Ahead => {}
            Stage::Ahead => {
                // The servers are alike, so the first call's is the first.
                let servers = if call == 0 { 0..1 } else { 0..SERVERS };
                for server in servers.filter(|server| !self.servers[*server].is_down) {
                    steps.extend([Step::Reserve { call, server }, Step::ReserveUnheard { call, server }]);
                }
            }
            Stage::Aside => steps.extend([Step::Take(call), Step::PutBack(call), Step::PutBackLost(call)]),
            Stage::Running => {
                self.steps_of_answer(world, call, steps);
                self.steps_of_checkpoint(world, call, steps);
            }
            Stage::Settling => {
                steps.extend([Step::Capture(call), Step::CaptureUnheard(call), Step::GiveUp(call)]);
                self.steps_of_checkpoint(world, call, steps);
            }
            Stage::Over | Stage::Finished => {}
        }
    }

    fn steps_of_answer(&self, world: &World, call: usize, steps: &mut Vec<Step>) {
        let it = &self.calls[call];
        // Handing a piece on and counting it are two steps, and a server may die between them.
        let (handed, counted) = match world.bug {
            Some(Bug::CountBeforeSend) => (it.counted, it.delivered),
            _ => (it.delivered, it.counted),
        };
        if handed > counted {
            steps.push(self.second_half(world, call));
            return;
        }
        let may_forward = it.counted - it.durable <= world.window || world.bug == Some(Bug::NoWindow);
        let at_price = if world.bug == Some(Bug::LengthOfTheFirst) { price(0) } else { price(it.offer) };
        let affordable = self.books.holds[call].most(world) / at_price;
        if !it.lost && may_forward && it.counted < affordable {
            steps.push(self.first_half(world, call));
        }
        let is_silent = it.delivered == 0 || world.bug == Some(Bug::RerouteLate);
        let is_worth_it = self.books.holds[call].amount >= price(1);
        if world.reroutes && it.offer == 0 && is_silent && is_worth_it {
            steps.extend([Step::Reroute(call), Step::RerouteUnheard(call)]);
        }
        steps.push(Step::End(call));
        if it.counted > 0 && !it.lost {
            steps.push(Step::EndDearly(call));
        }
    }

    fn first_half(&self, world: &World, call: usize) -> Step {
        if world.bug == Some(Bug::CountBeforeSend) { Step::Count(call) } else { Step::Send(call) }
    }

    fn second_half(&self, world: &World, call: usize) -> Step {
        if world.bug == Some(Bug::CountBeforeSend) { Step::Send(call) } else { Step::Count(call) }
    }

    fn steps_of_checkpoint(&self, world: &World, call: usize, steps: &mut Vec<Step>) {
        let it = &self.calls[call];
        if it.answer.is_some() {
            steps.extend([Step::HearCheckpoint(call), Step::MissCheckpoint(call)]);
            return;
        }
        steps.push(Step::Checkpoint(call));
        if world.network == Network::Delays && it.stray.is_none() {
            steps.push(Step::CheckpointStrays(call));
        }
    }

    /// The state after a step.
    pub fn after(mut self, world: &World, step: Step) -> Self {
        match step {
            Step::Reserve { call, server } => {
                let held = self.books.reserve(world, call, self.instance(server)) == Reserved::Held;
                self.calls[call].server = index(server);
                self.calls[call].stage = match held {
                    true if world.set_aside => Stage::Aside,
                    true => Stage::Running,
                    false => Stage::Over,
                };
            }
            Step::Take(call) => self.calls[call].stage = Stage::Running,
            Step::PutBack(call) => {
                self.books.put_back(call);
                if world.bug != Some(Bug::TakenAfterPutBack) {
                    self.calls[call].forget();
                }
            }
            Step::PutBackLost(call) => self.calls[call].forget(),
            Step::ReserveUnheard { call, server } => {
                self.books.reserve(world, call, self.instance(server));
                self.calls[call].stage = Stage::Over;
            }
            Step::Reroute(call) => {
                // Where the books refuse it, the failure of the first offer is the end.
                if self.books.reroute(call, self.instance_of(call)) {
                    self.calls[call].offer = 1;
                } else {
                    self.calls[call].end(0);
                }
            }
            Step::RerouteUnheard(call) => {
                self.books.reroute(call, self.instance_of(call));
                self.calls[call].end(0);
            }
            Step::Send(call) => {
                let it = &mut self.calls[call];
                it.delivered += 1;
                it.had_first |= it.offer == 0;
            }
            Step::Count(call) => self.calls[call].counted += 1,
            Step::Checkpoint(call) => {
                let output = self.calls[call].counted;
                let instance = self.instance_of(call);
                let owned = self.books.checkpoint(world, call, instance, self.metered(world, call));
                let is_awaited = self.calls[call].stage == Stage::Running;
                self.calls[call].answer = is_awaited.then_some((output, owned));
            }
            Step::HearCheckpoint(call) => self.calls[call].hear_checkpoint(),
            Step::MissCheckpoint(call) => self.calls[call].answer = None,
            Step::CheckpointStrays(call) => self.calls[call].stray = Some(self.metered(world, call)),
            Step::StrayArrives(call) => {
                let instance = self.books.holds[call].instance;
                if let Some(metered) = self.calls[call].stray.take() {
                    self.books.checkpoint(world, call, instance, metered);
                }
            }
            Step::End(call) => self.calls[call].end(self.calls[call].counted),
            Step::EndDearly(call) => {
                let affordable = self.books.holds[call].most(world) / price(self.calls[call].offer);
                self.calls[call].end(affordable + 1);
            }
            Step::Capture(call) => {
                self.capture(world, call);
                self.calls[call].forget();
            }
            Step::CaptureUnheard(call) => self.capture(world, call),
            Step::GiveUp(call) => {
                if world.bug == Some(Bug::ReleaseAfterCapture) {
                    self.books.release_unguarded(call);
                }
                self.calls[call].forget();
            }
            Step::Reap(call) => self.books.reap(world, call),
            Step::Crash(server) => self.crash(server),
            Step::Restart(server) => self.servers[server].is_down = false,
            Step::Pay(delivery) => {
                self.deliveries_left &= !(1 << delivery);
                self.books.record_payment(world, world.deliveries[delivery]);
            }
        }
        self
    }

    /// The same state without what no later step reads: it is visited once, however its calls came to their end.
    pub fn condensed(mut self) -> Self {
        for (call, hold) in self.calls.iter_mut().zip(&mut self.books.holds) {
            if hold.state != HoldState::Open {
                *hold = Hold { progress: 0, progress_offer: 0, instance: 0, ..*hold };
            }
            if call.lost {
                *call = Call { durable: 0, answer: None, ..*call };
            }
            if call.stage == Stage::Over {
                call.claim = 0;
                hold.instance = 0;
            }
            if call.stage == Stage::Settling && hold.state != HoldState::Open {
                call.counted = 0;
            }
            if call.stage == Stage::Over && hold.state != HoldState::Open {
                *call = Call { stage: Stage::Finished, ..Call::default() };
                *hold = Hold { paid: hold.paid, ..Hold::default() };
            }
        }
        self
    }

    fn capture(&mut self, world: &World, call: usize) {
        let Call { claim, offer, .. } = self.calls[call];
        let offer = if world.bug == Some(Bug::CaptureAtFirstPrice) { 0 } else { offer };
        self.books.capture(world, call, (claim, offer), Closer::Server);
    }

    /// What the meter says, and at whose price.
    fn metered(&self, world: &World, call: usize) -> (i8, u8) {
        let Call { counted, offer, .. } = self.calls[call];
        (counted, if world.bug == Some(Bug::MeterAtFirstPrice) { 0 } else { offer })
    }

    /// All that the server remembers is gone; the books are not.
    fn crash(&mut self, server: usize) {
        self.crashes_left -= 1;
        self.servers[server] = Server { is_down: true, restarts: self.servers[server].restarts + 1 };
        for call in &mut self.calls {
            let is_remembered = matches!(call.stage, Stage::Aside | Stage::Running | Stage::Settling);
            if is_remembered && usize::from(call.server) == server {
                call.forget();
            }
        }
    }

    fn instance_of(&self, call: usize) -> u8 {
        self.instance(self.calls[call].server.into())
    }

    /// A server that was started again is another instance.
    fn instance(&self, server: usize) -> u8 {
        self.servers[server].restarts * 2 + index(server)
    }
}

impl Call {
    fn hear_checkpoint(&mut self) {
        match self.answer.take() {
            Some((output, true)) => self.durable = output,
            Some((_, false)) => self.lost = true,
            None => {}
        }
    }

    /// From here on nothing is forwarded, so the window is no longer looked at.
    fn end(&mut self, claim: i8) {
        *self = Self { stage: Stage::Settling, claim, durable: 0, lost: false, answer: None, ..*self };
    }

    /// Only ghosts stay, and what may still be on its way.
    fn forget(&mut self) {
        *self = Self {
            stage: Stage::Over,
            delivered: self.delivered,
            claim: self.claim,
            stray: self.stray,
            offer: self.offer,
            had_first: self.had_first,
            ..Self::default()
        };
    }
}

fn index(server: usize) -> u8 {
    u8::from(server == 1)
}
