//! The receipt of one call, line by line.

mod sums;

use leptos::prelude::*;
use marketplace::fault::Fault;
use marketplace::id::CallId;
use marketplace::receipt::Receipt;
use marketplace::usage::UsageSource;

use self::sums::{HoldTable, LineTable};
use super::draw;
use super::place::Place;
use crate::api::sheets::Sheet;
use crate::components::{Drawn, Moment, PrintButton};
use crate::context::{Caller, subject};
use crate::error::AppError;

pub async fn page(place: &Place<'_>, id: &str) -> Sheet {
    let lead = || view! { <p class="soft">"For call "<span class="num">{id.to_owned()}</span></p> };
    place.page("Receipt", "receipt", lead, content(&place.caller, id).await)
}

async fn content(caller: &Caller, id: &str) -> Result<Drawn, AppError> {
    let id = subject(CallId::parse(id).map_err(|_| Fault::not_found("This receipt")))?;
    Ok(sheet(subject(caller.engine.receipt(&caller.actor, id).await)?))
}

fn sheet(receipt: Receipt) -> Drawn {
    let id = receipt.id;
    draw(|| {
        view! {
            <article class="card stack sheet" aria-label="Receipt">
                <Facts receipt=receipt.clone() />
                <LineTable receipt=receipt.clone() />
                <HoldTable receipt />
            </article>
            <p class="cluster sheet-actions">
                <a class="button" href=format!("/api/v1/receipts/{id}") rel="external">"As JSON"</a>
                <a class="button" href="/billing">"Ledger"</a>
                <PrintButton />
            </p>
        }
    })
}

#[component]
fn Facts(receipt: Receipt) -> impl IntoView {
    let before = asked_before(&receipt);
    view! {
        <dl class="kv">
            <dt>"Model"</dt>
            <dd><a href=format!("/models/{}", receipt.model)>{receipt.model.to_string()}</a></dd>
            <dt>"Answered by"</dt><dd>{receipt.provider.to_string()}</dd>
            {before.map(|before| view! { <dt>"Asked before"</dt><dd>{before}</dd> })}
            <dt>"Begun"</dt><dd><Moment at=receipt.created_at /></dd>
            {receipt.settled_at.map(|at| view! { <dt>"Settled"</dt><dd><Moment at /></dd> })}
            <dt>"Ended with"</dt><dd>{receipt.finish}</dd>
            <dt>"Tokens counted by"</dt><dd>{counted_by(receipt.usage_source)}</dd>
            <dt>"Price version"</dt><dd class="num">{receipt.price_version.to_string()}</dd>
        </dl>
    }
}

/// Who failed before somebody else was asked; `groq: overloaded`.
fn asked_before(receipt: &Receipt) -> Option<String> {
    let (_, before) = receipt.attempts.split_last()?;
    let told = before.iter().map(|attempt| {
        let outcome = attempt.outcome.as_deref().unwrap_or("unknown").replace('_', " ");
        format!("{}: {outcome}", attempt.provider)
    });
    (!before.is_empty()).then(|| told.collect::<Vec<_>>().join(", "))
}

fn counted_by(source: UsageSource) -> &'static str {
    match source {
        UsageSource::Provider => "the provider",
        UsageSource::Estimated => "our estimate; the provider's count did not arrive",
        UsageSource::None => "nobody; nothing was billed",
    }
}
