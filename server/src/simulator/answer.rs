//! Makes up answers that read like answers, always the same for the same model and question.

use super::phrases::{
    CLOSINGS, CODE_LEADS, HEADINGS, ITEMS, LIST_LEADS, OPENINGS, SENTENCES, SNIPPETS, STOP_WORDS, THOUGHTS,
};
use super::tokens;

/// The length of an answer when very much is wanted.
pub const MANY_TOKENS: u64 = 3000;

const QUOTED_WORDS_MAX: usize = 12;
const TOPIC_LETTERS_MIN: usize = 4;
/// How often a phrase that was said before is thrown back.
const REROLLS: usize = 6;

/// A small source of numbers that look random (splitmix64).
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number from `low` to `high`, both included.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.roll() % (high - low + 1)
    }

    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn choose<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        from[(self.roll() % from.len() as u64) as usize]
    }
}

/// What decides an answer (FNV-1a, which will not change with the compiler).
pub fn seed(model: &str, question: &str) -> u64 {
    let text = model.bytes().chain([0]).chain(question.trim().bytes());
    text.fold(0xCBF2_9CE4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3))
}

/// How many tokens suit the question.
pub fn length(seed: u64, question: &str) -> u64 {
    let question = question.to_lowercase();
    let says = |word: &str| words(&question).any(|said| said == word);
    let (low, high) =
        if question.contains("one sentence") || says("short") || says("briefly") || says("brief") {
            (20, 45)
        } else if says("long") {
            (500, 900)
        } else {
            (60, 350)
        };
    Dice::new(seed).between(low, high)
}

/// An answer of at most so many tokens, except that its first sentence is always whole.
pub fn compose(seed: u64, question: &str, tokens_max: u64) -> String {
    let mut writer = Writer::new(seed, question);
    let mut text = writer.opening();
    let mut left = tokens_max.saturating_sub(tokens::count(&text));
    loop {
        let block = writer.block();
        let cost = tokens::count(&block);
        if cost > left {
            break;
        }
        left -= cost;
        text += &block;
    }
    text + &writer.ending(left)
}

/// The first sentence of an answer.
pub fn opening(seed: u64, question: &str) -> String {
    Writer::new(seed, question).opening()
}

/// What is thought before the question is answered.
pub fn thoughts(seed: u64, question: &str) -> String {
    let mut writer = Writer::new(seed, question);
    let count = writer.dice.between(2, 4);
    let lines: Vec<String> = (0..count).map(|_| writer.line(THOUGHTS)).collect();
    lines.join(" ")
}

struct Writer {
    dice: Dice,
    question: String,
    topics: Vec<String>,
    said: Vec<&'static str>,
    snippets: Vec<&'static str>,
}

impl Writer {
    fn new(seed: u64, question: &str) -> Self {
        let asked = question.to_lowercase();
        let named: Vec<_> = SNIPPETS.iter().filter(|(name, _)| asked.contains(name)).collect();
        let snippets = if named.is_empty() { SNIPPETS.iter().collect() } else { named };
        Self {
            dice: Dice::new(seed),
            question: quoted(question),
            topics: topics(question),
            said: Vec::new(),
            snippets: snippets.into_iter().map(|(_, code)| *code).collect(),
        }
    }

    fn opening(&mut self) -> String {
        self.line(OPENINGS)
    }

    fn block(&mut self) -> String {
        match self.dice.between(0, 9) {
            0..=4 => format!("\n\n{}", self.paragraph()),
            5 | 6 => self.list(),
            7 => format!("\n\n## {}\n\n{}", self.line(HEADINGS), self.paragraph()),
            8 => format!("\n\n{}\n\n{}", self.line(CODE_LEADS), self.dice.choose(&self.snippets)),
            _ => format!(" {}", self.line(SENTENCES)),
        }
    }

    fn paragraph(&mut self) -> String {
        let count = self.dice.between(2, 4);
        let sentences: Vec<String> = (0..count).map(|_| self.line(SENTENCES)).collect();
        sentences.join(" ")
    }

    /// A last paragraph of whatever still fits.
    fn ending(&mut self, mut left: u64) -> String {
        let mut ending = String::new();
        for from in [SENTENCES, SENTENCES, SENTENCES, CLOSINGS, CLOSINGS, CLOSINGS] {
            let gap = if ending.is_empty() { "\n\n" } else { " " };
            let line = format!("{gap}{}", self.line(from));
            let cost = tokens::count(&line);
            if cost <= left {
                left -= cost;
                ending += &line;
            }
        }
        ending
    }

    fn list(&mut self) -> String {
        let count = self.dice.between(3, 5);
        let items: String = (0..count).map(|_| format!("\n- {}", self.line(ITEMS))).collect();
        format!("\n\n{}\n{items}", self.line(LIST_LEADS))
    }

    fn line(&mut self, from: &[&'static str]) -> String {
        let mut phrase = self.dice.choose(from);
        for _ in 0..REROLLS {
            if !self.said.contains(&phrase) {
                break;
            }
            phrase = self.dice.choose(from);
        }
        self.said.push(phrase);
        let topics: Vec<&str> = self.topics.iter().map(String::as_str).collect();
        let line = phrase.replace("{topic}", self.dice.choose(&topics)).replace("{question}", &self.question);
        capitalised(line)
    }
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric() && c != '\'' && c != '-').filter(|word| !word.is_empty())
}

fn quoted(question: &str) -> String {
    let mut words = question.split_whitespace();
    let start: Vec<&str> = words.by_ref().take(QUOTED_WORDS_MAX).collect();
    let start = start.join(" ");
    match (start.is_empty(), words.next()) {
        (true, _) => "…".to_owned(),
        (false, Some(_)) => format!("{start} …"),
        (false, None) => start.trim_end_matches(['.', '!']).to_owned(),
    }
}

fn topics(question: &str) -> Vec<String> {
    let long = words(question).filter(|word| word.chars().count() >= TOPIC_LETTERS_MIN);
    let mut topics: Vec<String> = long
        .filter(|word| !STOP_WORDS.contains(&word.to_lowercase().as_str()))
        .take(QUOTED_WORDS_MAX)
        .map(|word| format!("*{word}*"))
        .collect();
    topics.dedup();
    if topics.is_empty() {
        topics.push("the matter".to_owned());
    }
    topics
}

fn capitalised(line: String) -> String {
    let mut letters = line.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUESTION: &str = "How do I sort a list of names in Python?";

    #[test]
    fn same_question_gets_the_same_answer() {
        let seed = seed("gpt-5-mini", QUESTION);
        assert_eq!(compose(seed, QUESTION, 200), compose(seed, QUESTION, 200));
        assert_ne!(compose(seed, QUESTION, 200), compose(seed + 1, QUESTION, 200));
    }

    #[test]
    fn answer_takes_up_the_question() {
        assert!(compose(7, QUESTION, 200).contains("sort a list of names in Python?"));
    }

    #[test]
    fn answers_have_the_length_that_was_asked_for() {
        for seed in 0..200 {
            let tokens = |question| tokens::count(&compose(seed, question, length(seed, question)));
            assert!((15..=60).contains(&tokens("Explain tides in one sentence")));
            assert!((40..=350).contains(&tokens("Explain tides")), "{}", tokens("Explain tides"));
            assert!((400..=900).contains(&tokens("Write a long essay on tides")));
            assert!((2800..=MANY_TOKENS).contains(&tokens::count(&compose(
                seed,
                "Explain tides",
                MANY_TOKENS
            ))));
        }
    }

    #[test]
    fn empty_question_is_answered_too() {
        assert!(!compose(1, "", 80).is_empty());
    }

    #[test]
    fn belonging_is_not_long() {
        assert!(length(3, "What does belonging mean?") <= 350);
    }
}
