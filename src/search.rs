//! Finding models: one search for the page, the API, files and the browser.

mod address;
mod bits;
mod facet;
mod index;
pub mod quick;
mod words;
#[cfg(test)]
mod tests;

use crate::health::Measured;
use crate::id::ModelId;
use crate::money::Rate;

pub use self::facet::{Facet, Facets, licence_name};
pub use self::index::Index;

/// What somebody looks for. Every field is as it stands in the address; nonsense is ignored, not refused.
///
/// Several choices of one kind are written with commas between them. A model has one of them, or, where a model can have
/// many at once (`input`, `output`, `capability`), all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
// The description learns from these words that every field may be left out; addresses are read by `Search::read`.
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams, serde::Deserialize), serde(default))]
pub struct Search {
    pub q: String,
    pub provider: String,
    pub author: String,
    pub kind: String,
    pub input: String,
    pub output: String,
    pub capability: String,
    /// `open` for open weights, `proprietary`, or the short name of a licence.
    pub licence: String,
    pub status: String,
    pub min_context: Option<u64>,
    /// Dollars per million input tokens, commission included; `0` for what is free.
    pub max_price: String,
    /// `open` leaves out what cannot be bought here now.
    pub sale: String,
    /// `tokens` leaves out what takes no free tokens of the month.
    pub free: String,
    pub sort: String,
    /// `table`, or a list.
    pub view: String,
    pub page: Option<u32>,
    pub per_page: Option<u32>,
}

/// One page of what was found, as places in what was searched.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    pub at: Vec<usize>,
    pub total: usize,
    pub page: u32,
    pub pages: u32,
    pub facets: Facets,
}

/// What the calls made here tell of a model, for orders that go by it.
pub type Measure<'a> = &'a dyn Fn(&ModelId) -> Option<Measured>;

/// Where nothing was measured.
pub fn unmeasured(_: &ModelId) -> Option<Measured> {
    None
}

/// Ways to order, each with what it is called. A minus turns it around; what is unknown comes last either way.
pub const SORTS: [(&str, &str); 10] = [
    ("", "Best match"),
    ("name", "Name"),
    ("price", "Input price, low first"),
    ("-price", "Input price, high first"),
    ("output", "Output price, low first"),
    ("context", "Context, long first"),
    ("newest", "Newest"),
    ("latency", "First token, fast first"),
    ("speed", "Tokens a second, fast first"),
    ("popular", "Most called here"),
];

/// How many models one page may have, whoever asks for it.
pub const PER_PAGE_MAX: u32 = 500;

pub const TABLE: &str = "table";

impl Search {
    /// The most that a model may cost, where that was said so that it means anything.
    fn price_most(&self) -> Option<Rate> {
        Rate::parse_usd(&self.max_price).ok()
    }

    /// The sort without the minus before it, and whether there was one.
    fn order(&self) -> (&str, bool) {
        self.sort.strip_prefix('-').map_or((self.sort.as_str(), false), |sort| (sort, true))
    }

    pub fn is_table(&self) -> bool {
        self.view == TABLE
    }
}

/// The choices of a list with commas between them.
pub fn choices(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(str::trim).filter(|choice| !choice.is_empty())
}
