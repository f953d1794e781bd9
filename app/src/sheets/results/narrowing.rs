//! What narrows a search, in words, and the search without it.

use marketplace::model::publisher_name;
use marketplace::search::{Search, choices};

use super::PATH;
use crate::pages::words::{ability_name, kind_name, provider_name, status_name};
use crate::sheets::filters::{context_label, price_label};
use crate::sheets::words::{licence_label, modality_label};

/// One thing that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Narrowing {
    pub label: String,
    /// The address of the search without it.
    pub without: String,
    /// How many models that would find, where it was counted.
    pub brings: Option<usize>,
}

pub type Count<'a> = &'a dyn Fn(&Search) -> usize;
/// A facet of which several can be chosen: where the choices stand, and what they are called.
type Lists = [(fn(&mut Search) -> &mut String, fn(&str) -> String); 8];

const LISTS: Lists = [
    (|s| &mut s.kind, |kind| kind_name(kind).to_owned()),
    (|s| &mut s.capability, ability_name),
    (|s| &mut s.provider, provider_name),
    (|s| &mut s.author, |author| format!("by {}", publisher_name(author))),
    (|s| &mut s.input, |kind| format!("{} in", modality_label(kind))),
    (|s| &mut s.output, |kind| format!("{} out", modality_label(kind))),
    (|s| &mut s.licence, licence_label),
    (|s| &mut s.status, |status| status_name(status).to_owned()),
];

const WORDS_CHARS_MAX: usize = 40;

/// In the order in which they stand beside the list.
pub fn narrowings(search: &Search, count: Option<Count>) -> Vec<Narrowing> {
    let first = Search { page: None, ..search.clone() };
    let mut found = Vec::new();
    let mut note = |label: String, without: Search| {
        let brings = count.map(|count| count(&without));
        found.push(Narrowing { label, without: without.address(PATH), brings });
    };
    if !search.q.is_empty() {
        note(format!("“{}”", short(&search.q)), Search { q: String::new(), ..first.clone() });
    }
    for (list, label) in LISTS {
        let mut without = first.clone();
        let chosen = std::mem::take(list(&mut without));
        for choice in choices(&chosen) {
            let others: Vec<&str> = choices(&chosen).filter(|other| *other != choice).collect();
            *list(&mut without) = others.join(",");
            note(label(choice), without.clone());
        }
    }
    if let Some(least) = search.min_context {
        note(context_label(&least.to_string()), Search { min_context: None, ..first.clone() });
    }
    if !search.max_price.is_empty() {
        let label = match price_label(search.max_price.trim_start_matches('$')) {
            free if free == "Free" => free,
            most => format!("{most} / M in"),
        };
        note(label, Search { max_price: String::new(), ..first.clone() });
    }
    if !search.sale.is_empty() {
        note("For sale now".to_owned(), Search { sale: String::new(), ..first.clone() });
    }
    if !search.free.is_empty() {
        note("Takes free tokens".to_owned(), Search { free: String::new(), ..first });
    }
    found
}

/// As much of what somebody typed as a chip has room for.
fn short(words: &str) -> String {
    let mut short: String = words.chars().take(WORDS_CHARS_MAX).collect();
    if short.len() < words.len() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn removing_a_narrowing_returns_to_the_first_page() {
        let search = Search::read("kind=chat&q=gpt&page=3");
        let addresses: Vec<String> =
            narrowings(&search, None).into_iter().map(|narrowing| narrowing.without).collect();
        assert_eq!(addresses, ["/models?kind=chat", "/models?q=gpt"]);
    }

    #[test]
    fn each_choice_of_several_is_given_up_alone() {
        let search = Search::read("provider=openai&provider=google&max_price=0&free=tokens&view=table");
        let told = narrowings(&search, Some(&|search| search.provider.len()));
        let labels: Vec<&str> = told.iter().map(|narrowing| narrowing.label.as_str()).collect();
        assert_eq!(labels, ["OpenAI", "Google", "Free", "Takes free tokens"]);
        assert_eq!(told[0].without, "/models?provider=google&max_price=0&free=tokens&view=table");
        assert_eq!((told[0].brings, told[2].brings), (Some(6), Some(13)));
    }
}
