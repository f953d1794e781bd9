//! Any page that is only read, and all of whose state stands in its address: the server draws it whole, its forms too.

use std::time::Duration;

use leptos::ev;
use leptos::leptos_dom::helpers::debounce;
use leptos::prelude::*;
use leptos::web_sys::Event;
use leptos_meta::Title;
use leptos_router::NavigateOptions;
use leptos_router::hooks::{use_location, use_navigate, use_params_map};
use marketplace::fault::Code;

use super::not_found::{Missing, words_of};
use crate::api::sheets::{ReadSheet, Sheet};
use crate::browser;
use crate::components::{Awaited, Drawing, Drawn, FaultNotice};
use crate::door::Asked;

/// Whoever moves on within it means what comes last.
const CHOICE_PAUSE: Duration = Duration::from_millis(120);

#[component]
pub fn SheetPage() -> impl IntoView {
    let place = use_location();
    let params = use_params_map();
    // A page that is left must not ask for the next one's sheet; its parameters stay what they were.
    let path = Memo::new(move |_| {
        params.track();
        place.pathname.get_untracked()
    });
    let query = place.search;
    let sheet = Asked::new(move || (path.get(), query.get()), |(path, query)| ReadSheet { path, query });
    let is_chosen = apply_choices(sheet, query);
    let asking = StoredValue::new(None::<Drawn>);
    let content = move || async move {
        match sheet.read().await {
            Ok(Sheet { title, body, answer: None }) => {
                view! { <Title text=title /><Drawing of=body /> }.into_any()
            }
            Ok(Sheet { title, body, answer: Some(answer) }) => {
                // A form must not be drawn anew under the hands of whoever fills it in.
                let kept = asking.get_value().filter(|_| is_chosen.get_untracked());
                let body = kept.unwrap_or(body);
                asking.set_value(Some(body.clone()));
                view! {
                    <Title text=title />
                    <div class="page parted"><Drawing of=body /><Drawing of=answer /></div>
                }
                .into_any()
            }
            Err(fault) if fault.0.code == Code::NotFound => view! {
                <Title text="Page not found" />
                <Missing title="There is no such page" words=words_of(&path.get_untracked())>
                    <p>"The address may be mistyped, or the page has moved. Nothing was charged."</p>
                </Missing>
            }
            .into_any(),
            Err(fault) => view! { <div class="page"><FaultNotice fault /></div> }.into_any(),
        }
    };
    view! { <Awaited what="the page" content /> }
}

/// Takes what is chosen in a live form to the address, soon. Says whether the form made the address that the page is at,
/// and so says all of it already.
fn apply_choices(sheet: Asked<Sheet>, query: Memo<String>) -> Memo<bool> {
    let stays = StoredValue::new(false);
    let spot = StoredValue::new(None::<String>);
    let navigate = use_navigate();
    // A slider that is held makes one step back, however often it is looked at on its way.
    let is_held = StoredValue::new(false);
    let applied = StoredValue::new(String::new());
    let apply = move |choice: browser::Choice| {
        if applied.with_value(|applied| *applied != choice.address) {
            let replace = is_held.get_value();
            stays.set_value(choice.stays);
            spot.set_value((!choice.stays).then_some(choice.spot));
            navigate(
                &choice.address,
                NavigateOptions { replace, scroll: false, ..NavigateOptions::default() },
            );
            applied.set_value(choice.address);
        }
        is_held.set_value(choice.is_held);
    };
    let apply_soon = StoredValue::new(debounce(CHOICE_PAUSE, apply));
    Effect::new(move || {
        let hear = move |event: &Event| {
            if let Some(choice) = browser::choice(event) {
                apply_soon.try_update_value(|apply| apply(choice));
            }
        };
        let moved = window_event_listener(ev::input, move |event| hear(&event));
        let chosen = window_event_listener(ev::change, move |event| hear(&event));
        on_cleanup(move || {
            moved.remove();
            chosen.remove();
        });
    });
    Effect::new(move || {
        sheet.track();
        if let Some(spot) = spot.try_update_value(Option::take).flatten() {
            browser::return_to(spot);
        }
    });
    Memo::new(move |_| {
        query.track();
        let is_chosen = stays.try_update_value(std::mem::take).unwrap_or_default();
        if !is_chosen {
            // Whoever went back may choose the same again.
            applied.set_value(String::new());
        }
        is_chosen
    })
}
