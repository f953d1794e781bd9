//! Markup drawn by the server.

use std::cell::Cell;
use std::sync::Arc;

use leptos::prelude::*;
use serde::{Deserialize, Serialize, Serializer};

/// A part of a page that is only read. It comes from our own server, which escaped what it was made of. What is kept and drawn
/// for many is shared by them.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub struct Drawn(Arc<str>);

thread_local! {
    static STANDS_IN_PAGE: Cell<bool> = const { Cell::new(false) };
}

impl Drawn {
    /// Writes values without what is drawn of them: the page they go along with shows it already, and a page that wakes
    /// leaves what it shows as it is.
    pub fn left_out<T>(write: impl FnOnce() -> T) -> T {
        struct Back;
        impl Drop for Back {
            fn drop(&mut self) {
                STANDS_IN_PAGE.set(false);
            }
        }
        STANDS_IN_PAGE.set(true);
        let _back = Back;
        write()
    }
}

impl Serialize for Drawn {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(if STANDS_IN_PAGE.get() { "" } else { &self.0 })
    }
}

impl From<String> for Drawn {
    fn from(html: String) -> Self {
        Self(html.into())
    }
}

/// Stands where it is put without a box of its own.
#[component]
pub fn Drawing(of: Drawn) -> impl IntoView {
    view! { <div class="drawn" inner_html=of.0></div> }
}
