//! The ways a vendor can behave, well or badly, that a caller may ask the simulator for.

use std::fmt;

use super::dialect::{Ask, Refusal};
use super::reply::Usage;

/// How the simulator shall behave for one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scenario {
    Ok,
    Instant,
    Slow,
    Many,
    Flood,
    Hang,
    RateLimit,
    RateLimitOnce,
    Unauthorised,
    ServerError,
    Overloaded,
    Html,
    Redirect,
    GzipBomb,
    Empty,
    Truncated,
    ResetAt(u64),
    StallAt(u64),
    ErrorAt(u64),
    NoUsage,
    NullUsage,
    ZeroUsage,
    DoubleUsage,
    CumulativeUsage,
    HugeUsage,
    NegativeUsage,
    OverflowUsage,
    OvercachedUsage,
    Cached,
    Reasoning,
    ToolCall,
    SplitUtf8,
    Crlf,
    TightData,
    Comments,
    ByteOrderMark,
    NoLastBlank,
    AfterDone,
    GiantLine,
}

/// The scenarios whose name says all.
const NAMED: [(&str, Scenario); 36] = [
    ("ok", Scenario::Ok),
    ("instant", Scenario::Instant),
    ("slow", Scenario::Slow),
    ("many", Scenario::Many),
    ("flood", Scenario::Flood),
    ("hang", Scenario::Hang),
    ("rate-limit", Scenario::RateLimit),
    ("rate-limit-once", Scenario::RateLimitOnce),
    ("unauthorized", Scenario::Unauthorised),
    ("server-error", Scenario::ServerError),
    ("overloaded", Scenario::Overloaded),
    ("html", Scenario::Html),
    ("redirect", Scenario::Redirect),
    ("gzip-bomb", Scenario::GzipBomb),
    ("empty", Scenario::Empty),
    ("truncated", Scenario::Truncated),
    ("no-usage", Scenario::NoUsage),
    ("null-usage", Scenario::NullUsage),
    ("zero-usage", Scenario::ZeroUsage),
    ("double-usage", Scenario::DoubleUsage),
    ("cumulative-usage", Scenario::CumulativeUsage),
    ("huge-usage", Scenario::HugeUsage),
    ("negative-usage", Scenario::NegativeUsage),
    ("overflow-usage", Scenario::OverflowUsage),
    ("overcached-usage", Scenario::OvercachedUsage),
    ("cached", Scenario::Cached),
    ("reasoning", Scenario::Reasoning),
    ("tool-call", Scenario::ToolCall),
    ("split-utf8", Scenario::SplitUtf8),
    ("crlf", Scenario::Crlf),
    ("tight-data", Scenario::TightData),
    ("comments", Scenario::Comments),
    ("bom", Scenario::ByteOrderMark),
    ("no-last-blank", Scenario::NoLastBlank),
    ("after-done", Scenario::AfterDone),
    ("giant-line", Scenario::GiantLine),
];

/// Where an answer breaks off, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// The body ends politely after so many tokens.
    End(u64),
    /// The connection is dropped.
    Reset(u64),
    /// Nothing more is sent, and the connection is held.
    Stall(u64),
    /// An error is reported inside the body.
    Fault(u64),
}

impl Cut {
    /// How many tokens are still sent.
    pub fn at(self) -> u64 {
        match self {
            Self::End(at) | Self::Reset(at) | Self::Stall(at) | Self::Fault(at) => at,
        }
    }
}

impl Scenario {
    /// Reads a name such as `cached` or `stall-at-20`.
    pub fn parse(name: &str) -> Option<Self> {
        let name = name.trim();
        if let Some((_, scenario)) = NAMED.iter().find(|(known, _)| *known == name) {
            return Some(*scenario);
        }
        let (kind, at) = name.rsplit_once("-at-")?;
        let at = at.parse().ok()?;
        match kind {
            "reset" => Some(Self::ResetAt(at)),
            "stall" => Some(Self::StallAt(at)),
            "error" => Some(Self::ErrorAt(at)),
            _ => None,
        }
    }

    /// Takes the scenario from the header, else the model's name, else the last message,
    /// and takes its traces out of the latter two, so that the answer does not depend on it.
    pub fn choose(header: Option<&str>, ask: &mut Ask) -> Result<Self, Refusal> {
        let in_model = take_suffix(&mut ask.model);
        let in_question = take_directive(&mut ask.question);
        let wanted = header.map(str::to_owned).or(in_model).or(in_question);
        let Some(name) = wanted.and_then(|names| of_vendor(&names, &ask.vendor)) else {
            return Ok(Self::Ok);
        };
        Self::parse(&name)
            .ok_or_else(|| Refusal::invalid("model", format!("The simulator has no scenario `{name}`.")))
    }

    /// What a vendor in this scenario claims was used.
    pub fn report(self, used: Usage) -> Option<Usage> {
        match self {
            Self::NoUsage | Self::NullUsage => None,
            Self::ZeroUsage => Some(used.times(0)),
            Self::HugeUsage => Some(used.times(10)),
            Self::NegativeUsage => Some(used.times(-1)),
            Self::OverflowUsage => Some(Usage { prompt: i64::MAX, completion: i64::MAX, ..used }),
            Self::OvercachedUsage => Some(Usage { cached: used.prompt + 1, ..used }),
            _ => Some(used),
        }
    }

    /// Where an answer of so many tokens breaks off, if it does.
    pub fn cut(self, tokens: u64) -> Option<Cut> {
        let cut = match self {
            Self::Truncated => Cut::End(tokens / 2),
            Self::ResetAt(at) => Cut::Reset(at),
            Self::StallAt(at) => Cut::Stall(at),
            Self::ErrorAt(at) => Cut::Fault(at),
            _ => return None,
        };
        (cut.at() <= tokens).then_some(cut)
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ResetAt(at) => write!(f, "reset-at-{at}"),
            Self::StallAt(at) => write!(f, "stall-at-{at}"),
            Self::ErrorAt(at) => write!(f, "error-at-{at}"),
            named => {
                NAMED.iter().find(|(_, known)| known == named).map_or(Ok(()), |(name, _)| f.write_str(name))
            }
        }
    }
}

/// The part of `groq=hang, together=slow` that is meant for a vendor; a name alone is meant for all.
fn of_vendor(names: &str, vendor: &str) -> Option<String> {
    let mut names = names.split(',').map(str::trim);
    names.find_map(|name| match name.split_once('=') {
        Some((whose, name)) => (whose.trim() == vendor).then(|| name.trim().to_owned()),
        None => Some(name.to_owned()),
    })
}

fn take_suffix(model: &mut String) -> Option<String> {
    let at = model.rfind('~')?;
    let suffix = model.split_off(at);
    Some(suffix[1..].to_owned())
}

fn take_directive(question: &mut String) -> Option<String> {
    const OPENING: &str = "[[simulate:";
    let start = question.find(OPENING)?;
    let end = start + question[start..].find("]]")?;
    let name = question[start + OPENING.len()..end].trim().to_owned();
    question.replace_range(start..end + 2, "");
    Some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(model: &str, question: &str) -> Ask {
        Ask { model: model.to_owned(), question: question.to_owned(), ..Ask::default() }
    }

    #[test]
    fn every_name_reads_back() {
        let names = NAMED.map(|(name, _)| name);
        for name in names.into_iter().chain(["reset-at-3", "stall-at-0", "error-at-40"]) {
            assert_eq!(Scenario::parse(name).unwrap().to_string(), name);
        }
    }

    #[test]
    fn header_wins_over_model_over_directive() {
        let both = || ask("gpt-5-mini~slow", "Hello [[simulate: hang]]");
        assert_eq!(Scenario::choose(Some("cached"), &mut both()).unwrap(), Scenario::Cached);
        assert_eq!(Scenario::choose(None, &mut both()).unwrap(), Scenario::Slow);
        assert_eq!(
            Scenario::choose(None, &mut ask("gpt-5-mini", "[[simulate: hang]]")).unwrap(),
            Scenario::Hang
        );
    }

    #[test]
    fn one_vendor_can_be_meant() {
        let chosen = |vendor: &str| {
            let mut ask = ask("m", "[[simulate: groq=server-error, together=slow]]");
            ask.vendor = vendor.to_owned();
            Scenario::choose(None, &mut ask).unwrap()
        };
        assert_eq!(chosen("groq"), Scenario::ServerError);
        assert_eq!(chosen("together"), Scenario::Slow);
        assert_eq!(chosen("cerebras"), Scenario::Ok);
    }

    #[test]
    fn choosing_leaves_no_trace() {
        let mut asked = ask("gpt-5-mini~slow", "Hello[[simulate: hang]]");
        Scenario::choose(None, &mut asked).unwrap();
        assert_eq!((asked.model.as_str(), asked.question.as_str()), ("gpt-5-mini", "Hello"));
    }

    #[test]
    fn unknown_scenario_is_refused() {
        assert!(Scenario::choose(Some("levitate"), &mut ask("m", "q")).is_err());
    }

    #[test]
    fn answer_shorter_than_the_cut_is_whole() {
        assert_eq!(Scenario::StallAt(20).cut(19), None);
        assert_eq!(Scenario::StallAt(20).cut(20), Some(Cut::Stall(20)));
    }
}
