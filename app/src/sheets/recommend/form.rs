//! What somebody may wish for: a plain form whose fields go into the address.

use leptos::prelude::*;
use marketplace::recommend::{Aspect, Need, Task, WEIGHT_MAX, Wish};

use crate::pages::words::{ability_name, capital};

/// Needs that are asked for by a box; others may stand in the address.
const NEEDS: [&str; 7] =
    ["tools", "vision", "reasoning", "structured_output", "prompt_caching", "open_weights", "local"];

#[component]
pub fn WishForm(wish: Wish) -> impl IntoView {
    let tasks = Task::ALL.map(|task| {
        view! { <option value=task.as_str() selected=task == wish.task>{task.name()}</option> }
    });
    let weights = Aspect::ALL.map(|aspect| {
        view! { <Weight aspect weight=wish.weights.of(aspect) /> }
    });
    let price = wish.max_price.map(|rate| marketplace::money::Nanos(rate.0).decimal());
    let context = wish.min_context.map(|tokens| tokens.to_string());
    view! {
        <form class="recommend-form" action="/recommend" method="get">
            <div class="field">
                <label for="task">"What it is for"</label>
                <select id="task" name="task">{tasks.into_iter().collect_view()}</select>
                <input type="hidden" name="for" value=wish.task.as_str() />
            </div>
            <fieldset class="choices weights">
                <legend>"What counts, from 0 to 10"</legend>
                {weights.into_iter().collect_view()}
            </fieldset>
            <div class="field">
                <label for="max_price">"Price at most, $ / M tokens"</label>
                <input id="max_price" class="num" name="max_price" inputmode="decimal" placeholder="any" autocomplete="off" value=price />
                <span class="hint">"Neither in nor out may cost more."</span>
            </div>
            <div class="field">
                <label for="min_context">"Context at least, tokens"</label>
                <input id="min_context" class="num" name="min_context" inputmode="numeric" placeholder="any" autocomplete="off" value=context />
            </div>
            <Needs needs=wish.needs />
            <button class="button primary" type="submit">"Recommend"</button>
        </form>
    }
    .into_any()
}

#[component]
fn Weight(aspect: Aspect, weight: u8) -> impl IntoView {
    let name = aspect.as_str();
    view! {
        <label class="weight">
            <span>{capital(name)}</span>
            <input type="range" name=name min="0" max=WEIGHT_MAX.to_string() step="1" value=weight.to_string() />
            <span class="num soft">{weight}</span>
        </label>
    }
}

#[component]
fn Needs(needs: Vec<Need>) -> impl IntoView {
    let mut offered: Vec<String> = NEEDS.map(str::to_owned).to_vec();
    let asked: Vec<String> = needs.iter().map(|need| need.as_str().to_owned()).collect();
    offered.extend(asked.iter().filter(|need| !NEEDS.contains(&need.as_str())).cloned());
    let boxes = offered.into_iter().map(|need| {
        let label = match need.as_str() {
            "open_weights" => "Open weights".to_owned(),
            "local" => "On the operator’s own machines".to_owned(),
            ability => capital(&ability_name(ability)),
        };
        let is_asked = asked.contains(&need);
        view! {
            <label class="choice">
                <input type="checkbox" name="needs" value=need checked=is_asked />
                {label}
            </label>
        }
    });
    view! {
        <fieldset class="choices">
            <legend>"It must have"</legend>
            {boxes.collect_view()}
        </fieldset>
    }
    .into_any()
}
