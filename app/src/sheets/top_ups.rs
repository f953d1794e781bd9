//! The payments so far.

use leptos::prelude::*;
use marketplace::billing::{TopUp, TopUpState};

use super::draw;
use crate::components::{Drawn, Empty, Moment};

pub fn sheet(top_ups: Vec<TopUp>) -> Drawn {
    draw(|| view! { <TopUpList top_ups /> })
}

#[component]
fn TopUpList(top_ups: Vec<TopUp>) -> impl IntoView {
    let list = if top_ups.is_empty() {
        view! { <Empty title="No payments yet"><p>"Choose an amount above; it is on your balance as soon as it is paid."</p></Empty> }
            .into_any()
    } else {
        view! {
            <div class="table-wrap" role="group" aria-labelledby="payments-heading" tabindex="0">
                <table class="table">
                    <thead>
                        <tr><th scope="col">"When"</th><th scope="col">"State"</th><th scope="col" class="num">"Amount"</th></tr>
                    </thead>
                    <tbody>{top_ups.into_iter().map(|top_up| view! { <TopUpRow top_up /> }).collect_view()}</tbody>
                </table>
            </div>
        }
        .into_any()
    };
    view! {
        <section class="stack" aria-labelledby="payments-heading">
            <h2 id="payments-heading">"Payments"</h2>
            {list}
        </section>
    }
}

#[component]
fn TopUpRow(top_up: TopUp) -> impl IntoView {
    let state = match top_up.state {
        TopUpState::Paid => view! { <span class="chip good">"Paid"</span> }.into_any(),
        TopUpState::Declined => view! { <span class="chip bad">"Declined"</span> }.into_any(),
        TopUpState::Refunded => view! { <span class="chip">"Refunded"</span> }.into_any(),
        TopUpState::ChargedBack => view! { <span class="chip bad">"Charged back"</span> }.into_any(),
        TopUpState::Pending => view! {
            <span class="chip">"Pending"</span>
            " "
            <a href=top_up.checkout_url>"Finish paying"</a>
        }
        .into_any(),
    };
    view! {
        <tr>
            <td><Moment at=top_up.created_at /></td>
            <td>{state}</td>
            <td class="num">{top_up.amount_nanos.balance()}</td>
        </tr>
    }
}
