//! One operation: what it does, what it takes, what it answers, and how to call it in four languages.

use leptos::prelude::*;

use super::example;
use super::reference::{Answer, Field, Operation};
use crate::sheets::code::Sample;

#[component]
pub fn OperationEntry(operation: Operation, origin: String) -> impl IntoView {
    let samples: Vec<_> = example::samples(&operation, &origin)
        .into_iter()
        .map(|(name, code)| {
            let among = format!("{}-sample", operation.id);
            view! { <Sample among name code is_open=name == "curl" /> }
        })
        .collect();
    let answers: Vec<_> = operation
        .answers
        .iter()
        .cloned()
        .map(|answer| view! { <AnswerEntry answer of=operation.title() /> })
        .collect();
    let key = if operation.needs_key { "Needs a key or a session." } else { "Needs no key." };
    let twin = operation.has_twin.then(|| {
        let path = operation.path.trim_start_matches("/api").to_owned();
        view! { " Also at "<code>{path}</code>"." }
    });
    view! {
        <section id=operation.id.clone() class="stack operation" aria-labelledby=format!("{}-title", operation.id)>
            <h2 id=format!("{}-title", operation.id)><code>{operation.title()}</code></h2>
            <p>{operation.summary.clone()}" "{words(&operation.description)}</p>
            <p class="soft">{key}{twin}</p>
            <FieldTable title="Parameters" of=operation.title() fields=operation.parameters.clone() />
            <FieldTable title="Body" of=operation.title() fields=operation.body.clone() />
            {answers}
            <p class="soft">
                "May be refused with "{operation.refusals.join(", ")}": see "
                <a href="/docs/errors" rel="external">"errors"</a>"."
            </p>
            {samples}
        </section>
    }
    .into_any()
}

#[component]
fn AnswerEntry(answer: Answer, of: String) -> impl IntoView {
    let kinds = answer.kinds.join(" or ");
    let kinds = (!kinds.is_empty()).then(|| view! { " "<code>{kinds}</code> });
    view! {
        <p><b>{answer.status.clone()}</b>" "{words(&answer.about)}{kinds}</p>
        <FieldTable title="Answer" of fields=answer.fields />
    }
    .into_any()
}

/// Nothing where there are none.
#[component]
fn FieldTable(title: &'static str, of: String, fields: Vec<Field>) -> impl IntoView {
    let rows: Vec<_> = fields
        .into_iter()
        .map(|field| {
            let needed = if field.is_required { "always" } else { "" };
            let within = (!field.within.is_empty()).then(|| format!("{}, ", field.within));
            view! {
                <tr>
                    <th scope="row"><code>{field.name}</code></th>
                    <td>{within}{field.kind}</td>
                    <td>{needed}</td>
                    <td>{words(&field.about)}</td>
                </tr>
            }
        })
        .collect();
    (!rows.is_empty()).then(|| {
        view! {
            <details class="fields" open=title != "Answer">
                <summary>{format!("{title}: {}", rows.len())}</summary>
                <div class="table-wrap" role="group" aria-label=format!("{title} of {of}") tabindex="0">
                    <table class="table">
                        <thead>
                            <tr><th scope="col">"Field"</th><th scope="col">"What"</th><th scope="col">"There"</th><th scope="col">"About"</th></tr>
                        </thead>
                        <tbody>{rows}</tbody>
                    </table>
                </div>
            </details>
        }
        .into_any()
    })
}

/// What stands between backticks is code.
fn words(text: &str) -> Vec<AnyView> {
    let parts = text.split('`').map(str::to_owned).enumerate();
    parts
        .map(
            |(at, part)| if at % 2 == 1 { view! { <code>{part}</code> }.into_any() } else { part.into_any() },
        )
        .collect()
}
