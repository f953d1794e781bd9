//! The whole of an answer before it is put into a vendor's words.

use serde_json::{Value, json};

use super::answer;
use super::dialect::Ask;
use super::scenario::Scenario;
use super::shape;
use super::tokens;

/// How often a flood says what would be very much by itself.
const FLOOD_TIMES: usize = 16;

/// How many tokens were used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// The whole prompt, cached or not.
    pub prompt: i64,
    /// The part of the prompt that was read from a cache.
    pub cached: i64,
    /// The whole answer, reasoning included.
    pub completion: i64,
    /// The part of the answer that was reasoning.
    pub reasoning: i64,
}

impl Usage {
    pub fn times(self, factor: i64) -> Self {
        Self {
            prompt: self.prompt * factor,
            cached: self.cached * factor,
            completion: self.completion * factor,
            reasoning: self.reasoning * factor,
        }
    }
}

/// Why an answer ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finish {
    Natural,
    Length,
    Stop(String),
    ToolCall,
}

/// A tool that the answer calls.
#[derive(Debug, Clone)]
pub struct Call {
    pub id: String,
    pub name: String,
    /// A JSON object in pieces, each of one token.
    pub arguments: Vec<String>,
}

/// An answer, ready to be put into words.
#[derive(Debug, Clone)]
pub struct Reply {
    pub id: String,
    pub model: String,
    pub scenario: Scenario,
    pub thoughts: Vec<String>,
    pub pieces: Vec<String>,
    pub call: Option<Call>,
    /// Absent if the vendor gives no reason.
    pub finish: Option<Finish>,
    pub used: Usage,
    /// What the vendor claims, which is the truth except in bad scenarios.
    pub reported: Option<Usage>,
    pub include_usage: bool,
}

impl Reply {
    /// Makes up the answer: the same for the same model, question and scenario.
    pub fn compose(id: String, ask: &Ask, scenario: Scenario) -> Self {
        let seed = answer::seed(&ask.model, &ask.question);
        let call = (scenario == Scenario::ToolCall).then(|| call(&id, ask));
        let (thoughts, pieces, finish) = if scenario == Scenario::Empty {
            (Vec::new(), Vec::new(), None)
        } else if call.is_some() {
            (Vec::new(), owned(&answer::opening(seed, &ask.question)), Some(Finish::ToolCall))
        } else {
            let thoughts = thoughts(seed, &ask.question, scenario);
            let (mut text, finish) = stopped(text(seed, ask, scenario), &ask.stops);
            if scenario == Scenario::Flood {
                text = text.repeat(FLOOD_TIMES);
            }
            bounded(thoughts, &text, finish, ask.max_tokens)
        };
        let prompt = signed(ask.prompt_tokens);
        let used = Usage {
            prompt,
            cached: if scenario == Scenario::Cached { prompt / 2 } else { 0 },
            completion: signed((thoughts.len() + pieces.len() + arguments(call.as_ref()).len()) as u64),
            reasoning: signed(thoughts.len() as u64),
        };
        Self {
            id,
            model: ask.model.clone(),
            scenario,
            thoughts,
            pieces,
            call,
            finish,
            used,
            reported: scenario.report(used),
            include_usage: ask.include_usage,
        }
    }

    /// Writes a report where its vendor writes it. Without one the place stays empty, or is said to be.
    pub fn put_usage(&self, into: &mut Value, name: &str, usage: Option<&Value>) {
        match usage {
            Some(usage) => into[name] = usage.clone(),
            None if self.scenario == Scenario::NullUsage => into[name] = Value::Null,
            None => {}
        }
    }

    /// How many tokens the answer has.
    pub fn tokens(&self) -> u64 {
        (self.thoughts.len() + self.pieces.len() + arguments(self.call.as_ref()).len()) as u64
    }

    /// Words and arguments, as one text.
    pub fn said(&self) -> String {
        [&self.pieces[..], arguments(self.call.as_ref())].concat().concat()
    }
}

fn arguments(call: Option<&Call>) -> &[String] {
    call.map_or(&[], |call| &call.arguments)
}

/// Asks the first tool there is about the question.
fn call(reply_id: &str, ask: &Ask) -> Call {
    let arguments = json!({ "about": ask.question.trim() }).to_string();
    Call {
        id: format!("call_{reply_id}"),
        name: ask.tool.clone().unwrap_or_else(|| "look_up".to_owned()),
        arguments: owned(&arguments),
    }
}

fn signed(tokens: u64) -> i64 {
    i64::try_from(tokens).unwrap_or(i64::MAX)
}

fn thoughts(seed: u64, question: &str, scenario: Scenario) -> Vec<String> {
    if scenario == Scenario::Reasoning { owned(&answer::thoughts(seed, question)) } else { Vec::new() }
}

fn text(seed: u64, ask: &Ask, scenario: Scenario) -> String {
    let question = &ask.question;
    if let Some(schema) = &ask.schema {
        return shape::fitting(schema, &answer::opening(seed, question)).to_string();
    }
    let tokens_max = match scenario {
        Scenario::Many | Scenario::Flood => answer::MANY_TOKENS,
        _ => answer::length(seed, question),
    };
    answer::compose(seed, question, tokens_max)
}

fn stopped(mut text: String, stops: &[String]) -> (String, Finish) {
    let stops = stops.iter().filter(|stop| !stop.is_empty());
    let first = stops.filter_map(|stop| text.find(stop.as_str()).map(|at| (at, stop))).min();
    match first {
        Some((at, stop)) => {
            text.truncate(at);
            (text, Finish::Stop(stop.clone()))
        }
        None => (text, Finish::Natural),
    }
}

/// Thinking comes first and counts, so a low bound may leave nothing to say.
fn bounded(
    mut thoughts: Vec<String>,
    text: &str,
    finish: Finish,
    max_tokens: Option<u64>,
) -> (Vec<String>, Vec<String>, Option<Finish>) {
    let mut pieces = owned(text);
    let tokens_max = max_tokens.and_then(|max| usize::try_from(max).ok()).unwrap_or(usize::MAX);
    if thoughts.len() + pieces.len() <= tokens_max {
        return (thoughts, pieces, Some(finish));
    }
    thoughts.truncate(tokens_max);
    pieces.truncate(tokens_max - thoughts.len());
    (thoughts, pieces, Some(Finish::Length))
}

fn owned(text: &str) -> Vec<String> {
    tokens::split(text).into_iter().map(str::to_owned).collect()
}
