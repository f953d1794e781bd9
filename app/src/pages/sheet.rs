//! Any page that is only read, and all of whose state stands in its address: the server draws it whole, its forms too.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::{use_location, use_params_map};
use marketplace::fault::Code;

use super::not_found::{Missing, words_of};
use crate::api::sheets::{ReadSheet, Sheet};
use crate::components::{Awaited, Drawing, FaultNotice};
use crate::door::Asked;

#[component]
pub fn SheetPage() -> impl IntoView {
    let place = use_location();
    let params = use_params_map();
    // A page that is left must not ask for the next one's sheet; its parameters stay what they were.
    let path = Memo::new(move |_| {
        params.track();
        place.pathname.get_untracked()
    });
    let query = place.search;
    let sheet = Asked::new(move || (path.get(), query.get()), |(path, query)| ReadSheet { path, query });
    let content = move || async move {
        match sheet.read().await {
            Ok(Sheet { title, body, answer: None }) => {
                view! { <Title text=title /><Drawing of=body /> }.into_any()
            }
            Ok(Sheet { title, body, answer: Some(answer) }) => view! {
                <Title text=title />
                <div class="page parted"><Drawing of=body /><Drawing of=answer /></div>
            }
            .into_any(),
            Err(fault) if fault.0.code == Code::NotFound => view! {
                <Title text="Page not found" />
                <Missing title="There is no such page" words=words_of(&path.get_untracked())>
                    <p>"The address may be mistyped, or the page has moved. Nothing was charged."</p>
                </Missing>
            }
            .into_any(),
            Err(fault) => view! { <div class="page"><FaultNotice fault /></div> }.into_any(),
        }
    };
    view! { <Awaited what="the page" content /> }
}
