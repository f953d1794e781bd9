//! Envelopes for secrets that must be read again: each has a data key of its own, sealed with a master key.
//!
//! AES-256-GCM throughout. What is sealed is bound to its place, so that it opens there and nowhere else; replacing the
//! master key seals the data keys anew and leaves the secrets as they are.

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Salt};
use aws_lc_rs::rand;
use secrecy::zeroize::Zeroizing;
use store::Db;
use store::vault::Sealed;
use tracing::info;

use crate::secrets::MasterKey;
use crate::{Error, Result};

const KEY_BYTES: usize = 32;
const ID_BYTES: usize = 8;

/// Where a secret is kept. It opens only for the very same place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    pub table: &'a str,
    pub row: &'a str,
    /// Where it may be sent.
    pub host: &'a str,
    pub version: i64,
}

const ROOT: Place<'static> = Place { table: "root_secret", row: "root", host: "", version: 1 };

/// Why a secret stays shut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shut {
    /// It was sealed with a master key that this server does not have.
    OtherMaster,
    /// It was changed, or belongs to another place.
    Broken,
}

pub(crate) struct Vault {
    current: Wrapper,
    /// Opens what was sealed before, and seals nothing.
    older: Option<Wrapper>,
}

struct Wrapper {
    id: String,
    key: RandomizedNonceKey,
}

struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

impl Wrapper {
    /// What a master key wraps with, and a name for it that tells nothing of it.
    fn of(master: &MasterKey) -> Result<Self> {
        let root = Salt::new(HKDF_SHA256, b"mercato-vault").extract(master.bytes());
        let derive = |purpose: &[u8], out: &mut [u8]| {
            root.expand(&[purpose], Length(out.len()))
                .and_then(|material| material.fill(out))
                .map_err(|_| Error::Crypto("a key could not be derived"))
        };
        let (mut key, mut id) = (Zeroizing::new([0_u8; KEY_BYTES]), [0_u8; ID_BYTES]);
        derive(b"wrapping-key", &mut *key)?;
        derive(b"name", &mut id)?;
        Ok(Self { id: id.iter().map(|byte| format!("{byte:02x}")).collect(), key: aes(&*key)? })
    }
}

impl Vault {
    pub fn new(current: &MasterKey, older: Option<&MasterKey>) -> Result<Self> {
        Ok(Self { current: Wrapper::of(current)?, older: older.map(Wrapper::of).transpose()? })
    }

    pub fn seal(&self, place: &Place<'_>, secret: &[u8]) -> Result<Sealed> {
        let mut data_key = Zeroizing::new([0_u8; KEY_BYTES]);
        rand::fill(&mut *data_key).map_err(|_| Error::Crypto("there is no randomness"))?;
        Ok(Sealed {
            master: self.current.id.clone(),
            wrapped_key: seal(&self.current.key, &place.bound_to("wrapped_key"), &*data_key)?,
            sealed: seal(&aes(&*data_key)?, &place.bound_to("sealed"), secret)?,
        })
    }

    pub fn open(&self, place: &Place<'_>, from: &Sealed) -> std::result::Result<Zeroizing<Vec<u8>>, Shut> {
        let data_key = self.data_key(place, from)?;
        let key = aes(&data_key).map_err(|_| Shut::Broken)?;
        open(&key, &place.bound_to("sealed"), &from.sealed).ok_or(Shut::Broken)
    }

    /// The same with its data key sealed by the current master key; `None` where it is already.
    pub fn rewrap(&self, place: &Place<'_>, from: &Sealed) -> std::result::Result<Option<Sealed>, Shut> {
        if from.master == self.current.id {
            return Ok(None);
        }
        // Opened whole, so that nothing broken is carried on.
        self.open(place, from)?;
        let data_key = self.data_key(place, from)?;
        let wrapped_key = seal(&self.current.key, &place.bound_to("wrapped_key"), &data_key);
        let wrapped_key = wrapped_key.map_err(|_| Shut::Broken)?;
        Ok(Some(Sealed { master: self.current.id.clone(), wrapped_key, sealed: from.sealed.clone() }))
    }

    fn data_key(&self, place: &Place<'_>, from: &Sealed) -> std::result::Result<Zeroizing<Vec<u8>>, Shut> {
        let known = [Some(&self.current), self.older.as_ref()];
        let wrapper = known.into_iter().flatten().find(|wrapper| wrapper.id == from.master);
        let wrapper = wrapper.ok_or(Shut::OtherMaster)?;
        open(&wrapper.key, &place.bound_to("wrapped_key"), &from.wrapped_key).ok_or(Shut::Broken)
    }

    /// What everything else is secured with: the master key that this market began with, sealed like any secret, so
    /// that sessions, API keys and the key of the books outlive a new master key.
    pub async fn root(&self, db: &Db, master: &MasterKey) -> Result<MasterKey> {
        let kept = match store::vault::find_root(db).await? {
            Some(kept) => kept,
            None => {
                store::vault::keep_root(db, &self.seal(&ROOT, master.bytes())?).await?;
                store::vault::find_root(db).await?.ok_or(Error::Crypto("the root was not kept"))?
            }
        };
        let opened = self.open(&ROOT, &kept).map_err(|shut| self.wrong_master(shut, &kept.master))?;
        let bytes = <[u8; KEY_BYTES]>::try_from(opened.as_slice());
        Ok(MasterKey::new(bytes.map_err(|_| Error::Crypto("the root has another length"))?))
    }

    /// Seals the root's data key with the current master key. True when that was to be done.
    pub async fn rewrap_root(&self, db: &Db) -> Result<bool> {
        let Some(kept) = store::vault::find_root(db).await? else { return Ok(false) };
        let rewrapped = self.rewrap(&ROOT, &kept).map_err(|shut| self.wrong_master(shut, &kept.master))?;
        let Some(rewrapped) = rewrapped else { return Ok(false) };
        let kept = store::vault::rewrap_root(db, &kept.wrapped_key, &rewrapped).await?;
        info!(master = %rewrapped.master, "sealed the root with the current master key");
        Ok(kept)
    }

    pub fn wrong_master(&self, shut: Shut, sealed_with: &str) -> Error {
        let ours = &self.current.id;
        Error::MasterKey(match shut {
            Shut::OtherMaster => format!(
                "MERCATO_MASTER_KEY is not the key that the secrets of this database are sealed with: they need the \
                 one named {sealed_with}, and this one is named {ours}. Set MERCATO_MASTER_KEY to that key; or, if it \
                 is being replaced, set MERCATO_MASTER_KEY_OLD to it and run `mercato secrets rotate`. If it is lost, \
                 `mercato secrets abandon` gives up what is sealed with it"
            ),
            Shut::Broken => format!(
                "a secret sealed with the master key {sealed_with} was changed and cannot be opened any more"
            ),
        })
    }
}

impl Place<'_> {
    /// Its parts with their lengths, so that no two places are written alike.
    fn bound_to(&self, column: &str) -> Vec<u8> {
        let version = self.version.to_string();
        let parts = ["mercato-1", self.table, column, self.row, self.host, &version];
        parts.iter().flat_map(|part| format!("{}:{part};", part.len()).into_bytes()).collect()
    }
}

fn aes(key: &[u8]) -> Result<RandomizedNonceKey> {
    RandomizedNonceKey::new(&AES_256_GCM, key).map_err(|_| Error::Crypto("a key could not be made"))
}

/// The nonce, the ciphertext, and its tag.
fn seal(key: &RandomizedNonceKey, bound_to: &[u8], secret: &[u8]) -> Result<Vec<u8>> {
    let mut sealed = secret.to_vec();
    let nonce = key
        .seal_in_place_append_tag(Aad::from(bound_to), &mut sealed)
        .map_err(|_| Error::Crypto("a secret could not be sealed"))?;
    Ok([nonce.as_ref().as_slice(), &sealed].concat())
}

fn open(key: &RandomizedNonceKey, bound_to: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (nonce, sealed) = sealed.split_first_chunk::<NONCE_LEN>()?;
    let mut secret = Zeroizing::new(sealed.to_vec());
    let nonce = Nonce::assume_unique_for_key(*nonce);
    let length = key.open_in_place(nonce, Aad::from(bound_to), &mut secret).ok()?.len();
    secret.truncate(length);
    Some(secret)
}

#[cfg(test)]
mod tests;
