//! How much a model was used here: calls a day, as a drawing and as a table.

use std::fmt::Write;

use leptos::prelude::*;
use marketplace::health::{OfferHealth, Slice};
use marketplace::money::group;

const CELL: u64 = 12;
const BAR: u64 = 9;
const HEIGHT: u64 = 72;

/// Calls to all vendors of a model, day by day; the days of all reports are the same.
pub fn days(offers: &[OfferHealth]) -> Vec<(String, u64)> {
    let mut days: Vec<(String, u64)> = Vec::new();
    for Slice { from, attempts, .. } in offers.iter().flat_map(|offer| &offer.slices) {
        let day = from.get(..10).unwrap_or(from);
        match days.iter_mut().find(|(known, _)| known == day) {
            Some((_, count)) => *count += attempts,
            None => days.push((day.to_owned(), *attempts)),
        }
    }
    days
}

#[component]
pub fn Usage(days: Vec<(String, u64)>) -> impl IntoView {
    let sum: u64 = days.iter().map(|(_, count)| count).sum();
    let most = days.iter().map(|(_, count)| *count).max().unwrap_or_default();
    let width = CELL * days.len() as u64;
    let drawn = bars(&days, most);
    let said = if sum == 1 { "1 call".to_owned() } else { format!("{} calls", group(sum)) };
    let asked = days.into_iter().filter(|(_, count)| *count > 0);
    let rows = asked.map(|(day, count)| {
        view! { <tr><th scope="row">{day}</th><td class="num">{group(count)}</td></tr> }
    });
    view! {
        <section id="usage" class="stack" aria-labelledby="usage-title">
            <h2 id="usage-title">"Use here, last 30 days"</h2>
            <p class="soft">{said}", at most "{group(most)}" a day (UTC)."</p>
            <svg
                class="strip usage-bars"
                viewBox=format!("0 0 {width} {HEIGHT}")
                width=width.to_string()
                height=HEIGHT.to_string()
                aria-hidden="true"
                focusable="false"
                inner_html=drawn
            ></svg>
            <details>
                <summary>"As a table"</summary>
                <div class="table-wrap" role="group" aria-labelledby="usage-title" tabindex="0">
                    <table class="table">
                        <thead><tr><th scope="col">"Day"</th><th scope="col" class="num">"Calls"</th></tr></thead>
                        <tbody>{rows.collect_view()}</tbody>
                    </table>
                </div>
            </details>
        </section>
    }
    .into_any()
}

/// As tall as the day was busy; a day nobody asked in is a dash.
fn bars(days: &[(String, u64)], most: u64) -> String {
    let mut bars = String::new();
    for (at, (day, count)) in days.iter().enumerate() {
        let x = CELL * at as u64;
        let height = (HEIGHT * count).div_ceil(most.max(1)).max(2);
        let class = if *count == 0 { "unasked" } else { "answered" };
        // Writing into a string cannot fail, and a day is made of digits.
        let _ = write!(
            bars,
            r#"<rect class="{class}" x="{x}" y="{}" width="{BAR}" height="{height}"><title>{day}: {count}</title></rect>"#,
            HEIGHT - height
        );
    }
    bars
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_busiest_day_is_full_and_no_asked_day_is_invisible() {
        let days = [("2026-11-24", 0), ("2026-11-25", 1), ("2026-11-26", 10_000)];
        let drawn = bars(&days.map(|(day, count)| (day.to_owned(), count)), 10_000);
        for wanted in [r#"y="70" width="9" height="2""#, r#"y="0" width="9" height="72""#] {
            assert!(drawn.contains(wanted), "{drawn}");
        }
        assert_eq!(drawn.matches("unasked").count(), 1);
    }
}
