//! A search as it stands in the address, and back.

use std::fmt::Write;

use marketplace::search::Search;

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

/// Percent-encoding that is the same on both sides of the wire; the router's own differs.
pub fn escape(value: &str) -> String {
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
}
