//! The plans, which of them is the buyer's, and what choosing another does.

use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use marketplace::money::{Nanos, group};
use marketplace::plan::{Plan, Subscription};

use crate::api::billing::ChoosePlan;

#[component]
pub fn PlanList(plans: Vec<Plan>, current: String, subscription: Option<Subscription>) -> impl IntoView {
    let cards = plans.into_iter().map(|plan| {
        let choice = Choice::of(&plan, &current, subscription.as_ref());
        let is_current = plan.id == current;
        view! { <PlanCard plan is_current choice /> }
    });
    view! {
        <section class="stack" aria-labelledby="plans-heading">
            <h2 id="plans-heading">"Plan"</h2>
            <ul class="plans">{cards.collect_view()}</ul>
        </section>
    }
}

#[component]
fn PlanCard(plan: Plan, is_current: bool, choice: Choice) -> impl IntoView {
    let history = match plan.history_days {
        Some(days) => format!("History for {days} days"),
        None => "History for good".to_owned(),
    };
    let label = choice.verb.map(|verb| format!("{verb} {}", plan.name));
    view! {
        <li class="card stack">
            <h3>{plan.name.clone()}" "{is_current.then(|| view! { <span class="chip good">"Yours"</span> })}</h3>
            <p class="num">{fee(&plan)}</p>
            <ul class="soft small">
                <li>{group(plan.free_tokens.unsigned_abs())}" free tokens a month"</li>
                <li>{group(u64::from(plan.requests_a_minute.unsigned_abs()))}" requests a minute"</li>
                <li>{group(plan.tokens_a_minute.unsigned_abs())}" tokens a minute"</li>
                <li>{plan.keys_max}" API keys"</li>
                <li>{history}</li>
            </ul>
            <p class="small">{choice.words}</p>
            {label.map(|label| view! {
                <form action=ChoosePlan::PATH method="post">
                    <input type="hidden" name="plan" value=plan.id />
                    <button type="submit" class="button">{label}</button>
                </form>
            })}
        </li>
    }
}

/// What can be done about a plan, and what that means for the balance.
#[derive(Debug, PartialEq)]
struct Choice {
    verb: Option<&'static str>,
    words: String,
}

impl Choice {
    fn of(plan: &Plan, current: &str, running: Option<&Subscription>) -> Self {
        let until =
            running.map(|running| running.paid_until.get(..10).unwrap_or_default()).unwrap_or_default();
        let is_ending = running.is_some_and(|running| running.is_ending);
        let can = |verb, words: String| Self { verb: Some(verb), words };
        let no = |words: String| Self { verb: None, words };
        if plan.id == current {
            return match running {
                None => no("This is what you have.".to_owned()),
                Some(_) if is_ending => can("Keep", format!("It ends on {until}, and Free follows.")),
                Some(_) => {
                    no(format!("Renewed on {until} from your balance, as long as that covers the fee."))
                }
            };
        }
        if !plan.is_open() {
            return no("By agreement with the operator.".to_owned());
        }
        if plan.fee_nanos > Nanos::ZERO {
            let loss = running.map_or("", |_| " What is left of your present plan is not given back.");
            let fee = plan.fee_nanos.balance();
            return can(
                "Choose",
                format!("{fee} is taken from your balance now and each month after.{loss}"),
            );
        }
        match running {
            None => no(String::new()),
            Some(_) if is_ending => no(format!("It begins on {until}.")),
            Some(_) => can("Choose", format!("It begins on {until}, when what you paid for has run out.")),
        }
    }
}

pub fn fee(plan: &Plan) -> String {
    match (plan.is_open(), plan.fee_nanos) {
        (false, _) => "On request".to_owned(),
        (true, Nanos::ZERO) => "No fee".to_owned(),
        (true, fee) => format!("{} a month", fee.balance()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(id: &str, fee: i64) -> Plan {
        Plan {
            id: id.to_owned(),
            name: id.to_owned(),
            fee_nanos: Nanos(fee),
            free_tokens: 1_000,
            requests_a_minute: 20,
            tokens_a_minute: 200_000,
            keys_max: 3,
            history_days: None,
        }
    }

    fn running(plan: &str, is_ending: bool) -> Subscription {
        Subscription { plan: plan.to_owned(), paid_until: "2026-12-25T00:00:00Z".to_owned(), is_ending }
    }

    #[test]
    fn the_fee_and_what_is_lost_are_said_before_a_plan_is_chosen() {
        let pro = plan("pro", 50_000_000_000);
        let first = Choice::of(&pro, "free", None);
        assert!(first.verb == Some("Choose") && first.words.starts_with("$50.0000 is taken"), "{first:?}");
        let second = Choice::of(&pro, "starter", Some(&running("starter", false)));
        assert!(second.words.contains("not given back"), "{second:?}");
    }

    #[test]
    fn the_free_plan_begins_when_what_was_paid_for_has_run_out() {
        let (free, starter) = (plan("free", 0), plan("starter", 10_000_000_000));
        let leaving = Choice::of(&free, "starter", Some(&running("starter", false)));
        assert!(leaving.verb.is_some() && leaving.words.contains("2026-12-25"), "{leaving:?}");
        assert_eq!(Choice::of(&free, "starter", Some(&running("starter", true))).verb, None);
        assert_eq!(Choice::of(&starter, "starter", Some(&running("starter", true))).verb, Some("Keep"));
        assert_eq!(Choice::of(&free, "free", None).verb, None);
        assert_eq!(Choice::of(&plan("enterprise", 0), "free", None).verb, None);
    }
}
