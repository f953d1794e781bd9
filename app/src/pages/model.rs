//! One model: what it is, what it costs, what a day of it would cost, and how to call it.

pub mod calculator;

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;
use marketplace::fault::Code;

use self::calculator::Calculator;
use super::not_found::{Missing, words_of};
use crate::api::models::{ModelSheet, ReadModel};
use crate::components::{Awaited, Drawing, FaultNotice};
use crate::door::Asked;

#[component]
pub fn ModelPage() -> impl IntoView {
    let params = use_params_map();
    let id = Memo::new(move |_| params.with(|params| params.get("id")).unwrap_or_default());
    let sheet = Asked::new(move || id.get(), |id| ReadModel { id });
    let page = move || async move {
        match sheet.read().await {
            Ok(sheet) => view! { <Sheet sheet /> }.into_any(),
            Err(fault) if matches!(fault.0.code, Code::NotFound | Code::InvalidRequest) => view! {
                <Title text="Model not found" />
                <Missing title="No model goes by that name" words=words_of(&id.get_untracked())>
                    <p>"It may have been renamed. Nothing was charged."</p>
                </Missing>
            }
            .into_any(),
            Err(fault) => view! { <div class="page"><FaultNotice fault /></div> }.into_any(),
        }
    };
    view! { <Awaited what="the model" content=page /> }
}

#[component]
fn Sheet(sheet: ModelSheet) -> impl IntoView {
    view! {
        <Title text=sheet.name />
        <article class="page model-page">
            <Drawing of=sheet.head />
            <div class="model-columns">
                <div class="model-main">
                    <Drawing of=sheet.prices />
                    {sheet.tariff.map(|tariff| view! { <Calculator tariff /> }.into_any())}
                    <Drawing of=sheet.more />
                </div>
                <Drawing of=sheet.facts />
            </div>
        </article>
    }
    .into_any()
}
