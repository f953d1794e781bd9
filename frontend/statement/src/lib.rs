//! Checks a statement in the browser, with the code that the command line uses; small, since only one page needs it.

use marketplace::statement::report;
use wasm_bindgen::prelude::wasm_bindgen;

/// What was found, as JSON of a `Report`. An empty key expects none in particular.
#[wasm_bindgen]
pub fn verify(text: &str, expected_key: &str) -> String {
    let key = Some(expected_key.trim()).filter(|key| !key.is_empty());
    serde_json::to_string(&report(text, key)).unwrap_or_default()
}
