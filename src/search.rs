//! Finding models: one filter and one order for the page, the API and the browser.

use serde::{Deserialize, Serialize};

use crate::id::ProviderId;
use crate::model::{Kind, Listing, Status};
use crate::money::Rate;

/// What somebody looks for. Every field is as it stands in the address; nonsense is ignored, not refused.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
#[serde(default)]
pub struct Search {
    pub q: String,
    pub provider: String,
    pub author: String,
    pub kind: String,
    pub input: String,
    pub output: String,
    pub capability: String,
    pub status: String,
    pub min_context: Option<u64>,
    /// Dollars per million input tokens, commission included.
    pub max_price: String,
    /// `open` leaves out what cannot be bought here now.
    pub sale: String,
    pub sort: String,
    pub page: Option<u32>,
    pub per_page: Option<u32>,
}

/// One page of what was found.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Found {
    pub listings: Vec<Listing>,
    pub total: usize,
    pub page: u32,
    pub pages: u32,
    pub facets: Facets,
}

/// How many models each choice would leave, counted over everything that matches the words.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Facets {
    pub kind: Vec<Facet>,
    pub provider: Vec<Facet>,
    pub author: Vec<Facet>,
    pub capability: Vec<Facet>,
    pub status: Vec<Facet>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Facet {
    pub value: String,
    pub count: usize,
}

pub const SORTS: [(&str, &str); 5] = [
    ("", "Relevance"),
    ("price", "Price, low first"),
    ("-price", "Price, high first"),
    ("context", "Context, long first"),
    ("newest", "Newest"),
];

const PER_PAGE_MAX: u32 = 500;

impl Search {
    /// Everything that matches, in order, cut to one page when one is asked for.
    pub fn run(&self, all: &[Listing]) -> Found {
        let words: Vec<String> =
            self.q.to_lowercase().split_whitespace().take(16).map(str::to_owned).collect();
        let named: Vec<(u32, &Listing)> =
            all.iter().filter_map(|listing| rank(listing, &words).map(|rank| (rank, listing))).collect();
        let mut found: Vec<(u32, &Listing)> =
            named.iter().filter(|(_, listing)| self.keeps(listing)).copied().collect();
        found.sort_by(|a, b| self.order(a, b));
        let total = found.len();
        let per_page = self
            .per_page
            .unwrap_or(if self.page.is_some() { 24 } else { PER_PAGE_MAX })
            .clamp(1, PER_PAGE_MAX);
        let pages = u32::try_from(total).unwrap_or(u32::MAX).div_ceil(per_page).max(1);
        let page = self.page.unwrap_or(1).clamp(1, pages);
        let skipped = (page - 1) as usize * per_page as usize;
        let listings = found
            .iter()
            .skip(skipped)
            .take(per_page as usize)
            .map(|(_, listing)| (*listing).clone())
            .collect();
        Found { listings, total, page, pages, facets: facets(named.iter().map(|(_, listing)| *listing)) }
    }

    fn keeps(&self, listing: &Listing) -> bool {
        let model = &listing.model;
        let is = |wanted: &str, value: &str| wanted.is_empty() || wanted.eq_ignore_ascii_case(value);
        let has = |wanted: &str, values: &[String]| {
            wanted.is_empty() || values.iter().any(|v| v.eq_ignore_ascii_case(wanted))
        };
        let sells = |provider: &ProviderId| is(&self.provider, &provider.0);
        (sells(&model.provider) || model.offers.iter().any(|offer| sells(&offer.provider)))
            && is(&self.author, &model.publisher)
            && is(&self.kind, model.kind.as_str())
            && is(&self.status, model.status.as_str())
            && has(&self.input, &model.input)
            && has(&self.output, &model.output)
            && has(&self.capability, &model.abilities)
            && (self.sale != "open" || listing.sale.is_open())
            && self.min_context.is_none_or(|least| model.context_tokens.is_some_and(|tokens| tokens >= least))
            && Rate::parse_usd(&self.max_price)
                .ok()
                .is_none_or(|most| listing.buyer_rates().is_some_and(|(input, _)| input <= most))
    }

    fn order(&self, (rank_a, a): &(u32, &Listing), (rank_b, b): &(u32, &Listing)) -> std::cmp::Ordering {
        let price =
            |listing: &Listing| listing.buyer_rates().map(|(input, output)| input.0.saturating_add(output.0));
        let buyable = |listing: &Listing| !listing.sale.is_open();
        let known_first = |x: Option<i64>, y: Option<i64>| x.is_none().cmp(&y.is_none());
        let order = match self.sort.as_str() {
            "price" => known_first(price(a), price(b)).then(price(a).cmp(&price(b))),
            "-price" => known_first(price(a), price(b)).then(price(b).cmp(&price(a))),
            "context" => b.model.context_tokens.cmp(&a.model.context_tokens),
            "newest" => b.model.released.cmp(&a.model.released),
            _ => rank_b
                .cmp(rank_a)
                .then(buyable(a).cmp(&buyable(b)))
                .then(b.model.released.cmp(&a.model.released)),
        };
        order.then_with(|| a.model.id.cmp(&b.model.id))
    }
}

/// How well a listing answers the words: `None` when one of them is nowhere in it.
fn rank(listing: &Listing, words: &[String]) -> Option<u32> {
    let model = &listing.model;
    let (name, id) = (model.name.to_lowercase(), model.id.as_str().to_lowercase());
    let rest = format!(
        "{} {} {} {}",
        model.publisher,
        listing.provider_name,
        model.kind.as_str(),
        model.abilities.join(" ")
    )
    .to_lowercase();
    words.iter().try_fold(0, |sum, word| {
        let score = if name == *word || id == *word {
            16
        } else if name.starts_with(word.as_str()) {
            8
        } else if name.contains(word.as_str()) || id.contains(word.as_str()) {
            4
        } else if rest.contains(word.as_str()) {
            1
        } else {
            return None;
        };
        Some(sum + score)
    })
}

fn facets<'a>(listings: impl Iterator<Item = &'a Listing> + Clone) -> Facets {
    let count = |values: fn(&'a Listing) -> Vec<&'a str>| {
        let mut counted: Vec<Facet> = Vec::new();
        for value in listings.clone().flat_map(values) {
            match counted.iter_mut().find(|facet| facet.value == value) {
                Some(facet) => facet.count += 1,
                None => counted.push(Facet { value: value.to_owned(), count: 1 }),
            }
        }
        counted.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.value.cmp(&b.value)));
        counted
    };
    Facets {
        kind: in_order(count(|l| vec![l.model.kind.as_str()]), &Kind::ALL.map(Kind::as_str)),
        provider: count(|l| {
            let others = l.model.offers.iter().map(|offer| &offer.provider);
            std::iter::once(&l.model.provider).chain(others).map(|provider| provider.0.as_str()).collect()
        }),
        author: count(|l| vec![&l.model.publisher]),
        capability: count(|l| l.model.abilities.iter().map(String::as_str).collect()),
        status: in_order(count(|l| vec![l.model.status.as_str()]), &Status::ALL.map(Status::as_str)),
    }
}

fn in_order(mut facets: Vec<Facet>, order: &[&str]) -> Vec<Facet> {
    facets.sort_by_key(|facet| order.iter().position(|value| *value == facet.value));
    facets
}
