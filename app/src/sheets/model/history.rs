//! What a model cost before and is to cost: every version of its price, with the days it was or will be in force.

use engine::{PriceVersion, Tense};
use leptos::prelude::*;
use marketplace::model::publisher_name;
use marketplace::money::Rate;
use marketplace::price::TakeRate;

use crate::components::Moment;

#[component]
pub fn History(versions: Vec<PriceVersion>, take: TakeRate) -> impl IntoView {
    let rows = versions.into_iter().map(|version| {
        let paid =
            |rate: Rate| if version.free { "free".to_owned() } else { take.on_rate(rate).per_million() };
        // A rate for a million pictures is one for a single one.
        let [input, output] = match version.price.picture() {
            Some(each) => [String::new(), format!("{} a picture", each_paid(each.0, take))],
            None => [version.price.rates.input, version.price.rates.output].map(paid),
        };
        let mark = match version.tense {
            Tense::InForce => view! { <span class="chip good">"In force"</span> }.into_any(),
            Tense::Later => view! { <span class="chip">"To begin"</span> }.into_any(),
            Tense::Over => ().into_any(),
        };
        view! {
            <tr>
                <th scope="row"><Moment at=version.from /></th>
                <td>{version.until.map(|at| view! { <Moment at /> })}" "{mark}</td>
                <td>{publisher_name(&version.provider.0)}</td>
                <td class="num">{input}</td>
                <td class="num">{output}</td>
            </tr>
        }
    });
    view! {
        <section id="history" class="stack" aria-labelledby="history-title">
            <h2 id="history-title">"Price history here"</h2>
            <div class="table-wrap" role="group" aria-labelledby="history-title" tabindex="0">
                <table class="table">
                    <caption>"In dollars you pay per million tokens at a fee of today. No version in force is ever changed; a call is charged under the one it began with."</caption>
                    <thead>
                        <tr>
                            <th scope="col">"From"</th>
                            <th scope="col">"Until"</th>
                            <th scope="col">"Provider"</th>
                            <th scope="col" class="num">"Input"</th>
                            <th scope="col" class="num">"Output"</th>
                        </tr>
                    </thead>
                    <tbody>{rows.collect_view()}</tbody>
                </table>
            </div>
        </section>
    }
    .into_any()
}

fn each_paid(each: i64, take: TakeRate) -> String {
    marketplace::money::Nanos(take.on_rate(Rate(each)).0).cost()
}
