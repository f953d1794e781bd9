//! A search as it stands in the address, and back.

use std::fmt::Write;

use super::{PER_PAGE_MAX, Search, choices};
use crate::query::{Query, escape};

/// Every choice becomes a link that holds all the others.
const CHOICES_MAX: usize = 12;
const CHOICE_BYTES_MAX: usize = 100;

impl Search {
    /// Reads a search as forms and links write it. What makes no sense is as if it were not there.
    pub fn read(query: &str) -> Self {
        let query = Query::parse(query);
        let text = |name: &str| query.text(name).to_owned();
        // A form writes the name anew for each box that is ticked.
        let list = |name: &str| listed(query.all(name).flat_map(choices));
        let search = Self {
            q: text("q"),
            provider: list("provider"),
            author: list("author"),
            kind: list("kind"),
            input: list("input"),
            output: list("output"),
            capability: list("capability"),
            licence: list("licence"),
            status: list("status"),
            min_context: text("min_context").parse().ok().filter(|least| *least > 0),
            max_price: text("max_price"),
            sale: text("sale"),
            free: text("free"),
            sort: text("sort"),
            view: text("view"),
            page: text("page").parse().ok().filter(|page| *page > 0),
            per_page: text("per_page")
                .parse()
                .ok()
                .filter(|many| *many > 0)
                .map(|many: u32| many.min(PER_PAGE_MAX)),
        };
        search.sensible()
    }

    fn sensible(mut self) -> Self {
        if self.price_most().is_none() {
            self.max_price.clear();
        }
        for (value, only) in
            [(&mut self.sale, "open"), (&mut self.free, "tokens"), (&mut self.view, super::TABLE)]
        {
            if value != only {
                value.clear();
            }
        }
        self
    }

    /// Its address below `path`; what says nothing is left out.
    pub fn address(&self, path: &str) -> String {
        let number = |number: Option<u64>| number.map(|number| number.to_string()).unwrap_or_default();
        let page = self.page.filter(|page| *page > 1);
        let (least, page) = (number(self.min_context), number(page.map(u64::from)));
        let per_page = number(self.per_page.map(u64::from));
        let fields = [
            ("q", &self.q),
            ("kind", &self.kind),
            ("capability", &self.capability),
            ("provider", &self.provider),
            ("author", &self.author),
            ("input", &self.input),
            ("output", &self.output),
            ("licence", &self.licence),
            ("status", &self.status),
            ("min_context", &least),
            ("max_price", &self.max_price),
            ("sale", &self.sale),
            ("free", &self.free),
            ("sort", &self.sort),
            ("view", &self.view),
            ("per_page", &per_page),
            ("page", &page),
        ];
        let mut address = path.to_owned();
        let mut joint = '?';
        for (name, value) in fields.into_iter().filter(|(_, value)| !value.is_empty()) {
            // Writing into a string cannot fail.
            let _ = write!(address, "{joint}{name}={}", escape(value));
            joint = '&';
        }
        address
    }
}

/// Each choice once. What is longer than any of ours is none, and nobody means that many at once.
fn listed<'a>(all: impl Iterator<Item = &'a str>) -> String {
    let mut listed: Vec<&str> = Vec::new();
    for choice in all.filter(|choice| choice.len() <= CHOICE_BYTES_MAX) {
        if listed.len() < CHOICES_MAX && !listed.iter().any(|known| known.eq_ignore_ascii_case(choice)) {
            listed.push(choice);
        }
    }
    listed.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_says_only_what_narrows() {
        let search = Search { q: "gpt 5&é".to_owned(), page: Some(1), ..Search::default() };
        assert_eq!(search.address("/models"), "/models?q=gpt%205%26%C3%A9");
        assert_eq!(Search::default().address("/models"), "/models");
    }

    #[test]
    fn a_search_is_read_as_it_was_written() {
        let written = "/models?q=a&kind=chat,image&capability=tools,vision&min_context=128000&max_price=1.5&sort=-price&view=table&page=3";
        let (path, query) = written.split_once('?').unwrap();
        assert_eq!(Search::read(query).address(path), written);
    }

    #[test]
    fn boxes_that_are_ticked_become_a_list() {
        let read = Search::read("provider=openai&provider=&provider=google%2C+xai&q=+gpt++");
        assert_eq!((read.provider.as_str(), read.q.as_str()), ("openai,google,xai", "gpt"));
    }

    #[test]
    fn no_address_makes_a_page_of_endless_links() {
        let many: String =
            (0..5_000).map(|number| format!("provider=p{number},P{number},{}&", "x".repeat(200))).collect();
        let read = Search::read(&many);
        assert_eq!(choices(&read.provider).count(), CHOICES_MAX);
        assert!(read.provider.starts_with("p0,p1,p2,"), "{}", read.provider);
    }

    #[test]
    fn nonsense_is_as_if_it_were_not_there() {
        let odd =
            "page=-1&per_page=0&min_context=lots&max_price=-3&sale=yes&free=beer&view=3d&unknown=%ff&&=&%";
        assert_eq!(Search::read(odd), Search::default());
    }
}
