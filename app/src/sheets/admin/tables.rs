//! What sold best, and who did what.

use leptos::prelude::*;
use marketplace::operator::{AuditLine, ModelShare};

use super::count;
use crate::components::{Empty, Moment};

#[component]
pub fn TopModels(models: Vec<ModelShare>) -> impl IntoView {
    let largest = models.iter().map(|share| share.charge_nanos.0).max().unwrap_or_default().max(1);
    let table = if models.is_empty() {
        view! { <Empty title="Nothing was sold yet"><p>"The first paid answer opens this list."</p></Empty> }
            .into_any()
    } else {
        view! {
            <div class="table-wrap" role="group" aria-labelledby="top-heading" tabindex="0">
                <table class="table">
                    <thead>
                        <tr>
                            <th scope="col">"Model"</th>
                            <th scope="col"><span class="visually-hidden">"Share of the largest"</span></th>
                            <th scope="col" class="num">"Calls"</th>
                            <th scope="col" class="num">"Charged"</th>
                            <th scope="col" class="num">"Commission"</th>
                        </tr>
                    </thead>
                    <tbody>{models.into_iter().map(|share| view! { <ShareRow share largest /> }).collect_view()}</tbody>
                </table>
            </div>
        }
        .into_any()
    };
    view! {
        <section class="stack" aria-labelledby="top-heading">
            <h2 id="top-heading">"Top models"</h2>
            {table}
        </section>
    }
}

#[component]
fn ShareRow(share: ModelShare, largest: i64) -> impl IntoView {
    let charge = share.charge_nanos;
    let (href, label) = (format!("/models/{}", share.model), format!("{} beside the largest", share.model));
    view! {
        <tr>
            <th scope="row"><a href=href>{share.model}</a></th>
            <td><meter min="0" max=largest.to_string() value=charge.0.to_string() aria-label=label></meter></td>
            <td class="num">{count(share.calls)}</td>
            <td class="num">{charge.cost()}</td>
            <td class="num">{share.commission_nanos.cost()}</td>
        </tr>
    }
}

#[component]
pub fn AuditTable(lines: Vec<AuditLine>) -> impl IntoView {
    let table = if lines.is_empty() {
        view! { <Empty title="No entries yet"><p>"Every change by an operator is written down here."</p></Empty> }.into_any()
    } else {
        view! {
            <div class="table-wrap" role="group" aria-labelledby="audit-heading" tabindex="0">
                <table class="table">
                    <thead>
                        <tr>
                            <th scope="col">"When"</th>
                            <th scope="col">"Who"</th>
                            <th scope="col">"Did"</th>
                            <th scope="col">"To"</th>
                            <th scope="col">"Why"</th>
                        </tr>
                    </thead>
                    <tbody>{lines.into_iter().map(|line| view! { <AuditRow line /> }).collect_view()}</tbody>
                </table>
            </div>
        }
        .into_any()
    };
    view! {
        <section class="stack" aria-labelledby="audit-heading">
            <h2 id="audit-heading">"Audit log"</h2>
            {table}
        </section>
    }
}

#[component]
fn AuditRow(line: AuditLine) -> impl IntoView {
    view! {
        <tr>
            <td><Moment at=line.at /></td>
            <td>{line.actor}</td>
            <td>{line.action}</td>
            <td>{line.subject}</td>
            <td>{line.reason.unwrap_or_else(|| "—".to_owned())}</td>
        </tr>
    }
}
