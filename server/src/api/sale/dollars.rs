//! Dollars in a request: numbers as clients write them, or text.

use marketplace::fault::Fault;
use marketplace::money::Nanos;
use serde_json::Value;

/// More is no amount that anybody has.
const EXPONENT_MAX: i32 = 18;
const DECIMALS: usize = 9;

/// The most that something may cost. A number with more than nine decimals, as sums of floating point come out, is cut to
/// them: that lowers a ceiling and never raises it.
pub fn ceiling(field: &str, value: &Value) -> Result<Nanos, Fault> {
    let text = match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => plain(&number.to_string()),
        _ => return Err(Fault::invalid(field, "must be dollars, for example 0.05")),
    };
    text.and_then(|text| Nanos::parse_usd(&text).ok())
        .filter(|cost| *cost > Nanos::ZERO)
        .ok_or_else(|| Fault::invalid(field, "must be dollars with at most nine decimals, for example 0.05"))
}

/// `5e-05` as `0.00005`: small numbers are written so by every client.
fn plain(text: &str) -> Option<String> {
    let (digits, exponent) = match text.split_once(['e', 'E']) {
        Some((digits, exponent)) => (digits, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    if !(-EXPONENT_MAX..=EXPONENT_MAX).contains(&exponent) {
        return None;
    }
    let (whole, rest) = digits.split_once('.').unwrap_or((digits, ""));
    let (width, all) = (i32::try_from(whole.len()).ok()?, format!("{whole}{rest}"));
    let point = width + exponent;
    let (whole, mut rest) = match usize::try_from(point) {
        Ok(at) if at >= all.len() => (format!("{all:0<at$}"), String::new()),
        Ok(at) => (all[..at].to_owned(), all[at..].to_owned()),
        Err(_) => (String::new(), format!("{}{all}", "0".repeat(point.unsigned_abs() as usize))),
    };
    rest.truncate(DECIMALS);
    Some(format!("{}.{rest:0<1}", if whole.is_empty() { "0" } else { &whole }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_ceiling_is_read_however_a_client_writes_numbers() {
        for (written, nanos) in [
            ("0.05", 50_000_000),
            ("1e-07", 100),
            ("1.5e-5", 15_000),
            ("2.5E+1", 25_000_000_000),
            ("12", 12_000_000_000),
            ("0.30000000000000004", 300_000_000),
            ("1.9999999999e-9", 1),
        ] {
            let number: Value = serde_json::from_str(written).unwrap();
            assert_eq!(ceiling("max_cost", &number), Ok(Nanos(nanos)), "{written}");
        }
        assert_eq!(ceiling("max_cost", &json!("0.05")), Ok(Nanos(50_000_000)));
    }

    #[test]
    fn what_is_no_amount_is_refused() {
        for written in
            ["0", "-1", "-1e-7", "1e-300", "1e300", "0.0000000001", "true", "[1]", "\"1e-7\"", "\"a lot\""]
        {
            let value: Value = serde_json::from_str(written).unwrap();
            assert!(ceiling("max_cost", &value).is_err(), "{written}");
        }
    }
}
