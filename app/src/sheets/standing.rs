//! What an account is given and what it pays for each month: its address, its gifts and its plan.

mod gifts;
mod plans;

use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use marketplace::account::User;
use marketplace::fault::Fault;
use marketplace::money::group;
use marketplace::plan::{Grant, Plan, Subscription};

use self::gifts::GiftTable;
use self::plans::PlanList;
pub use self::plans::fee;
use super::draw;
use crate::api::letters::SendConfirmation;
use crate::components::{Drawn, FaultNotice, Icon};

pub struct Standing {
    pub user: User,
    pub sends_letters: bool,
    pub grants: Vec<Grant>,
    pub plans: Vec<Plan>,
    pub subscription: Option<Subscription>,
    /// What a form here has just done.
    pub done: Option<String>,
    pub refusal: Option<Fault>,
}

pub fn sheet(standing: Standing) -> Drawn {
    draw(|| {
        let Standing { user, sends_letters, grants, plans, subscription, done, refusal } = standing;
        let done = match done.as_deref() {
            Some("letter") => Some("A letter is on its way. Its link works once, within 24 hours."),
            Some("plan") => Some("Your choice of plan is taken."),
            _ => None,
        };
        let free_tokens = plans.iter().find(|plan| plan.id == user.plan).map_or(0, |plan| plan.free_tokens);
        view! {
            {done.map(|words| view! { <p class="notice good" role="status">{words}</p> })}
            {refusal.map(|fault| view! { <FaultNotice fault /> })}
            {(!user.email_verified).then(|| view! {
                <Unconfirmed email=user.email.to_string() free_tokens sends_letters />
            })}
            <GiftTable grants />
            <PlanList plans current=user.plan subscription />
        }
    })
}

/// What somebody misses whose address is not confirmed.
#[component]
fn Unconfirmed(email: String, free_tokens: i64, sends_letters: bool) -> impl IntoView {
    let missed = format!("{} free tokens a month", group(free_tokens.unsigned_abs()));
    let way = if sends_letters {
        view! {
            <p>"The link is in the letter to "<b>{email}</b>"."</p>
            <form action=SendConfirmation::PATH method="post">
                <button type="submit" class="button">"Send the letter again"</button>
            </form>
        }
        .into_any()
    } else {
        view! { <p>"This market sends no letters, so addresses cannot be confirmed here yet."</p> }.into_any()
    };
    view! {
        <section class="notice" aria-labelledby="unconfirmed-heading">
            <Icon name="circle-alert" />
            <div class="stack">
                <h2 id="unconfirmed-heading">"Your address is not confirmed"</h2>
                <p>"You miss "<b>{missed}</b>": they are given to confirmed addresses only."</p>
                {way}
            </div>
        </section>
    }
}
