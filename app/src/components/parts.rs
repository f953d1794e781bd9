//! Small parts: icon, tile, copy button, and what stands where data is awaited or absent.

use leptos::prelude::*;

/// A shape from the sprite. It says nothing to screen readers: its button or link must.
#[component]
pub fn Icon(name: &'static str) -> impl IntoView {
    view! {
        <svg class="icon" width="18" height="18" aria-hidden="true" focusable="false">
            <use href=format!("/icons.svg#{name}")></use>
        </svg>
    }
}

/// The first letters of an author, on a tint that is always the same for the same name.
#[component]
pub fn Tile(#[prop(into)] name: String) -> impl IntoView {
    let tint = name.bytes().fold(0_u32, |sum, byte| (sum * 135 + u32::from(byte)) % 6_007) % 6;
    view! { <span class="tile" data-tint=tint.to_string() aria-hidden="true">{initials(&name)}</span> }
}

fn initials(name: &str) -> String {
    let mut letters = name.chars().filter(|letter| letter.is_alphanumeric()).take(2);
    let first = letters.next().map(|letter| letter.to_uppercase().to_string());
    first.into_iter().chain(letters.next().map(|letter| letter.to_string())).collect()
}

/// What is being waited for, in its own words.
#[component]
pub fn Waiting(#[prop(default = "the page")] what: &'static str) -> impl IntoView {
    view! {
        <p class="waiting" role="status">
            <span class="waiting-mark" aria-hidden="true"></span>
            "Fetching "{what}"…"
        </p>
    }
}

/// Nothing is here yet: the children say what to do next.
#[component]
pub fn Empty(#[prop(into)] title: String, children: Children) -> impl IntoView {
    view! {
        <div class="empty">
            <p class="empty-title">{title}</p>
            {children()}
        </div>
    }
}

/// Puts a text on the clipboard, with the help of [`crate::browser::answer_buttons`].
#[component]
pub fn CopyButton(text: String) -> impl IntoView {
    view! {
        <button type="button" class="button quiet scripted" data-copy=text>
            <Icon name="copy" />
            <Icon name="check" />
            <span aria-live="polite">"Copy"</span>
        </button>
    }
}

/// Prints the page, with the help of [`crate::browser::answer_buttons`].
#[component]
pub fn PrintButton() -> impl IntoView {
    view! { <button type="button" class="button scripted" data-print>"Print"</button> }
}
