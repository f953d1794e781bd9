//! What the house gave and how long it is good for.

use leptos::prelude::*;
use marketplace::money::group;
use marketplace::plan::{Gift, Grant};

use crate::components::Moment;

/// Nothing at all where nothing was given.
#[component]
pub fn GiftTable(grants: Vec<Grant>) -> impl IntoView {
    (!grants.is_empty()).then(|| {
        view! {
            <section class="stack" aria-labelledby="gifts-heading">
                <h2 id="gifts-heading">"Given by the house"</h2>
                <div class="table-wrap" role="group" aria-labelledby="gifts-heading" tabindex="0">
                    <table class="table">
                        <thead>
                            <tr>
                                <th scope="col">"What for"</th>
                                <th scope="col">"Good until"</th>
                                <th scope="col" class="num">"Given"</th>
                                <th scope="col" class="num">"Left"</th>
                            </tr>
                        </thead>
                        <tbody>{grants.into_iter().map(|grant| view! { <GiftRow grant /> }).collect_view()}</tbody>
                    </table>
                </div>
                <p class="soft small">"Spent before your own money, the soonest to end first. What is left at the end goes back."</p>
            </section>
        }
    })
}

#[component]
fn GiftRow(grant: Grant) -> impl IntoView {
    let (amount, left) = match grant.gift {
        Gift::Money { amount, left } => (amount.balance(), left.balance()),
        Gift::Tokens { amount, left } => {
            (format!("{} tokens", group(amount)), format!("{} tokens", group(left)))
        }
    };
    view! {
        <tr>
            <th scope="row">{grant.reason}</th>
            <td><Moment at=grant.expires_at /></td>
            <td class="num">{amount}</td>
            <td class="num">{left}</td>
        </tr>
    }
}
