//! What was measured of offers, as a table with a strip of hours in each row.

mod strip;

use leptos::prelude::*;
use marketplace::health::{OfferHealth, Spread, Standing};
use marketplace::money::group;

use self::strip::strip;

/// What the rows of a table are named by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NamedBy {
    Model,
    Vendor,
}

/// Offers one below the other. `labelled_by` is the heading above them.
#[component]
pub fn Offers(
    offers: Vec<OfferHealth>,
    named_by: NamedBy,
    #[prop(into)] labelled_by: String,
) -> impl IntoView {
    let first = if named_by == NamedBy::Model { "Model" } else { "Vendor" };
    let rows = offers.into_iter().map(|offer| row(&offer, named_by));
    view! {
        <div class="table-wrap" role="group" aria-labelledby=labelled_by tabindex="0">
            <table class="table health-table">
                <thead>
                    <tr>
                        <th scope="col">{first}</th>
                        <th scope="col">"Now"</th>
                        <th scope="col" class="num">"Uptime, %"</th>
                        <th scope="col" class="num">"Calls"</th>
                        <th scope="col" class="num">"First token, ms"</th>
                        <th scope="col" class="num">"95 % within, ms"</th>
                        <th scope="col" class="num">"Tokens / s"</th>
                        <th scope="col">"Last 24 hours"</th>
                    </tr>
                </thead>
                <tbody>{rows.collect_view()}</tbody>
            </table>
        </div>
    }
    .into_any()
}

fn row(offer: &OfferHealth, named_by: NamedBy) -> AnyView {
    let measured = &offer.measured;
    let of = |spread: Option<Spread>, which: fn(&Spread) -> u64| spread.map(|spread| rough(which(&spread)));
    let title = match named_by {
        NamedBy::Model => {
            let id = offer.model.to_string();
            view! { <a href=format!("/models/{id}")>{id.clone()}</a> }.into_any()
        }
        NamedBy::Vendor => offer.provider_name.clone().into_any(),
    };
    view! {
        <tr>
            <th scope="row">{title}</th>
            <td><Now standing=offer.now /></td>
            <td class="num"><Figure known=measured.uptime_bps.map(uptime) /></td>
            <td class="num">{group(measured.attempts)}</td>
            <td class="num"><Figure known=of(measured.first_token_ms, |spread| spread.p50) /></td>
            <td class="num"><Figure known=of(measured.first_token_ms, |spread| spread.p95) /></td>
            <td class="num"><Figure known=of(measured.tokens_per_second, |spread| spread.p50) /></td>
            <td>{strip(&offer.slices)}</td>
        </tr>
    }
    .into_any()
}

/// A figure, or that there is none.
#[component]
fn Figure(known: Option<String>) -> impl IntoView {
    match known {
        Some(figure) => figure.into_any(),
        None => view! { <span class="soft">"unknown"</span> }.into_any(),
    }
}

/// How it stands in the last half hour.
#[component]
pub fn Now(standing: Standing) -> impl IntoView {
    let (class, words) = match standing {
        Standing::Answers => ("chip good", "answers"),
        Standing::FailsSometimes => ("chip bad", "fails sometimes"),
        Standing::FailsOften => ("chip bad", "fails often"),
        Standing::Unknown => ("chip", "not asked lately"),
    };
    view! { <span class=class>{words}</span> }
}

/// `9953` as `99.53`.
pub fn uptime(bps: u64) -> String {
    format!("{}.{:02}", bps / 100, bps % 100)
}

/// Two digits: more would claim more than was measured.
pub fn rough(number: u64) -> String {
    let mut unit = 1;
    while number / unit >= 100 {
        unit *= 10;
    }
    group((number + unit / 2) / unit * unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_claim_no_more_than_was_measured() {
        let shown = [1, 42, 99, 104, 447, 995, 1_243, 98_760].map(rough);
        assert_eq!(shown, ["1", "42", "99", "100", "450", "1,000", "1,200", "99,000"]);
        assert_eq!([10_000, 9_905, 0].map(uptime), ["100.00", "99.05", "0.00"]);
    }
}
