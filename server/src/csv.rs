//! Cells of files for spreadsheets (RFC 4180).

/// Words that a spreadsheet would take for a formula get an apostrophe before them (ASVS 1.2.10).
pub fn text(words: &str) -> String {
    let is_formula = words.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '\0']);
    let safe = if is_formula { format!("'{words}") } else { words.to_owned() };
    if safe.contains(['"', ',', ';', '\r', '\n', '\t']) || is_formula {
        format!("\"{}\"", safe.replace('"', "\"\""))
    } else {
        safe
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_formula_is_only_words() {
        assert_eq!(text("=1+1"), "\"'=1+1\"");
        assert_eq!(text("@SUM(A1)"), "\"'@SUM(A1)\"");
        assert_eq!(text("-2+3\",x"), "\"'-2+3\"\",x\"");
        assert_eq!(text("an outage, \"sorry\""), "\"an outage, \"\"sorry\"\"\"");
        assert_eq!(text("plain"), "plain");
    }
}
