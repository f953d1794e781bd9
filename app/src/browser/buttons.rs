//! Buttons that copy or print: one listener for all of them, wherever their markup was drawn.

use std::time::Duration;

use js_sys::Reflect;
use leptos::ev;
use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;
use web_sys::{Element, MouseEvent};

const BACK_AFTER: Duration = Duration::from_secs(2);

/// Lets every `button[data-copy]` copy the text in that attribute, or else the code it stands beside, and every
/// `button[data-print]` print the page.
pub fn answer_buttons() {
    let listener = window_event_listener(ev::click, |event| {
        if pressed(&event, "button[data-print]").is_some() {
            // A browser that cannot print says so itself.
            let _ = window().print();
        } else if let Some((button, text)) = asked_for(&event) {
            spawn_local(async move {
                let said = if write(&text).await { "Copied" } else { "Not copied: select it instead" };
                say(&button, said);
            });
        }
    });
    on_cleanup(move || listener.remove());
}

fn pressed(click: &MouseEvent, kind: &str) -> Option<Element> {
    click.target()?.dyn_into::<Element>().ok()?.closest(kind).ok()?
}

fn asked_for(click: &MouseEvent) -> Option<(Element, String)> {
    let button = pressed(click, "button[data-copy]")?;
    let text = button.get_attribute("data-copy").filter(|text| !text.is_empty());
    let beside = || button.closest(".code").ok()??.query_selector("code").ok()??.text_content();
    let text = text.or_else(beside)?;
    Some((button, text))
}

/// Whether it worked. On pages without a secure connection browsers have no clipboard.
async fn write(text: &str) -> bool {
    let navigator = window().navigator();
    if !Reflect::get(&navigator, &"clipboard".into()).is_ok_and(|clipboard| clipboard.is_object()) {
        return false;
    }
    JsFuture::from(navigator.clipboard().write_text(text)).await.is_ok()
}

fn say(button: &Element, words: &str) {
    let Ok(Some(label)) = button.query_selector("span") else { return };
    label.set_text_content(Some(words));
    let _ = button.set_attribute("data-said", words);
    let button = button.clone();
    set_timeout(
        move || {
            label.set_text_content(Some("Copy"));
            let _ = button.remove_attribute("data-said");
        },
        BACK_AFTER,
    );
}
