//! What forms hold, and where in them somebody is.

use leptos::prelude::{document, request_animation_frame};
use wasm_bindgen::JsCast;
use web_sys::{
    Element, Event, FormData, HtmlButtonElement, HtmlElement, HtmlFormElement, SubmitEvent, UrlSearchParams,
};

/// The fields of a form being submitted, written as in an address. Nothing if somebody else takes care of it.
pub fn fields(event: &SubmitEvent) -> Option<String> {
    if event.default_prevented() {
        return None;
    }
    let form = event.target()?.dyn_into::<HtmlFormElement>().ok()?;
    let fields = FormData::new_with_form(&form).ok()?;
    let button = event.submitter().and_then(|button| button.dyn_into::<HtmlButtonElement>().ok());
    if let Some(button) = button.filter(|button| !button.name().is_empty()) {
        fields.append_with_str(&button.name(), &button.value()).ok()?;
    }
    written(&fields)
}

/// Those of a form that say something.
pub fn chosen(form: &HtmlFormElement) -> Option<String> {
    let fields = written(&FormData::new_with_form(form).ok()?)?;
    let chosen: Vec<&str> = fields.split('&').filter(|field| !field.ends_with('=')).collect();
    Some(chosen.join("&"))
}

fn written(fields: &FormData) -> Option<String> {
    Some(UrlSearchParams::new_with_str_sequence_sequence(fields).ok()?.to_string().into())
}

/// Which field was changed, so that it is found again in a form that was drawn anew. Words are no choice.
pub fn spot(event: &Event) -> Option<String> {
    let field = event.target()?.dyn_into::<Element>().ok()?;
    let name = field.get_attribute("name").filter(|name| name != "q")?;
    let value = field.get_attribute("value").map(|value| format!("[value=\"{value}\"]"));
    Some(format!("[name={name}]{}", value.unwrap_or_default()))
}

/// Goes back there once the form is drawn, unless somebody has gone elsewhere meanwhile.
pub fn return_to(spot: String) {
    request_animation_frame(move || {
        let is_lost = document().active_element().is_none_or(|active| active.tag_name() == "BODY");
        // A value may be such that this finds nothing.
        let Some(field) = document().query_selector(&spot).ok().flatten().filter(|_| is_lost) else { return };
        if let Ok(Some(around)) = field.closest(".choices-more") {
            let _ = around.set_attribute("open", "");
        }
        if let Ok(field) = field.dyn_into::<HtmlElement>() {
            let _ = field.focus();
        }
    });
}
