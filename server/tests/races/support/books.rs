//! The books as they stand at the end, judged by their own invariants and by an oracle that shares no code with us.

use std::fmt::Write;
use std::path::PathBuf;
use std::process::Command;

use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::{Fleet, Seen};

const TABLES: [&str; 8] =
    ["hold", "call_attempt", "usage_call", "ledger_tx", "ledger_entry", "wallet", "price", "api_key"];
const ORACLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../end2end/oracle/oracle.py");

/// Everything the oracle reads, in a folder of its own.
pub struct Books {
    pub folder: PathBuf,
}

/// What the oracle said.
pub struct Verdict {
    pub agrees: bool,
    pub words: String,
}

impl Fleet {
    /// Judges every call; fails when the oracle finds another figure than the books.
    pub async fn judge(&self, calls: &[Seen]) -> Books {
        let broken: Vec<(String, String, String)> =
            sqlx::query_as("select invariant, subject, detail from ledger.violation")
                .fetch_all(&self.db)
                .await
                .unwrap();
        assert!(broken.is_empty(), "the books do not balance: {broken:?}");
        let books = self.export(calls).await;
        let verdict = books.verdict();
        eprintln!("{}", verdict.words);
        assert!(verdict.agrees, "the oracle disagrees: {}", verdict.words);
        books
    }

    async fn export(&self, calls: &[Seen]) -> Books {
        let folder = self.folder.join(format!("books-{}", Uuid::now_v7().simple()));
        std::fs::create_dir_all(&folder).unwrap();
        let mut ledger = String::new();
        for table in TABLES {
            let rows: Vec<String> =
                sqlx::query_scalar(AssertSqlSafe(format!("select to_jsonb(t)::text from {table} t")))
                    .fetch_all(&self.db)
                    .await
                    .unwrap();
            for row in rows {
                writeln!(ledger, r#"{{"table": "{table}", "row": {row}}}"#).unwrap();
            }
        }
        std::fs::write(folder.join("ledger.jsonl"), ledger).unwrap();
        let calls: String = calls.iter().map(|call| serde_json::to_string(call).unwrap() + "\n").collect();
        std::fs::write(folder.join("calls.jsonl"), calls).unwrap();
        std::fs::copy(self.truth_file(), folder.join("truth.jsonl")).unwrap();
        Books { folder }
    }
}

impl Books {
    pub fn verdict(&self) -> Verdict {
        let output = Command::new("python3").args(["-B", ORACLE]).arg(&self.folder).output().unwrap();
        let words =
            String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert!(matches!(output.status.code(), Some(0 | 1)) && !words.contains("Traceback"), "{words}");
        Verdict { agrees: output.status.success(), words: words.trim_end().to_owned() }
    }

    /// The same books with one line of a file replaced, which is nothing or several lines as well.
    pub fn forged(&self, file: &str, forge: impl Fn(&str) -> Option<String>) -> Self {
        let folder = self.folder.with_file_name(format!("forged-{}", Uuid::now_v7().simple()));
        std::fs::create_dir_all(&folder).unwrap();
        for name in ["ledger.jsonl", "calls.jsonl", "truth.jsonl"] {
            let text = std::fs::read_to_string(self.folder.join(name)).unwrap();
            let mut is_done = name != file;
            let mut lines = Vec::new();
            for line in text.lines() {
                match forge(line).filter(|_| !is_done) {
                    Some(forged) => {
                        is_done = true;
                        lines.push(forged);
                    }
                    None => lines.push(line.to_owned()),
                }
            }
            assert!(is_done, "no line of {name} could be forged");
            lines.retain(|line| !line.is_empty());
            std::fs::write(folder.join(name), lines.join("\n")).unwrap();
        }
        Self { folder }
    }
}
