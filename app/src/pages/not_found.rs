//! The page that stands where there is none.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_location;

use crate::api::models::PageMissing;
use crate::components::{Awaited, Drawing, Icon};
use crate::door::Asked;

#[component]
pub fn NotFoundPage() -> impl IntoView {
    let path = use_location().pathname.get_untracked();
    let nothing = view! { <NoSuchPage path=path.clone() /> };
    // The server's answer has a status besides.
    let missing = Asked::once(PageMissing { path });
    let perhaps = move || async move {
        missing.read().await.ok().map(|drawn| view! { <Drawing of=drawn /> }.into_any()).into_any()
    };
    view! {
        {nothing}
        <Awaited content=perhaps />
    }
}

#[component]
pub fn NoSuchPage(path: String) -> impl IntoView {
    view! {
        <Title text="Page not found" />
        <Missing title="There is no such page" words=words_of(&path)>
            <p>"The address may be mistyped, or the page has moved. Nothing was charged."</p>
        </Missing>
    }
    .into_any()
}

/// The words of an address, to search for.
pub fn words_of(path: &str) -> String {
    let words = path.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty());
    words.filter(|word| *word != "models").take(8).collect::<Vec<_>>().join(" ")
}

/// What somebody may do who came to the wrong place. `words` are what they may look for.
#[component]
pub fn Missing(#[prop(into)] title: String, words: String, children: Children) -> impl IntoView {
    view! {
        <div class="page missing">
            <p class="missing-code num" aria-hidden="true">"404"</p>
            <h1>{title}</h1>
            {children()}
            <form class="big-search" action="/models" method="get">
                <label>
                    <span class="visually-hidden">"Search models"</span>
                    <Icon name="search" />
                    <input class="input" type="search" name="q" placeholder="Search models" autocomplete="off" value=words />
                </label>
                <button class="button primary" type="submit">"Search"</button>
            </form>
            <p class="cluster">
                <a class="button" href="/models">"All models"</a>
                <a class="button" href="/">"Home"</a>
            </p>
        </div>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_an_address_are_what_may_be_looked_for() {
        assert_eq!(words_of("/models/openai/gpt_5-mini"), "openai gpt 5 mini");
        assert_eq!(words_of("/"), "");
        assert_eq!(words_of(&"/a".repeat(1_000)).split(' ').count(), 8);
    }
}
