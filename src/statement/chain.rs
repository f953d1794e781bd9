//! The hash chain of a wallet, as the database makes it.

use sha2::{Digest, Sha256};

use super::{Entry, Fund};
use crate::id::AccountId;

/// One link: its hash covers the whole history before it. The same as `ledger.link` in the database.
pub(super) fn link(before: &[u8], account: AccountId, fund: Fund, entry: &Entry) -> Vec<u8> {
    let Entry { tx, line, amount, version, balance, .. } = entry;
    let (fund, asset) = (fund.as_str(), fund.asset());
    let text = format!("{tx}|{line}|{account}|{fund}|{asset}|{amount}|{version}|{balance}");
    Sha256::new().chain_update(before).chain_update(text).finalize().to_vec()
}

pub fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The head of a chain; `None` where it is neither empty nor a SHA-256 in lower case.
pub(super) fn head(text: &str) -> Option<Vec<u8>> {
    let is_hash = text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if !is_hash && !text.is_empty() {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok()).collect()
}
