//! What forms hold.

use wasm_bindgen::JsCast;
use web_sys::{FormData, HtmlButtonElement, HtmlFormElement, SubmitEvent, UrlSearchParams};

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
    Some(UrlSearchParams::new_with_str_sequence_sequence(&fields).ok()?.to_string().into())
}
