//! Searches over a small market whose models stand for all sorts of names.

use proptest::prelude::*;

use super::quick::Quick;
use super::*;
use crate::model::{Listing, Model, Sale};
use crate::price::{Price, Rates, TakeRate};

/// Id, name, release, dollars in and out, context; `-` for what is unknown.
const MARKET: [&str; 16] = [
    "openai/gpt-4|GPT-4|2023-06-13|30|60|8192",
    "openai/gpt-4-turbo|GPT-4 Turbo|2023-11-06|10|30|128000",
    "openai/gpt-4o|GPT-4o|2024-05-13|2.5|10|128000",
    "openai/gpt-4o-mini|GPT-4o Mini|2024-07-18|0.15|0.6|128000",
    "openai/gpt-4.1|GPT-4.1|2025-04-14|2|8|1047576",
    "openai/gpt-3.5-turbo|GPT-3.5 Turbo|2023-03-01|0.5|1.5|16385",
    "openai/o3-mini|o3-mini|2025-01-31|1.1|4.4|200000",
    "anthropic/claude-haiku-4-5|Claude Haiku 4.5|2025-10-15|1|5|200000",
    "anthropic/claude-2.1|Claude 2.1|2023-11-21|8|24|200000",
    "mistral/mistral-large|Mistral Large|2024-11-18|2|6|131072",
    "meta/llama-3.3-70b|Llama 3.3 70B|2024-12-06|0.59|0.79|131072",
    "meta/llama-2-7b|Llama 2 7B|2023-07-18|-|-|4096",
    "meta/codellama-34b|CodeLlama 34B|2023-08-24|0|0|16384",
    "google/gemini-2.5-pro|Gemini 2.5 Pro|2025-06-17|1.25|10|1048576",
    "cohere/embed-v4|Embed v4|2025-04-15|0.12|-|128000",
    "stability/sdxl|Stable Diffusion XL|-|-|-|-",
];

fn listing(line: &str) -> Listing {
    let cells: Vec<&str> = line.split('|').collect();
    let id = cells[0];
    let author = id.split_once('/').unwrap().0;
    let known = |cell: &'static str| (cell != "-").then_some(cell);
    let cell = |at: usize| known(Box::leak(cells[at].to_owned().into_boxed_str()));
    let kind = match id {
        "cohere/embed-v4" => "embedding",
        "stability/sdxl" => "image",
        _ => "chat",
    };
    let rate = |cell: Option<&str>| Rate::parse_usd(cell.unwrap_or("0")).unwrap();
    let rates = |input| Rates { input: rate(Some(input)), output: rate(cell(4)), ..Rates::default() };
    let price = cell(3).map(|input| Price { rates: rates(input), ..Price::default() });
    let model = serde_json::json!({
        "id": id, "name": cells[1], "publisher": author, "provider": author, "upstream": "u",
        "protocol": "openai_chat_completions", "kind": kind, "status": "active",
        "aliases": if id == "openai/gpt-4" { vec!["gpt-4-0613"] } else { Vec::new() },
        "released": cell(2), "context_tokens": cell(5).map(|tokens| tokens.parse::<u64>().unwrap()),
        "input": if author == "meta" { vec!["text"] } else { vec!["text", "image"] },
        "output": if kind == "image" { vec!["image"] } else { vec!["text"] },
        "abilities": if author == "openai" { vec!["tools", "vision"] } else { vec!["tools"] },
        "lacks": [], "free": id == "meta/codellama-34b", "other_prices": [],
        "open_weights": author == "meta",
        "licence": (author == "meta").then_some("Llama 2 Community License (custom, under 700M users)"),
        "benchmarks": [],
    });
    let model = Model { price, ..serde_json::from_value(model).unwrap() };
    let sale = if model.price.is_some() { Sale::Open } else { Sale::Unpriced };
    Listing { model, sale, take: TakeRate::STANDARD, provider_name: author.to_owned() }
}

fn market() -> (Vec<Listing>, Index) {
    let listings: Vec<Listing> = MARKET.into_iter().map(listing).collect();
    let index = Index::new(&listings);
    (listings, index)
}

fn found(query: &str) -> (Vec<String>, Found) {
    let (listings, index) = market();
    let found = index.find(&Search::read(query), &listings, &unmeasured);
    (found.at.iter().map(|at| listings[*at].model.name.clone()).collect(), found)
}

fn names(query: &str) -> Vec<String> {
    found(query).0
}

fn counts(query: &str, facet: &str) -> Vec<(String, usize)> {
    found(query).1.facets.of(facet).iter().map(|facet| (facet.value.clone(), facet.count)).collect()
}

fn pairs<const N: usize>(expected: [(&str, usize); N]) -> Vec<(String, usize)> {
    expected.map(|(value, count)| (value.to_owned(), count)).to_vec()
}

#[test]
fn slips_of_the_finger_are_forgiven() {
    for (q, first) in [
        ("calude", "Claude Haiku 4.5"),
        ("gtp-4", "GPT-4"),
        ("mistrl", "Mistral Large"),
        ("lama 3", "Llama 3.3 70B"),
        ("gpt4", "GPT-4"),
        ("gpt 4 o mini", "GPT-4o Mini"),
        ("cla", "Claude Haiku 4.5"),
        ("clade haiku", "Claude Haiku 4.5"),
        ("stabel difusion", "Stable Diffusion XL"),
        ("GÉMINI 2,5", "Gemini 2.5 Pro"),
        ("gpt-4-0613", "GPT-4"),
    ] {
        assert_eq!(names(&format!("q={q}")).first().map(String::as_str), Some(first), "{q}");
    }
}

#[test]
fn the_name_itself_comes_before_its_beginnings_words_slips_and_what_is_said_besides() {
    let llama = names("q=llama");
    assert_eq!(llama.last().map(String::as_str), Some("CodeLlama 34B"), "within a word is least: {llama:?}");
    assert_eq!(names("q=gpt-4")[0], "GPT-4");
    assert_eq!(names("q=gpt-4+turbo")[0], "GPT-4 Turbo");
    // What is an ability of one and a name of none.
    assert_eq!(names("q=vision").len(), 7);
    assert_eq!(names("q=openai+mini")[..2], ["o3-mini", "GPT-4o Mini"]);
}

#[test]
fn what_is_no_word_finds_nothing_and_harms_nobody() {
    for q in ["%F0%9F%92%B0", "???!", "%D7%A9%D7%9C%D7%95%D7%9D", "%00", "%u202e", "a%20%CC%81"] {
        names(&format!("q={q}"));
    }
    assert!(names("q=%F0%9F%92%B0").is_empty() && names("q=there-is-no-such-model").is_empty());
    assert!(names(&format!("q={}", "x".repeat(10_000))).is_empty());
    assert_eq!(names(&format!("q={}", "gpt+".repeat(5_000))).len(), 6);
    assert_eq!(names("q=+++").len(), MARKET.len());
}

#[test]
fn a_choice_is_counted_with_all_others_but_not_with_its_own() {
    // Of all chat models, whoever made them: those of one maker do not narrow the makers.
    let makers = pairs([("openai", 7), ("meta", 3), ("anthropic", 2), ("google", 1), ("mistral", 1)]);
    assert_eq!(counts("kind=chat&author=openai", "author"), makers);
    assert_eq!(counts("kind=chat&author=openai", "kind"), pairs([("chat", 7)]));
    // A model must have all abilities that are chosen, so these narrow each other.
    assert_eq!(counts("capability=vision", "capability"), pairs([("tools", 7), ("vision", 7)]));
    assert_eq!(names("author=openai,google").len(), 8);
    assert_eq!(names("author=openai&author=GOOGLE").len(), 8);
    assert_eq!(names("capability=tools,vision").len(), 7);
    assert_eq!(
        counts("licence=open", "licence"),
        pairs([("proprietary", 13), ("llama-2-community-license", 3), ("open", 3)])
    );
}

#[test]
fn contexts_and_prices_are_counted_at_least_and_at_most() {
    let sizes = pairs([("32000", 11), ("128000", 11), ("200000", 5), ("1000000", 2)]);
    assert_eq!(counts("min_context=200000", "min_context"), sizes);
    assert_eq!(names("min_context=200000").len(), 5);
    assert_eq!(names("max_price=0"), ["CodeLlama 34B"], "an unknown price is not free");
    let cheap = counts("author=openai&max_price=1", "max_price");
    assert_eq!(cheap, pairs([("0", 0), ("1", 2), ("5", 5), ("15", 6), ("50", 7)]));
    assert_eq!(names("free=tokens").len(), 9);
}

#[test]
fn a_choice_that_nothing_has_finds_nothing_and_can_be_taken_back() {
    let (names, found) = found("provider=nobody&kind=chat");
    assert!(names.is_empty());
    assert_eq!(found.facets.of("provider").last(), Some(&Facet { value: "nobody".to_owned(), count: 0 }));
}

#[test]
fn what_is_unknown_comes_last_whichever_way_it_is_ordered() {
    assert_eq!(names("sort=name")[..2], ["Claude 2.1", "Claude Haiku 4.5"]);
    assert_eq!(names("sort=-name")[0], "Stable Diffusion XL");
    for sort in ["price", "-price", "output", "-output", "context", "-context", "newest", "-newest"] {
        let ordered = names(&format!("sort={sort}"));
        assert_eq!(ordered.len(), MARKET.len());
        assert_eq!(ordered.last().map(String::as_str), Some("Stable Diffusion XL"), "{sort}");
    }
    assert_eq!(
        (names("sort=price")[0].as_str(), names("sort=-price")[0].as_str()),
        ("CodeLlama 34B", "GPT-4")
    );
    assert_eq!(names("sort=context")[0], "Gemini 2.5 Pro");
    assert_eq!(names("sort=zzz"), names(""), "an order nobody knows is the usual one");
}

#[test]
fn what_was_measured_orders_those_it_was_measured_of() {
    let (listings, index) = market();
    let measure = |id: &ModelId| {
        let attempts = match id.slug() {
            "gpt-4" => 3,
            "gpt-4o" => 9,
            _ => return None,
        };
        Some(Measured { attempts, ..Measured::default() })
    };
    let first = |sort: &str| {
        let search = Search { sort: sort.to_owned(), ..Search::default() };
        let at = index.find(&search, &listings, &measure).at;
        (at.len(), at[..2].iter().map(|at| listings[*at].model.name.clone()).collect::<Vec<_>>())
    };
    assert_eq!(first("popular"), (16, vec!["GPT-4o".to_owned(), "GPT-4".to_owned()]));
    assert_eq!(first("-popular"), (16, vec!["GPT-4".to_owned(), "GPT-4o".to_owned()]));
}

#[test]
fn pages_follow_each_other_and_end() {
    let pages: Vec<String> = (1..=4).flat_map(|page| names(&format!("per_page=4&page={page}"))).collect();
    assert_eq!(pages, names(""));
    let (last, beyond) = found("per_page=4&page=4000000000");
    assert_eq!((last.len(), beyond.page, beyond.pages, beyond.total), (4, 4, 4, 16));
}

#[test]
fn the_browser_finds_what_the_server_finds_and_in_its_order() {
    let quick = Quick::read(market().1.quick());
    for q in ["gpt-4", "calude", "gtp-4", "lama 3", "vision", "openai mini", "70b", "zz", "", "💰"] {
        let told: Vec<String> = quick.find(q, 99).into_iter().map(|line| line.name.clone()).collect();
        let asked = if q.is_empty() { Vec::new() } else { names(&format!("q={q}")) };
        assert_eq!(told, asked, "{q}");
    }
    let line = quick.find("haiku", 1)[0].clone();
    assert_eq!(
        (line.id.as_str(), line.author.as_str(), line.context.as_str()),
        ("anthropic/claude-haiku-4-5", "Anthropic", "200k")
    );
    assert_eq!(line.price, "$1.4286 · $7.1429");
    assert_eq!(quick.find("a", 3).len(), 3);
}

/// One slip: a letter left out, put in, changed, or changed about with the next.
fn slip(name: &str, at: usize, letter: char, how: u8) -> String {
    let mut letters: Vec<char> = name.chars().collect();
    let at = at % letters.len();
    match how % 4 {
        0 => drop(letters.remove(at)),
        1 => letters.insert(at, letter),
        2 => letters[at] = letter,
        _ => {
            let next = (at + 1) % letters.len();
            letters.swap(at, next);
        }
    }
    letters.into_iter().collect()
}

proptest! {
    #[test]
    fn every_model_is_found_by_its_own_name_with_one_slip(of in 0..MARKET.len(), at in 0_usize..40, letter in "[a-z0-9 é-]", how in 0_u8..4) {
        let (listings, index) = market();
        let name = &listings[of].model.name;
        // The last and the first letter do not stand beside each other.
        let how = if how == 3 && at % name.chars().count() + 1 == name.chars().count() { 0 } else { how };
        let q = slip(name, at, letter.chars().next().unwrap(), how);
        // Of a name of three letters and less nothing is left after a slip.
        prop_assume!(q.chars().filter(|letter| letter.is_alphanumeric()).count() > 3);
        let found = index.find(&Search { q: q.clone(), ..Search::default() }, &listings, &unmeasured);
        prop_assert!(found.at.contains(&of), "{q} does not find {name}");
    }

    #[test]
    fn no_search_whatsoever_does_harm(query in ".{0,300}", q in ".{0,80}", page in any::<u32>(), per_page in any::<u32>()) {
        let (listings, index) = market();
        let quick = Quick::read(&query);
        let read = Search::read(&query);
        for search in [read, Search { q: q.clone(), page: Some(page), per_page: Some(per_page), ..Search::default() }] {
            let found = index.find(&search, &listings, &unmeasured);
            prop_assert!(found.at.len() <= found.total && found.page <= found.pages);
            prop_assert!(found.at.iter().all(|at| *at < listings.len()));
        }
        quick.find(&q, 8);
    }
}
