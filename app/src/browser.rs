//! What only a browser can do; reached from effects and event handlers alone.

mod buttons;
mod finder;
mod form;
mod live_channel;
mod request;

pub use self::buttons::answer_buttons;
pub use self::finder::suggest_models;
pub use self::form::{chosen, fields, return_to, spot};
pub use self::live_channel::{Heard, LiveChannel};
pub use self::request::{Reply, post};

use chrono::{DateTime, Utc};
use leptos::prelude::*;
use web_sys::{Element, Storage};

const DRAFT: &str = "mercato.draft";

/// The moment by the reader's clock; prices that change with the hour depend on it.
pub fn now() -> Option<DateTime<Utc>> {
    #[expect(clippy::cast_possible_truncation, reason = "milliseconds since 1970 fit for ages")]
    DateTime::from_timestamp_millis(js_sys::Date::now() as i64)
}

/// An unsent message is kept for the next visit.
pub fn keep_draft(text: &str) {
    if let Some(storage) = storage() {
        let _ = if text.is_empty() { storage.remove_item(DRAFT) } else { storage.set_item(DRAFT, text) };
    }
}

pub fn kept_draft() -> Option<String> {
    storage()?.get_item(DRAFT).ok()?
}

fn storage() -> Option<Storage> {
    window().local_storage().ok()?
}

/// Whether a sheet lies over the page, so that Escape is meant for it.
pub fn is_sheet_open() -> bool {
    document().query_selector(":popover-open").is_ok_and(|sheet| sheet.is_some())
}

/// Whether somebody reads the newest lines, and so wants to see what comes after them.
pub fn is_at_end(scroller: &Element) -> bool {
    const SLACK_PIXELS: i32 = 48;
    scroller.scroll_height() - scroller.scroll_top() - scroller.client_height() <= SLACK_PIXELS
}

/// Scrolls after the browser has laid out what was added.
pub fn go_to_end(scroller: Element) {
    request_animation_frame(move || scroller.set_scroll_top(scroller.scroll_height()));
}
