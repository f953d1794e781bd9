//! How long a search takes, by the number of models: `cargo xtask bench search`.
//!
//! Nothing is asserted; what is wanted stands in `docs/finding.md`.

#![expect(clippy::print_stdout, reason = "the table is what this program is for")]

use std::error::Error;
use std::hint::black_box;
use std::time::{Duration, Instant};

use marketplace::model::{Listing, Model, Sale};
use marketplace::money::Rate;
use marketplace::price::{Price, Rates, TakeRate};
use marketplace::search::quick::Quick;
use marketplace::search::{Index, Search, unmeasured};
use serde_json::json;

const ROUNDS: usize = 200;
const SIZES: [usize; 3] = [155, 500, 10_000];
const SEARCHES: [&str; 10] = [
    "q=claude+haiku&page=1",
    "q=calude&page=1",
    "q=gtp-4&page=1",
    "q=lama+3&page=1",
    "q=m&page=1",
    "q=there-is-no-such-model&page=1",
    "page=1",
    "kind=chat&provider=openai,google&capability=tools,vision&min_context=128000&max_price=5&page=1",
    "q=mistrl+large&author=mistral&sort=price&page=2",
    "q=embeding+smal+mutilingual+2&sort=-context&view=table&page=1",
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("{:>7} {:<42} {:>9} {:>9} {:>9}", "models", "what", "p50 µs", "p99 µs", "found");
    for size in SIZES {
        let listings = market(size)?;
        let (index, took) = timed(|| Index::new(&listings));
        println!("{size:>7} {:<42} {:>9}", "made ready, once a catalogue", took.as_micros());
        let mut all = Vec::new();
        for query in SEARCHES {
            let search = Search::read(query);
            let total = index.find(&search, &listings, &unmeasured).total;
            let times = repeated(|| index.find(&search, &listings, &unmeasured));
            row(size, query, &times, total);
            all.extend(times);
        }
        all.sort_unstable();
        row(size, "all of them", &all, 0);
        let file = index.quick();
        let (quick, took) = timed(|| Quick::read(file));
        println!(
            "{size:>7} {:<42} {:>9} {:>19} bytes",
            "the browser's file read",
            took.as_micros(),
            file.len()
        );
        row(size, "first six in the browser's file: calude", &repeated(|| quick.find("calude", 6)), 6);
    }
    Ok(())
}

fn timed<T>(run: impl FnOnce() -> T) -> (T, Duration) {
    let begun = Instant::now();
    let made = run();
    (made, begun.elapsed())
}

/// In ascending order.
fn repeated<T>(run: impl Fn() -> T) -> Vec<Duration> {
    let mut times: Vec<Duration> = (0..ROUNDS).map(|_| timed(|| black_box(run())).1).collect();
    times.sort_unstable();
    times
}

fn row(size: usize, what: &str, times: &[Duration], found: usize) {
    let at = |percent: usize| times.get(times.len() * percent / 100).map_or(0, Duration::as_micros);
    let what: String = what.chars().take(42).collect();
    println!("{size:>7} {what:<42} {:>9} {:>9} {found:>9}", at(50), at(99));
}

/// Models with names such as models have; every second one is a word of its own.
fn market(size: usize) -> Result<Vec<Listing>, Box<dyn Error>> {
    const FAMILIES: [(&str, &str); 12] = [
        ("openai", "GPT"),
        ("anthropic", "Claude"),
        ("google", "Gemini"),
        ("meta", "Llama"),
        ("mistral", "Mistral"),
        ("cohere", "Command"),
        ("deepseek", "DeepSeek"),
        ("alibaba", "Qwen"),
        ("xai", "Grok"),
        ("stability", "Stable Diffusion"),
        ("amazon", "Nova"),
        ("openai", "Text Embedding"),
    ];
    const ABILITIES: [&str; 5] = ["tools", "vision", "reasoning", "streaming", "prompt_caching"];
    const SORTS: [&str; 10] = [
        "Haiku",
        "Mini",
        "Large",
        "Turbo",
        "Pro",
        "Instruct",
        "Vision",
        "Coder",
        "Small Multilingual",
        "Fast",
    ];
    let mut listings = Vec::with_capacity(size);
    for at in 0..size {
        let (author, family) = FAMILIES[at % FAMILIES.len()];
        let sort = SORTS[at / FAMILIES.len() % SORTS.len()];
        let own = if at % 2 == 0 { format!("tune{at}") } else { String::new() };
        let name = format!("{family} {}.{} {sort} {}B {own}", at % 5, at % 7, at % 90);
        let model: Model = serde_json::from_value(json!({
            "id": format!("{author}/{}-{at}", name.trim().to_lowercase().replace(' ', "-")), "name": name.trim(),
            "publisher": author, "provider": author, "upstream": "u", "protocol": "p",
            "kind": if family == "Text Embedding" { "embedding" } else { "chat" }, "status": "active",
            "aliases": [], "released": format!("20{}-0{}-1{}", 20 + at % 6, 1 + at % 9, at % 9),
            "context_tokens": ([8_192, 32_768, 128_000, 200_000, 1_048_576][at % 5]),
            "input": ["text", "image"], "output": ["text"],
            "abilities": ABILITIES.get(..at % 6).unwrap_or_default(),
            "lacks": [], "free": false, "other_prices": [], "benchmarks": [], "open_weights": at % 3 == 0,
        }))?;
        let rate = |most: usize| Rate(i64::try_from(1 + at % most).unwrap_or(1) * 100_000_000);
        let rates = Rates { input: rate(80), output: rate(300), ..Rates::default() };
        let model = Model { price: Some(Price { rates, ..Price::default() }), ..model };
        let sale = if at % 4 == 0 { Sale::Unconfigured } else { Sale::Open };
        listings.push(Listing { model, sale, take: TakeRate::STANDARD, provider_name: author.to_owned() });
    }
    Ok(listings)
}
