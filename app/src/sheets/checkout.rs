//! A payment at the test gateway: plain forms that the gateway's own address answers.

use leptos::prelude::*;
use marketplace::billing::{TopUp, TopUpState};
use marketplace::fault::Fault;
use marketplace::id::TopUpId;

use super::draw;
use super::place::Place;
use crate::api::sheets::Sheet;
use crate::components::{Drawn, Icon};
use crate::context::{Caller, subject};
use crate::error::AppError;

pub async fn page(place: &Place<'_>, id: &str) -> Sheet {
    place.page("Payment", "checkout", || (), content(&place.caller, id).await)
}

async fn content(caller: &Caller, id: &str) -> Result<Drawn, AppError> {
    let id = subject(TopUpId::parse(id).map_err(|_| Fault::not_found("This payment")))?;
    let top_up = subject(caller.engine.top_up(&caller.actor, id).await)?;
    Ok(draw(|| {
        view! {
            <div class="notice" role="note">
                <Icon name="circle-alert" />
                <p><b>"Test gateway: no real money."</b>" Nothing leaves any bank account, whichever way you choose."</p>
            </div>
            <Payment top_up />
        }
    }))
}

#[component]
fn Payment(top_up: TopUp) -> impl IntoView {
    let amount = top_up.amount_nanos.balance();
    let rest = match top_up.state {
        TopUpState::Pending => view! { <Outcomes action=format!("/pay/{}", top_up.id) /> }.into_any(),
        TopUpState::Paid => view! {
            <p><span class="chip good">"Paid"</span>" This payment is settled, and the amount is on your balance."</p>
            <p><a class="button primary" href="/billing">"See your balance"</a></p>
        }
        .into_any(),
        TopUpState::Refunded | TopUpState::ChargedBack => view! {
            <p><span class="chip">"Returned"</span>" This payment went back to its payer and out of the balance."</p>
            <p><a class="button primary" href="/billing">"See your balance"</a></p>
        }
        .into_any(),
        TopUpState::Declined => view! {
            <p><span class="chip bad">"Declined"</span>" This payment is settled: it was declined, and your balance did not change."</p>
            <p><a class="button primary" href="/billing">"Start another"</a></p>
        }
        .into_any(),
    };
    view! {
        <section class="card stack" aria-label="Payment">
            <p class="soft">"To your Mercato balance"</p>
            <p class="balance-figure num">{amount}</p>
            {rest}
        </section>
    }
}

/// The gateway answers by sending the buyer back.
#[component]
fn Outcomes(action: String) -> impl IntoView {
    view! {
        <form method="post" action=action class="stack outcomes">
            <p>"What should the gateway answer?"</p>
            <button type="submit" class="button primary" name="outcome" value="paid">"Pay"</button>
            <button type="submit" class="button" name="outcome" value="declined">"Decline"</button>
            <button type="submit" class="button" name="outcome" value="delayed">"Pay, but tell later"</button>
        </form>
        <p><a href="/billing">"Back without paying"</a></p>
    }
}
