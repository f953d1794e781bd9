//! What the frame asks of the browser; reached only from effects and event handlers.

use leptos::ev;
use leptos::prelude::*;
use leptos::wasm_bindgen::{JsCast, JsValue};
use leptos::web_sys::{Element, HtmlElement, KeyboardEvent};

/// Tells styles, tests and measurements that the page is awake.
pub fn mark_hydrated() {
    if let Some(root) = document().document_element() {
        let _ = root.set_attribute("data-hydrated", "");
    }
    let performance = js_sys::Reflect::get(&window(), &JsValue::from_str("performance"));
    let mark =
        performance.as_ref().ok().and_then(|p| js_sys::Reflect::get(p, &JsValue::from_str("mark")).ok());
    if let (Ok(performance), Some(Ok(mark))) = (performance, mark.map(JsCast::dyn_into::<js_sys::Function>)) {
        let _ = mark.call1(&performance, &JsValue::from_str("hydrated"));
    }
}

/// The theme the document is drawn in, if one was chosen.
pub fn chosen_theme() -> Option<String> {
    document().document_element()?.get_attribute("data-theme")
}

/// Draws the page in a theme at once; the cookie is the server's business.
pub fn draw_theme(theme: &str) {
    let Some(root) = document().document_element() else { return };
    let _ = match theme {
        "light" | "dark" => root.set_attribute("data-theme", theme),
        _ => root.remove_attribute("data-theme"),
    };
}

/// `/` goes to the search field of the page, or else to the one in the top bar.
pub fn focus_search_on_slash() {
    let listener = window_event_listener(ev::keydown, |event| {
        if event.key() != "/" || is_typing(&event) {
            return;
        }
        // One look for both would find the bar first, which stands before the page.
        let find = |selector| document().query_selector(selector).ok().flatten();
        let field = find("main input[type=search]").or_else(|| find(".site-search input"));
        if let Some(field) = field.and_then(|field| field.dyn_into::<HtmlElement>().ok()) {
            event.prevent_default();
            let _ = field.focus();
        }
    });
    on_cleanup(move || listener.remove());
}

fn is_typing(event: &KeyboardEvent) -> bool {
    let with_modifier = event.ctrl_key() || event.meta_key() || event.alt_key();
    let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
    with_modifier
        || target.is_some_and(|element| {
            element.matches("input, textarea, select, [contenteditable]").unwrap_or_default()
        })
}
