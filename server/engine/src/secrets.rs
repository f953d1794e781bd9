//! Keys derived from the one master key: for session tokens, API keys, webhooks and kept answers.

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Salt};
use aws_lc_rs::hmac;
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};

use crate::{Error, Result};

/// 32 bytes from outside the database, of which everything secret here is derived.
pub struct MasterKey([u8; 32]);

impl MasterKey {
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl std::fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MasterKey(…)")
    }
}

pub(crate) struct Secrets {
    pub session: [u8; 32],
    pepper: hmac::Key,
    webhook: hmac::Key,
    seal: Ed25519KeyPair,
    answers: RandomizedNonceKey,
}

struct Length;

impl KeyType for Length {
    fn len(&self) -> usize {
        32
    }
}

impl Secrets {
    pub fn derive(master: &MasterKey) -> Result<Self> {
        let root = Salt::new(HKDF_SHA256, b"mercato").extract(&master.0);
        let derive = |purpose: &[u8]| {
            let mut key = [0; 32];
            root.expand(&[purpose], Length)
                .and_then(|material| material.fill(&mut key))
                .map_err(|_| Error::Crypto("a key could not be derived"))?;
            Ok::<_, Error>(key)
        };
        Ok(Self {
            session: derive(b"session-token")?,
            pepper: hmac::Key::new(hmac::HMAC_SHA256, &derive(b"api-key-pepper")?),
            webhook: hmac::Key::new(hmac::HMAC_SHA256, &derive(b"test-gateway-webhook")?),
            seal: Ed25519KeyPair::from_seed_unchecked(&derive(b"book-seal")?)
                .map_err(|_| Error::Crypto("the sealing key could not be made"))?,
            answers: RandomizedNonceKey::new(&AES_256_GCM, &derive(b"kept-answer")?)
                .map_err(|_| Error::Crypto("a key could not be made"))?,
        })
    }

    /// What the database knows of an API key.
    pub fn key_digest(&self, key: &str) -> Vec<u8> {
        hmac::sign(&self.pepper, key.as_bytes()).as_ref().to_vec()
    }

    pub fn sign_webhook(&self, message: &[u8]) -> Vec<u8> {
        hmac::sign(&self.webhook, message).as_ref().to_vec()
    }

    /// Signs what the books said at a moment (Ed25519, RFC 8032).
    pub fn sign_seal(&self, message: &[u8]) -> Vec<u8> {
        self.seal.sign(message).as_ref().to_vec()
    }

    pub fn seal_is_signed(&self, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, self.seal.public_key().as_ref()).verify(message, signature).is_ok()
    }

    /// With this anybody can check a seal.
    pub fn seal_public_key(&self) -> &[u8] {
        self.seal.public_key().as_ref()
    }

    /// Compares in constant time.
    pub fn webhook_is_signed(&self, message: &[u8], signature: &[u8]) -> bool {
        hmac::verify(&self.webhook, message, signature).is_ok()
    }

    /// Seals an answer for the place it is kept in: elsewhere it cannot be opened.
    pub fn seal_answer(&self, place: &[u8], mut answer: Vec<u8>) -> Result<Vec<u8>> {
        let nonce = self.answers.seal_in_place_append_tag(Aad::from(place), &mut answer);
        let nonce = nonce.map_err(|_| Error::Crypto("an answer could not be sealed"))?;
        Ok([nonce.as_ref().as_slice(), &answer].concat())
    }

    /// The answer again; `None` when it was sealed with another master key or for another place.
    pub fn open_answer(&self, place: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE_LEN>()?;
        let mut answer = sealed.to_vec();
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let length = self.answers.open_in_place(nonce, Aad::from(place), &mut answer).ok()?.len();
        answer.truncate(length);
        Some(answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_answer_opens_in_its_place_with_its_key_only() {
        let secrets = |byte| Secrets::derive(&MasterKey::new([byte; 32])).unwrap();
        let sealed = secrets(1).seal_answer(b"here", b"mk_live_secret".to_vec()).unwrap();
        assert!(!sealed.windows(7).any(|window| window == b"mk_live"));
        assert_eq!(secrets(1).open_answer(b"here", &sealed).as_deref(), Some(&b"mk_live_secret"[..]));
        assert_eq!(secrets(1).open_answer(b"there", &sealed), None);
        assert_eq!(secrets(2).open_answer(b"here", &sealed), None);
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert_eq!(secrets(1).open_answer(b"here", &changed), None, "a change at {at} went unseen");
        }
        assert_eq!(secrets(1).open_answer(b"here", &sealed[..5]), None);
    }
}
