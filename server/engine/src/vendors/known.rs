//! One consistent view of every vendor: what the environment says, what is stored, and the keys that are open.

use marketplace::fault::{Code, Fault};
use marketplace::id::ProviderId;
use marketplace::operator::{AddressSource, KeyState, VendorState};
use providers::registry::origin;
use providers::{ConfiguredProvider, Registry, StoredVendor};
use secrecy::{ExposeSecret, SecretString};
use store::Db;
use store::vendor::{News, SealedKey, Vendor};
use tracing::error;

use crate::Result;
use crate::vault::{self, Vault};

/// Shorter keys would be given away by their last four characters.
const TELLING_KEY_CHARS: usize = 16;

/// A change makes a new one; calls under way keep the one they began with.
pub(crate) struct Vendors {
    /// As the environment, or the simulator, has them.
    base: Registry,
    /// With what is stored of them.
    pub registry: Registry,
    stored: Vec<Stored>,
    /// Of what is stored.
    pub version: i64,
}

struct Stored {
    row: Vendor,
    key: StoredKey,
}

enum StoredKey {
    None,
    Open(SecretString),
    OtherAddress,
    Unreadable,
}

/// Where the key of a vendor is kept.
pub(crate) fn place<'a>(id: &'a ProviderId, host: &'a str, version: i64) -> vault::Place<'a> {
    vault::Place { table: "vendor_secret", row: &id.0, host, version }
}

impl Vendors {
    pub async fn load(db: &Db, vault: &Vault, base: Registry) -> Result<Self> {
        let version = store::vendor::get_news(db).await?.version;
        let bare = Self { registry: base.clone(), base, stored: Vec::new(), version };
        bare.renewed(db, vault, version).await
    }

    /// What is stored now; `version` was read before.
    pub async fn renewed(&self, db: &Db, vault: &Vault, version: i64) -> Result<Self> {
        let rows = store::vendor::list_vendors(db).await?;
        let stored: Vec<Stored> =
            rows.into_iter().map(|row| Stored { key: self.opened(vault, &row), row }).collect();
        let vendors: Vec<StoredVendor> = stored
            .iter()
            .map(|stored| StoredVendor {
                id: stored.row.id.clone(),
                name: stored.row.place.as_ref().map(|place| place.name.clone()),
                base_url: stored.row.place.as_ref().map(|place| place.base_url.clone()),
                key: stored.key.open().cloned(),
            })
            .collect();
        Ok(Self { registry: self.base.with_stored(&vendors), base: self.base.clone(), stored, version })
    }

    /// Whether nothing has changed since.
    pub fn is_current(&self, news: &News) -> bool {
        let refused = self.stored.iter().filter(|stored| stored.row.refused_since.is_some());
        self.version == news.version && refused.map(|stored| &stored.row.id).eq(&news.refused)
    }

    /// The version of the stored key that calls to this vendor use; `None` when they use another, or none.
    pub fn key_version(&self, id: &ProviderId) -> Option<i64> {
        let stored = self.stored(id).filter(|stored| stored.key.open().is_some())?;
        self.base.find(id).is_none_or(|known| known.key.is_none()).then_some(stored.row.key_version)
    }

    /// What a new key of this vendor is bound to: the version after the last, and the host.
    pub fn next_key(&self, id: &ProviderId) -> std::result::Result<(i64, String), Fault> {
        self.must_be_ours(id)?;
        let stored = self.stored(id).map(|stored| &stored.row);
        let host = self.address(id, stored).and_then(|address| origin(&address));
        let host = host.ok_or_else(|| Fault::not_found("This vendor"))?;
        Ok((stored.map_or(0, |row| row.key_version) + 1, host))
    }

    /// The name of a vendor whose address may be changed here.
    pub fn may_be_moved(&self, id: &ProviderId) -> std::result::Result<String, Fault> {
        self.must_be_ours(id)?;
        let known = self.registry.find(id).ok_or_else(|| Fault::not_found("This vendor"))?;
        if self.base.is_placed(id) && !self.base.is_simulated() {
            let variable = known.vendor.base_url_var;
            let message =
                format!("The address of this vendor is set by {variable} in the environment, which wins");
            return Err(Fault::new(Code::Conflict, message));
        }
        Ok(known.vendor.name.to_owned())
    }

    /// A key in the environment wins, and stays with the address it was set for.
    fn must_be_ours(&self, id: &ProviderId) -> std::result::Result<(), Fault> {
        match self.base.find(id) {
            Some(known) if known.key.is_some() && !self.base.is_simulated() => {
                let message = format!(
                    "The key of this vendor is set by {} in the environment, which wins; take it away there first",
                    known.vendor.key_var
                );
                Err(Fault::new(Code::Conflict, message))
            }
            _ => Ok(()),
        }
    }

    pub fn states(&self) -> Vec<VendorState> {
        self.registry.iter().map(|provider| self.state(provider)).collect()
    }

    fn state(&self, provider: &ConfiguredProvider) -> VendorState {
        let id = provider.id();
        let known = self.base.find(&id);
        let stored = self.stored(&id);
        let row = stored.map(|stored| &stored.row);
        let own_key = known.and_then(|known| known.key.as_ref()).filter(|_| !self.base.is_simulated());
        let place = row.and_then(|row| row.place.as_ref());
        let base_url_source = match (known, place) {
            (None, _) => AddressSource::Added,
            _ if self.base.is_simulated() => AddressSource::Simulator,
            _ if self.base.is_placed(&id) => AddressSource::Environment,
            (Some(_), Some(_)) if own_key.is_none() => AddressSource::Stored,
            _ => AddressSource::BuiltIn,
        };
        let (key, open) = match (own_key, stored.map(|stored| &stored.key)) {
            (Some(key), _) => (KeyState::Environment, Some(key)),
            (None, Some(StoredKey::Open(key))) => (KeyState::Stored, Some(key)),
            (None, Some(StoredKey::OtherAddress)) => (KeyState::OtherAddress, None),
            (None, Some(StoredKey::Unreadable)) => (KeyState::Unreadable, None),
            (None, _) if self.base.is_simulated() => (KeyState::Simulated, None),
            (None, _) => (KeyState::Missing, None),
        };
        let changed_at = row.and_then(|row| row.key.as_ref()).map(|key| key.changed_at.clone());
        VendorState {
            name: provider.vendor.name.to_owned(),
            base_url: self.address(&id, row).unwrap_or_else(|| provider.base_url.clone()),
            base_url_source,
            key,
            key_last_four: open.and_then(last_four),
            key_changed_at: changed_at.filter(|_| key != KeyState::Environment),
            available: provider.is_available(),
            refused_since: row.and_then(|row| row.refused_since.clone()),
            id,
        }
    }

    fn stored(&self, id: &ProviderId) -> Option<&Stored> {
        self.stored.iter().find(|stored| stored.row.id == *id)
    }

    /// Where a vendor is, or would be if no simulator played it.
    fn address(&self, id: &ProviderId, row: Option<&Vendor>) -> Option<String> {
        let stored = row.and_then(|row| row.place.as_ref()).map(|place| place.base_url.clone());
        match self.base.find(id) {
            Some(known) if self.base.is_simulated() => {
                stored.or_else(|| Some(known.vendor.base_url.to_owned()))
            }
            Some(known) if known.key.is_some() || self.base.is_placed(id) => Some(known.base_url.clone()),
            Some(known) => stored.or_else(|| Some(known.base_url.clone())),
            None => stored,
        }
    }

    fn opened(&self, vault: &Vault, row: &Vendor) -> StoredKey {
        let Some(kept) = &row.key else { return StoredKey::None };
        let host = self.address(&row.id, Some(row)).and_then(|address| origin(&address));
        if host.as_deref() != Some(kept.host.as_str()) {
            return StoredKey::OtherAddress;
        }
        // A key that is open stays so, also while its data key is sealed with a master key this server does not have.
        if let Some(key) = self.stored(&row.id).and_then(|before| before.still_open(row.key_version, kept)) {
            return StoredKey::Open(key.clone());
        }
        let opened = vault.open(&place(&row.id, &kept.host, row.key_version), &kept.sealed);
        match opened.map(|bytes| std::str::from_utf8(&bytes).map(|text| SecretString::from(text.to_owned())))
        {
            Ok(Ok(key)) => StoredKey::Open(key),
            Ok(Err(_)) => StoredKey::Unreadable,
            Err(shut) => {
                let why = vault.wrong_master(shut, &kept.sealed.master);
                error!(vendor.id = %row.id, "the stored key of {} cannot be opened: {why}", row.id);
                StoredKey::Unreadable
            }
        }
    }
}

impl Stored {
    fn still_open(&self, version: i64, kept: &SealedKey) -> Option<&SecretString> {
        let before = self.row.key.as_ref()?;
        let is_same = self.row.key_version == version
            && before.host == kept.host
            && before.sealed.sealed == kept.sealed.sealed;
        self.key.open().filter(|_| is_same)
    }
}

impl StoredKey {
    fn open(&self) -> Option<&SecretString> {
        match self {
            Self::Open(key) => Some(key),
            Self::None | Self::OtherAddress | Self::Unreadable => None,
        }
    }
}

fn last_four(key: &SecretString) -> Option<String> {
    let text = key.expose_secret();
    let length = text.chars().count();
    (length >= TELLING_KEY_CHARS).then(|| text.chars().skip(length - 4).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_key_is_not_told_by_its_end() {
        let end = |text: &str| last_four(&SecretString::from(text.to_owned()));
        assert_eq!(end("sk-0123456789abcdef").as_deref(), Some("cdef"));
        assert_eq!(end("sk-012345678"), None);
    }
}
