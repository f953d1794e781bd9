//! Suggestions below every field that searches models: found in a small file that is fetched once, so that a key stroke
//! asks nobody.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use leptos::prelude::*;
use leptos::task::spawn_local;
use marketplace::search::quick::{Line, Quick};
use wasm_bindgen::JsCast;
use web_sys::{Element, Event, HtmlElement, HtmlInputElement, KeyboardEvent};

use super::request::get;

const FILE: &str = "/models-index.txt";
const FIELD: &str = "input[type=search][name=q]";
/// Everything that is needed sooner has been fetched by then.
const FETCH_AFTER: Duration = Duration::from_secs(2);
const SHOWN: usize = 6;
/// What a field with suggestions is to those who do not see them.
const COMBOBOX: [(&str, &str); 4] = [
    ("role", "combobox"),
    ("aria-autocomplete", "list"),
    ("aria-controls", "suggestions"),
    ("aria-expanded", "true"),
];
const SELECTED: [(&str, &str); 2] = [("aria-selected", "false"), ("aria-selected", "true")];
const ACTIVE: &str = "aria-activedescendant";

thread_local! {
    static QUICK: RefCell<Option<Quick>> = const { RefCell::new(None) };
    static IS_ASKED: Cell<bool> = const { Cell::new(false) };
    /// The one that is chosen with the arrows.
    static CHOSEN: Cell<Option<usize>> = const { Cell::new(None) };
}

/// One listener of each kind for all fields, wherever their markup was drawn.
pub fn suggest_models() {
    let listeners = ["input", "keydown", "mousedown", "focusin", "click"]
        .map(|name| window_event_listener_untyped(name, |event| hear(&event)));
    on_cleanup(move || listeners.into_iter().for_each(|listener| listener.remove()));
    set_timeout(fetch, FETCH_AFTER);
}

fn fetch() {
    if !IS_ASKED.replace(true) {
        spawn_local(async {
            let file = get(FILE).await;
            // Who could not fetch it may try again, and has the server's results meanwhile.
            IS_ASKED.set(file.is_some());
            QUICK.set(file.map(|file| Quick::read(&file)));
        });
    }
}

fn hear(event: &Event) {
    let Some(target) = event.target().and_then(|target| target.dyn_into::<Element>().ok()) else { return };
    let field = target.dyn_ref::<HtmlInputElement>().filter(|field| field.matches(FIELD).unwrap_or_default());
    let in_list = target.closest("#suggestions").ok().flatten().is_some();
    match (event.type_().as_str(), field) {
        ("input", Some(field)) => show(field),
        ("keydown", Some(field)) => {
            if let Some(key) = event.dyn_ref::<KeyboardEvent>() {
                steer(field, key);
            }
        }
        ("focusin", Some(_)) => fetch(),
        // The field keeps the focus while somebody clicks below it.
        ("mousedown", None) if in_list => event.prevent_default(),
        ("mousedown" | "focusin", None) | ("click", _) if field.is_none() => close(),
        _ => {}
    }
}

fn show(field: &HtmlInputElement) {
    close();
    fetch();
    QUICK.with_borrow(|quick| {
        let lines = quick.as_ref().map(|quick| quick.find(&field.value(), SHOWN)).unwrap_or_default();
        if !lines.is_empty() {
            let _ = open(field, &lines);
        }
    });
}

/// The list stands beside the field's label, where styles place it.
fn open(field: &HtmlInputElement, lines: &[&Line]) -> Option<()> {
    let list = part("div", "suggestions", "")?;
    set(&list, &[("id", "suggestions"), ("role", "listbox"), ("aria-label", "Models")])?;
    for (at, line) in lines.iter().enumerate() {
        let option = part("a", "suggestion", "")?;
        let (id, href) = (format!("suggestion-{at}"), format!("/models/{}", line.id));
        set(&option, &[("id", &id), ("href", &href), ("role", "option"), ("tabindex", "-1"), SELECTED[0]])?;
        let mut by = line.author.clone();
        if !line.context.is_empty() {
            by.push_str(" · ");
            by.push_str(&line.context);
        }
        for (class, text) in
            [("suggestion-name", &line.name), ("soft small", &by), ("num small", &line.price)]
        {
            option.append_child(&*part("span", class, text)?).ok()?;
        }
        list.append_child(&option).ok()?;
    }
    let label = field.closest("label").ok()??;
    label.parent_element()?.append_child(&list).ok()?;
    set(field, &COMBOBOX)
}

fn set(element: &Element, attributes: &[(&str, &str)]) -> Option<()> {
    attributes.iter().try_for_each(|(name, value)| element.set_attribute(name, value)).ok()
}

fn part(tag: &str, class: &str, text: &str) -> Option<Element> {
    let part = document().create_element(tag).ok()?;
    part.set_class_name(class);
    part.set_text_content(Some(text));
    Some(part)
}

fn close() {
    CHOSEN.set(None);
    if let Some(list) = document().get_element_by_id("suggestions") {
        list.remove();
    }
    if let Ok(Some(field)) = document().query_selector("[aria-controls=suggestions]") {
        for (name, _) in COMBOBOX {
            let _ = field.remove_attribute(name);
        }
        let _ = field.remove_attribute(ACTIVE);
    }
}

/// Arrows go through the list and back into the field, Enter opens what is chosen, Escape closes the list.
fn steer(field: &HtmlInputElement, key: &KeyboardEvent) {
    let Some(list) = document().get_element_by_id("suggestions") else { return };
    let many = list.child_element_count() as usize;
    let chosen = CHOSEN.get();
    let next = match (key.key().as_str(), chosen) {
        ("ArrowDown", None) => Some(0),
        ("ArrowDown", Some(at)) => Some(at + 1).filter(|at| *at < many),
        ("ArrowUp", None) => many.checked_sub(1),
        ("ArrowUp", Some(at)) => at.checked_sub(1),
        ("Enter", Some(at)) => {
            key.prevent_default();
            if let Some(option) = option(at).and_then(|option| option.dyn_into::<HtmlElement>().ok()) {
                option.click();
            }
            return;
        }
        // What was typed is searched for.
        ("Enter", None) => return close(),
        ("Escape", _) => {
            key.prevent_default();
            return close();
        }
        _ => return,
    };
    key.prevent_default();
    if let Some(before) = chosen.and_then(option) {
        set(&before, &SELECTED[..1]);
    }
    CHOSEN.set(next);
    if let Some(option) = next.and_then(option) {
        set(&option, &SELECTED[1..]);
        set(field, &[(ACTIVE, &option.id())]);
    } else {
        let _ = field.remove_attribute(ACTIVE);
    }
}

fn option(at: usize) -> Option<Element> {
    document().get_element_by_id(&format!("suggestion-{at}"))
}
