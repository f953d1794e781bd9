//! The list of months.

use leptos::prelude::*;
use marketplace::statement::Month;

pub fn list(months: Vec<Month>) -> impl IntoView {
    // The newest is the one that runs.
    let rows = months.into_iter().enumerate().map(|(at, month)| view! { <Row month runs=at == 0 /> });
    view! {
        <div class="table-wrap" role="group" aria-label="Statements" tabindex="0">
            <table class="table">
                <thead>
                    <tr><th scope="col">"Month"</th><th scope="col">"Signed"</th><th scope="col">"For a spreadsheet"</th></tr>
                </thead>
                <tbody>{rows.collect_view()}</tbody>
            </table>
        </div>
        <p class="cluster sheet-actions">
            <a class="button" href="/statements/verify">"Check a statement"</a>
            <a class="button" href="/billing">"Billing"</a>
        </p>
    }
}

#[component]
fn Row(month: Month, runs: bool) -> impl IntoView {
    let file = |ending| format!("/api/v1/statements/{month}.{ending}");
    view! {
        <tr>
            <th scope="row">
                <a href=format!("/statements/{month}")>{month.to_string()}</a>
                {runs.then(|| view! { " "<span class="chip">"so far"</span> })}
            </th>
            <td><a href=file("json") download aria-label=format!("Signed JSON of {month}")>"JSON"</a></td>
            <td><a href=file("csv") download aria-label=format!("CSV of {month}")>"CSV"</a></td>
        </tr>
    }
}
