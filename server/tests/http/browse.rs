//! The catalogue page: search, filters with counts, orders, list and table, all in the address and without scripts.

use engine::Actor;
use marketplace::query::escape;

use crate::support::{Answer, Market};

/// Drawn once, and written down once more for the browser to wake.
const PAGE_BYTES_MAX: usize = 160_000;

/// A market that has found what stands on its own machine already, so that no count changes meanwhile.
async fn open() -> Market {
    let market = Market::open().await;
    market.engine.find_local_models(&Actor::Operator).await.unwrap();
    market
}

async fn page(market: &Market, query: &str) -> String {
    Answer::to(market.get(&format!("/models{query}"))).await.expect(200).text
}

/// The ids of the models that a page shows, in its order.
fn shown(page: &str) -> Vec<String> {
    let found = page.split_once(r#"id="found-title""#).unwrap().1;
    let found = found.split_once("<script").map_or(found, |(found, _)| found);
    let mut ids = Vec::new();
    for link in found.split(r#"href="/models/"#).skip(1) {
        let id = link.split(['"', '#']).next().unwrap().to_owned();
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    ids
}

/// How many models the filters say that a choice would leave; `None` where it is not offered.
fn count(page: &str, name: &str, value: &str) -> Option<usize> {
    let panel = page.split_once("filters-panel").unwrap().1;
    let boxes = panel.split("<label").filter(|one| one.contains(&format!(r#"name="{name}""#)));
    let mut mine = boxes.filter(|one| one.contains(&format!(r#"value="{value}""#)));
    let number = mine.next()?.split_once(r#"class="num""#)?.1.split_once('>')?.1.split_once('<')?.0;
    number.trim().parse().ok()
}

/// How many models the page says it has found.
fn total(page: &str) -> usize {
    let told = page.split_once(r#"<p role="status">"#).unwrap().1.split_once('<').unwrap().0;
    told.split(' ').next().unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn misspelt_names_are_found_and_the_right_one_comes_first() {
    let market = open().await;
    for (q, first) in [
        ("calude+haiku+4.5", "anthropic/claude-haiku-4-5"),
        ("gtp-5-mini", "openai/gpt-5-mini"),
        ("GPT5MINI", "openai/gpt-5-mini"),
        ("gpt-4", "openai/gpt-4"),
    ] {
        let found = shown(&page(&market, &format!("?q={q}")).await);
        assert_eq!(found.first().map(String::as_str), Some(first), "{q}: {found:?}");
    }
    for (q, family) in [("mistrl", "mistral"), ("lama+3", "llama-3"), ("calude", "claude")] {
        let found = shown(&page(&market, &format!("?q={q}")).await);
        assert!(found.first().is_some_and(|id| id.to_lowercase().contains(family)), "{q}: {found:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_model_of_the_catalogue_is_found_by_its_name_with_a_letter_missing() {
    let market = open().await;
    let all = Answer::to(market.get("/api/v1/models")).await.expect(200).json();
    for model in all["data"].as_array().unwrap() {
        let name = model["name"].as_str().unwrap();
        let at = name.chars().count() / 2;
        let slipped: String =
            name.chars().enumerate().filter(|(place, _)| *place != at).map(|(_, c)| c).collect();
        let request = market.get(&format!("/api/v1/models?q={}", escape(&slipped)));
        let found = Answer::to(request).await.expect(200).json();
        let found = found["data"].as_array().unwrap().iter().any(|other| other["id"] == model["id"]);
        assert!(found, "{slipped} does not find {name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_choice_leaves_as_many_as_it_said() {
    let market = open().await;
    let all = page(&market, "").await;
    for (name, value) in [
        ("kind", "embedding"),
        ("provider", "mistral"),
        ("author", "meta"),
        ("input", "audio"),
        ("output", "image"),
        ("capability", "reasoning"),
        ("licence", "open"),
        ("licence", "apache-2.0"),
        ("status", "retired"),
        ("min_context", "1000000"),
        ("max_price", "1"),
        ("max_price", "0"),
        ("sale", "open"),
        ("free", "tokens"),
    ] {
        let said = count(&all, name, value).unwrap_or_else(|| panic!("{name}={value} is not offered"));
        let chosen = page(&market, &format!("?{name}={value}")).await;
        assert_eq!(total(&chosen), said, "{name}={value}");
        assert!(said > 0 && said < total(&all), "{name}={value} leaves {said}");
    }
    // Choices of one kind add up, and do not narrow each other's counts.
    let two = page(&market, "?provider=openai&provider=anthropic").await;
    let sum = count(&all, "provider", "openai").unwrap() + count(&all, "provider", "anthropic").unwrap();
    assert_eq!(total(&two), sum);
    assert_eq!(count(&two, "provider", "google"), count(&all, "provider", "google"));
    assert!(two.matches(r#"value="openai" checked"#).count() >= 1 && two.contains("OpenAI"), "{two}");
    // Abilities narrow each other.
    let able = page(&market, "?capability=tools,vision").await;
    assert!(total(&able) < count(&all, "capability", "vision").unwrap());
    assert_eq!(count(&able, "capability", "tools"), Some(total(&able)));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_chosen_is_a_chip_that_takes_it_away_and_no_result_says_what_to_give_up() {
    let market = open().await;
    let chosen = page(&market, "?provider=openai,google&max_price=5&q=mini").await;
    for wanted in [
        r#"href="/models?q=mini&amp;provider=google&amp;max_price=5""#,
        r#"href="/models?provider=openai,google&amp;max_price=5""#,
        r#"href="/models?q=mini&amp;provider=openai,google""#,
        "Clear all",
        "≤ $5 / M in",
    ] {
        assert!(chosen.contains(wanted), "{wanted} is missing in {chosen}");
    }
    let none = page(&market, "?provider=anthropic&kind=image").await;
    assert!(shown(&none).is_empty() && none.contains("No model is all of that"), "{none}");
    let images = total(&page(&market, "?kind=image").await);
    assert!(none.contains(&format!("({images})")), "giving up the maker brings {images} back: {none}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_is_ordered_by_its_headings_and_fetched_as_a_file() {
    let market = open().await;
    let table = page(&market, "?view=table&author=anthropic&sort=price").await;
    assert!(
        table.contains(r#"aria-sort="ascending""#) && table.matches(r#"aria-sort=""#).count() == 1,
        "{table}"
    );
    assert!(table.contains(r#"href="/models?author=anthropic&amp;sort=-price&amp;view=table""#), "{table}");
    assert!(table.contains(r#"href="/models?author=anthropic&amp;sort=context&amp;view=table""#), "{table}");
    let turned = page(&market, "?view=table&author=anthropic&sort=-price").await;
    assert!(turned.contains(r#"aria-sort="descending""#), "{turned}");
    assert_ne!(shown(&table)[0], shown(&turned)[0]);

    let file =
        Answer::to(market.get("/models.csv?author=anthropic&sort=price&page=2&view=table")).await.expect(200);
    assert!(file.header("content-type").starts_with("text/csv"));
    let ids: Vec<&str> = file.text.lines().skip(1).map(|line| line.split(',').next().unwrap()).collect();
    assert_eq!(ids, shown(&table), "the whole selection in the order of the table");
    let columns = file.text.lines().next().unwrap().split(',').count();
    let haiku = file.text.lines().find(|line| line.starts_with("anthropic/claude-haiku-4-5,")).unwrap();
    assert_eq!(haiku.split(',').count(), columns, "{haiku}");
    assert!(
        haiku.contains(",1.428571429,7.142857143,"),
        "prices as they are paid, to the last digit: {haiku}"
    );
    let all = Answer::to(market.get("/models.csv")).await.expect(200).text;
    assert_eq!(all.lines().count(), 1 + total(&page(&market, "").await));
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_a_list_hold_every_model_once() {
    let market = open().await;
    let first = page(&market, "").await;
    let (total, mut seen, mut number) = (total(&first), Vec::new(), 1);
    while seen.len() < total && number < 50 {
        seen.extend(shown(&page(&market, &format!("?page={number}")).await));
        number += 1;
    }
    seen.sort();
    let many = seen.len();
    seen.dedup();
    assert_eq!((seen.len(), many), (total, total));
    let last = shown(&page(&market, "?page=999999999").await);
    assert_eq!(last, shown(&page(&market, &format!("?page={}", number - 1)).await));
}

#[tokio::test(flavor = "multi_thread")]
async fn odd_addresses_are_answered_with_a_sensible_page() {
    let market = open().await;
    let all = total(&page(&market, "").await);
    let long = "x".repeat(10_000);
    for odd in [
        "?page=-1",
        "?page=99999999999999999999",
        "?sort=zzz",
        "?view=3d",
        "?min_context=-5",
        "?min_context=lots",
        "?max_price=cheap",
        "?max_price=-1",
        "?per_page=0",
        "?per_page=-7",
        "?nobody=knows&this=",
        "?sale=perhaps",
        "?&&&=&%",
        "?kind=",
        "?kind=,,,",
    ] {
        assert_eq!(total(&page(&market, odd).await), all, "{odd}");
    }
    for nothing in [
        "?q=%F0%9F%92%B0",
        "?q=%3F%3F%3F",
        "?q=%00",
        "?q=%D7%9E%D7%95%D7%93%D7%9C",
        "?q=%E2%80%AE",
        "?kind=telepathy",
        "?provider=%3Cscript%3Ealert(1)%3C/script%3E",
        "?capability=tools,telepathy",
        "?licence=%27%20or%201=1",
        "?min_context=999999999999",
    ] {
        let told = page(&market, nothing).await;
        assert!(total(&told) == 0 && told.contains("No model is all of that"), "{nothing}: {told}");
        assert!(!told.contains("<script>alert"), "{told}");
        // Within the field itself they turn nothing else around.
        let found = told.split_once("found-title").unwrap().1.split("<script").next().unwrap();
        assert!(!found.contains(['\0', '\u{202e}']), "{found}");
    }
    page(&market, &format!("?q={long}")).await;
    page(&market, &format!("?{}", "kind=chat&".repeat(1_000))).await;
    // Programs are not refused either.
    for odd in ["page=-1&per_page=x", "min_context=abc", "kind=chat&kind=image", "sort=zzz"] {
        Answer::to(market.get(&format!("/api/v1/models?{odd}"))).await.expect(200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn browsers_fetch_a_small_file_to_suggest_from_and_not_twice() {
    let market = open().await;
    let file = Answer::to(market.get("/models-index.txt")).await.expect(200);
    let all = total(&page(&market, "").await);
    assert_eq!(file.text.lines().count(), all);
    assert!(file.text.len() < 300 * all, "{} bytes", file.text.len());
    let line = file.text.lines().find(|line| line.starts_with("anthropic/claude-haiku-4-5\t")).unwrap();
    assert!(line.contains("\tAnthropic\t$1.4286 · $7.1429\t200k\t"), "{line}");
    let again = market.get("/models-index.txt").header("if-none-match", file.header("etag"));
    let again = Answer::to(again).await.expect(304);
    assert!(again.text.is_empty());
    assert_eq!(file.header("cache-control"), "public, max-age=60");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_the_list_does_not_grow_with_the_catalogue() {
    let market = open().await;
    let (list, table) = (page(&market, "").await.len(), page(&market, "?view=table").await.len());
    assert!(list < PAGE_BYTES_MAX && table < PAGE_BYTES_MAX, "{list} and {table} bytes");
}
