//! The rows of a comparison: what each model's value is, and which of them is best.

use marketplace::health::{HealthReport, OfferHealth};
use marketplace::model::{Kind, Listing, Model, publisher_name};
use marketplace::money::{Nanos, Rate, group};
use marketplace::price::Rates;

use crate::pages::model::calculator::{charge_for_text, charge_for_words};
use crate::pages::words::{ABILITIES, ability_name, capital, status_name};
use crate::sheets::health::{rough, uptime};
use crate::sheets::results::{buyer_nanos, known_rates};
use crate::sheets::words::day;

pub struct Group {
    pub title: &'static str,
    pub note: Option<String>,
    pub rows: Vec<Row>,
}

pub struct Row {
    pub name: String,
    pub cells: Vec<Cell>,
    better: Better,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Better {
    Less,
    More,
    Neither,
}

/// What one model has to say; `shown` is absent where it is unknown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cell {
    pub shown: Option<String>,
    pub beneath: Option<String>,
    value: Option<i128>,
}

impl Cell {
    fn text(shown: Option<String>) -> Self {
        Self { shown, ..Self::default() }
    }

    fn count(number: Option<u64>) -> Self {
        Self { shown: number.map(group), beneath: None, value: number.map(i128::from) }
    }
}

impl Row {
    fn new(name: impl Into<String>, better: Better, cells: Vec<Cell>) -> Self {
        Self { name: name.into(), cells, better }
    }

    /// Whether the models differ. What is unknown of all of them is no difference.
    pub fn differs(&self) -> bool {
        self.cells.windows(2).any(|pair| matches!(pair, [one, other] if one.shown != other.shown))
    }

    /// The best known value, if there is something to be better than.
    fn best(&self) -> Option<i128> {
        let known: Vec<i128> = self.cells.iter().filter_map(|cell| cell.value).collect();
        let (least, most) = (known.iter().min()?, known.iter().max()?);
        match self.better {
            _ if least == most => None,
            Better::Less => Some(*least),
            Better::More => Some(*most),
            Better::Neither => None,
        }
    }

    /// Says of a cell that it is best, in a word.
    pub fn praise(&self, cell: &Cell) -> Option<&'static str> {
        let is_best = cell.value.is_some() && cell.value == self.best();
        is_best.then_some(if self.better == Better::Less { "lowest" } else { "highest" })
    }

    fn is_known(&self) -> bool {
        self.cells.iter().any(|cell| cell.shown.is_some())
    }
}

/// Everything there is to compare. Rows of which nothing is known of anybody are left out.
pub fn groups(listings: &[Listing], health: Option<&HealthReport>) -> Vec<Group> {
    let group = |title, note: Option<&str>, rows: Vec<Row>| Group {
        title,
        note: note.map(str::to_owned),
        rows: rows.into_iter().filter(Row::is_known).collect(),
    };
    let mut groups = vec![
        group("Price", Some("Dollars you pay per million tokens, fee included"), prices(listings)),
        group("What a dollar buys", None, dollar(listings)),
        group("Limits", None, limits(listings)),
        group("Can do", None, abilities(listings)),
        group("Measured here, last 24 hours", None, measured(listings, health)),
        group("Scores from outside", Some("In per cent"), scores(listings)),
        group("Facts", None, facts(listings)),
    ];
    groups.retain(|group| !group.rows.is_empty());
    groups
}

fn row(
    name: impl Into<String>,
    better: Better,
    listings: &[Listing],
    cell: impl Fn(&Listing) -> Cell,
) -> Row {
    Row::new(name, better, listings.iter().map(cell).collect())
}

fn prices(listings: &[Listing]) -> Vec<Row> {
    type Component = (&'static str, fn(&Rates) -> Option<Rate>);
    const MORE: [Component; 4] = [
        ("Input read from cache", |rates| rates.cached_input),
        ("Input written to cache", |rates| rates.cache_write),
        ("Input written to cache for an hour", |rates| rates.cache_write_1h),
        ("Reasoning", |rates| rates.reasoning),
    ];
    let by_token = |listing: &Listing| {
        let price = listing.model.price.as_ref().filter(|price| price.output_unit.is_none());
        price.map(|price| price.rates)
    };
    let mut rows = vec![
        row("Input", Better::Less, listings, |listing| paid(listing, known_rates(&listing.model).0)),
        row("Output", Better::Less, listings, |listing| paid(listing, known_rates(&listing.model).1)),
    ];
    rows.extend(MORE.map(|(name, rate)| {
        row(name, Better::Less, listings, |listing| {
            paid(listing, by_token(listing).and_then(|rates| rate(&rates)))
        })
    }));
    rows.push(row("Once the input is long", Better::Neither, listings, |listing| {
        let long = listing.model.price.as_ref().and_then(|price| price.long_context.as_ref());
        let both = |rates: &Rates| {
            let [input, output] =
                [rates.input, rates.output].map(|rate| listing.take.on_rate(rate).per_million());
            format!("{input} in, {output} out")
        };
        Cell {
            shown: long.map(|long| both(&long.rates)),
            beneath: long.map(|long| format!("above {} tokens", group(long.above_input_tokens))),
            value: None,
        }
    }));
    rows.push(row("A picture", Better::Less, listings, |listing| piece(listing.buyer_picture())));
    rows.push(row("Other units", Better::Neither, listings, |listing| {
        let prices = listing.model.other_prices.iter();
        let told =
            prices.map(|price| format!("{} a {}", buyer_nanos(price, listing.take).cost(), price.unit));
        Cell::text(Some(told.collect::<Vec<_>>().join("; ")).filter(|text| !text.is_empty()))
    }));
    rows
}

/// What the buyer pays, and how that divides.
fn paid(listing: &Listing, rate: Option<Rate>) -> Cell {
    let Some(rate) = rate else { return Cell::default() };
    let paid = listing.take.on_rate(rate);
    let fee = Rate(paid.0 - rate.0);
    Cell {
        shown: Some(paid.per_million()),
        beneath: Some(if listing.model.free {
            "free of charge".to_owned()
        } else {
            format!("provider {} + fee {}", rate.per_million(), fee.per_million())
        }),
        value: Some(paid.0.into()),
    }
}

fn piece(each: Option<Nanos>) -> Cell {
    Cell { shown: each.map(Nanos::cost), beneath: None, value: each.map(|each| each.0.into()) }
}

fn dollar(listings: &[Listing]) -> Vec<Row> {
    const WORKS: [(&str, u64, u64); 3] = [
        ("Replies in a chat: 400 words in, 80 out", 400, 80),
        ("Pages written: 50 words in, 400 out", 50, 400),
        ("Summaries of 20 pages: 8,000 words in, 250 out", 8_000, 250),
    ];
    let rows = WORKS.map(|(name, words_in, words_out)| {
        row(name, Better::More, listings, |listing| {
            let (input, output) = known_rates(&listing.model);
            let price = listing.model.price.as_ref().filter(|_| input.is_some() && output.is_some());
            if listing.model.free && price.is_some() {
                return Cell::text(Some("no end: it is free".to_owned()));
            }
            let each = price.map(|price| charge_for_words(price, listing.take, words_in, words_out).charge);
            let count = each.and_then(|each| Nanos::from_usd(1).0.checked_div(each.0));
            Cell {
                beneath: each.map(|each| format!("{} each", each.cost())),
                ..Cell::count(count.map(i64::unsigned_abs))
            }
        })
    });
    let vectors = row("Pages made into vectors", Better::More, listings, |listing| {
        let is_embedding = listing.model.kind == Kind::Embedding;
        let price =
            listing.model.price.as_ref().filter(|_| is_embedding && known_rates(&listing.model).0.is_some());
        let each = price.map(|price| charge_for_text(price, listing.take, 400).charge);
        Cell::count(each.and_then(|each| Nanos::from_usd(1).0.checked_div(each.0)).map(i64::unsigned_abs))
    });
    let pictures = row("Pictures", Better::More, listings, |listing| {
        let each = listing.buyer_picture();
        Cell::count(each.and_then(|each| Nanos::from_usd(1).0.checked_div(each.0)).map(i64::unsigned_abs))
    });
    rows.into_iter().chain([vectors, pictures]).collect()
}

fn limits(listings: &[Listing]) -> Vec<Row> {
    type Limit = (&'static str, fn(&Model) -> Option<u64>);
    const LIMITS: [Limit; 4] = [
        ("Context, tokens", |model| model.context_tokens),
        ("Longest input, tokens", |model| model.max_input_tokens),
        ("Longest answer, tokens", |model| model.max_output_tokens),
        ("Dimensions", |model| model.embedding_dimensions),
    ];
    LIMITS
        .map(|(name, limit)| row(name, Better::More, listings, |listing| Cell::count(limit(&listing.model))))
        .into()
}

fn abilities(listings: &[Listing]) -> Vec<Row> {
    let rows = ABILITIES.iter().map(|(ability, _)| {
        row(capital(&ability_name(ability)), Better::Neither, listings, |listing| {
            let lacks = listing.model.lacks.iter().any(|lacking| lacking == ability);
            let known = if listing.model.can(ability) { Some("yes") } else { lacks.then_some("no") };
            Cell::text(known.map(str::to_owned))
        })
    });
    rows.collect()
}

fn measured(listings: &[Listing], health: Option<&HealthReport>) -> Vec<Row> {
    let of = |listing: &Listing| -> Option<&OfferHealth> {
        health?
            .offers()
            .find(|offer| offer.model == listing.model.id && offer.provider == listing.model.provider)
    };
    let roughly = |number: Option<u64>| Cell {
        shown: number.map(rough),
        beneath: None,
        // As it is shown, so that what looks equal is equal.
        value: number.map(rough).and_then(|text| text.replace(',', "").parse().ok()),
    };
    vec![
        row("Uptime, %", Better::More, listings, |listing| {
            let bps = of(listing).and_then(|offer| offer.measured.uptime_bps);
            Cell { shown: bps.map(uptime), beneath: None, value: bps.map(i128::from) }
        }),
        row("First token, ms", Better::Less, listings, |listing| {
            roughly(of(listing).and_then(|offer| offer.measured.first_token_ms).map(|spread| spread.p50))
        }),
        row("Tokens a second", Better::More, listings, |listing| {
            roughly(of(listing).and_then(|offer| offer.measured.tokens_per_second).map(|spread| spread.p50))
        }),
        row("Calls", Better::Neither, listings, |listing| {
            Cell::text(of(listing).map(|offer| group(offer.measured.attempts)))
        }),
    ]
}

fn scores(listings: &[Listing]) -> Vec<Row> {
    let mut names: Vec<&str> = Vec::new();
    for benchmark in listings.iter().flat_map(|listing| &listing.model.benchmarks) {
        if !names.contains(&benchmark.name.as_str()) {
            names.push(&benchmark.name);
        }
    }
    names.sort_unstable();
    let rows = names.into_iter().map(|name| {
        row(name, Better::More, listings, |listing| {
            let found = listing.model.benchmarks.iter().find(|benchmark| benchmark.name == name);
            let by = |is_own: bool| if is_own { "by its maker" } else { "by others" };
            Cell {
                shown: found.map(|benchmark| benchmark.score.clone()),
                beneath: found
                    .map(|benchmark| format!("{}; {}", by(benchmark.self_reported), benchmark.source)),
                value: found.and_then(|benchmark| benchmark.thousandths()).map(i128::from),
            }
        })
    });
    rows.collect()
}

fn facts(listings: &[Listing]) -> Vec<Row> {
    type Fact = (&'static str, fn(&Listing) -> Option<String>);
    const FACTS: [Fact; 11] = [
        ("Made by", |listing| Some(publisher_name(&listing.model.publisher))),
        ("Answered by", |listing| Some(listing.provider_name.clone())),
        ("Also sold by", |listing| {
            let others = listing.model.offers.iter().map(|offer| publisher_name(&offer.provider.0));
            Some(others.collect::<Vec<_>>().join(", ")).filter(|text| !text.is_empty())
        }),
        ("Status", |listing| Some(status_name(listing.model.status.as_str()).to_owned())),
        ("Retires", |listing| listing.model.retires.map(day)),
        ("Released", |listing| listing.model.released.clone()),
        ("Knows until", |listing| listing.model.knowledge_cutoff.clone()),
        ("Weights", |listing| {
            listing.model.open_weights.map(|open| if open { "open" } else { "closed" }.to_owned())
        }),
        ("Licence", |listing| listing.model.licence.clone()),
        ("Takes in", |listing| Some(listing.model.input.join(", ")).filter(|text| !text.is_empty())),
        ("Gives out", |listing| Some(listing.model.output.join(", ")).filter(|text| !text.is_empty())),
    ];
    FACTS.map(|(name, fact)| row(name, Better::Neither, listings, |listing| Cell::text(fact(listing)))).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sheets::samples::listing;

    fn find(groups: &[Group], name: &str) -> usize {
        groups.iter().flat_map(|group| &group.rows).position(|row| row.name.starts_with(name)).unwrap()
    }

    fn row_of(listings: &[Listing], name: &str) -> Row {
        let groups = groups(listings, None);
        let at = find(&groups, name);
        groups.into_iter().flat_map(|group| group.rows).nth(at).unwrap()
    }

    fn praised(row: &Row) -> Vec<Option<&'static str>> {
        row.cells.iter().map(|cell| row.praise(cell)).collect()
    }

    #[test]
    fn the_lowest_price_and_the_longest_context_are_marked() {
        let mut listings = [listing("a/one", 700_000_000, 1), listing("b/two", 1_400_000_000, 1)];
        listings[0].model.context_tokens = Some(8_000);
        listings[1].model.context_tokens = Some(9_000);
        let price = row_of(&listings, "Input");
        assert_eq!(praised(&price), [Some("lowest"), None]);
        assert_eq!(price.cells[0].shown.as_deref(), Some("$1.0000"));
        assert_eq!(price.cells[0].beneath.as_deref(), Some("provider $0.7000 + fee $0.3000"));
        assert_eq!(praised(&row_of(&listings, "Context")), [None, Some("highest")]);
    }

    #[test]
    fn what_is_unknown_is_neither_best_nor_a_reason_to_praise_the_other() {
        let mut listings = [listing("a/one", 1_000, 1_000), listing("b/two", 1_000, 1_000)];
        listings[0].model.context_tokens = Some(8_000);
        let context = row_of(&listings, "Context");
        assert!(context.differs());
        assert_eq!(praised(&context), [None, None]);
        assert_eq!(context.cells[1].shown, None);
    }

    #[test]
    fn equals_are_no_difference_and_nobody_is_best() {
        let listings = [listing("a/one", 1_000_000, 1_000_000), listing("a/two", 1_000_000, 1_000_000)];
        let price = row_of(&listings, "Output");
        assert!(!price.differs());
        assert_eq!(praised(&price), [None, None]);
    }

    #[test]
    fn a_dollar_buys_as_much_as_the_ledger_would_charge() {
        // 400 words are 607 tokens and 80 are 120: 727 tokens at one dollar a million, fee included.
        let listings = [listing("a/one", 700_000_000, 700_000_000)];
        let replies = row_of(&listings, "Replies");
        assert_eq!(replies.cells[0].beneath.as_deref(), Some("$0.000727 each"));
        assert_eq!(replies.cells[0].shown.as_deref(), Some("1,375"));
    }

    #[test]
    fn rows_of_which_nothing_is_known_are_left_out() {
        let groups = groups(&[listing("a/one", 1_000, 1_000)], None);
        let titles: Vec<&str> = groups.iter().map(|group| group.title).collect();
        assert_eq!(titles, ["Price", "What a dollar buys", "Facts"]);
        assert!(groups.iter().flat_map(|group| &group.rows).all(|row| row.name != "Retires"));
    }
}
