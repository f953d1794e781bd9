//! The form of an API key: `mk_live_`, 43 base62 characters, 6 characters of checksum.

use serde::{Deserialize, Serialize};

use crate::billing::Window;
use crate::id::KeyId;
use crate::money::Nanos;
use crate::scope::Scope;

pub const PREFIX: &str = "mk_live_";
pub const BODY_LENGTH: usize = 43;
const CHECKSUM_LENGTH: usize = 6;
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A key as its owner sees it in the list. The secret itself is shown once and kept nowhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ApiKey {
    pub id: KeyId,
    pub name: String,
    /// The first characters, enough to tell keys apart.
    pub prefix: String,
    #[serde(with = "crate::money::as_text_option")]
    pub limit_nanos: Option<Nanos>,
    /// How often the limit begins anew; never when absent.
    #[serde(default)]
    pub limit_reset: Option<Window>,
    #[serde(with = "crate::money::as_text")]
    pub spent_nanos: Nanos,
    #[serde(with = "crate::money::as_text")]
    pub held_nanos: Nanos,
    pub created_at: String,
    pub expires_at: Option<String>,
    pub last_used_at: Option<String>,
    /// Ended for good.
    pub revoked: bool,
    /// Refused until it is enabled again, or for good where it is revoked.
    pub disabled: bool,
    pub scopes: Vec<Scope>,
    /// Names of models, or of all of an author's as `openai/*`; every model when absent.
    pub models: Option<Vec<String>>,
    /// Addresses and networks it may be used from; everywhere when absent.
    pub addresses: Option<Vec<String>>,
    /// Beside what the plan allows.
    pub requests_a_minute: Option<i32>,
    pub tokens_a_minute: Option<i64>,
    /// How long the secret before this one goes on working.
    pub old_secret_until: Option<String>,
}

/// Writes a key around random numbers, each below 62.
pub fn format(random: &[u8; BODY_LENGTH]) -> String {
    let body: String = random.iter().map(|number| char::from(ALPHABET[usize::from(*number) % 62])).collect();
    let checksum = checksum(&body);
    format!("{PREFIX}{body}{checksum}")
}

/// Whether this can be one of our keys; a mistyped one is turned away without asking the database.
pub fn is_well_formed(key: &str) -> bool {
    let Some(rest) = key.strip_prefix(PREFIX) else { return false };
    rest.len() == BODY_LENGTH + CHECKSUM_LENGTH
        && rest.bytes().all(|byte| ALPHABET.contains(&byte))
        && rest.split_at_checked(BODY_LENGTH).is_some_and(|(body, sum)| checksum(body) == sum)
}

/// What is shown of a key after it was made.
pub fn visible_prefix(key: &str) -> String {
    key.chars().take(PREFIX.len() + 4).collect()
}

fn checksum(body: &str) -> String {
    let mut rest = crc32(body.as_bytes());
    let mut digits = [b'0'; CHECKSUM_LENGTH];
    for digit in digits.iter_mut().rev() {
        *digit = ALPHABET[(rest % 62) as usize];
        rest /= 62;
    }
    digits.iter().map(|digit| char::from(*digit)).collect()
}

/// CRC-32 as in zlib (polynomial 0xEDB88320, reflected), the checksum GitHub's tokens use.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(
            crc ^ u32::from(*byte),
            |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 },
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_the_published_crc_32() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
    }

    #[test]
    fn a_mistyped_key_is_recognised() {
        let key = format(&[7; BODY_LENGTH]);
        assert_eq!(key.len(), 8 + 43 + 6);
        assert!(is_well_formed(&key));
        for at in PREFIX.len()..key.len() {
            let mut typed: Vec<char> = key.chars().collect();
            typed[at] = if typed[at] == 'x' { 'y' } else { 'x' };
            assert!(!is_well_formed(&typed.into_iter().collect::<String>()), "a change at {at} went unseen");
        }
        for wrong in ["", "mk_live_", "sk-abc", &key[..key.len() - 1], &format!("{key}0"), "mk_live_é"] {
            assert!(!is_well_formed(wrong), "{wrong:?} was accepted");
        }
    }
}
