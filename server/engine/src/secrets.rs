//! Keys derived from the one master key: for session tokens, API keys and webhooks.

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
}
