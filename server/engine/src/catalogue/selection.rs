//! What a search found, among the models as they were when it was made.

use std::collections::HashMap;

use marketplace::health::{HealthReport, Measured};
use marketplace::id::ModelId;
use marketplace::model::Listing;
use marketplace::search::{Found, Search};

use super::Listings;
use crate::{Actor, Engine};

/// One page of models. What changes later is not seen.
#[derive(Clone, Debug)]
pub struct Selection {
    all: Listings,
    pub found: Found,
}

/// How each model does at whom it is asked most.
#[derive(Clone, Debug, Default)]
pub struct Measures<'a>(HashMap<&'a ModelId, &'a Measured>);

impl<'a> Measures<'a> {
    pub fn new(report: &'a HealthReport) -> Self {
        let mut measures: HashMap<&ModelId, &Measured> = HashMap::new();
        for offer in report.vendors.iter().flat_map(|vendor| &vendor.offers) {
            let most = measures.entry(&offer.model).or_insert(&offer.measured);
            if offer.measured.attempts > most.attempts {
                *most = &offer.measured;
            }
        }
        Self(measures)
    }

    pub fn of(&self, id: &ModelId) -> Option<Measured> {
        self.0.get(id).map(|measured| **measured)
    }
}

impl Selection {
    pub fn iter(&self) -> impl Iterator<Item = &Listing> {
        self.found.at.iter().filter_map(|at| self.all.get(*at))
    }

    pub fn to_vec(&self) -> Vec<Listing> {
        self.iter().cloned().collect()
    }
}

impl Listings {
    /// The places of those that a caller may ask by any of their names.
    fn open_to(&self, actor: &Actor) -> Vec<usize> {
        let may_ask = |name: &str| ModelId::parse(name).is_ok_and(|name| actor.asks(&name));
        self.0.by_name.iter().filter(|(name, _)| may_ask(name)).map(|(_, named)| named.at).collect()
    }
}

impl Engine {
    /// What matches, of what the caller may ask: everything, but for a key that is kept to certain models.
    pub fn search_models(&self, actor: &Actor, search: &Search) -> Selection {
        self.search_measured(actor, search, &Measures::default())
    }

    /// The same, and orders that go by what was measured know it.
    pub fn search_measured(&self, actor: &Actor, search: &Search, measures: &Measures) -> Selection {
        let all = self.listings(actor);
        let open = actor.is_kept_to_models().then(|| all.open_to(actor));
        let found = all.index().find_among(open.as_deref(), search, &all, &|id| measures.of(id));
        Selection { all, found }
    }

    /// All there is in a few kilobytes, for browsers that suggest while somebody types.
    pub fn quick_index(&self, actor: &Actor) -> String {
        self.listings(actor).index().quick().to_owned()
    }
}
