//! The whole of an answer before it is put into a vendor's words.

use std::iter;

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
    /// How many others it is told of each word, where that was asked for.
    pub logprobs: Option<u64>,
    /// The other answers, where several were asked for.
    pub others: Vec<Reply>,
}

impl Reply {
    /// Makes up the answer, or several: the same for the same model, question and scenario.
    pub fn compose(id: String, ask: &Ask, scenario: Scenario) -> Self {
        let mut reply = Self::one(&id, ask, scenario, 0);
        reply.others = (1..ask.choices.max(1)).map(|at| Self::one(&id, ask, scenario, at)).collect();
        let prompt = signed(ask.prompt_tokens);
        reply.used = Usage {
            prompt,
            cached: if scenario == Scenario::Cached { prompt / 2 } else { 0 },
            completion: signed(reply.tokens()),
            reasoning: signed(reply.thinking()),
        };
        reply.reported = scenario.report(reply.used);
        reply
    }

    fn one(id: &str, ask: &Ask, scenario: Scenario, at: u64) -> Self {
        let seed = answer::seed(&ask.model, &ask.question).wrapping_add(at);
        let call_id = if at == 0 { format!("call_{id}") } else { format!("call_{id}_{at}") };
        let call = (scenario == Scenario::ToolCall).then(|| call(call_id, ask));
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
        Self {
            id: id.to_owned(),
            model: ask.model.clone(),
            scenario,
            thoughts,
            pieces,
            call,
            finish,
            used: Usage::default(),
            reported: None,
            include_usage: ask.include_usage,
            logprobs: ask.logprobs,
            others: Vec::new(),
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

    /// All answers there are, this one first.
    pub fn all(&self) -> impl Iterator<Item = &Self> {
        iter::once(self).chain(&self.others)
    }

    /// How many tokens all answers have.
    pub fn tokens(&self) -> u64 {
        let arguments = |one: &Self| arguments(one.call.as_ref()).len();
        self.all().map(|one| (one.thoughts.len() + one.pieces.len() + arguments(one)) as u64).sum()
    }

    /// How many of them were thoughts.
    pub fn thinking(&self) -> u64 {
        self.all().map(|one| one.thoughts.len() as u64).sum()
    }

    /// Words and arguments of all answers, as one text.
    pub fn said(&self) -> String {
        self.all().flat_map(|one| [&one.pieces[..], arguments(one.call.as_ref())].concat()).collect()
    }
}

fn arguments(call: Option<&Call>) -> &[String] {
    call.map_or(&[], |call| &call.arguments)
}

/// Asks the first tool there is about the question.
fn call(id: String, ask: &Ask) -> Call {
    let arguments = json!({ "about": ask.question.trim() }).to_string();
    Call { id, name: ask.tool.clone().unwrap_or_else(|| "look_up".to_owned()), arguments: owned(&arguments) }
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
