//! How a model answered here, by who answers for it.

use leptos::prelude::*;
use marketplace::health::OfferHealth;

use crate::components::Empty;
use crate::sheets::health::{NamedBy, Offers};

#[component]
pub fn Measured(offers: Vec<OfferHealth>, name: String) -> impl IntoView {
    let content = if offers.is_empty() {
        view! {
            <Empty title="Not measured yet">
                <p>{name}" was not asked in the last 24 hours. The first answer begins this table, a minute later."</p>
            </Empty>
        }
        .into_any()
    } else {
        view! {
            <Offers offers named_by=NamedBy::Vendor labelled_by="measured-title" />
            <p class="soft small">"How this is measured, and every other model: "<a href="/status">"status"</a>"."</p>
        }
        .into_any()
    };
    view! {
        <section id="measured" class="stack" aria-labelledby="measured-title">
            <h2 id="measured-title">"Measured here, last 24 hours"</h2>
            {content}
        </section>
    }
    .into_any()
}
