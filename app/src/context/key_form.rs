//! What somebody wrote into the form of a key, as terms.

use std::str::FromStr;

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use engine::{KeyChange, KeyTerms};
use marketplace::billing::Window;
use marketplace::fault::Fault;
use marketplace::money::Nanos;
use marketplace::scope::Scope;

use crate::api::keys::KeyForm;

pub fn key_terms(form: &KeyForm) -> Result<KeyTerms, Fault> {
    let limit = given(&form.limit_usd).map(Nanos::parse_usd).transpose()?;
    Ok(KeyTerms {
        limit,
        // Chosen beside an amount that was left out, it means nothing.
        limit_reset: Window::parse(&form.limit_reset).filter(|_| limit.is_some()),
        expires_at: given(&form.expires_on).map(end_of_day).transpose()?,
        scopes: scopes(form),
        models: names(&form.models),
        addresses: names(&form.addresses),
        requests_a_minute: number("requests_a_minute", &form.requests_a_minute)?,
        tokens_a_minute: number("tokens_a_minute", &form.tokens_a_minute)?,
        disabled: None,
    })
}

/// The form shows every term, so each is as it says.
pub fn key_change(form: &KeyForm) -> Result<KeyChange, Fault> {
    let terms = key_terms(form)?;
    Ok(KeyChange {
        name: Some(form.name.clone()),
        limit: Some(terms.limit),
        limit_reset: Some(terms.limit_reset),
        expires_at: Some(terms.expires_at),
        scopes: Some(terms.scopes),
        models: Some(terms.models),
        addresses: Some(terms.addresses),
        requests_a_minute: Some(terms.requests_a_minute),
        tokens_a_minute: Some(terms.tokens_a_minute),
        // That has a button of its own.
        disabled: None,
    })
}

fn given(text: &str) -> Option<&str> {
    Some(text.trim()).filter(|text| !text.is_empty())
}

fn scopes(form: &KeyForm) -> Vec<Scope> {
    if form.asks_scopes.is_none() {
        return Scope::USUAL.to_vec();
    }
    let ticked = [
        (Scope::Chat, &form.chat),
        (Scope::Embeddings, &form.embeddings),
        (Scope::Images, &form.images),
        (Scope::Read, &form.read),
        (Scope::Management, &form.management),
    ];
    ticked.into_iter().filter(|(_, tick)| tick.is_some()).map(|(scope, _)| scope).collect()
}

/// Written one a line, or with commas or spaces between them.
fn names(text: &str) -> Option<Vec<String>> {
    let names: Vec<String> =
        text.split([',', ' ', '\t', '\r', '\n']).filter_map(given).map(str::to_owned).collect();
    (!names.is_empty()).then_some(names)
}

fn number<T: FromStr>(field: &str, text: &str) -> Result<Option<T>, Fault> {
    let whole = |text: &str| text.parse().map_err(|_| Fault::invalid(field, "must be a whole number"));
    given(text).map(whole).transpose()
}

/// The last second of a day, in UTC.
fn end_of_day(text: &str) -> Result<DateTime<Utc>, Fault> {
    let wrong = || Fault::invalid("expires_on", "must be a day, for example 2027-01-31");
    let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").map_err(|_| wrong())?;
    let end = NaiveTime::from_hms_opt(23, 59, 59).ok_or_else(wrong)?;
    Ok(day.and_time(end).and_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_left_empty_is_a_key_without_limits() {
        let terms = key_terms(&KeyForm { limit_reset: "day".to_owned(), ..KeyForm::default() }).unwrap();
        assert_eq!((terms.limit, terms.limit_reset, terms.expires_at), (None, None, None));
        assert_eq!((terms.models, terms.addresses, terms.requests_a_minute), (None, None, None));
        assert_eq!(terms.scopes, Scope::USUAL);
    }

    #[test]
    fn what_is_written_becomes_terms() {
        let form = KeyForm {
            limit_usd: "5".to_owned(),
            limit_reset: "month".to_owned(),
            expires_on: "2027-01-31".to_owned(),
            asks_scopes: Some("yes".to_owned()),
            chat: Some("on".to_owned()),
            models: "openai/*, zai/glm-5.3\r\n".to_owned(),
            addresses: "203.0.113.0/24 ::1".to_owned(),
            requests_a_minute: " 12 ".to_owned(),
            ..KeyForm::default()
        };
        let terms = key_terms(&form).unwrap();
        assert_eq!((terms.limit, terms.limit_reset), (Some(Nanos(5_000_000_000)), Some(Window::Month)));
        assert_eq!(terms.expires_at.unwrap().to_rfc3339(), "2027-01-31T23:59:59+00:00");
        assert_eq!((terms.scopes, terms.requests_a_minute), (vec![Scope::Chat], Some(12)));
        assert_eq!(terms.models.unwrap(), ["openai/*", "zai/glm-5.3"]);
        assert_eq!(terms.addresses.unwrap(), ["203.0.113.0/24", "::1"]);
    }

    #[test]
    fn what_cannot_be_meant_is_refused_by_name() {
        let refused = |form: KeyForm| key_terms(&form).unwrap_err().field.unwrap();
        assert_eq!(refused(KeyForm { expires_on: "soon".to_owned(), ..KeyForm::default() }), "expires_on");
        let form = KeyForm { tokens_a_minute: "1.5".to_owned(), ..KeyForm::default() };
        assert_eq!(refused(form), "tokens_a_minute");
        assert_eq!(refused(KeyForm { limit_usd: "five".to_owned(), ..KeyForm::default() }), "amount");
    }
}
