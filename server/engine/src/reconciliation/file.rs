//! Reading a provider's report: `day,model,amount_usd`, one line for each day and model.

use std::collections::HashMap;

use chrono::NaiveDate;
use marketplace::fault::Fault;
use marketplace::id::ModelId;
use marketplace::money::Nanos;
use store::report::Line;

const HEADER: [&str; 3] = ["day", "model", "amount_usd"];
/// A year of every model there is, with room to spare.
const LINES_MAX: usize = 200_000;

/// Every line of the report, or the first that is wrong, by its number. Days must be over before `today`.
pub fn parse(text: &str, today: NaiveDate) -> Result<Vec<Line>, Fault> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut rows = text.lines().enumerate().map(|(at, row)| (at + 1, row));
    let header = rows.next().and_then(|(_, row)| fields(row));
    if header.is_none_or(|names| names.map(str::to_ascii_lowercase) != HEADER) {
        return Err(wrong(1, "must be the header day,model,amount_usd"));
    }
    let mut lines = Vec::new();
    let mut seen = HashMap::new();
    for (number, row) in rows.filter(|(_, row)| !row.trim().is_empty()) {
        let line = line(row, today).map_err(|what| wrong(number, what))?;
        if let Some(first) = seen.insert((line.day, line.model.clone()), number) {
            return Err(wrong(number, &format!("names the same day and model as line {first}")));
        }
        lines.push(line);
        if lines.len() > LINES_MAX {
            return Err(wrong(number, "is too many; divide the report by days"));
        }
    }
    if lines.is_empty() {
        return Err(wrong(2, "is missing: the report says nothing"));
    }
    Ok(lines)
}

fn line(row: &str, today: NaiveDate) -> Result<Line, &'static str> {
    let [day, model, amount] = fields(row).ok_or("needs three values: day,model,amount_usd")?;
    let is_a_day = day.len() == 10;
    let day = day.parse::<NaiveDate>().ok().filter(|_| is_a_day).ok_or("needs a day such as 2026-11-24")?;
    if day >= today {
        return Err("is about a day that is not over in UTC");
    }
    let is_a_name = !model.is_empty() && model.len() <= ModelId::LENGTH_MAX;
    if !is_a_name || !model.chars().all(|c| c.is_ascii_graphic() || c == ' ') {
        return Err("needs the name of a model, in at most 200 printable ASCII characters");
    }
    let amount = Nanos::parse_usd(amount).ok().filter(|amount| *amount >= Nanos::ZERO);
    let amount =
        amount.ok_or("needs dollars with at most nine decimals and not below zero, such as 12.50")?;
    Ok(Line { day, model: model.to_owned(), amount })
}

/// Three values, in quotation marks or not. None of them has a comma or a quotation mark within.
fn fields(row: &str) -> Option<[&str; 3]> {
    let mut values = row.split(',').map(|value| {
        let value = value.trim();
        let bare = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(value);
        (!bare.contains('"')).then_some(bare)
    });
    let three = [values.next()??, values.next()??, values.next()??];
    values.next().is_none().then_some(three)
}

fn wrong(line: usize, what: &str) -> Fault {
    Fault::invalid("report", &format!("line {line} {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn read(text: &str) -> Result<Vec<Line>, String> {
        parse(text, day("2026-11-25")).map_err(|fault| fault.message)
    }

    fn line(on: &str, model: &str, amount: i64) -> Line {
        Line { day: day(on), model: model.to_owned(), amount: Nanos(amount) }
    }

    #[test]
    fn a_report_is_read_as_spreadsheets_write_it() {
        let expected = [
            line("2026-11-23", "openai/gpt-5-mini", 12_500_000_000),
            line("2026-11-24", "gpt-5-mini", 1),
            line("2026-11-24", "gpt 9", 0),
        ];
        let text = "day,model,amount_usd\n2026-11-23,openai/gpt-5-mini,12.50\n2026-11-24,gpt-5-mini,0.000000001\n\n2026-11-24,gpt 9,0\n";
        assert_eq!(read(text).unwrap(), expected);
        let quoted = "\u{feff}Day, Model ,AMOUNT_USD\r\n\"2026-11-23\",\"openai/gpt-5-mini\",\"$12.50\"\r\n2026-11-24 , gpt-5-mini, 0.000000001\r\n2026-11-24,gpt 9,0";
        assert_eq!(read(quoted).unwrap(), expected);
    }

    #[test]
    fn what_is_wrong_is_told_by_its_line() {
        for (text, line, word) in [
            ("", 1, "header"),
            ("2026-11-24,a/b,1\n", 1, "header"),
            ("day;model;amount_usd\n", 1, "header"),
            ("day,model,amount_usd,currency\n2026-11-24,a/b,1,USD\n", 1, "header"),
            ("day,model,amount_usd\n", 2, "nothing"),
            ("day,model,amount_usd\n2026-11-24,a/b\n", 2, "three values"),
            ("day,model,amount_usd\n2026-11-24,a/b,1,000.00\n", 2, "three values"),
            ("day,model,amount_usd\n2026-11-24,\"a\"b\",1\n", 2, "three values"),
            ("day,model,amount_usd\n\n24.11.2026,a/b,1\n", 3, "a day"),
            ("day,model,amount_usd\n2026-2-3,a/b,1\n", 2, "a day"),
            ("day,model,amount_usd\n2026-02-30,a/b,1\n", 2, "a day"),
            ("day,model,amount_usd\n2026-11-25,a/b,1\n", 2, "not over"),
            ("day,model,amount_usd\n2026-11-24,,1\n", 2, "name"),
            ("day,model,amount_usd\n2026-11-24,a/b,-1\n", 2, "dollars"),
            ("day,model,amount_usd\n2026-11-24,a/b,1e3\n", 2, "dollars"),
            ("day,model,amount_usd\n2026-11-24,a/b,NaN\n", 2, "dollars"),
            ("day,model,amount_usd\n2026-11-24,a/b,\n", 2, "dollars"),
            ("day,model,amount_usd\n2026-11-24,a/b,1\n2026-11-23,a/b,1\n2026-11-24,a/b,2\n", 4, "line 2"),
        ] {
            let said = read(text).unwrap_err();
            assert!(said.contains(&format!("line {line} ")) && said.contains(word), "{text:?}: {said}");
        }
        let long = format!("day,model,amount_usd\n2026-11-24,{},1\n", "a".repeat(201));
        assert!(read(&long).unwrap_err().contains("line 2 needs the name"));
    }
}
