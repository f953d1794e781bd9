//! Checking a statement in the browser: the form is drawn by the server, the check is a small program of its own.

use leptos::nonce::use_nonce;
use leptos::prelude::*;
use leptos_meta::Title;

use crate::api::statements::ReadVerifier;
use crate::components::{Awaited, Drawing, FaultNotice};
use crate::door::Asked;

#[component]
pub fn VerifyPage() -> impl IntoView {
    let verifier = Asked::once(ReadVerifier {});
    let content = move || async move {
        match verifier.read().await {
            Ok(form) => view! { <Drawing of=form /> }.into_any(),
            Err(fault) => view! { <FaultNotice fault /> }.into_any(),
        }
    };
    view! {
        <Title text="Check a statement" />
        <div class="page receipt">
            <div class="page-head">
                <h1>"Check a statement"</h1>
                <p class="soft">"The file is read here, in your browser, and sent nowhere. Once this page is open, the check needs no network."</p>
            </div>
            <Awaited what="the check" content />
        </div>
        <script type="module" src="/verify.js" nonce=use_nonce()></script>
    }
}
