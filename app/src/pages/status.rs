//! Whether everything works: vendors as they were measured here, and the books.

use leptos::prelude::*;
use leptos_meta::Title;

use crate::api::status::ReadStatus;
use crate::components::{Awaited, Drawing, FaultNotice};
use crate::door::Asked;

#[component]
pub fn StatusPage() -> impl IntoView {
    let status = Asked::once(ReadStatus {});
    let content = move || async move {
        match status.read().await {
            Ok(sheet) => view! { <Drawing of=sheet /> }.into_any(),
            Err(fault) => view! { <FaultNotice fault /> }.into_any(),
        }
    };
    view! {
        <Title text="Status" />
        <div class="page status-page">
            <div class="page-head">
                <h1>"Status"</h1>
                <p>"How well vendors answer, measured on the calls made here."</p>
            </div>
            <Awaited what="what was measured" content />
        </div>
    }
}
