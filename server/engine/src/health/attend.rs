//! Watching one attempt at a vendor: when the first word came, how fast the rest did, and how it ended.

use std::sync::Arc;
use std::time::{Duration, Instant};

use marketplace::chat::{ChatEvent, Delivery, Failure, Finish};
use marketplace::health::{Attempt, Outcome, Writing, is_vendors};
use marketplace::id::{ModelId, ProviderId};
use marketplace::usage::Usage;
use providers::Answer;

use super::Health;
use crate::chat::content_bytes;

/// Where a vendor does not count, four bytes are taken for a token.
const BYTES_A_TOKEN: u64 = 4;
/// A reader who held the vendor up for more than this, and a tenth of the time, hides how fast it writes.
const HELD_UP_MAX: Duration = Duration::from_millis(20);

/// An answer that is watched. Dropping it hangs up and leaves open what it would have come to.
pub(crate) struct Attended {
    answer: Answer,
    watched: Watched,
}

/// What was seen of an attempt so far.
struct Watched {
    health: Arc<Health>,
    model: ModelId,
    provider: ProviderId,
    is_streamed: bool,
    asked: Instant,
    first_word: Option<Instant>,
    /// When the vendor's last word was handed on, and how long it then took until the next was wanted.
    handed_on: Option<Instant>,
    held_up: Duration,
    bytes: u64,
    usage: Option<Usage>,
    shows_reasoning: bool,
    is_filtered: bool,
    is_over: bool,
}

impl Health {
    /// Watches an attempt, from the moment the vendor is asked to the end of its answer.
    pub async fn attend(
        self: &Arc<Self>,
        (model, provider): (&ModelId, &ProviderId),
        delivery: Delivery,
        asked: impl Future<Output = Result<Answer, Failure>>,
    ) -> Result<Attended, Failure> {
        let mut watched = Watched::begin(self.clone(), model.clone(), provider.clone(), delivery);
        match asked.await {
            Ok(answer) => Ok(Attended { answer, watched }),
            Err(failure) => {
                watched.fail(&failure);
                Err(failure)
            }
        }
    }
}

impl Attended {
    pub async fn next(&mut self) -> Option<ChatEvent> {
        self.watched.go_on();
        let event = self.answer.next().await;
        self.watched.hear(event.as_ref());
        event
    }
}

impl Watched {
    fn begin(health: Arc<Health>, model: ModelId, provider: ProviderId, delivery: Delivery) -> Self {
        Self {
            health,
            model,
            provider,
            is_streamed: delivery == Delivery::Streamed,
            asked: Instant::now(),
            first_word: None,
            handed_on: None,
            held_up: Duration::ZERO,
            bytes: 0,
            usage: None,
            shows_reasoning: false,
            is_filtered: false,
            is_over: false,
        }
    }

    fn go_on(&mut self) {
        if let Some(handed_on) = self.handed_on.take() {
            self.held_up += handed_on.elapsed();
        }
    }

    fn hear(&mut self, event: Option<&ChatEvent>) {
        match event {
            None => self.end(),
            Some(ChatEvent::Failed(failure)) => self.fail(failure),
            Some(ChatEvent::Usage(usage)) => self.usage = Some(*usage),
            Some(ChatEvent::Finished { finish, .. }) => self.is_filtered = *finish == Finish::ContentFilter,
            Some(content) => {
                let bytes = content_bytes(content) as u64;
                if bytes > 0 {
                    self.first_word.get_or_insert_with(Instant::now);
                }
                self.bytes += bytes;
                self.shows_reasoning |= matches!(content.of_choice().1, ChatEvent::Reasoning(_));
            }
        }
        self.handed_on = self.first_word.map(|_| Instant::now());
    }

    fn end(&mut self) {
        match (self.bytes > 0, self.is_filtered) {
            (true, _) => self.close(Outcome::Answered, self.writing()),
            // Of what the vendor would not say, nobody can tell whether it could have.
            (false, true) => self.is_over = true,
            (false, false) => self.close(Outcome::Failed, None),
        }
    }

    fn fail(&mut self, failure: &Failure) {
        if is_vendors(failure.class) {
            self.close(Outcome::Failed, None);
        }
        self.is_over = true;
    }

    fn close(&mut self, outcome: Outcome, writing: Option<Writing>) {
        if std::mem::replace(&mut self.is_over, true) {
            return;
        }
        let first_word = self.first_word.filter(|_| self.is_streamed);
        let first_token = first_word.map(|at| at.duration_since(self.asked));
        self.health.note(&self.model, &self.provider, &Attempt { outcome, first_token, writing });
    }

    /// How it was written, as far as that was up to the vendor.
    fn writing(&self) -> Option<Writing> {
        let took = self.first_word.filter(|_| self.is_streamed)?.elapsed();
        (self.held_up <= took / 10 + HELD_UP_MAX).then(|| Writing { tokens: self.tokens(), took })
    }

    /// Thoughts that are not shown were thought before the first word.
    fn tokens(&self) -> u64 {
        match self.usage.and_then(|usage| usage.billable().ok()) {
            Some(tokens) if self.shows_reasoning => tokens.output_total(),
            Some(tokens) => tokens.output,
            None => self.bytes / BYTES_A_TOKEN,
        }
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        // The caller left in mid-answer, and until then the vendor did what it should.
        if self.bytes > 0 {
            self.close(Outcome::Answered, None);
        }
    }
}

#[cfg(test)]
mod tests {
    use marketplace::chat::FailureClass;
    use marketplace::health::Tally;

    use super::*;

    /// What is noted of an attempt in which these things were heard; `None` ends it.
    fn noted(delivery: Delivery, heard: &[Option<ChatEvent>]) -> Tally {
        let health = Arc::<Health>::default();
        let model = ModelId::parse("openai/gpt-5-mini").unwrap();
        let mut watched = Watched::begin(health.clone(), model, ProviderId("openai".to_owned()), delivery);
        for event in heard {
            watched.go_on();
            watched.hear(event.as_ref());
        }
        drop(watched);
        let mut all = Tally::default();
        health.take().values().for_each(|tally| all.add(tally));
        all
    }

    fn text(bytes: usize) -> Option<ChatEvent> {
        Some(ChatEvent::Text("x".repeat(bytes)))
    }

    fn failed(class: FailureClass) -> Option<ChatEvent> {
        Some(ChatEvent::Failed(Failure { class, message: String::new(), retry_after_seconds: None }))
    }

    fn counts(tally: &Tally) -> (u64, u64, u64, u64) {
        (tally.attempts, tally.failures, tally.first_token.total(), tally.speed.total())
    }

    #[test]
    fn a_streamed_answer_tells_both_its_first_word_and_its_speed() {
        let tally = noted(Delivery::Streamed, &[text(100), text(100), None]);
        assert_eq!((counts(&tally), tally.written_tokens), ((1, 0, 1, 1), 50));
    }

    #[test]
    fn an_answer_in_one_piece_tells_only_that_it_came() {
        assert_eq!(counts(&noted(Delivery::Whole, &[text(400), None])), (1, 0, 0, 0));
    }

    #[test]
    fn the_vendor_counts_better_than_we_do_and_hidden_thoughts_are_no_words() {
        let usage = Usage {
            input_tokens: Some(9),
            output_tokens: Some(900),
            reasoning_tokens: Some(860),
            ..Usage::default()
        };
        let told = Some(ChatEvent::Usage(usage));
        assert_eq!(noted(Delivery::Streamed, &[text(400), told.clone(), None]).written_tokens, 40);
        let thought = Some(ChatEvent::Reasoning("because".to_owned()));
        assert_eq!(noted(Delivery::Streamed, &[thought, text(400), told, None]).written_tokens, 900);
    }

    #[test]
    fn a_vendor_that_breaks_off_or_says_nothing_has_failed() {
        let broken = noted(Delivery::Streamed, &[text(100), failed(FailureClass::TruncatedStream), None]);
        assert_eq!(counts(&broken), (1, 1, 1, 0));
        assert_eq!(counts(&noted(Delivery::Whole, &[None])), (1, 1, 0, 0));
    }

    #[test]
    fn what_the_caller_did_speaks_neither_for_nor_against_the_vendor() {
        for class in [FailureClass::InvalidRequest, FailureClass::Content, FailureClass::Auth] {
            assert_eq!(counts(&noted(Delivery::Streamed, &[failed(class), None])), (0, 0, 0, 0), "{class:?}");
        }
        let filtered = ChatEvent::Finished { finish: Finish::ContentFilter, native: "filter".to_owned() };
        assert_eq!(counts(&noted(Delivery::Streamed, &[Some(filtered), None])), (0, 0, 0, 0));
        assert_eq!(counts(&noted(Delivery::Streamed, &[])), (0, 0, 0, 0), "left before the first word");
        assert_eq!(counts(&noted(Delivery::Streamed, &[text(100)])), (1, 0, 1, 0), "left in mid-answer");
    }

    #[test]
    fn a_slow_reader_is_not_a_slow_vendor() {
        let health = Arc::<Health>::default();
        let model = ModelId::parse("openai/gpt-5-mini").unwrap();
        let provider = ProviderId("openai".to_owned());
        let mut watched = Watched::begin(health.clone(), model, provider, Delivery::Streamed);
        watched.hear(text(200).as_ref());
        std::thread::sleep(HELD_UP_MAX * 2);
        watched.go_on();
        watched.hear(None);
        let tallies = health.take();
        assert_eq!(tallies.values().map(counts).collect::<Vec<_>>(), [(1, 0, 1, 0)]);
    }
}
