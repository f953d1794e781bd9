//! The books, for anybody: whether they balance, and how to see that they are not written anew.

use leptos::prelude::*;
use leptos_meta::Title;

use crate::api::books::ReadBooks;
use crate::components::{Awaited, Drawing, FaultNotice};
use crate::door::Asked;

#[component]
pub fn BooksPage() -> impl IntoView {
    let books = Asked::once(ReadBooks {});
    let content = move || async move {
        match books.read().await {
            Ok(sheet) => view! { <Drawing of=sheet /> }.into_any(),
            Err(fault) => view! { <FaultNotice fault /> }.into_any(),
        }
    };
    view! {
        <Title text="The books" />
        <div class="page proof">
            <div class="page-head">
                <h1>"The books"</h1>
                <p>"Every amount stands in them twice, so all of them together come to nothing. That is checked all the time."</p>
            </div>
            <Awaited what="the state of the books" content />
        </div>
    }
}
