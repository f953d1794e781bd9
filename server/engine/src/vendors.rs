//! What operators do with vendors: add one, say where it is, and give it a key that is kept sealed.

mod known;
mod refusals;

use std::sync::Arc;

use marketplace::account::Role;
use marketplace::fault::{Code, Fault};
use marketplace::id::ProviderId;
use marketplace::operator::VendorState;
use providers::registry::base_url;
use secrecy::{ExposeSecret, SecretString};
use store::Db;
use store::vendor::{By, Place};
use tracing::{debug, info};

pub(crate) use known::Vendors;
pub(crate) use refusals::Refusals;

use crate::correction::given_reason;
use crate::{Actor, Engine, Result};

const ID_CHARS_MAX: usize = 40;
const NAME_CHARS_MAX: usize = 80;
const KEY_CHARS: std::ops::RangeInclusive<usize> = 1..=4096;

/// Whether any vendor has a stored key, in a database that is brought up to date first.
pub async fn has_vendor_keys(url: &str) -> Result<bool> {
    store::migrate(url).await?;
    Ok(store::vendor::has_keys(&Db::connect(url, 1).await?).await?)
}

/// Gives up what is sealed with a master key that is lost: API keys and sessions end, and vendors need new keys.
/// Answers how many keys of vendors that were.
pub async fn abandon_secrets(url: &str, reason: &str) -> Result<i64> {
    let reason = given_reason(reason)?;
    store::migrate(url).await?;
    Ok(store::vault::abandon(url, reason).await?)
}

impl Engine {
    /// Every vendor and how it is set up. Of a key no more than its last characters are told.
    pub async fn list_vendors(&self, actor: &Actor) -> Result<Vec<VendorState>> {
        actor.require(&[Role::Admin])?;
        self.refresh_vendors().await?;
        Ok(self.0.vendors.load().states())
    }

    /// Adds a vendor that the program does not know. It is spoken to as OpenAI is.
    pub async fn add_vendor(
        &self,
        actor: &Actor,
        (id, name): (&str, &str),
        address: &str,
        reason: &str,
    ) -> Result<()> {
        actor.require(&[Role::Admin])?;
        let (id, name, reason) = (parsed_id(id)?, parsed_name(name)?, given_reason(reason)?);
        self.refresh_vendors().await?;
        if self.0.vendors.load().registry.find(&id).is_some() {
            let message = format!("There is a vendor {id} already; give it a key or another address");
            return Err(Fault { field: Some("id".to_owned()), ..Fault::new(Code::Conflict, message) }.into());
        }
        let place = Place { name, base_url: self.allowed_address(address)? };
        let by = By { actor: &actor.label(), reason };
        store::vendor::set_vendor(&self.0.db, &id, &place, by).await?;
        info!(vendor.id = %id, "added the vendor {id}");
        self.refresh_vendors().await
    }

    /// Says where a vendor is from now on. Its stored key is cleared, for it was meant for the old address.
    pub async fn move_vendor(&self, actor: &Actor, id: &str, address: &str, reason: &str) -> Result<()> {
        actor.require(&[Role::Admin])?;
        let (id, reason) = (ProviderId(id.to_owned()), given_reason(reason)?);
        self.refresh_vendors().await?;
        let vendors = self.0.vendors.load_full();
        let name = vendors.may_be_moved(&id)?;
        let place = Place { name, base_url: self.allowed_address(address)? };
        let by = By { actor: &actor.label(), reason };
        if !store::vendor::set_vendor(&self.0.db, &id, &place, by).await? {
            return Err(Fault::new(Code::Conflict, "This vendor has that address already").into());
        }
        info!(vendor.id = %id, "the vendor {id} has another address, and no stored key");
        self.refresh_vendors().await
    }

    /// Takes an added vendor away, or the other address of one that the program knows, and its key with it.
    pub async fn remove_vendor(&self, actor: &Actor, id: &str, reason: &str) -> Result<()> {
        actor.require(&[Role::Admin])?;
        let (id, reason) = (ProviderId(id.to_owned()), given_reason(reason)?);
        let by = By { actor: &actor.label(), reason };
        if !store::vendor::remove_vendor(&self.0.db, &id, by).await? {
            return Err(Fault::not_found("A stored address of this vendor").into());
        }
        info!(vendor.id = %id, "what was stored of the vendor {id} was taken away");
        self.refresh_vendors().await
    }

    /// Seals a key for the address its vendor has now. New calls use it; those under way end with the old one.
    pub async fn set_vendor_key(
        &self,
        actor: &Actor,
        id: &str,
        key: SecretString,
        reason: &str,
    ) -> Result<()> {
        actor.require(&[Role::Admin])?;
        let (id, reason, key) = (ProviderId(id.to_owned()), given_reason(reason)?, parsed_key(&key)?);
        self.refresh_vendors().await?;
        let (version, host) = self.0.vendors.load().next_key(&id)?;
        let place = known::place(&id, &host, version);
        let sealed = self.0.vault.seal(&place, key.expose_secret().as_bytes())?;
        let by = By { actor: &actor.label(), reason };
        if !store::vendor::set_key(&self.0.db, &id, (version, &host), &sealed, by).await? {
            let message = "Somebody else changed this key just now; look again before you replace it";
            return Err(Fault::new(Code::Conflict, message).into());
        }
        info!(vendor.id = %id, version, "the vendor {id} has a new key");
        self.refresh_vendors().await
    }

    /// Forgets the stored key of a vendor; its models cannot be called until it has another.
    pub async fn clear_vendor_key(&self, actor: &Actor, id: &str, reason: &str) -> Result<()> {
        actor.require(&[Role::Admin])?;
        let (id, reason) = (ProviderId(id.to_owned()), given_reason(reason)?);
        let by = By { actor: &actor.label(), reason };
        if !store::vendor::clear_key(&self.0.db, &id, by).await? {
            return Err(Fault::not_found("A stored key of this vendor").into());
        }
        info!(vendor.id = %id, "the key of the vendor {id} was cleared");
        self.refresh_vendors().await
    }

    /// Seals every data key with the current master key, so that the older one is needed no more. Servers that run
    /// keep the keys they have open. Answers how many were sealed anew.
    pub async fn rotate_secrets(&self, actor: &Actor) -> Result<usize> {
        actor.require(&[Role::Admin])?;
        let mut count = usize::from(self.0.vault.rewrap_root(&self.0.db).await?);
        for vendor in store::vendor::list_vendors(&self.0.db).await? {
            let Some(key) = &vendor.key else { continue };
            let place = known::place(&vendor.id, &key.host, vendor.key_version);
            let rewrapped = self.0.vault.rewrap(&place, &key.sealed);
            let rewrapped = rewrapped.map_err(|shut| self.0.vault.wrong_master(shut, &key.sealed.master))?;
            let Some(rewrapped) = rewrapped else { continue };
            let (version, before) = (vendor.key_version, &key.sealed.wrapped_key);
            // One that was replaced meanwhile was sealed by a server, with whatever master key that one has.
            let done = store::vendor::rewrap_key(&self.0.db, &vendor.id, version, before, &rewrapped).await?;
            count += usize::from(done);
        }
        let reason = format!("{count} data keys were sealed with another master key");
        self.record_why(actor, "secrets.rotate", "master_key", Some(&reason)).await?;
        Ok(count)
    }

    /// Takes over what is stored of vendors, which an operator may have changed at another server.
    pub(crate) async fn refresh_vendors(&self) -> Result<()> {
        let _one = self.0.vendors_renewing.lock().await;
        let news = store::vendor::get_news(&self.0.db).await?;
        self.0.refusals.take_over(&news.refused);
        let before = self.0.vendors.load_full();
        if before.is_current(&news) {
            return Ok(());
        }
        let vendors = before.renewed(&self.0.db, &self.0.vault, news.version).await?;
        self.0.vendors.store(Arc::new(vendors));
        self.refresh_prices().await
    }

    /// The same, again and again. That the database is away is said elsewhere.
    pub(crate) async fn watch_vendors(&self) {
        if let Err(cause) = self.refresh_vendors().await {
            debug!(%cause, "what is stored of vendors could not be read");
        }
    }

    fn allowed_address(&self, text: &str) -> std::result::Result<String, Fault> {
        let refused =
            |error: providers::Error| Fault::invalid("base_url", &format!("cannot be used: {error}"));
        let address = base_url(text).map_err(refused)?;
        self.0.sender.may_reach(&address).map_err(refused)?;
        Ok(address)
    }
}

fn parsed_id(text: &str) -> std::result::Result<ProviderId, Fault> {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let fits = text.starts_with(is_plain)
        && text.len() <= ID_CHARS_MAX
        && text.chars().all(|c| is_plain(c) || c == '-' || c == '_');
    if fits {
        return Ok(ProviderId(text.to_owned()));
    }
    Err(Fault::invalid("id", "needs small letters, digits, - or _, at most 40 of them, such as lantern"))
}

fn parsed_name(text: &str) -> std::result::Result<String, Fault> {
    let name = text.trim();
    if (1..=NAME_CHARS_MAX).contains(&name.chars().count()) && !name.chars().any(char::is_control) {
        return Ok(name.to_owned());
    }
    Err(Fault::invalid("name", "needs 1 to 80 characters"))
}

/// Something that can be sent in a header.
fn parsed_key(key: &SecretString) -> std::result::Result<SecretString, Fault> {
    let text = key.expose_secret().trim();
    if KEY_CHARS.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(SecretString::from(text.to_owned()));
    }
    Err(Fault::invalid("key", "needs 1 to 4,096 letters, digits or signs without spaces"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_plain_and_a_key_can_be_sent() {
        for id in ["lantern", "ai21", "a-b_c", "0"] {
            assert!(parsed_id(id).is_ok(), "{id}");
        }
        for id in ["", "Lantern", "-a", "a b", "a/b", "é", &"a".repeat(41)] {
            assert!(parsed_id(id).is_err(), "{id}");
        }
        let key = |text: &str| parsed_key(&SecretString::from(text.to_owned()));
        assert_eq!(key(" sk-12345678\n").unwrap().expose_secret(), "sk-12345678");
        for text in ["", "two words here", "line\r\nbreak: x", "schlüssel-von-weit", &"k".repeat(5_000)] {
            assert!(key(text).is_err(), "{text:?}");
            assert!(text.is_empty() || !key(text).unwrap_err().message.contains(text));
        }
    }
}
