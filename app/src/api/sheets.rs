//! The door to pages that are only read; open to everybody, though not every page is. Which page it is, its address tells.

use leptos::prelude::*;
use leptos::server_fn::codec::Json;
use serde::{Deserialize, Serialize};

use crate::components::Drawn;
use crate::error::AppError;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sheet {
    pub title: String,
    pub body: Drawn,
}

impl Sheet {
    /// Where the page is called otherwise than its head says.
    pub fn titled(self, title: &str) -> Self {
        Self { title: title.to_owned(), ..self }
    }
}

/// `query` is what stands behind the question mark.
#[server(prefix = "/_fn", endpoint = "read_sheet", input = Json)]
pub async fn read_sheet(path: String, query: String) -> Result<Sheet, AppError> {
    crate::sheets::place::sheet(&path, &query).await
}
