//! Which models stand side by side, as the address says, and how that address is written.

use marketplace::model::{Kind, Listing};

use crate::sheets::query::Query;
use marketplace::query::escape;

pub const MODELS_MAX: usize = 4;

#[derive(Clone, Debug, Default)]
pub struct Chosen {
    pub listings: Vec<Listing>,
    pub unknown: Vec<String>,
    /// How many more were named than fit.
    pub left_out: usize,
}

/// The address of a comparison.
pub fn address<'a>(ids: impl Iterator<Item = &'a str>, only_differences: bool) -> String {
    let ids: Vec<String> = ids.map(escape).collect();
    let models = if ids.is_empty() { String::new() } else { format!("?models={}", ids.join(",")) };
    let rows = if only_differences && !ids.is_empty() { "&rows=differences" } else { "" };
    format!("/compare{models}{rows}")
}

impl Chosen {
    /// Nothing where there is nothing to compare.
    pub fn title(&self) -> Option<String> {
        let names: Vec<&str> = self.listings.iter().map(|listing| listing.model.name.as_str()).collect();
        (names.len() > 1).then(|| names.join(" or "))
    }

    /// Models by id, alias or, as somebody types it, by whatever names one best.
    pub fn read(query: &Query, all: &[Listing]) -> Self {
        let mut chosen = Self::default();
        let named = query.all("models").flat_map(|value| value.split(',')).map(str::trim);
        for name in named.filter(|name| !name.is_empty()) {
            match find(all, name) {
                None => chosen.unknown.push(name.to_owned()),
                Some(listing) if chosen.has(listing) => {}
                Some(_) if chosen.listings.len() == MODELS_MAX => chosen.left_out += 1,
                Some(listing) => chosen.listings.push(listing.clone()),
            }
        }
        chosen.unknown.truncate(MODELS_MAX);
        chosen
    }

    pub fn ids(&self) -> Vec<String> {
        self.listings.iter().map(|listing| listing.model.id.to_string()).collect()
    }

    fn has(&self, listing: &Listing) -> bool {
        self.listings.iter().any(|one| one.model.id == listing.model.id)
    }

    /// What is worth a look beside those chosen: for sale, of the same kind, by somebody else first, newest first.
    pub fn suggestions(&self, all: &[Listing], most: usize) -> Vec<Listing> {
        let kind = self.listings.first().map_or(Kind::Chat, |listing| listing.model.kind);
        let publishers: Vec<&str> =
            self.listings.iter().map(|listing| listing.model.publisher.as_str()).collect();
        let mut others: Vec<&Listing> = all
            .iter()
            .filter(|other| other.sale.is_open() && other.model.kind == kind && !self.has(other))
            .collect();
        others.sort_by_key(|other| {
            let is_known = publishers.contains(&other.model.publisher.as_str());
            (is_known, std::cmp::Reverse(other.model.released.clone()))
        });
        let mut suggested: Vec<Listing> = Vec::new();
        for other in others {
            let is_new = suggested.iter().all(|one| one.model.publisher != other.model.publisher);
            if is_new && suggested.len() < most {
                suggested.push(other.clone());
            }
        }
        suggested
    }
}

/// Comparisons to begin with: the newest of three makers, and the cheapest of three others.
pub fn sets(all: &[Listing]) -> Vec<Vec<Listing>> {
    let open = |listing: &&Listing| {
        listing.sale.is_open() && listing.model.kind == Kind::Chat && !listing.model.free
    };
    let mut newest: Vec<&Listing> = all.iter().filter(open).collect();
    newest.sort_by_key(|listing| std::cmp::Reverse(listing.model.released.clone()));
    let mut cheapest: Vec<&Listing> = all.iter().filter(open).collect();
    cheapest
        .sort_by_key(|listing| listing.buyer_rates().map(|(input, output)| input.0.saturating_add(output.0)));
    let sets = [newest, cheapest].map(|sorted| {
        let mut set: Vec<Listing> = Vec::new();
        for listing in sorted {
            if set.len() < 3 && set.iter().all(|one| one.model.publisher != listing.model.publisher) {
                set.push(listing.clone());
            }
        }
        set
    });
    sets.into_iter().filter(|set| set.len() > 1).collect()
}

fn find<'a>(all: &'a [Listing], name: &str) -> Option<&'a Listing> {
    let is_id = |listing: &&Listing| listing.model.id.as_str() == name;
    let wanted = name.to_lowercase();
    let is_called = |listing: &&Listing| {
        let model = &listing.model;
        model.name.to_lowercase() == wanted
            || model.id.as_str().rsplit('/').next() == Some(wanted.as_str())
            || model.aliases.iter().any(|alias| alias.to_lowercase() == wanted)
    };
    let words: Vec<&str> = wanted.split_whitespace().collect();
    let sounds_so = |listing: &&Listing| {
        let text = format!("{} {}", listing.model.name.to_lowercase(), listing.model.id);
        words.iter().all(|word| text.contains(word))
    };
    let better = |listing: &&Listing| (listing.sale.is_open(), std::cmp::Reverse(listing.model.name.len()));
    all.iter()
        .find(is_id)
        .or_else(|| all.iter().find(is_called))
        .or_else(|| all.iter().filter(sounds_so).max_by_key(better))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sheets::samples::listing;

    fn all() -> Vec<Listing> {
        [
            "openai/gpt-5",
            "openai/gpt-5-mini",
            "anthropic/claude-9",
            "google/gemini-9",
            "mistral/large-9",
            "xai/grok-9",
        ]
        .map(|id| listing(id, 1_000_000_000, 2_000_000_000))
        .to_vec()
    }

    fn read(query: &str) -> Chosen {
        Chosen::read(&Query::parse(query), &all())
    }

    #[test]
    fn models_are_named_by_id_or_as_people_type_them() {
        let chosen = read("models=openai/gpt-5-mini,CLAUDE-9&models=gem+9");
        assert_eq!(chosen.ids(), ["openai/gpt-5-mini", "anthropic/claude-9", "google/gemini-9"]);
        assert_eq!(chosen.left_out, 0);
    }

    #[test]
    fn a_model_stands_once_and_four_are_enough() {
        let chosen = read("models=gpt-5,gpt-5,gpt-5-mini,claude-9,gemini-9,large-9,grok-9,nobody");
        assert_eq!(chosen.ids().len(), MODELS_MAX);
        assert_eq!((chosen.left_out, chosen.unknown), (2, vec!["nobody".to_owned()]));
    }

    #[test]
    fn an_address_leads_back_to_the_same_comparison() {
        let chosen = read("models=gpt-5,grok-9");
        let ids = chosen.ids();
        let written = address(ids.iter().map(String::as_str), true);
        assert_eq!(written, "/compare?models=openai/gpt-5,xai/grok-9&rows=differences");
        assert_eq!(read(written.split_once('?').unwrap().1).ids(), ids);
        assert_eq!(address([].into_iter(), true), "/compare");
    }

    #[test]
    fn suggestions_are_by_others_and_each_by_somebody_else() {
        let suggested = read("models=gpt-5").suggestions(&all(), 3);
        let publishers: Vec<&str> = suggested.iter().map(|one| one.model.publisher.as_str()).collect();
        assert_eq!(publishers, ["anthropic", "google", "mistral"]);
    }
}
