//! The answer being written, made of the server's news in their order; pure, so it can be tested anywhere.

use marketplace::fault::{Code, Fault};
use marketplace::id::{CallId, ModelId};
use marketplace::live::{Author, News, ToPage, Turn};
use marketplace::money::Nanos;
use marketplace::receipt::Settlement;

use crate::components::MeterState;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    pub stage: Stage,
    /// The number of the last message heard; a reconnect asks for what came after it.
    pub seq: u64,
    pub call_id: Option<CallId>,
    pub model: Option<ModelId>,
    pub text: String,
    pub reasoning: String,
    pub output_tokens: u64,
    pub meter: MeterState,
    pub settlement: Option<Settlement>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stage {
    #[default]
    None,
    /// Sent, nothing heard yet.
    Sent,
    /// Asked whether an answer from before the page or the connection was lost is still to be had.
    Recovering,
    /// Money is held and the model at work.
    Running,
    Over,
}

/// What a piece of news means for the page around the answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    Nothing,
    /// Over; what was said is a turn now.
    Ended(Option<Turn>),
    /// The message was not taken: it belongs back into the composer.
    Refused(Fault),
    /// Trouble in the middle of an answer; how it ends for the money is told apart.
    Trouble(Fault),
    /// No answer to the last message is being written.
    Unanswered,
}

impl Answer {
    pub fn begun(stage: Stage, model: Option<ModelId>) -> Self {
        Self { stage, model, ..Self::default() }
    }

    pub fn is_in_flight(&self) -> bool {
        matches!(self.stage, Stage::Sent | Stage::Recovering | Stage::Running)
    }

    /// Takes one message of the server; `is_known` tells the calls whose answers already stand in the transcript.
    pub fn hear(&mut self, message: ToPage, is_known: impl Fn(CallId) -> bool) -> Step {
        let ToPage { seq, news, .. } = message;
        if matches!(news, News::Balance { .. })
            || (self.stage == Stage::Running && seq != 0 && seq <= self.seq)
        {
            return Step::Nothing;
        }
        if self.stage == Stage::Running {
            self.seq = self.seq.max(seq);
        }
        match news {
            News::Quoted { quote } if self.stage == Stage::Sent => {
                self.meter = MeterState::Quoted { likely: quote.likely_nanos, max: quote.max_nanos };
            }
            News::Held { call_id, .. } if self.stage == Stage::Recovering && is_known(call_id) => {
                *self = Self::default();
                return Step::Unanswered;
            }
            News::Held { call_id, model, hold_nanos, free_tokens, .. } if self.is_in_flight() => {
                let meter = match free_tokens {
                    0 => MeterState::Held { hold: hold_nanos },
                    most => MeterState::FreeHeld { most },
                };
                *self = Self {
                    seq,
                    call_id: Some(call_id),
                    model: Some(model),
                    meter,
                    ..Self::begun(Stage::Running, None)
                };
            }
            News::Error { fault } => return self.fail(fault),
            news if self.stage == Stage::Running => return self.run(news),
            // Late news of an earlier answer.
            _ => {}
        }
        Step::Nothing
    }

    fn run(&mut self, news: News) -> Step {
        match news {
            News::Delta { text } => self.text.push_str(&text),
            News::Reasoning { text } => self.reasoning.push_str(&text),
            News::Tick { output_tokens, cost_nanos, hold_left_nanos } => {
                self.output_tokens = output_tokens;
                // On free tokens no money is held, and what was said of them stays.
                if !matches!(self.meter, MeterState::FreeHeld { .. }) {
                    self.meter =
                        MeterState::Streaming { cost: cost_nanos, hold: cost_nanos + hold_left_nanos };
                }
            }
            News::Settled { receipt, finish } => {
                self.meter = match receipt.free_tokens {
                    0 => MeterState::Settled { charge: receipt.charge.charge, hold: receipt.hold_nanos },
                    tokens => MeterState::FreeSettled { tokens },
                };
                self.settlement = Some(receipt);
                self.output_tokens = receipt.usage.output_total();
                return self.end(receipt.charge.charge, finish);
            }
            News::Released { released_nanos, .. } => {
                self.meter = MeterState::Released { hold: released_nanos };
                return self.end(Nanos::ZERO, "error".to_owned());
            }
            News::Refunded { refunded_nanos, .. } => {
                self.meter = MeterState::Refunded { amount: refunded_nanos };
                return self.end(Nanos::ZERO, "error".to_owned());
            }
            _ => {}
        }
        Step::Nothing
    }

    fn fail(&mut self, fault: Fault) -> Step {
        match self.stage {
            // A server started anew, or asked too late, knows nothing of the answer any more.
            Stage::Running if fault.code == Code::NotFound => {
                *self = Self::default();
                Step::Unanswered
            }
            Stage::Running => Step::Trouble(fault),
            Stage::Recovering => {
                *self = Self::default();
                if fault.code == Code::NotFound { Step::Unanswered } else { Step::Trouble(fault) }
            }
            Stage::Sent => {
                *self = Self::default();
                Step::Refused(fault)
            }
            Stage::None | Stage::Over => Step::Trouble(fault),
        }
    }

    fn end(&mut self, charge: Nanos, finish: String) -> Step {
        self.stage = Stage::Over;
        let text = std::mem::take(&mut self.text);
        let said = (!text.is_empty() || charge > Nanos::ZERO).then(|| Turn {
            author: Author::Assistant,
            text,
            model: self.model.clone(),
            call_id: self.call_id,
            charge_nanos: Some(charge),
            output_tokens: Some(self.output_tokens),
            finish: Some(finish),
        });
        Step::Ended(said)
    }
}

#[cfg(test)]
mod tests {
    use marketplace::id::PriceId;
    use marketplace::price::{Charge, TakeRate};
    use marketplace::usage::{Tokens, UsageSource};

    use super::*;

    fn call(number: u128) -> CallId {
        CallId(uuid::Uuid::from_u128(number))
    }

    fn said(seq: u64, news: News) -> ToPage {
        ToPage { seq, conversation_id: None, news }
    }

    fn held(seq: u64, number: u128) -> ToPage {
        let model = ModelId::parse("openai/gpt-5-mini").unwrap();
        said(seq, held_news(call(number), model, 0))
    }

    fn held_news(call_id: CallId, model: ModelId, free_tokens: u64) -> News {
        let hold_nanos = if free_tokens == 0 { Nanos(100) } else { Nanos::ZERO };
        News::Held { call_id, model, hold_nanos, free_tokens, max_output_tokens: 10 }
    }

    fn delta(seq: u64, text: &str) -> ToPage {
        said(seq, News::Delta { text: text.to_owned() })
    }

    fn settled(seq: u64) -> ToPage {
        let charge = Charge { provider_cost: Nanos(7), commission: Nanos(3), charge: Nanos(10) };
        let usage = Tokens { output: 2, ..Tokens::default() };
        let receipt = Settlement {
            id: call(1),
            charge,
            take: TakeRate::STANDARD,
            price_version: PriceId(uuid::Uuid::from_u128(6)),
            usage,
            usage_source: UsageSource::Provider,
            hold_nanos: Nanos(100),
            released_nanos: Nanos(90),
            available_nanos: Nanos(500),
            free_tokens: 0,
        };
        said(seq, News::Settled { receipt, finish: "stop".to_owned() })
    }

    fn hear_all(answer: &mut Answer, news: impl IntoIterator<Item = ToPage>) -> Vec<Step> {
        news.into_iter().map(|news| answer.hear(news, |known| known == call(9))).collect()
    }

    #[test]
    fn an_answer_becomes_a_turn_when_it_is_settled() {
        let mut answer = Answer::begun(Stage::Sent, None);
        let steps = hear_all(&mut answer, [held(2, 1), delta(3, "Hel"), delta(4, "lo"), settled(5)]);
        let Some(Step::Ended(Some(turn))) = steps.last() else { panic!("{steps:?}") };
        assert_eq!(
            (turn.text.as_str(), turn.charge_nanos, turn.output_tokens),
            ("Hello", Some(Nanos(10)), Some(2))
        );
        assert!(!answer.is_in_flight());
    }

    #[test]
    fn an_answer_on_free_tokens_tells_tokens_and_no_money() {
        let model = ModelId::parse("openai/gpt-5-mini").unwrap();
        let mut answer = Answer::begun(Stage::Sent, None);
        let tick = News::Tick { output_tokens: 3, cost_nanos: Nanos::ZERO, hold_left_nanos: Nanos::ZERO };
        hear_all(&mut answer, [said(2, held_news(call(1), model, 800)), delta(3, "Hello"), said(4, tick)]);
        assert_eq!(answer.meter, MeterState::FreeHeld { most: 800 });
        let mut end = settled(5);
        if let News::Settled { receipt, .. } = &mut end.news {
            receipt.free_tokens = 312;
        }
        hear_all(&mut answer, [end]);
        assert_eq!(answer.meter, MeterState::FreeSettled { tokens: 312 });
    }

    #[test]
    fn what_a_reconnect_repeats_is_heard_once() {
        let mut answer = Answer::begun(Stage::Sent, None);
        hear_all(
            &mut answer,
            [held(2, 1), delta(3, "a"), delta(4, "b"), delta(3, "a"), delta(4, "b"), delta(5, "c")],
        );
        assert_eq!((answer.text.as_str(), answer.seq), ("abc", 5));
    }

    #[test]
    fn late_news_of_an_earlier_answer_is_not_mistaken_for_the_next() {
        let mut answer = Answer::begun(Stage::Sent, None);
        let balance = News::Balance { available_nanos: Nanos(1), held_nanos: Nanos(0) };
        hear_all(&mut answer, [said(40, balance), delta(41, "old"), held(2, 1), delta(3, "new")]);
        assert_eq!(answer.text, "new");
    }

    #[test]
    fn a_refused_message_goes_back_to_the_composer() {
        let mut answer = Answer::begun(Stage::Sent, None);
        let fault = Fault::new(Code::PaymentRequired, "too little");
        assert_eq!(
            hear_all(&mut answer, [said(1, News::Error { fault: fault.clone() })]),
            [Step::Refused(fault)]
        );
        assert!(!answer.is_in_flight());
    }

    #[test]
    fn a_failure_in_the_middle_waits_for_the_word_about_the_money() {
        let mut answer = Answer::begun(Stage::Sent, None);
        let fault = Fault::new(Code::ProviderUnavailable, "cut");
        let released = News::Released { call_id: call(1), released_nanos: Nanos(100) };
        let steps = hear_all(
            &mut answer,
            [held(1, 1), said(2, News::Error { fault: fault.clone() }), said(3, released)],
        );
        assert_eq!(steps, [Step::Nothing, Step::Trouble(fault), Step::Ended(None)]);
        assert_eq!(answer.meter, MeterState::Released { hold: Nanos(100) });
    }

    #[test]
    fn an_answer_the_server_has_forgotten_is_not_waited_for() {
        let mut answer = Answer::begun(Stage::Sent, None);
        let gone = News::Error { fault: Fault::not_found("An answer in this conversation") };
        let steps = hear_all(&mut answer, [held(2, 1), delta(3, "a"), said(0, gone)]);
        assert_eq!(steps.last(), Some(&Step::Unanswered));
        assert!(!answer.is_in_flight());
    }

    #[test]
    fn a_reload_catches_up_but_not_with_an_answer_already_shown() {
        let mut answer = Answer::begun(Stage::Recovering, None);
        assert_eq!(hear_all(&mut answer, [held(1, 9)]), [Step::Unanswered]);
        let mut answer = Answer::begun(Stage::Recovering, None);
        hear_all(&mut answer, [held(1, 1), delta(2, "so far")]);
        assert_eq!((answer.text.as_str(), answer.stage), ("so far", Stage::Running));
    }
}
