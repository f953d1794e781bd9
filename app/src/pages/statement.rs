//! One month of an account, fit for printing: it adds up, to the last digit.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;

use super::sign_in::Refusal;
use crate::api::statements::ReadStatement;
use crate::components::{Awaited, Drawing, PrintButton};
use crate::door::Asked;

#[component]
pub fn StatementPage() -> impl IntoView {
    let params = use_params_map();
    let month = Memo::new(move |_| params.read().get("month").unwrap_or_default());
    let statement = Asked::new(move || month.get(), |month| ReadStatement { month });
    let content = move || async move {
        match statement.read().await {
            Ok(sheet) => {
                view! { <Drawing of=sheet /><p class="sheet-actions"><PrintButton /></p> }.into_any()
            }
            Err(fault) => view! { <Refusal fault /> }.into_any(),
        }
    };
    view! {
        <Title text="Statement" />
        <div class="page receipt">
            <div class="page-head">
                <h1>"Statement"</h1>
                <p class="soft">"For "<span class="num">{month}</span>", in UTC"</p>
            </div>
            <Awaited what="the statement" content />
        </div>
    }
}
