//! The catalogue in a few kilobytes, so that a browser finds the first results without asking anybody.

use super::index::{rest, text};
use super::words::{Text, Words};
use crate::model::{Listing, publisher_name, short_count};

/// What does not fit is found by the server alone, so that the file does not grow with the catalogue.
const LINES_MAX: usize = 1_000;

/// The file as it was read.
#[derive(Clone, Debug, Default)]
pub struct Quick {
    words: Words,
    lines: Vec<Line>,
}

/// What is shown of a model at once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    pub id: String,
    pub name: String,
    pub author: String,
    /// As a buyer pays it, in and out, in words.
    pub price: String,
    pub context: String,
}

impl Line {
    fn of(listing: &Listing) -> Self {
        let model = &listing.model;
        let price = match (listing.known_input(), listing.known_output()) {
            _ if model.free => "free".to_owned(),
            _ if !listing.sale.is_open() => "not for sale".to_owned(),
            (Some(input), Some(output)) => format!("{} · {}", input.per_million(), output.per_million()),
            (Some(input), None) => input.per_million(),
            _ => listing.buyer_picture().map(|each| format!("{} a picture", each.cost())).unwrap_or_default(),
        };
        Self {
            id: model.id.to_string(),
            name: model.name.clone(),
            author: publisher_name(&model.publisher),
            price,
            context: model.context_tokens.map(short_count).unwrap_or_default(),
        }
    }
}

/// A model a line, in the order given; tabs between what is told of it.
pub(super) fn write(order: &[usize], listings: &[Listing]) -> String {
    let mut file = String::new();
    for listing in order.iter().take(LINES_MAX).filter_map(|at| listings.get(*at)) {
        let line = Line::of(listing);
        let aliases = text(listing).names.split_off(3).join(" ");
        let cells = [line.id, line.name, line.author, line.price, line.context, aliases, rest(listing)];
        // A name may be anything; a line is a line.
        let cells = cells.map(|cell| cell.replace(['\t', '\n', '\r'], " "));
        file.push_str(&cells.join("\t"));
        file.push('\n');
    }
    file
}

impl Quick {
    pub fn read(file: &str) -> Self {
        let mut lines = Vec::new();
        let texts = file.lines().map(|line| {
            let mut cells = line.split('\t').map(str::to_owned);
            let mut cell = || cells.next().unwrap_or_default();
            let line = Line { id: cell(), name: cell(), author: cell(), price: cell(), context: cell() };
            let slug = line.id.split_once('/').map_or("", |(_, slug)| slug).to_owned();
            let mut names = vec![line.name.clone(), slug, line.id.clone()];
            names.extend(cell().split(' ').map(str::to_owned));
            lines.push(line);
            Text { names, rest: cell() }
        });
        let words = Words::of(texts);
        Self { words, lines }
    }

    /// The best of what is found, as the server would order it.
    pub fn find(&self, q: &str, most: usize) -> Vec<&Line> {
        let mut found = self.words.find(q);
        let mut best = Vec::new();
        while best.len() < most
            // Of equals the first line.
            && let Some(place) = (0..found.len()).rev().max_by_key(|place| found.get(*place).map(|(_, points)| *points))
        {
            let (at, _) = found.remove(place);
            best.extend(self.lines.get(at));
        }
        best
    }
}
