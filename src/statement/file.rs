//! The file around a statement: which key signed which bytes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, VerifyingKey};
use sha2::{Digest, Sha256};

use super::check::{Broken, check};
use super::{Statement, hexadecimal};

const BEFORE: &str = "{\"statement\":";
const BEFORE_KEY: &str = ",\"public_key\":\"";
const BEFORE_SIGNATURE: &str = "\",\"signature\":\"";
const AFTER: &str = "\"}";

/// A statement that adds up and was not changed since this key signed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    pub statement: Statement,
    /// In base64. Anybody can make a key, so it proves as much as is known about it.
    pub public_key: String,
}

/// The parts of a file, none of them looked at yet.
struct Parts<'a> {
    statement: &'a str,
    public_key: &'a str,
    signature: &'a str,
}

/// What is signed: bound to its purpose, since the same key also signs seals of the books.
pub fn signed_message(statement: &str) -> Vec<u8> {
    format!("mercato-statement|{}", hexadecimal(&Sha256::digest(statement))).into_bytes()
}

/// A file from the exact text that was signed.
pub fn write(statement: &str, public_key: &[u8], signature: &[u8]) -> String {
    let (public_key, signature) = (STANDARD.encode(public_key), STANDARD.encode(signature));
    format!("{BEFORE}{statement}{BEFORE_KEY}{public_key}{BEFORE_SIGNATURE}{signature}{AFTER}\n")
}

/// Checks everything that can be checked without asking anybody, and names the first thing that is wrong.
pub fn verify(text: &str, expected_key: Option<&str>) -> Result<Verified, Broken> {
    let parts = Parts::read(text)?;
    if let Some(expected) = expected_key.map(str::trim).filter(|expected| *expected != parts.public_key) {
        return Err(Broken::OtherKey { expected: expected.to_owned(), found: parts.public_key.to_owned() });
    }
    let is_signed = parts.is_signed()?;
    let read: Result<Statement, Broken> =
        serde_json::from_str(parts.statement).map_err(|error| Broken::Unreadable(error.to_string()));
    let checked = read.and_then(|statement| check(&statement).map(|()| statement));
    match checked {
        Ok(statement) if is_signed => Ok(Verified { statement, public_key: parts.public_key.to_owned() }),
        Err(broken) if is_signed => Err(broken),
        // Where it does not add up either, that is where it was changed.
        checked => Err(Broken::Signature { inside: checked.err().map(Box::new) }),
    }
}

impl<'a> Parts<'a> {
    /// Only the exact form we write: a signature over bytes needs to know which bytes are meant.
    fn read(text: &'a str) -> Result<Self, Broken> {
        let cut = || {
            let inner = text.trim().strip_prefix(BEFORE)?.strip_suffix(AFTER)?;
            let (statement, rest) = inner.rsplit_once(BEFORE_KEY)?;
            let (public_key, signature) = rest.split_once(BEFORE_SIGNATURE)?;
            Some(Self { statement, public_key, signature })
        };
        cut().ok_or_else(|| {
            Broken::Unreadable(
                "it must hold a statement, a public key and a signature exactly as they were downloaded"
                    .to_owned(),
            )
        })
    }

    fn is_signed(&self) -> Result<bool, Broken> {
        let key = decoded(self.public_key)
            .and_then(|bytes| VerifyingKey::from_bytes(&bytes).ok())
            .ok_or_else(|| Broken::Unreadable("its public key is none".to_owned()))?;
        let signature = decoded(self.signature)
            .map(|bytes| Signature::from_bytes(&bytes))
            .ok_or_else(|| Broken::Unreadable("its signature is none".to_owned()))?;
        Ok(key.verify_strict(&signed_message(self.statement), &signature).is_ok())
    }
}

fn decoded<const LENGTH: usize>(text: &str) -> Option<[u8; LENGTH]> {
    STANDARD.decode(text).ok()?.try_into().ok()
}
