//! One conversation at work: what was said, the answer being written, and the channel it comes through.

use std::time::Duration;

use leptos::html;
use leptos::prelude::*;
use marketplace::fault::{Code, Fault};
use marketplace::id::{ConversationId, ModelId};
use marketplace::live::{Author, Conversation, FromPage, News, Prompt, ToPage, Transcript, Turn};
use marketplace::money::Nanos;

use super::answer::{Answer, Stage, Step};
use super::order::{Offer, Order};
use crate::browser::{self, Heard, LiveChannel};
use crate::components::MeterState;
use crate::door::Asked;
use crate::shell::Session;

const RECOVERY_PATIENCE: Duration = Duration::from_secs(8);

/// How the page and the server are connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    Opening,
    Connected,
    Reconnecting,
}

#[derive(Clone, Copy)]
pub struct Thread {
    pub id: RwSignal<Option<ConversationId>>,
    pub turns: RwSignal<Vec<Turn>>,
    pub answer: RwSignal<Answer>,
    pub trouble: RwSignal<Option<Fault>>,
    pub link: RwSignal<Link>,
    pub spent: RwSignal<Nanos>,
    pub order: Order,
    /// The part of the page that scrolls, and whether its reader follows the newest words.
    pub scroller: NodeRef<html::Div>,
    follows: StoredValue<bool>,
    channel: StoredValue<Option<LiveChannel>>,
    conversations: Asked<Vec<Conversation>>,
    born: Callback<ConversationId>,
}

impl Thread {
    /// `born` is told when the first message of a new conversation was taken.
    pub fn new(
        transcript: Option<Transcript>,
        order: Order,
        conversations: Asked<Vec<Conversation>>,
        born: Callback<ConversationId>,
    ) -> Self {
        let id = transcript.as_ref().map(|transcript| transcript.conversation.id);
        let spent = transcript.as_ref().map(|transcript| transcript.conversation.spent_nanos);
        Self {
            id: RwSignal::new(id),
            turns: RwSignal::new(transcript.map(|transcript| transcript.turns).unwrap_or_default()),
            answer: RwSignal::new(Answer::default()),
            trouble: RwSignal::new(None),
            link: RwSignal::new(Link::Opening),
            spent: RwSignal::new(spent.unwrap_or_default()),
            order,
            scroller: NodeRef::new(),
            follows: StoredValue::new(true),
            channel: StoredValue::new(None),
            conversations,
            born,
        }
    }

    /// To be called once the page is awake: opens the channel and asks for an answer cut off by a reload.
    pub fn wake(self, session: Session) {
        if self.last_author() == Some(Author::User) {
            self.answer.set(Answer::begun(Stage::Recovering, None));
        }
        self.channel.set_value(Some(LiveChannel::open(move |heard| match heard {
            Heard::Connected => self.connected(),
            Heard::Lost => self.link.set(Link::Reconnecting),
            Heard::News(message) => self.hear(message, session),
        })));
        self.follow();
    }

    /// Gives the channel up; nothing is heard after that.
    pub fn sleep(self) {
        self.channel.set_value(None);
    }

    pub fn can_send(&self) -> bool {
        !self.order.is_empty() && !self.answer.with(Answer::is_in_flight)
    }

    pub fn send(self) {
        if untrack(|| self.can_send()) {
            let text = self.order.text.get_untracked().trim().to_owned();
            self.order.write("");
            self.ask(text);
        }
    }

    /// Puts the last question again, to the model chosen now.
    pub fn try_again(self) {
        let asked = self.turns.with_untracked(|turns| {
            turns.iter().rev().find(|turn| turn.author == Author::User).map(|turn| turn.text.clone())
        });
        if let Some(text) = asked
            && !self.answer.with_untracked(Answer::is_in_flight)
        {
            self.ask(text);
        }
    }

    fn ask(self, text: String) {
        let model = match ModelId::parse(&self.order.model.get_untracked()) {
            Ok(model) => model,
            Err(fault) => return self.trouble.set(Some(fault)),
        };
        let prompt = Prompt {
            conversation_id: self.id.get_untracked(),
            model: model.clone(),
            text: text.clone(),
            max_output_tokens: Some(self.order.longest.get_untracked()),
            cap_nanos: self.order.cap.get_untracked(),
        };
        self.trouble.set(None);
        self.turns.update(|turns| turns.push(asked(text)));
        self.answer.set(Answer::begun(Stage::Sent, Some(model)));
        self.tell(FromPage::Send(prompt));
        self.follows.set_value(true);
        self.follow();
    }

    pub fn stop(self) {
        if let Some(conversation_id) = self.id.get_untracked()
            && self.answer.with_untracked(Answer::is_in_flight)
        {
            self.tell(FromPage::Stop { conversation_id });
        }
    }

    /// What the meter shows: the call at work, else the price of what is typed, else how the last call ended.
    pub fn meter(&self) -> MeterState {
        let (in_flight, meter) = self.answer.with(|answer| (answer.is_in_flight(), answer.meter));
        if in_flight || self.order.is_empty() {
            return meter;
        }
        match self.turns.with(|turns| self.order.offer(turns)) {
            Some(Offer::Free { most, .. }) => MeterState::FreeQuoted { most },
            Some(Offer::Money(quote)) => {
                MeterState::Quoted { likely: quote.likely_nanos, max: quote.max_nanos }
            }
            None => MeterState::Idle,
        }
    }

    /// Notes whether the reader is at the end, and so wants to stay there.
    pub fn scrolled(&self) {
        if let Some(scroller) = self.scroller.get_untracked() {
            self.follows.set_value(browser::is_at_end(&scroller));
        }
    }

    fn follow(&self) {
        if let Some(scroller) = self.scroller.get_untracked()
            && self.follows.get_value()
        {
            browser::go_to_end(scroller.into());
        }
    }

    fn tell(&self, message: FromPage) {
        self.channel.with_value(|channel| {
            if let Some(channel) = channel {
                channel.send(message);
            }
        });
    }

    fn connected(self) {
        self.link.set(Link::Connected);
        let is_waiting =
            self.channel.with_value(|channel| channel.as_ref().is_some_and(LiveChannel::is_waiting));
        let (in_flight, last_seq) = self.answer.with_untracked(|answer| (answer.is_in_flight(), answer.seq));
        if !in_flight || is_waiting {
            return;
        }
        match self.id.get_untracked() {
            Some(conversation_id) => {
                if self.answer.with_untracked(|answer| answer.stage == Stage::Sent) {
                    self.answer.set(Answer::begun(Stage::Recovering, None));
                }
                self.tell(FromPage::Resume { conversation_id, last_seq });
                set_timeout(move || self.give_up_recovering(), RECOVERY_PATIENCE);
            }
            // A new conversation whose name the server had no time to tell.
            None => {
                self.answer.set(Answer::default());
                self.unanswered();
            }
        }
    }

    fn hear(self, message: ToPage, session: Session) {
        if let News::Balance { available_nanos, .. } = message.news {
            session.live_available.set(Some(available_nanos));
        }
        let own = self.id.get_untracked();
        match message.conversation_id {
            Some(theirs) if own.is_some_and(|own| own != theirs) => return,
            Some(theirs) if own.is_none() => {
                self.id.set(Some(theirs));
                self.born.run(theirs);
            }
            _ => {}
        }
        let is_known =
            |call| self.turns.with_untracked(|turns| turns.iter().any(|turn| turn.call_id == Some(call)));
        let step = self.answer.try_update(|answer| answer.hear(message, is_known));
        match step.unwrap_or(Step::Nothing) {
            Step::Nothing => {}
            Step::Ended(turn) => self.ended(turn, session),
            Step::Refused(fault) => self.refused(fault),
            Step::Trouble(fault) => self.trouble.set(Some(fault)),
            Step::Unanswered => self.unanswered(),
        }
        self.follow();
    }

    fn ended(self, turn: Option<Turn>, session: Session) {
        if let Some(settlement) = self.answer.with_untracked(|answer| answer.settlement) {
            session.live_available.set(Some(settlement.available_nanos));
            if settlement.free_tokens > 0 {
                // What the page knows may have been read while they were held.
                session.visit.ask_again();
            }
            self.spent.update(|spent| *spent = *spent + settlement.charge.charge);
        }
        self.turns.update(|turns| turns.extend(turn));
        self.conversations.ask_again();
    }

    /// The server did not take the message: it goes back to where it was written.
    fn refused(self, fault: Fault) {
        let taken_back = self.turns.try_update(Vec::pop).flatten();
        if let Some(turn) = taken_back
            && untrack(|| self.order.is_empty())
        {
            self.order.write(&turn.text);
        }
        self.trouble.set(Some(fault));
    }

    fn unanswered(self) {
        self.conversations.ask_again();
        let words = "No answer is being written now. Reload the page to see what was kept, or ask again";
        self.trouble.set(Some(Fault::new(Code::Unavailable, words)));
    }

    /// A server that has nothing to tell about an answer keeps silent.
    fn give_up_recovering(self) {
        let stage = self.answer.try_with_untracked(|answer| answer.stage);
        if stage == Some(Stage::Recovering) && self.link.get_untracked() == Link::Connected {
            self.answer.set(Answer::default());
            self.unanswered();
        }
    }

    fn last_author(&self) -> Option<Author> {
        self.turns.with_untracked(|turns| turns.last().map(|turn| turn.author))
    }
}

fn asked(text: String) -> Turn {
    Turn {
        author: Author::User,
        text,
        model: None,
        call_id: None,
        charge_nanos: None,
        output_tokens: None,
        finish: None,
    }
}
