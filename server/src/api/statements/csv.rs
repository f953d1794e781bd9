//! A statement for spreadsheets (RFC 4180): one line an entry, with the call it paid for, then the calls that cost
//! nothing. It is for reading; only the JSON proves anything.

use std::collections::HashMap;

use marketplace::id::CallId;
use marketplace::money::Nanos;
use marketplace::statement::{CallLine, Entry, Fund, Statement, USAGE};

use crate::csv::text;

const COLUMNS: [&str; 24] = [
    "at",
    "fund",
    "asset",
    "entry",
    "kind",
    "note",
    "received",
    "spent",
    "balance",
    "call",
    "model",
    "provider",
    "input_tokens",
    "cached_input_tokens",
    "cache_write_tokens",
    "cache_write_1h_tokens",
    "output_tokens",
    "reasoning_tokens",
    "provider_cost",
    "commission",
    "charge",
    "paid_by_house",
    "free_tokens",
    "finish",
];
const OF_AN_ENTRY: usize = 9;

pub fn write(statement: &Statement) -> String {
    let mut csv = line(COLUMNS.map(str::to_owned).to_vec());
    // The figures of a call that several funds paid for stand once, so that columns can be summed.
    let mut untold: HashMap<CallId, &CallLine> = statement.calls.iter().map(|call| (call.id, call)).collect();
    for wallet in &statement.wallets {
        for entry in &wallet.entries {
            let mut cells = entry_cells(wallet.fund, entry);
            let call = entry.call.filter(|_| entry.kind == USAGE);
            match call.and_then(|call| untold.remove(&call)) {
                Some(call) => cells.extend(call_cells(call)),
                None => cells.push(call.map(|call| call.to_string()).unwrap_or_default()),
            }
            csv.push_str(&line(cells));
        }
    }
    for call in statement.calls.iter().filter(|call| untold.contains_key(&call.id)) {
        let mut cells = vec![String::new(); OF_AN_ENTRY];
        cells[0] = call.settled_at.clone();
        cells.extend(call_cells(call));
        csv.push_str(&line(cells));
    }
    csv
}

fn entry_cells(fund: Fund, entry: &Entry) -> Vec<String> {
    let figure = |amount: i64| match fund {
        Fund::Paid | Fund::Promo => Nanos(amount).decimal(),
        Fund::Free => amount.to_string(),
    };
    vec![
        entry.at.clone(),
        fund.as_str().to_owned(),
        fund.asset().to_owned(),
        entry.version.to_string(),
        text(&entry.kind),
        text(entry.note.as_deref().unwrap_or_default()),
        figure(entry.amount.max(0)),
        figure(entry.amount.min(0).saturating_neg()),
        figure(entry.balance),
    ]
}

fn call_cells(call: &CallLine) -> Vec<String> {
    let mut cells = vec![call.id.to_string(), text(call.model.as_str()), text(&call.provider.0)];
    cells.extend(call.rates.lines(&call.usage).map(|(_, tokens, _)| tokens.to_string()));
    cells.extend(
        [call.provider_cost_nanos, call.commission_nanos, call.charge_nanos, call.overrun_nanos]
            .map(Nanos::decimal),
    );
    cells.extend([call.free_tokens.to_string(), text(&call.finish)]);
    cells
}

fn line(mut cells: Vec<String>) -> String {
    cells.resize(COLUMNS.len(), String::new());
    format!("{}\r\n", cells.join(","))
}

#[cfg(test)]
mod tests {
    use marketplace::statement::verify;

    use super::*;

    #[test]
    fn every_entry_and_every_call_stands_once_and_columns_can_be_summed() {
        let golden = include_str!("../../../../src/statement/golden.json");
        let statement = verify(golden, None).unwrap().statement;
        let csv = write(&statement);
        let rows: Vec<Vec<&str>> = csv.lines().map(|line| line.split(',').collect()).collect();
        let entries: usize = statement.wallets.iter().map(|wallet| wallet.entries.len()).sum();
        assert_eq!(rows.len(), 1 + entries + 1, "a header, the entries and the call that came to nothing");
        assert!(rows.iter().all(|row| row.len() == COLUMNS.len()), "{csv}");
        let at = COLUMNS.iter().position(|column| *column == "charge").unwrap();
        let charges = rows[1..].iter().filter(|row| !row[at].is_empty());
        let sum: Nanos = charges.map(|row| Nanos::parse_usd(row[at]).unwrap()).sum();
        assert_eq!(sum, statement.totals.charge_nanos);
    }
}
