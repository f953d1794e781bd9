//! Any page that is only read, and all of whose state stands in its address: the server draws it whole, its forms too.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::{use_location, use_params_map};
use marketplace::fault::Code;

use super::not_found::NoSuchPage;
use crate::api::sheets::ReadSheet;
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
            Ok(sheet) => view! { <Title text=sheet.title /><Drawing of=sheet.body /> }.into_any(),
            Err(fault) if fault.0.code == Code::NotFound => {
                view! { <NoSuchPage path=path.get_untracked() /> }.into_any()
            }
            Err(fault) => view! { <div class="page"><FaultNotice fault /></div> }.into_any(),
        }
    };
    view! { <Awaited what="the page" content /> }
}
