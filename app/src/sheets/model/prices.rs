//! What each component costs: the buyer's price, and how it divides into the provider's price and the fee.

use leptos::prelude::*;
use marketplace::model::{Listing, OtherPrice};
use marketplace::money::{Nanos, Rate, group};
use marketplace::price::{OffPeak, Price as PriceList, Rates, TakeRate, Window};

use crate::pages::words::capital;
use crate::sheets::price::Price;
use crate::sheets::results::buyer_nanos;

#[component]
pub fn Prices(listing: Listing) -> impl IntoView {
    let take = listing.take;
    let model = listing.model;
    let is_unknown = model.price.is_none() && model.other_prices.is_empty();
    view! {
        <section id="price" class="stack" aria-labelledby="price-title">
            <h2 id="price-title">"Price"</h2>
            {is_unknown.then(|| view! { <p class="soft">"No source tells what this model costs. Unknown is not free, so it is not sold."</p> })}
            {model.price.map(|price| view! { <TokenPrices price take free=model.free /> })}
            {(!model.other_prices.is_empty()).then(|| view! { <OtherPrices prices=model.other_prices take /> })}
            {model.price_note.map(|note| view! { <p class="soft small">{note}</p> })}
            <p class="soft small">{fee_line(take)}</p>
        </section>
    }
    .into_any()
}

fn fee_line(take: TakeRate) -> String {
    let (whole, rest) = (take.0 / 100, take.0 % 100);
    let share = if rest == 0 { whole.to_string() } else { format!("{whole}.{rest:02}") };
    format!(
        "Of every dollar you pay, the provider gets its published price and Mercato keeps {share} % of the dollar."
    )
}

#[component]
fn TokenPrices(price: PriceList, take: TakeRate, free: bool) -> impl IntoView {
    let long = price.long_context.map(|long| {
        let caption =
            format!("The whole call, once its input passes {} tokens", group(long.above_input_tokens));
        view! { <RateTable caption rates=long.rates take free /> }
    });
    let off_peak = price.off_peak.map(|off_peak| {
        let caption = format!("Cheaper hours (UTC): {}", hours(&off_peak));
        view! { <RateTable caption rates=off_peak.rates take free /> }
    });
    view! {
        <RateTable caption="Dollars per million tokens".to_owned() rates=price.rates take free />
        {long}
        {off_peak}
    }
}

#[component]
fn RateTable(caption: String, rates: Rates, take: TakeRate, free: bool) -> impl IntoView {
    let components = [
        ("Input", Some(rates.input)),
        ("Input read from cache", rates.cached_input),
        ("Input written to cache", rates.cache_write),
        ("Input written to cache for an hour", rates.cache_write_1h),
        ("Output", Some(rates.output)),
        ("Reasoning", rates.reasoning),
    ];
    // A component at zero is not sold, unless the whole model is free.
    let sold = components.into_iter().filter_map(|(name, rate)| rate.map(|rate| (name, rate)));
    let rows = sold.filter(|(_, rate)| free || *rate > Rate::FREE).map(|(name, rate)| {
        let paid = take.on_rate(rate);
        view! {
            <tr>
                <th scope="row">{name}</th>
                <td class="num"><b><Price rate=Some(paid) /></b></td>
                <td class="num soft"><Price rate=Some(rate) /></td>
                <td class="num soft"><Price rate=Some(Rate(paid.0 - rate.0)) /></td>
            </tr>
        }
    });
    view! {
        <div class="table-wrap" tabindex="0">
            <table class="table">
                <caption>{caption}</caption>
                <thead>
                    <tr>
                        <th scope="col">"Component"</th>
                        <th scope="col" class="num">"You pay"</th>
                        <th scope="col" class="num">"Provider"</th>
                        <th scope="col" class="num">"Fee"</th>
                    </tr>
                </thead>
                <tbody>{rows.collect_view()}</tbody>
            </table>
        </div>
    }
    .into_any()
}

/// Prices by the picture, the search or the batch. They are the vendor's list; nothing here sells by them yet.
#[component]
fn OtherPrices(prices: Vec<OtherPrice>, take: TakeRate) -> impl IntoView {
    let rows = prices.into_iter().map(|price| {
        let paid = buyer_nanos(&price, take);
        let fee: Nanos = paid - price.provider_nanos;
        view! {
            <tr>
                <th scope="row">{capital(&price.what)}<span class="soft small">" a "{price.unit}</span></th>
                <td class="num"><b>{paid.cost()}</b></td>
                <td class="num soft">{price.provider_nanos.cost()}</td>
                <td class="num soft">{fee.cost()}</td>
            </tr>
        }
    });
    view! {
        <div class="table-wrap" tabindex="0">
            <table class="table">
                <caption>"Other units, for reference"</caption>
                <thead>
                    <tr>
                        <th scope="col">"What"</th>
                        <th scope="col" class="num">"With fee"</th>
                        <th scope="col" class="num">"Provider"</th>
                        <th scope="col" class="num">"Fee"</th>
                    </tr>
                </thead>
                <tbody>{rows.collect_view()}</tbody>
            </table>
        </div>
    }
    .into_any()
}

/// `Mon–Fri 10:00–24:00; Sat–Sun all day`.
fn hours(off_peak: &OffPeak) -> String {
    let clock = |minute: u32| format!("{:02}:{:02}", minute / 60, minute % 60);
    let span = |window: &Window| match (window.from_minute, window.until_minute) {
        (0, 1_440) => format!("{} all day", weekdays(&window.weekdays)),
        (from, until) => format!("{} {}–{}", weekdays(&window.weekdays), clock(from), clock(until)),
    };
    off_peak.windows.iter().map(span).collect::<Vec<_>>().join("; ")
}

fn weekdays(days: &[u32]) -> String {
    const NAMES: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    let name = |day: u32| NAMES.get((day as usize).saturating_sub(1)).copied().unwrap_or("?");
    match days {
        [first, .., last] if days.windows(2).all(|pair| pair[1] == pair[0] + 1) => {
            format!("{}–{}", name(*first), name(*last))
        }
        _ => days.iter().map(|day| name(*day)).collect::<Vec<_>>().join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cheaper_hours_read_as_people_say_them() {
        let window = |weekdays: &[u32], from_minute, until_minute| Window {
            weekdays: weekdays.to_vec(),
            from_minute,
            until_minute,
        };
        let windows =
            vec![window(&[1, 2, 3, 4, 5], 600, 1_440), window(&[6, 7], 0, 1_440), window(&[1, 3], 0, 60)];
        let off_peak = OffPeak { windows, rates: Rates::default() };
        assert_eq!(hours(&off_peak), "Mon–Fri 10:00–24:00; Sat–Sun all day; Mon, Wed 00:00–01:00");
    }
}
