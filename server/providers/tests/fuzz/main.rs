//! Everything that reads what a vendor sends, given what no vendor ever sent: the same seed gives the same run.
//!
//! Each target begins with the fixtures and `corpus/`, changes them at random, and goes on from what was read in a new
//! way. `MERCATO_FUZZ_RUNS` says how often in all (`MERCATO_SEED` from where); with `MERCATO_FUZZ_KEEP=1` what was
//! new and small is kept in `corpus/`. What fails is always kept there, and tried first from then on.
#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "a test may fail loudly and tells its figures")]

mod answer;
mod chance;
mod corpus;
mod mutation;
mod run;
mod targets;

use providers::Dialect;
use providers::frame::Framing;

use run::run;
use targets::{beyond_chat, frames, stream, whole};

fn dialect(provider: &str) -> Dialect {
    providers::registry::PROVIDERS.iter().find(|row| row.id == provider).unwrap().dialect
}

#[test]
fn any_bytes_are_framed_alike_however_they_are_cut() {
    run("frames", |bytes, chance| frames(bytes, chance, Framing::Events));
}

#[test]
fn any_lines_are_framed_alike_however_they_are_cut() {
    run("lines", |bytes, chance| frames(bytes, chance, Framing::Lines));
}

#[test]
fn any_stream_of_chat_completions_ends_once() {
    run("openai", |bytes, chance| stream(bytes, chance, dialect("openai")));
}

#[test]
fn any_stream_of_responses_ends_once() {
    run("responses", |bytes, chance| stream(bytes, chance, Dialect::Responses));
}

#[test]
fn any_stream_of_messages_ends_once() {
    run("anthropic", |bytes, chance| stream(bytes, chance, dialect("anthropic")));
}

#[test]
fn any_stream_of_candidates_ends_once() {
    run("google", |bytes, chance| stream(bytes, chance, dialect("google")));
}

#[test]
fn any_stream_of_the_second_chat_protocol_ends_once() {
    run("cohere", |bytes, chance| stream(bytes, chance, dialect("cohere")));
}

#[test]
fn any_lines_of_a_local_model_end_once() {
    run("ollama", |bytes, chance| stream(bytes, chance, dialect("ollama")));
}

#[test]
fn any_stream_of_generated_text_ends_once() {
    run("tgi", |bytes, chance| stream(bytes, chance, dialect("tgi")));
}

#[test]
fn any_answer_in_one_piece_is_an_answer_or_a_failure() {
    run("whole", whole);
}

#[test]
fn any_answer_about_pictures_and_vectors_is_one_or_a_failure() {
    run("beyond-chat", beyond_chat);
}
