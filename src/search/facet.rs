//! By what a search can be narrowed, and how many models each choice would leave.

use std::collections::BTreeMap;

use serde::Serialize;

use super::bits::Bits;
use super::{Search, choices};
use crate::allowance::takes_free_tokens;
use crate::model::{Kind, Listing, Model, Status};
use crate::money::Rate;

/// Every facet's choices by its name. What was chosen in a facet does not narrow that facet's own counts, unless a model
/// must have all that is chosen of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(transparent)]
pub struct Facets(BTreeMap<&'static str, Vec<Facet>>);

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Facet {
    pub value: String,
    pub count: usize,
}

/// Least sizes of a context window that can be chosen.
const CONTEXTS: [u64; 4] = [32_000, 128_000, 200_000, 1_000_000];
/// Most dollars per million input tokens that can be chosen.
const PRICES: [i64; 5] = [0, 1, 5, 15, 50];

/// Whether a model has one of what is chosen, or all of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rule {
    Any,
    All,
}

/// All that can be narrowed by, counted out once for a catalogue.
#[derive(Clone, Debug, Default)]
pub(super) struct Groups {
    size: usize,
    groups: Vec<Group>,
    contexts: Vec<Option<u64>>,
    prices: Vec<Option<Rate>>,
}

#[derive(Clone, Debug)]
struct Group {
    name: &'static str,
    rule: Rule,
    chosen: fn(&Search) -> String,
    values: Vec<(String, Bits)>,
}

type Values = fn(&Listing) -> Vec<String>;

impl Facets {
    pub fn of(&self, name: &str) -> &[Facet] {
        self.0.get(name).map(Vec::as_slice).unwrap_or_default()
    }
}

impl Groups {
    pub fn new(listings: &[Listing]) -> Self {
        let mut groups = Self {
            size: listings.len(),
            groups: Vec::new(),
            contexts: listings.iter().map(|listing| listing.model.context_tokens).collect(),
            prices: listings.iter().map(Listing::known_input).collect(),
        };
        let text = str::to_owned;
        let mut add = |name, rule, chosen, values: Values| {
            let values = groups.sort_out(listings, values);
            groups.groups.push(Group { name, rule, chosen, values });
        };
        add("kind", Rule::Any, |s| s.kind.clone(), |l| vec![l.model.kind.as_str().to_owned()]);
        add("provider", Rule::Any, |s| s.provider.clone(), providers);
        add("author", Rule::Any, |s| s.author.clone(), |l| vec![l.model.publisher.clone()]);
        add("input", Rule::All, |s| s.input.clone(), |l| l.model.input.clone());
        add("output", Rule::All, |s| s.output.clone(), |l| l.model.output.clone());
        add("capability", Rule::All, |s| s.capability.clone(), |l| l.model.abilities.clone());
        add("licence", Rule::Any, |s| s.licence.clone(), |l| licences(&l.model));
        add("status", Rule::Any, |s| s.status.clone(), |l| vec![l.model.status.as_str().to_owned()]);
        add(
            "sale",
            Rule::Any,
            |s| s.sale.clone(),
            |l| l.sale.is_open().then(|| "open".to_owned()).into_iter().collect(),
        );
        add(
            "free",
            Rule::Any,
            |s| s.free.clone(),
            |l| takes_allowance(l).then(|| "tokens".to_owned()).into_iter().collect(),
        );
        groups.in_order("kind", &Kind::ALL.map(Kind::as_str).map(text));
        groups.in_order("status", &Status::ALL.map(Status::as_str).map(text));
        groups
    }

    /// The models of each value, in the order in which the values come.
    fn sort_out(&self, listings: &[Listing], values: Values) -> Vec<(String, Bits)> {
        let mut sorted: BTreeMap<String, Bits> = BTreeMap::new();
        for (at, listing) in listings.iter().enumerate() {
            for value in values(listing) {
                sorted.entry(value).or_insert_with(|| Bits::none(self.size)).add(at);
            }
        }
        let mut sorted: Vec<(String, Bits)> = sorted.into_iter().collect();
        sorted.sort_by_key(|(_, bits)| std::cmp::Reverse(bits.count()));
        sorted
    }

    fn in_order(&mut self, name: &str, order: &[String]) {
        let group = self.groups.iter_mut().find(|group| group.name == name);
        if let Some(group) = group {
            group.values.sort_by_key(|(value, _)| order.iter().position(|known| known == value));
        }
    }

    /// What passes all that is chosen of `named`, and how many each choice would leave.
    pub fn narrow(&self, search: &Search, named: Bits) -> (Bits, Facets) {
        let sets: Vec<Option<Bits>> =
            self.groups.iter().map(|group| group.passing(search, self.size)).collect();
        let context = search.min_context.map(|least| self.with_context(least));
        let price = search.price_most().map(|most| self.within_price(most));
        let every: Vec<&Option<Bits>> = sets.iter().chain([&context, &price]).collect();
        let passing = |without: Option<usize>| {
            let mut left = named.clone();
            let others = every.iter().enumerate().filter(|(at, _)| Some(*at) != without);
            others.filter_map(|(_, set)| set.as_ref()).for_each(|set| left.and(set));
            left
        };
        let mut facets = BTreeMap::new();
        let left = passing(None);
        // What narrows nothing of itself is counted in what is left, which is there already.
        let around = |at: usize| {
            if every.get(at).is_some_and(|set| set.is_some()) { passing(Some(at)) } else { left.clone() }
        };
        for (at, group) in self.groups.iter().enumerate() {
            let around = if group.rule == Rule::All { left.clone() } else { around(at) };
            facets.insert(group.name, group.count(search, &around));
        }
        let (context_at, price_at) = (sets.len(), sets.len() + 1);
        let counted = |value: String, count: usize| Facet { value, count };
        let (without_context, without_price) = (around(context_at), around(price_at));
        let sizes = CONTEXTS
            .iter()
            .map(|least| counted(least.to_string(), self.with_context(*least).count_with(&without_context)));
        facets.insert("min_context", sizes.collect());
        let prices = PRICES.iter().map(|most| {
            let rate = Rate(most * crate::money::NANOS_PER_USD);
            counted(most.to_string(), self.within_price(rate).count_with(&without_price))
        });
        facets.insert("max_price", prices.collect());
        (left, Facets(facets))
    }

    fn with_context(&self, least: u64) -> Bits {
        let known = self.contexts.iter().enumerate();
        Bits::of(
            self.size,
            known.filter(|(_, tokens)| tokens.is_some_and(|tokens| tokens >= least)).map(|(at, _)| at),
        )
    }

    fn within_price(&self, most: Rate) -> Bits {
        let known = self.prices.iter().enumerate();
        Bits::of(self.size, known.filter(|(_, rate)| rate.is_some_and(|rate| rate <= most)).map(|(at, _)| at))
    }
}

impl Group {
    /// What passes the choices made here; `None` where none was made.
    fn passing(&self, search: &Search, size: usize) -> Option<Bits> {
        let chosen = (self.chosen)(search);
        let mut sets = choices(&chosen).map(|choice| self.models(choice));
        let first = sets.next()?;
        // What nothing is called leaves nothing.
        let mut passing = first.cloned().unwrap_or_else(|| Bits::none(size));
        for set in sets {
            match (self.rule, set) {
                (Rule::Any, Some(set)) => passing.or(set),
                (Rule::Any, None) => {}
                (Rule::All, Some(set)) => passing.and(set),
                (Rule::All, None) => passing = Bits::none(size),
            }
        }
        Some(passing)
    }

    fn models(&self, choice: &str) -> Option<&Bits> {
        self.values.iter().find(|(value, _)| value.eq_ignore_ascii_case(choice)).map(|(_, bits)| bits)
    }

    /// Choices that would leave something, and those made: one that vanished could not be taken back.
    fn count(&self, search: &Search, around: &Bits) -> Vec<Facet> {
        let chosen = (self.chosen)(search);
        let is_chosen = |value: &str| choices(&chosen).any(|choice| choice.eq_ignore_ascii_case(value));
        let known = self
            .values
            .iter()
            .map(|(value, bits)| Facet { value: value.clone(), count: bits.count_with(around) });
        let mut facets: Vec<Facet> =
            known.filter(|facet| facet.count > 0 || is_chosen(&facet.value)).collect();
        let unknown = choices(&chosen).filter(|choice| self.models(choice).is_none());
        facets.extend(unknown.map(|value| Facet { value: value.to_owned(), count: 0 }));
        facets
    }
}

fn providers(listing: &Listing) -> Vec<String> {
    let others = listing.model.offers.iter().map(|offer| &offer.provider);
    std::iter::once(&listing.model.provider).chain(others).map(|provider| provider.0.clone()).collect()
}

/// Whether weights are open, and the licence where it is known.
fn licences(model: &Model) -> Vec<String> {
    let weights = match model.open_weights {
        Some(true) => Some("open".to_owned()),
        Some(false) => Some("proprietary".to_owned()),
        None => None,
    };
    let licence =
        model.licence.as_deref().map(|licence| licence_name(licence).to_lowercase().replace([' ', ','], "-"));
    weights.into_iter().chain(licence).collect()
}

/// A licence without what is said of it in brackets.
pub fn licence_name(licence: &str) -> &str {
    licence.split('(').next().unwrap_or(licence).trim()
}

/// Whether the month's free tokens pay for it: they do for chats that are not dear.
fn takes_allowance(listing: &Listing) -> bool {
    listing.model.kind == Kind::Chat
        && listing.sale.is_open()
        && listing.model.price.as_ref().is_some_and(takes_free_tokens)
}
