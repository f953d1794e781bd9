//! The shape of every field in a form.

use leptos::prelude::*;

use crate::error::AppError;

/// A label, its input, what is wanted of it and what is wrong with it. The child is the input: it bears `id`, and says
/// with `aria-describedby` that it is described by `{id}-hint` and `{field}-error`.
#[component]
pub fn Field(
    id: &'static str,
    label: &'static str,
    #[prop(optional_no_strip, into)] hint: Option<&'static str>,
    #[prop(optional_no_strip, into)] wrong: Option<Wrong>,
    children: Children,
) -> impl IntoView {
    view! {
        <div class="field">
            <label for=id>{label}</label>
            {children()}
            {hint.map(|hint| view! { <p class="hint" id=format!("{id}-hint")>{hint}</p> }.into_any())}
            {wrong.map(|wrong| {
                view! {
                    <div role="alert">
                        <p class="field-error" id=format!("{}-error", wrong.field)>{move || wrong.message()}</p>
                    </div>
                }
                .into_any()
            })}
        </div>
    }
    .into_any()
}

/// What a form's fault says of one field, which it may call by another name than the form does.
#[derive(Clone, Copy, Debug)]
pub struct Wrong {
    pub fault: Signal<Option<AppError>>,
    pub field: &'static str,
}

impl Wrong {
    fn message(self) -> Option<String> {
        self.fault.get().filter(|fault| fault.is_about(self.field)).map(|fault| fault.0.message)
    }

    /// The value of `aria-invalid`.
    pub fn mark(self) -> Option<&'static str> {
        self.fault
            .with(|fault| fault.as_ref().is_some_and(|fault| fault.is_about(self.field)).then_some("true"))
    }
}
