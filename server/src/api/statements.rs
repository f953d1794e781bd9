//! `/statements`: months that prove themselves, as the signed JSON, as CSV, or as the page.

mod csv;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use engine::Engine;
use http::{HeaderMap, header};
use marketplace::statement::Month;
use serde::Serialize;

use super::ApiError;
use super::asked::Path;
use crate::auth::Asking;

#[derive(Serialize, utoipa::ToSchema)]
pub struct Statements {
    data: Vec<Listed>,
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = ListedStatement)]
struct Listed {
    #[schema(value_type = String, example = "2026-11")]
    month: Month,
    url: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Json,
    Csv,
    Page,
}

/// The months that have a statement.
#[utoipa::path(get, path = "/api/v1/statements", tag = "Money", responses((status = 200, body = Statements)))]
pub async fn list_statements(
    State(engine): State<Engine>,
    Asking(actor): Asking,
) -> Result<Json<Statements>, ApiError> {
    let months = engine.list_statements(&actor).await?.into_iter();
    let data = months.map(|month| Listed { month, url: format!("/api/v1/statements/{month}") }).collect();
    Ok(Json(Statements { data }))
}

/// A month, signed, so that it can be checked without us.
///
/// The signed file, byte for byte: `2026-11` or `2026-11.json`; `2026-11.csv` for a spreadsheet.
#[utoipa::path(get, path = "/api/v1/statements/{month}", tag = "Money", params(("month" = String, Path, description = "`2026-11`, `2026-11.json` or `2026-11.csv`", example = "2026-11")), responses((status = 200, content((Object = "application/json"), (String = "text/csv"))), (status = 303, description = "The page of it, for who would rather read HTML")))]
pub async fn read_statement(
    State(engine): State<Engine>,
    Asking(actor): Asking,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let (month, form) = asked_for(&name, &headers);
    let month = Month::parse(month)?;
    if form == Form::Page {
        return Ok(
            ([(header::VARY, "accept")], Redirect::to(&format!("/statements/{month}"))).into_response()
        );
    }
    let signed = engine.statement(&actor, month).await?;
    let (kind, ending, body) = match form {
        Form::Csv => ("text/csv; charset=utf-8; header=present", "csv", csv::write(&signed.statement)),
        Form::Json | Form::Page => ("application/json", "json", signed.file),
    };
    let place = format!("attachment; filename=\"mercato-statement-{month}.{ending}\"");
    let about = [
        (header::CONTENT_TYPE, kind.to_owned()),
        (header::CONTENT_DISPOSITION, place),
        (header::CACHE_CONTROL, "private, no-store".to_owned()),
        (header::VARY, "accept".to_owned()),
    ];
    Ok((about, body).into_response())
}

/// The ending decides; without one, what the caller likes to read.
fn asked_for<'a>(name: &'a str, headers: &HeaderMap) -> (&'a str, Form) {
    if let Some(month) = name.strip_suffix(".csv") {
        return (month, Form::Csv);
    }
    if let Some(month) = name.strip_suffix(".json") {
        return (month, Form::Json);
    }
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let form = match accept {
        _ if accept.contains("application/json") => Form::Json,
        _ if accept.contains("text/csv") => Form::Csv,
        _ if accept.contains("text/html") => Form::Page,
        _ => Form::Json,
    };
    (name, form)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn the_ending_decides_and_then_what_is_accepted() {
        let asked = |name, accept: &'static str| {
            let headers = HeaderMap::from_iter([(header::ACCEPT, HeaderValue::from_static(accept))]);
            asked_for(name, &headers).1
        };
        let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
        assert_eq!(asked("2026-11", "*/*"), Form::Json);
        assert_eq!(asked("2026-11", "text/csv"), Form::Csv);
        assert_eq!(asked("2026-11", browser), Form::Page);
        assert_eq!(asked("2026-11.json", browser), Form::Json);
        assert_eq!(asked("2026-11.csv", "application/json"), Form::Csv);
    }
}
