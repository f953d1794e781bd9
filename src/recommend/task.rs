//! Kinds of work: how large a typical call of each is, what it needs, and which scores speak for it.

use serde::{Deserialize, Serialize};

use super::Weights;
use crate::model::Kind;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Task {
    #[default]
    Chat,
    Writing,
    Coding,
    Reasoning,
    Documents,
    Extraction,
    Agents,
    Pictures,
    Search,
    Drawing,
}

/// A score from outside with the per cent that guessing gets, which are worth nothing.
pub(super) struct Yardstick {
    pub name: &'static str,
    pub floor: u32,
}

const fn yardstick(name: &'static str, floor: u32) -> Yardstick {
    Yardstick { name, floor }
}

const GPQA: Yardstick = yardstick("GPQA", 25);
const MMLU_PRO: Yardstick = yardstick("MMLU-Pro", 10);
const IF_EVAL: Yardstick = yardstick("IFEval", 0);
const DROP: Yardstick = yardstick("DROP", 0);
const SWE_BENCH: Yardstick = yardstick("SWE-Bench Verified", 0);
const TAU_BENCH: Yardstick = yardstick("TAU-bench Retail", 0);
const AIDER: Yardstick = yardstick("Aider polyglot (pass@2)", 0);
const HUMAN_EVAL: Yardstick = yardstick("HumanEval", 0);
const AIME: Yardstick = yardstick("AIME 2025", 0);
const MATH: Yardstick = yardstick("MATH", 0);
const MMMU: Yardstick = yardstick("MMMU", 25);

impl Task {
    pub const ALL: [Self; 10] = [
        Self::Chat,
        Self::Writing,
        Self::Coding,
        Self::Reasoning,
        Self::Documents,
        Self::Extraction,
        Self::Agents,
        Self::Pictures,
        Self::Search,
        Self::Drawing,
    ];

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|task| task.as_str() == text)
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Writing => "writing",
            Self::Coding => "coding",
            Self::Reasoning => "reasoning",
            Self::Documents => "documents",
            Self::Extraction => "extraction",
            Self::Agents => "agents",
            Self::Pictures => "pictures",
            Self::Search => "search",
            Self::Drawing => "drawing",
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Chat => "Talk and answer questions",
            Self::Writing => "Write and rewrite texts",
            Self::Coding => "Write and mend programs",
            Self::Reasoning => "Think hard: mathematics, science, plans",
            Self::Documents => "Read long documents",
            Self::Extraction => "Turn text into data",
            Self::Agents => "Use tools by itself",
            Self::Pictures => "Look at pictures",
            Self::Search => "Find texts by meaning (embeddings)",
            Self::Drawing => "Draw pictures",
        }
    }

    pub fn kind(self) -> Kind {
        match self {
            Self::Search => Kind::Embedding,
            Self::Drawing => Kind::Image,
            _ => Kind::Chat,
        }
    }

    /// Tokens in and out of a typical call.
    pub fn call(self) -> (u64, u64) {
        match self {
            Self::Chat => (800, 300),
            Self::Writing => (1_000, 1_500),
            Self::Coding => (6_000, 1_500),
            Self::Reasoning => (1_000, 4_000),
            Self::Documents => (40_000, 800),
            Self::Extraction => (3_000, 500),
            Self::Agents => (12_000, 800),
            Self::Pictures => (1_500, 300),
            Self::Search => (1_000, 0),
            Self::Drawing => (100, 1),
        }
    }

    /// Abilities without which a model cannot do it at all.
    pub(super) fn must(self) -> &'static [&'static str] {
        match self {
            Self::Agents => &["tools"],
            Self::Pictures => &["vision"],
            _ => &[],
        }
    }

    /// Abilities it gains from.
    pub(super) fn likes(self) -> &'static [&'static str] {
        match self {
            Self::Chat => &["streaming", "system_messages"],
            Self::Writing => &["streaming", "system_messages"],
            Self::Coding => &["tools", "structured_output", "reasoning", "prompt_caching"],
            Self::Reasoning => &["reasoning", "tools"],
            Self::Documents => &["prompt_caching", "pdf_input"],
            Self::Extraction => &["structured_output", "tools"],
            Self::Agents => &["tools", "parallel_tools", "structured_output", "prompt_caching"],
            Self::Pictures => &["vision", "pdf_input"],
            Self::Search | Self::Drawing => &[],
        }
    }

    pub(super) fn yardsticks(self) -> &'static [Yardstick] {
        match self {
            Self::Chat => &[GPQA, MMLU_PRO, IF_EVAL],
            Self::Writing => &[IF_EVAL, MMLU_PRO],
            Self::Coding => &[SWE_BENCH, AIDER, HUMAN_EVAL],
            Self::Reasoning => &[GPQA, AIME, MATH],
            Self::Documents => &[DROP, MMLU_PRO, GPQA],
            Self::Extraction => &[IF_EVAL, DROP],
            Self::Agents => &[TAU_BENCH, SWE_BENCH],
            Self::Pictures => &[MMMU],
            Self::Search | Self::Drawing => &[],
        }
    }

    /// What usually counts: fit, quality, price, speed, context, reliability, privacy.
    pub fn weights(self) -> Weights {
        let weights = match self {
            Self::Chat => [4, 6, 6, 5, 2, 4, 1],
            Self::Writing => [4, 6, 5, 3, 3, 4, 1],
            Self::Coding => [5, 9, 4, 3, 4, 4, 1],
            Self::Reasoning => [4, 10, 3, 2, 3, 4, 1],
            Self::Documents => [3, 5, 6, 2, 9, 4, 2],
            Self::Extraction => [7, 4, 8, 4, 3, 5, 2],
            Self::Agents => [7, 8, 5, 4, 5, 6, 1],
            Self::Pictures => [4, 6, 5, 4, 2, 4, 1],
            Self::Search => [0, 0, 8, 2, 4, 4, 2],
            Self::Drawing => [0, 0, 8, 0, 0, 4, 2],
        };
        Weights(weights)
    }
}
