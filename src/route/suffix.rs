//! What stands behind a model's name: `openai/gpt-oss-120b:floor`.

use super::Sort;

/// An end of a name that means the same with every model. Any other may be the name of a vendor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suffix {
    /// Nobody is asked who takes money for it.
    Free,
    /// The cheapest first.
    Floor,
    /// The fastest first.
    Nitro,
    /// Only those who let functions be called, and whoever leaves the fewest calls without an answer first.
    Exacto,
    /// Only those with the longest window.
    Extended,
    /// The model thinks before it answers.
    Thinking,
}

impl Suffix {
    /// As they are told to whoever wrote another one.
    pub const KNOWN: &'static str =
        ":free, :floor (or :cheapest), :nitro (or :fastest), :exacto, :extended, :thinking";

    /// Two of them have the name as well that another market has for it.
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "free" => Self::Free,
            "floor" | "cheapest" => Self::Floor,
            "nitro" | "fastest" => Self::Nitro,
            "exacto" => Self::Exacto,
            "extended" => Self::Extended,
            "thinking" => Self::Thinking,
            _ => return None,
        })
    }

    /// What it says about the order in which vendors are asked.
    pub fn sort(self) -> Option<Sort> {
        match self {
            Self::Floor => Some(Sort::Price),
            Self::Nitro => Some(Sort::Throughput),
            Self::Exacto => Some(Sort::Success),
            Self::Free | Self::Extended | Self::Thinking => None,
        }
    }
}

/// The longest beginning of a name that is known, and the ends behind it. A name that is known as it stands has none: some
/// models have a colon in their own.
pub fn split_ends(name: &str, is_known: impl Fn(&str) -> bool) -> Option<(&str, impl Iterator<Item = &str>)> {
    if is_known(name) {
        return None;
    }
    let (model, ends) =
        name.match_indices(':').rev().map(|(at, _)| name.split_at(at)).find(|(model, _)| is_known(model))?;
    Some((model, ends.split(':').skip(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(name: &str) -> Option<(&str, Vec<&str>)> {
        let is_known = |name: &str| ["openai/gpt-oss-120b", "ollama/llama2:13b"].contains(&name);
        split_ends(name, is_known).map(|(model, ends)| (model, ends.collect()))
    }

    #[test]
    fn a_colon_in_a_models_own_name_ends_nothing() {
        assert_eq!(split("ollama/llama2:13b"), None);
        assert_eq!(split("ollama/llama2:13b:floor"), Some(("ollama/llama2:13b", vec!["floor"])));
        assert_eq!(split("openai/gpt-oss-120b:groq"), Some(("openai/gpt-oss-120b", vec!["groq"])));
        let both = Some(("openai/gpt-oss-120b", vec!["thinking", "nitro"]));
        assert_eq!(split("openai/gpt-oss-120b:thinking:nitro"), both);
        assert_eq!(split("openai/gpt-oss-120b:"), Some(("openai/gpt-oss-120b", vec![""])));
        assert_eq!((split("openai/gpt-5:floor"), split("openai/gpt-oss-120b")), (None, None));
    }

    #[test]
    fn what_another_market_calls_otherwise_means_the_same() {
        for (ours, theirs, sort) in
            [("floor", "cheapest", Sort::Price), ("nitro", "fastest", Sort::Throughput)]
        {
            assert_eq!(Suffix::parse(ours), Suffix::parse(theirs));
            assert_eq!(Suffix::parse(ours).and_then(Suffix::sort), Some(sort));
        }
        assert_eq!(Suffix::parse("floors"), None);
        for word in Suffix::KNOWN.split([',', ' ', '(', ')', ':']).filter(|word| !["", "or"].contains(word)) {
            assert!(Suffix::parse(word).is_some(), "{word} is told and not known");
        }
    }
}
