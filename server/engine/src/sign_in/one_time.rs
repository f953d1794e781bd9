//! Secrets for letters: 256 random bits, of which the database knows the SHA-256.

use aws_lc_rs::digest::{SHA256, digest as hash};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use marketplace::fault::{Code, Fault};

const BYTES: usize = 32;

/// A new secret as it stands in a letter, and its digest.
pub fn make() -> (String, Vec<u8>) {
    let random: [u8; BYTES] = rand::random();
    (URL_SAFE_NO_PAD.encode(random), hash(&SHA256, &random).as_ref().to_vec())
}

/// The digest of what somebody presents; what cannot be one of ours is turned away without a query.
pub fn digest(secret: &str) -> Result<Vec<u8>, Fault> {
    let bytes = URL_SAFE_NO_PAD.decode(secret).ok().filter(|bytes| bytes.len() == BYTES);
    Ok(hash(&SHA256, &bytes.ok_or_else(worthless)?).as_ref().to_vec())
}

/// Used, too old, or never sent: which of these is nobody's business.
pub fn worthless() -> Fault {
    Fault::new(Code::NotFound, "This link was used already or is too old; ask for a new letter")
}

/// Enough letters were sent for now.
pub fn wait(seconds: u64) -> Fault {
    let message = if seconds > 60 {
        "Five letters were sent within a day; look for the newest of them, or try again tomorrow"
    } else {
        "A letter was sent a moment ago; wait a minute for it before you ask for another"
    };
    Fault { retry_after_seconds: Some(seconds), ..Fault::new(Code::RateLimitExceeded, message) }
}

pub fn no_letters() -> Fault {
    let message = "This market sends no letters, so addresses cannot be confirmed here";
    Fault::new(Code::Unavailable, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_known_by_its_digest_and_nothing_else_is() {
        let (secret, known) = make();
        assert_eq!((secret.len(), digest(&secret).unwrap()), (43, known.clone()));
        let (other, others) = make();
        assert!(other != secret && others != known);
        for wrong in ["", "a", &secret[1..], &format!("{secret}A"), &secret.replace(&secret[..1], "!")] {
            assert_eq!(digest(wrong), Err(worthless()), "{wrong:?} was taken for a secret");
        }
    }
}
