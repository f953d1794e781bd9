//! The phrases that made-up answers are put together from; `{topic}` is a word of the question, in italics.

pub const OPENINGS: &[&str] = &[
    "You asked “{question}” – a fair question, and the answer turns on {topic}.",
    "On “{question}”: the short version is that {topic} matters more than it seems.",
    "Let us take “{question}” step by step, beginning with {topic}.",
    "Good question 🙂 “{question}” has a simple core, and that core is {topic}.",
    "To answer “{question}”, it helps to look at {topic} first.",
    "“{question}” comes up often, and most of the confusion is about {topic}.",
];

pub const SENTENCES: &[&str] = &[
    "The naïve approach works for small cases, but it hides what {topic} really costs.",
    "In practice {topic} is decided early and noticed late.",
    "Two things are easily confused here: what {topic} means, and what it is used for.",
    "Start from one concrete example – it keeps {topic} honest.",
    "If you measure before you change anything, {topic} stops being a matter of taste.",
    "Most people overestimate the difficulty of {topic} and underestimate the upkeep.",
    "There is no single right answer, yet some are clearly worse.",
    "A good rule of thumb is to treat {topic} as a boundary, not as a detail.",
    "The Japanese word 改善 (kaizen) describes the attitude well: many small steps.",
    "That holds even when {topic} looks like an exception.",
    "Think of a café at noon: the queue is short, the orders are not.",
    "Once {topic} is written down, disagreement about it becomes useful.",
    "The costs grow with the square of the size, so keep the pieces small.",
    "It pays to ask who will be surprised if {topic} changes.",
    "None of this is new; what is new is how cheap it has become to try.",
    "When in doubt, prefer the version of {topic} you can explain in one breath.",
];

pub const HEADINGS: &[&str] = &[
    "What to know about {topic}",
    "Where {topic} fits in",
    "Trade-offs",
    "A closer look at {topic}",
    "In practice",
];

pub const LIST_LEADS: &[&str] = &[
    "A few points worth keeping in mind:",
    "It helps to check these in order:",
    "What usually matters about {topic}:",
];

pub const ITEMS: &[&str] = &[
    "**Clarity**: say what {topic} means before you use it.",
    "**Scope**: decide what is *not* part of {topic}.",
    "**Cost**: expect €5 to become €50 if nobody looks. 💶",
    "**Order**: do the part about {topic} that can fail first.",
    "**Proof**: keep one small example that shows it working ✅",
    "**Limits**: know at which size {topic} stops being simple.",
    "**People**: write down who decides, and who only needs to know.",
    "**Time**: leave room for the Übergang, the part between old and new.",
];

pub const CODE_LEADS: &[&str] = &[
    "In code, the idea looks like this:",
    "A small sketch says it better:",
    "Here is the smallest version that shows the point about {topic}:",
];

/// A word of the question, and the code that suits it.
pub const SNIPPETS: &[(&str, &str)] = &[
    (
        "rust",
        "```rust\nfn longest<'a>(words: &[&'a str]) -> Option<&'a str> {\n    words.iter().copied().max_by_key(|word| word.len())\n}\n```",
    ),
    (
        "rust",
        "```rust\nlet total: u64 = prices.iter().filter(|price| **price > 0).sum();\nassert_eq!(total, 42);\n```",
    ),
    (
        "python",
        "```python\ndef greet(name: str) -> str:\n    return f\"Grüß dich, {name}!\"\n\nprint(greet(\"Zoë\"))\n```",
    ),
    (
        "python",
        "```python\nnames = [\"Ana\", \"Björn\", \"Chloé\"]\nfor name in sorted(names, key=len):\n    print(name)\n```",
    ),
    (
        "sql",
        "```sql\nselect customer_id, sum(amount) as total\nfrom purchase\ngroup by customer_id\nhaving sum(amount) > 100\norder by total desc;\n```",
    ),
    (
        "sql",
        "```sql\nselect name, created_at\nfrom account\nwhere created_at > now() - interval '7 days'\norder by created_at;\n```",
    ),
];

pub const CLOSINGS: &[&str] = &[
    "So begin with {topic} and let the rest follow.",
    "That is the whole idea. 🎉",
    "If you tell me more about {topic}, I can be more precise.",
    "In short: keep it small.",
    "Try it!",
];

pub const THOUGHTS: &[&str] = &[
    "The question is about {topic}, so I should first settle what is meant by it.",
    "There may be a trap in {topic}; let me check the obvious reading.",
    "An example would help more than a definition.",
    "I will keep the answer practical and mention the cost of {topic}.",
    "The wording suggests that {topic} is already known.",
];

pub const STOP_WORDS: &[&str] = &[
    "about", "answer", "between", "brief", "briefly", "could", "describe", "does", "explain", "from", "give",
    "have", "hello", "into", "list", "long", "make", "mean", "please", "sentence", "short", "should", "some",
    "tell", "than", "that", "their", "them", "there", "these", "they", "this", "what", "when", "where",
    "which", "will", "with", "would", "write", "your",
];
