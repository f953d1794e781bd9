//! A catalogue made ready for searches: its words, what it can be narrowed by and its orders, all worked out once.

use std::cmp::Reverse;

use super::bits::Bits;
use super::facet::Groups;
use super::words::{Text, Words};
use super::{Found, Measure, PER_PAGE_MAX, Search, quick};
use crate::model::{Listing, publisher_name};

const PER_PAGE: u32 = 24;

/// Made of listings, and good for those alone.
#[derive(Clone, Debug, Default)]
pub struct Index {
    size: usize,
    words: Words,
    groups: Groups,
    /// What is usually shown first: for sale, then newest.
    usual: Vec<usize>,
    /// How early each is usually shown.
    usual_place: Vec<usize>,
    orders: Vec<(&'static str, Vec<usize>)>,
    quick: String,
}

impl Index {
    pub fn new(listings: &[Listing]) -> Self {
        let usual = usual(listings);
        let mut usual_place = vec![0; listings.len()];
        for (place, at) in usual.iter().enumerate() {
            if let Some(of) = usual_place.get_mut(*at) {
                *of = place;
            }
        }
        let mut orders = Vec::new();
        let mut add = |name, reverse, key: fn(&Listing) -> Option<Key>| {
            orders.push((name, ordered(listings, &usual, reverse, key)));
        };
        add("name", false, |listing| Some(Key::Text(listing.model.name.to_lowercase())));
        add("-name", true, |listing| Some(Key::Text(listing.model.name.to_lowercase())));
        add("price", false, input);
        add("-price", true, input);
        add("output", false, output);
        add("-output", true, output);
        add("context", true, context);
        add("-context", false, context);
        add("newest", true, |listing| listing.model.released.clone().map(Key::Text));
        add("-newest", false, |listing| listing.model.released.clone().map(Key::Text));
        let words = Words::of(listings.iter().map(text));
        let (groups, quick) = (Groups::new(listings), quick::write(&usual, listings));
        Self { size: listings.len(), words, groups, usual, usual_place, orders, quick }
    }

    /// Everything that matches, in order, cut to one page when one is asked for.
    pub fn find(&self, search: &Search, listings: &[Listing], measure: Measure) -> Found {
        self.find_among(None, search, listings, measure)
    }

    /// The same among some of them.
    pub fn find_among(
        &self,
        some: Option<&[usize]>,
        search: &Search,
        listings: &[Listing],
        measure: Measure,
    ) -> Found {
        let words = search.q.trim();
        let points = (!words.is_empty()).then(|| self.words.find(words));
        let mut named = match &points {
            Some(points) => Bits::of(self.size, points.iter().map(|(at, _)| *at)),
            None => Bits::all(self.size),
        };
        if let Some(some) = some {
            named.and(&Bits::of(self.size, some.iter().copied()));
        }
        let (left, facets) = self.groups.narrow(search, named);
        let total = left.count();
        let per_page = search.per_page.unwrap_or(if search.page.is_some() { PER_PAGE } else { PER_PAGE_MAX });
        let per_page = per_page.max(1);
        let pages = u32::try_from(total).unwrap_or(u32::MAX).div_ceil(per_page).max(1);
        let page = search.page.unwrap_or(1).clamp(1, pages);
        let skipped = (page - 1) as usize * per_page as usize;
        let cut = |order: &[usize]| -> Vec<usize> {
            order.iter().copied().filter(|at| left.has(*at)).skip(skipped).take(per_page as usize).collect()
        };
        let at = match (self.order(search), self.measured(search, listings, measure), points) {
            (Some(order), ..) => cut(order),
            (None, Some(order), _) => cut(&order),
            (None, None, Some(points)) => cut(&self.by_points(points)),
            (None, None, None) => cut(&self.usual),
        };
        Found { at, total, page, pages, facets }
    }

    /// The file for [`quick::Quick`]: all there are in a few kilobytes, in the usual order.
    pub fn quick(&self) -> &str {
        &self.quick
    }

    fn order(&self, search: &Search) -> Option<&[usize]> {
        self.orders.iter().find(|(name, _)| *name == search.sort).map(|(_, order)| order.as_slice())
    }

    fn by_points(&self, mut points: Vec<(usize, u32)>) -> Vec<usize> {
        points.sort_unstable_by_key(|(at, points)| (Reverse(*points), self.usual_place.get(*at)));
        points.into_iter().map(|(at, _)| at).collect()
    }

    /// An order that goes by what was measured; `None` where none is asked for. Of equals the usual comes first.
    fn measured(&self, search: &Search, listings: &[Listing], measure: Measure) -> Option<Vec<usize>> {
        let (sort, is_reverse) = search.order();
        let key = |listing: &Listing| {
            let measured = measure(&listing.model.id)?;
            match sort {
                "latency" => Some(measured.first_token_ms?.p50),
                "speed" => Some(measured.tokens_per_second?.p50),
                _ => Some(measured.attempts),
            }
        };
        // Fast and often come first.
        let is_high_first = match sort {
            "latency" => is_reverse,
            "speed" | "popular" => !is_reverse,
            _ => return None,
        };
        Some(ordered(listings, &self.usual, is_high_first, key))
    }
}

/// What listings are ordered by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Number(u64),
    Rates(i64, Option<i64>),
    Text(String),
}

fn usual(listings: &[Listing]) -> Vec<usize> {
    let mut order: Vec<(usize, &Listing)> = listings.iter().enumerate().collect();
    order.sort_by(|(_, a), (_, b)| {
        let is_open = |listing: &Listing| Reverse(listing.sale.is_open());
        is_open(a)
            .cmp(&is_open(b))
            .then_with(|| b.model.released.cmp(&a.model.released))
            .then_with(|| a.model.id.cmp(&b.model.id))
    });
    order.into_iter().map(|(at, _)| at).collect()
}

fn ordered<K: Ord>(
    listings: &[Listing],
    usual: &[usize],
    is_high_first: bool,
    key: impl Fn(&Listing) -> Option<K>,
) -> Vec<usize> {
    let keyed = usual.iter().filter_map(|at| Some((*at, key(listings.get(*at)?))));
    let mut keyed: Vec<(usize, Option<K>)> = keyed.collect();
    keyed.sort_by(|(_, a), (_, b)| {
        let order = if is_high_first { b.cmp(a) } else { a.cmp(b) };
        a.is_none().cmp(&b.is_none()).then(order)
    });
    keyed.into_iter().map(|(at, _)| at).collect()
}

fn input(listing: &Listing) -> Option<Key> {
    Some(Key::Rates(listing.known_input()?.0, listing.known_output().map(|rate| rate.0)))
}

fn output(listing: &Listing) -> Option<Key> {
    Some(Key::Rates(listing.known_output()?.0, listing.known_input().map(|rate| rate.0)))
}

fn context(listing: &Listing) -> Option<Key> {
    listing.model.context_tokens.map(Key::Number)
}

/// What a model is found by.
pub(super) fn text(listing: &Listing) -> Text {
    let model = &listing.model;
    let ids = [model.name.as_str(), model.id.slug(), model.id.as_str()];
    let names = ids.into_iter().chain(model.aliases.iter().map(String::as_str)).map(str::to_owned).collect();
    Text { names, rest: rest(listing) }
}

/// What is said of a model besides its names.
pub(super) fn rest(listing: &Listing) -> String {
    let model = &listing.model;
    let mut said = vec![
        publisher_name(&model.publisher),
        model.publisher.clone(),
        listing.provider_name.clone(),
        model.kind.as_str().to_owned(),
    ];
    said.extend(model.every_offer().map(|offer| offer.provider.0));
    said.extend(model.abilities.iter().cloned());
    said.extend(model.licence.clone());
    if model.open_weights == Some(true) {
        said.push("open weights".to_owned());
    }
    if model.free {
        said.push("free".to_owned());
    }
    said.join(" ")
}
