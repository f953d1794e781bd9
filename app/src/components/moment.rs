//! A moment as people read it: to the minute, in UTC, and the same on server and browser.

use leptos::prelude::*;

#[component]
pub fn Moment(#[prop(into)] at: String) -> impl IntoView {
    let text = to_the_minute(&at);
    view! { <time class="moment" datetime=at>{text}</time> }
}

/// `2026-11-22T09:30:00.123Z` as `2026-11-22 09:30 UTC`. What is not such a text is shown as it is.
fn to_the_minute(at: &str) -> String {
    match (at.get(..10), at.get(10..11), at.get(11..16)) {
        (Some(day), Some("T" | " "), Some(minute)) => format!("{day} {minute} UTC"),
        _ => at.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_read_to_the_minute() {
        assert_eq!(to_the_minute("2026-11-22T09:30:00.123Z"), "2026-11-22 09:30 UTC");
        assert_eq!(to_the_minute("soon"), "soon");
    }
}
