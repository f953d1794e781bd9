//! A rate as the buyer reads it, and never a zero where it is unknown.

use leptos::prelude::*;
use marketplace::model::{LaterPrice, Listing};
use marketplace::money::{Nanos, Rate};

use super::words::beginning;

/// A rate per million tokens.
#[component]
pub fn Price(rate: Option<Rate>) -> impl IntoView {
    match rate {
        Some(rate) => view! { <span class="num">{rate.per_million()}</span> }.into_any(),
        None => view! {
            <span class="num unknown" title="unknown">
                <span aria-hidden="true">"—"</span>
                <span class="visually-hidden">"unknown"</span>
            </span>
        }
        .into_any(),
    }
}

/// What it is to cost next: `From 1 Jan 2027: $0.3572 in, $2.8572 out`.
pub fn next_price(listing: &Listing) -> Option<String> {
    let LaterPrice { from, price, free } = listing.model.later.first()?;
    let paid = |rate| listing.take.on_rate(rate);
    let told = match price.picture() {
        _ if *free => "free of charge".to_owned(),
        Some(each) => format!("{} a picture", Nanos(paid(Rate(each.0)).0).cost()),
        None => {
            let [input, output] =
                [price.rates.input, price.rates.output].map(|rate| paid(rate).per_million());
            format!("{input} in, {output} out")
        }
    };
    Some(format!("From {}: {told}", beginning(*from)))
}

#[cfg(test)]
mod tests {
    use marketplace::price::{Price, Rates};

    use super::*;
    use crate::sheets::samples::listing;

    #[test]
    fn a_price_that_is_to_begin_is_told_as_it_will_be_paid() {
        let mut model = listing("a/b", 1_000_000_000, 7_000_000_000);
        assert_eq!(next_price(&model), None);
        let rates = Rates { input: Rate(2_100_000_000), output: Rate(7_000_000_000), ..Rates::default() };
        let next = |from: &str, free| LaterPrice {
            from: from.parse().unwrap(),
            price: Price { rates, ..Price::default() },
            free,
        };
        model.model.later = vec![next("2027-01-01T00:00:00Z", false), next("2028-01-01T00:00:00Z", false)];
        assert_eq!(next_price(&model).unwrap(), "From 1 Jan 2027: $3.0000 in, $10.0000 out");
        model.model.later = vec![next("2027-01-01T14:30:00Z", true)];
        assert_eq!(next_price(&model).unwrap(), "From 1 Jan 2027 14:30 UTC: free of charge");
    }
}
