//! Vectors that look learnt: always the same for the same model and text, and near where texts share words.

use crate::simulator::answer::{Dice, seed};

/// How many places a word moves.
const PLACES: u64 = 24;
/// How much a text has of its own beside its words, so that no two are quite the same.
const OWN: f32 = 0.02;
const STEPS: u64 = 2_000_000;

/// The size of a model's vectors where nobody asks for another.
pub fn dimensions(model: &str) -> usize {
    match model {
        "text-embedding-3-large" | "gemini-embedding-001" | "gemini-embedding-2" => 3_072,
        "text-embedding-3-small" | "text-embedding-ada-002" | "embed-v4.0" | "codestral-embed-2505" => 1_536,
        "embed-v5.0-pro" => 2_048,
        "Qwen/Qwen3-Embedding-8B" => 4_096,
        _ => 1_024,
    }
}

/// A vector of unit length.
pub fn of(model: &str, text: &str, dimensions: usize) -> Vec<f32> {
    let mut own = Dice::new(seed(model, text));
    let mut vector: Vec<f32> = (0..dimensions).map(|_| OWN * fraction(&mut own)).collect();
    let last = dimensions.saturating_sub(1) as u64;
    for word in text.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty()) {
        let mut dice = Dice::new(seed(model, &word.to_lowercase()));
        for _ in 0..PLACES {
            vector[dice.between(0, last) as usize] += fraction(&mut dice);
        }
    }
    let length = vector.iter().map(|number| f64::from(*number).powi(2)).sum::<f64>().sqrt();
    vector.iter().map(|number| (f64::from(*number) / length) as f32).collect()
}

/// A number from -1 to 1.
fn fraction(dice: &mut Dice) -> f32 {
    (dice.between(0, STEPS) as f32 - (STEPS / 2) as f32) / (STEPS / 2) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn likeness(one: &[f32], other: &[f32]) -> f32 {
        one.iter().zip(other).map(|(one, other)| one * other).sum()
    }

    #[test]
    fn a_text_is_like_itself_and_like_what_shares_its_words() {
        let of = |text| of("text-embedding-3-small", text, 1_536);
        let (ship, boat, tax) =
            (of("a ship in the harbour"), of("a boat in the harbour"), of("income tax law"));
        assert_eq!(ship, of("a ship in the harbour"));
        assert!((likeness(&ship, &ship) - 1.0).abs() < 1e-5);
        assert!(likeness(&ship, &boat) > 0.5 && likeness(&ship, &tax) < 0.3);
    }
}
