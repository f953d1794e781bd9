//! What each component costs: the buyer's price, and how it divides into the provider's price and the fee.

use leptos::prelude::*;
use marketplace::model::{Listing, Offer, OtherPrice, publisher_name, short_count};
use marketplace::money::{Nanos, Rate, group};
use marketplace::price::{OffPeak, Price, Rates, TakeRate, Window};

use crate::pages::words::capital;
use crate::sheets::results::buyer_nanos;
use crate::sheets::words::share;

#[component]
pub fn Prices(listing: Listing) -> impl IntoView {
    let take = listing.take;
    let model = listing.model;
    let offers: Vec<Offer> = if model.offers.is_empty() { Vec::new() } else { model.every_offer().collect() };
    let is_unknown = model.price.is_none() && model.other_prices.is_empty();
    view! {
        <section id="price" class="stack" aria-labelledby="price-title">
            <h2 id="price-title">"Price"</h2>
            {is_unknown.then(|| view! { <p class="soft">"No source tells what this model costs. Unknown is not free, so it is not sold."</p> })}
            {model.price.map(|price| match price.picture() {
                Some(each) => view! { <PicturePrice each take /> }.into_any(),
                None => view! { <TokenPrices price take free=model.free /> }.into_any(),
            })}
            {(!offers.is_empty()).then(|| view! { <Offers offers take /> })}
            {(!model.other_prices.is_empty()).then(|| view! { <OtherPrices prices=model.other_prices take /> })}
            {model.price_note.map(|note| view! { <p class="soft small">{note}</p> })}
            <p class="soft small">{fee_line(take)}</p>
        </section>
    }
    .into_any()
}

fn fee_line(take: TakeRate) -> String {
    format!(
        "Of every dollar you pay, the provider gets its published price and Mercato keeps {} of the dollar.",
        share(take)
    )
}

#[component]
fn TokenPrices(price: Price, take: TakeRate, free: bool) -> impl IntoView {
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
        Row {
            name: name.to_owned(),
            unit: None,
            figures: [paid, rate, Rate(paid.0 - rate.0)].map(Rate::per_million),
        }
    });
    view! { <PriceTable caption heads=["Component", "You pay"] rows=rows.collect() /> }
}

/// Everybody who sells it. Which of them answers is chosen for each call.
#[component]
fn Offers(offers: Vec<Offer>, take: TakeRate) -> impl IntoView {
    let rows = offers.into_iter().map(|offer| {
        let paid = |rate: fn(&Rates) -> Rate| {
            offer.price.as_ref().map(|price| take.on_rate(rate(&price.rates)).per_million())
        };
        let size = offer.context_tokens.map(short_count);
        view! {
            <tr>
                <th scope="row">{publisher_name(&offer.provider.0)}</th>
                <td class="num">{paid(|rates| rates.input)}</td>
                <td class="num">{paid(|rates| rates.output)}</td>
                <td class="num soft">{size}</td>
            </tr>
        }
    });
    view! {
        <div class="table-wrap" tabindex="0">
            <table class="table">
                <caption>"Who sells it, in dollars you pay per million tokens"</caption>
                <thead>
                    <tr>
                        <th scope="col">"Provider"</th>
                        <th scope="col" class="num">"Input"</th>
                        <th scope="col" class="num">"Output"</th>
                        <th scope="col" class="num">"Reads"</th>
                    </tr>
                </thead>
                <tbody>{rows.collect_view()}</tbody>
            </table>
        </div>
    }
}

/// The price of one picture, which is exact: a call costs so many times as much as pictures come.
#[component]
fn PicturePrice(each: Nanos, take: TakeRate) -> impl IntoView {
    let paid = take.on_rate(Rate(each.0)).0;
    let figures = [paid, each.0, paid - each.0].map(|nanos| Nanos(nanos).cost());
    let rows = vec![Row { name: "Picture".to_owned(), unit: None, figures }];
    view! { <PriceTable caption="Dollars a picture, of any size".to_owned() heads=["Component", "You pay"] rows /> }
}

/// Prices by the picture, the search or the batch. They are the vendor's list; nothing here sells by them yet.
#[component]
fn OtherPrices(prices: Vec<OtherPrice>, take: TakeRate) -> impl IntoView {
    let rows = prices.into_iter().map(|price| {
        let paid = buyer_nanos(&price, take);
        Row {
            name: capital(&price.what),
            figures: [paid, price.provider_nanos, paid - price.provider_nanos].map(Nanos::cost),
            unit: Some(price.unit),
        }
    });
    let caption = "Other units, for reference".to_owned();
    view! { <PriceTable caption heads=["What", "With fee"] rows=rows.collect() /> }
}

/// One thing with its price: what the buyer pays, what of it the provider gets, and the fee.
struct Row {
    name: String,
    unit: Option<String>,
    figures: [String; 3],
}

#[component]
fn PriceTable(caption: String, heads: [&'static str; 2], rows: Vec<Row>) -> impl IntoView {
    let [name, paid] = heads;
    let rows = rows.into_iter().map(|Row { name, unit, figures: [paid, provider, fee] }| {
        view! {
            <tr>
                <th scope="row">{name}{unit.map(|unit| view! { <span class="soft small">" a "{unit}</span> })}</th>
                <td class="num"><b>{paid}</b></td>
                <td class="num soft">{provider}</td>
                <td class="num soft">{fee}</td>
            </tr>
        }
    });
    view! {
        <div class="table-wrap" tabindex="0">
            <table class="table">
                <caption>{caption}</caption>
                <thead>
                    <tr>
                        <th scope="col">{name}</th>
                        <th scope="col" class="num">{paid}</th>
                        <th scope="col" class="num">"Provider"</th>
                        <th scope="col" class="num">"Fee"</th>
                    </tr>
                </thead>
                <tbody>{rows.collect_view()}</tbody>
            </table>
        </div>
    }
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
