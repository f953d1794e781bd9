//! A calendar month in UTC, written `2026-11`.

use std::fmt;

use chrono::{DateTime, Datelike, Months, NaiveDate, NaiveTime, Utc};
use serde::{Deserialize, Serialize};

use crate::fault::Fault;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Month {
    first_day: NaiveDate,
}

impl Month {
    pub fn parse(text: &str) -> Result<Self, Fault> {
        let is_digits = |part: &str, length: usize| {
            part.len() == length && part.bytes().all(|byte| byte.is_ascii_digit())
        };
        text.split_once('-')
            .filter(|(year, month)| is_digits(year, 4) && is_digits(month, 2))
            .and_then(|(year, month)| NaiveDate::from_ymd_opt(year.parse().ok()?, month.parse().ok()?, 1))
            .map(|first_day| Self { first_day })
            .ok_or_else(|| Fault::invalid("month", "must be written like 2026-11"))
    }

    /// The month in which this moment lies.
    pub fn of(at: DateTime<Utc>) -> Self {
        let day = at.date_naive();
        Self { first_day: day.with_day(1).unwrap_or(day) }
    }

    pub fn begins(self) -> DateTime<Utc> {
        self.first_day.and_time(NaiveTime::MIN).and_utc()
    }

    /// The first moment that no longer belongs to it.
    pub fn ends(self) -> DateTime<Utc> {
        self.next().begins()
    }

    #[must_use]
    pub fn next(self) -> Self {
        Self { first_day: self.first_day.checked_add_months(Months::new(1)).unwrap_or(self.first_day) }
    }

    #[must_use]
    pub fn previous(self) -> Self {
        Self { first_day: self.first_day.checked_sub_months(Months::new(1)).unwrap_or(self.first_day) }
    }
}

impl TryFrom<String> for Month {
    type Error = Fault;
    fn try_from(text: String) -> Result<Self, Fault> {
        Self::parse(&text)
    }
}

impl From<Month> for String {
    fn from(month: Month) -> String {
        month.to_string()
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.first_day.year(), self.first_day.month())
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone;

    use super::*;

    #[test]
    fn a_month_is_written_as_year_and_month() {
        let month = Month::parse("2026-12").unwrap();
        assert_eq!(
            (month.to_string(), month.next().to_string()),
            ("2026-12".to_owned(), "2027-01".to_owned())
        );
        assert_eq!(month.next().previous(), month);
        for text in [
            "",
            "2026",
            "2026-13",
            "2026-00",
            "2026-1",
            "26-01",
            "2026-011",
            "+026-01",
            "2026-1a",
            "2026-11-01",
            " 2026-11",
        ] {
            assert!(Month::parse(text).is_err(), "{text:?} was accepted");
        }
    }

    #[test]
    fn a_month_ends_where_the_next_begins() {
        let last = Utc.with_ymd_and_hms(2028, 2, 29, 23, 59, 59).unwrap();
        let month = Month::of(last);
        assert_eq!(month.to_string(), "2028-02");
        assert!(month.begins() <= last && last < month.ends());
        assert_eq!(Month::of(month.ends()), month.next());
    }
}
