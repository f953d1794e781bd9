//! A search as it stands in the address, and back.

use std::fmt::Write;

use marketplace::model::{publisher_name, short_count};
use marketplace::search::Search;

use super::words::{ability_name, kind_name, provider_name, status_name};

pub const PER_PAGE: u32 = 24;

/// Reads a search out of anything that knows values by name: an address or a form.
pub fn read(value: impl Fn(&str) -> Option<String>) -> Search {
    let text = |name: &str| value(name).unwrap_or_default().trim().to_owned();
    Search {
        q: text("q"),
        provider: text("provider"),
        author: text("author"),
        kind: text("kind"),
        input: text("input"),
        output: text("output"),
        capability: text("capability"),
        status: text("status"),
        min_context: text("min_context").parse().ok(),
        max_price: text("max_price"),
        sale: text("sale"),
        sort: text("sort"),
        page: Some(text("page").parse().unwrap_or(1)),
        per_page: Some(PER_PAGE),
    }
}

/// The address of a search; what says nothing is left out.
pub fn write(search: &Search) -> String {
    let least = search.min_context.map(|tokens| tokens.to_string()).unwrap_or_default();
    let page = search.page.filter(|page| *page > 1).map(|page| page.to_string()).unwrap_or_default();
    let fields = [
        ("q", &search.q),
        ("kind", &search.kind),
        ("capability", &search.capability),
        ("provider", &search.provider),
        ("author", &search.author),
        ("input", &search.input),
        ("output", &search.output),
        ("status", &search.status),
        ("min_context", &least),
        ("max_price", &search.max_price),
        ("sale", &search.sale),
        ("sort", &search.sort),
        ("page", &page),
    ];
    let mut address = String::from("/models");
    for (name, value) in fields.into_iter().filter(|(_, value)| !value.is_empty()) {
        let joint = if address.contains('?') { '&' } else { '?' };
        let _ = write!(address, "{joint}{name}={}", escape(value));
    }
    address
}

/// What narrows the search, in words, and the search without it.
pub fn narrowings(search: &Search) -> Vec<(String, Search)> {
    let first = Search { page: None, ..search.clone() };
    let mut found = Vec::new();
    let mut note = |is_set: bool, label: String, without: Search| {
        if is_set {
            found.push((label, without));
        }
    };
    let s = search;
    note(!s.q.is_empty(), format!("“{}”", s.q), Search { q: String::new(), ..first.clone() });
    note(!s.kind.is_empty(), kind_name(&s.kind).to_owned(), Search { kind: String::new(), ..first.clone() });
    note(
        !s.capability.is_empty(),
        ability_name(&s.capability),
        Search { capability: String::new(), ..first.clone() },
    );
    note(
        !s.provider.is_empty(),
        provider_name(&s.provider),
        Search { provider: String::new(), ..first.clone() },
    );
    note(
        !s.author.is_empty(),
        format!("by {}", publisher_name(&s.author)),
        Search { author: String::new(), ..first.clone() },
    );
    note(!s.input.is_empty(), format!("{} in", s.input), Search { input: String::new(), ..first.clone() });
    note(
        !s.output.is_empty(),
        format!("{} out", s.output),
        Search { output: String::new(), ..first.clone() },
    );
    note(
        !s.status.is_empty(),
        status_name(&s.status).to_owned(),
        Search { status: String::new(), ..first.clone() },
    );
    let least = s.min_context.map(short_count).unwrap_or_default();
    note(
        s.min_context.is_some(),
        format!("≥ {least} context"),
        Search { min_context: None, ..first.clone() },
    );
    let most = s.max_price.trim_start_matches('$');
    note(
        !s.max_price.is_empty(),
        format!("≤ ${most} / M in"),
        Search { max_price: String::new(), ..first.clone() },
    );
    note(s.sale == "open", "For sale now".to_owned(), Search { sale: String::new(), ..first.clone() });
    found
}

/// Percent-encoding that is the same on both sides of the wire; the router's own differs.
fn escape(value: &str) -> String {
    value.bytes().fold(String::new(), |mut text, byte| {
        if byte.is_ascii_alphanumeric() || b"-_.~/:".contains(&byte) {
            text.push(char::from(byte));
        } else {
            let _ = write!(text, "%{byte:02X}");
        }
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_says_only_what_narrows() {
        let search = Search { q: "gpt 5&é".to_owned(), page: Some(1), ..Search::default() };
        assert_eq!(write(&search), "/models?q=gpt%205%26%C3%A9");
        assert_eq!(write(&Search::default()), "/models");
    }

    #[test]
    fn removing_a_narrowing_returns_to_the_first_page() {
        let search =
            Search { kind: "chat".to_owned(), q: "gpt".to_owned(), page: Some(3), ..Search::default() };
        let addresses: Vec<String> = narrowings(&search).iter().map(|(_, without)| write(without)).collect();
        assert_eq!(addresses, ["/models?kind=chat", "/models?q=gpt"]);
    }
}
