//! Reconciliation: what providers say we owe them, beside what the books say.

mod file;

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate, Utc};
use marketplace::account::Role;
use marketplace::fault::Fault;
use marketplace::id::ProviderId;
use marketplace::money::Nanos;
use marketplace::operator::{Agreement, Reconciled, ReportTaken};
use store::report::{Line, Report};
use tracing::{error, warn};

use crate::{Actor, Engine, Result};

/// What can be asked for at once.
const DAYS_MAX: u64 = 366;
/// How far back differences and missing reports are looked for.
const WATCHED_DAYS: u64 = 30;
/// A report may come a day after the day it is about.
const PATIENCE_DAYS: u64 = 2;

/// The reports that somebody should look into.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Overdue {
    pub missing: usize,
    pub differing: usize,
}

impl Engine {
    /// Takes a provider's report down and books what it bills beyond the calls, as far as leaks explain it.
    pub async fn import_provider_report(
        &self,
        actor: &Actor,
        provider: &str,
        csv: &str,
    ) -> Result<ReportTaken> {
        actor.require(&[Role::Admin])?;
        let provider = ProviderId(provider.to_owned());
        let vendors = self.0.vendors.load_full();
        let known = vendors.registry.find(&provider).ok_or_else(|| Fault::not_found("This provider"))?;
        let lines = self.merged(&provider, file::parse(csv, Utc::now().date_naive())?)?;
        let report =
            Report { provider: &provider, stops_on_abort: known.vendor.stops_on_abort, lines: &lines };
        let taken = store::report::record_report(&self.0.db, &report, &actor.label()).await?;
        let counts = format!(
            "{} lines: {} new, {} corrected, {} unchanged; abort leak {}, crash leak {}",
            taken.lines,
            taken.new,
            taken.corrected,
            taken.unchanged,
            taken.abort_leak_nanos.exact(),
            taken.crash_leak_nanos.exact()
        );
        self.record_why(actor, "report.import", &format!("provider:{provider}"), Some(&counts)).await?;
        self.watch_reports().await;
        Ok(taken)
    }

    /// Books and reports beside each other; both days are included.
    pub async fn reconciliation(
        &self,
        actor: &Actor,
        from: NaiveDate,
        to: NaiveDate,
    ) -> Result<Vec<Reconciled>> {
        actor.require(&[Role::Admin, Role::Auditor])?;
        if to < from {
            return Err(Fault::invalid("to", "is before the first day").into());
        }
        if from.checked_add_days(Days::new(DAYS_MAX)).is_none_or(|end| end <= to) {
            return Err(Fault::invalid("from", "is more than a year before the last day").into());
        }
        Ok(store::report::list_reconciled(&self.0.db, from, to).await?)
    }

    /// Looks for differences and missing reports, and cries out once a day.
    pub(crate) async fn watch_reports(&self) {
        let today = Utc::now().date_naive();
        let ago = |days| today.checked_sub_days(Days::new(days)).unwrap_or(today);
        let found = store::report::list_reconciled(&self.0.db, ago(WATCHED_DAYS), ago(1)).await;
        let rows = match found {
            Ok(rows) => rows,
            Err(cause) => return warn!(%cause, "reports could not be compared with the books"),
        };
        let overdue = overdue(&rows, ago(PATIENCE_DAYS));
        // A simulated provider sends no bills.
        if self.0.watch.note_overdue(overdue, today) && !self.is_demo() {
            let Overdue { missing, differing } = overdue;
            error!(
                missing,
                differing,
                "{missing} reports of providers are missing and {differing} differ from the books: see `mercato reconcile show`"
            );
        }
    }

    /// The provider's names as ours, where we know them; what stands for the same model is one line.
    fn merged(&self, provider: &ProviderId, lines: Vec<Line>) -> std::result::Result<Vec<Line>, Fault> {
        let catalogue = self.0.catalogue.load();
        let mut sums: BTreeMap<(NaiveDate, String), Nanos> = BTreeMap::new();
        for line in lines {
            let model = catalogue.id_of(provider, &line.model).map_or(line.model, |id| id.to_string());
            let sum = sums.entry((line.day, model)).or_default();
            let sum_now = sum.checked_add(line.amount);
            *sum = sum_now.ok_or_else(|| Fault::invalid("report", "is about more money than there is"))?;
        }
        Ok(sums.into_iter().map(|((day, model), amount)| Line { day, model, amount }).collect())
    }
}

fn overdue(rows: &[Reconciled], last_due: NaiveDate) -> Overdue {
    let is_missed = |row: &&Reconciled| row.state == Agreement::Missing && row.day <= last_due;
    Overdue {
        missing: rows.iter().filter(is_missed).count(),
        differing: rows.iter().filter(|row| row.state == Agreement::Differs).count(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_missed_when_its_day_has_been_over_for_a_day() {
        let row = |day: &str, state| Reconciled {
            provider: ProviderId("openai".to_owned()),
            day: day.parse().unwrap(),
            model: "openai/gpt-5-mini".to_owned(),
            calls: 1,
            booked_nanos: Nanos(5),
            abort_leak_nanos: Nanos::ZERO,
            crash_leak_nanos: Nanos::ZERO,
            reported_nanos: None,
            difference_nanos: None,
            state,
        };
        let rows = [
            row("2026-11-24", Agreement::Missing),
            row("2026-11-23", Agreement::Missing),
            row("2026-11-22", Agreement::Agrees),
            row("2026-11-24", Agreement::Differs),
        ];
        let found = overdue(&rows, "2026-11-23".parse().unwrap());
        assert_eq!(found, Overdue { missing: 1, differing: 1 });
    }
}
