//! Wakes the page in the browser.

// A page is one type, as deep as its markup.
#![recursion_limit = "512"]

use app::shell::App;
use wasm_bindgen::prelude::wasm_bindgen;

#[wasm_bindgen]
pub fn hydrate() {
    console_error_panic_hook::set_once();
    leptos::mount::hydrate_body(App);
}
