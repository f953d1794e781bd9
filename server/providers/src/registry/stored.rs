//! Vendors as they are stored, on top of those that the environment names.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use marketplace::id::ProviderId;
use reqwest::Url;
use secrecy::SecretString;

use super::{ConfiguredProvider, GENEROUS, Provider, Registry, simulated_key, simulated_url};
use crate::Error;

/// What is stored of a vendor: a key, another address, or all there is to know of one that has no row here.
#[derive(Clone, Debug)]
pub struct StoredVendor {
    pub id: ProviderId,
    pub name: Option<String>,
    pub base_url: Option<String>,
    pub key: Option<SecretString>,
}

impl Registry {
    /// The same vendors with what is stored of them. Who has a key in the environment stays as the environment says,
    /// address included: that key must not be sent to any other.
    pub fn with_stored(&self, stored: &[StoredVendor]) -> Self {
        let mut providers = self.providers.clone();
        for vendor in stored {
            match providers.iter_mut().find(|known| known.vendor.id == vendor.id.0) {
                Some(known) if known.key.is_none() => self.place(known, vendor),
                Some(_) => {}
                None => providers.extend(self.added(vendor)),
            }
        }
        Self { providers, simulated: self.simulated.clone(), placed: self.placed.clone() }
    }

    /// Whether the environment names the address of this vendor.
    pub fn is_placed(&self, id: &ProviderId) -> bool {
        self.placed.contains(id.0.as_str())
    }

    /// Whether a simulator plays the vendors.
    pub fn is_simulated(&self) -> bool {
        self.simulated.is_some()
    }

    fn place(&self, known: &mut ConfiguredProvider, vendor: &StoredVendor) {
        if let Some(base_url) = vendor.base_url.as_ref().filter(|_| !self.is_placed(&vendor.id)) {
            known.base_url.clone_from(base_url);
            known.is_found = true;
        }
        known.key.clone_from(&vendor.key);
    }

    /// A vendor that no row here knows speaks as OpenAI does.
    fn added(&self, vendor: &StoredVendor) -> Option<ConfiguredProvider> {
        let (name, base_url) = (vendor.name.as_deref()?, vendor.base_url.as_deref()?);
        let row = Provider {
            id: kept(&vendor.id.0),
            name: kept(name),
            dialect: GENEROUS,
            base_url: "",
            key_var: "",
            base_url_var: "",
            stops_on_abort: false,
        };
        Some(match &self.simulated {
            Some(base) => ConfiguredProvider {
                vendor: row,
                base_url: simulated_url(base, &row),
                key: Some(simulated_key()),
                is_found: true,
            },
            None => ConfiguredProvider {
                vendor: row,
                base_url: base_url.to_owned(),
                key: vendor.key.clone(),
                is_found: true,
            },
        })
    }
}

/// An address that may be a vendor's, without a slash at its end: no names, questions or fragments in it.
pub fn base_url(text: &str) -> Result<String, Error> {
    let wrong = |reason: &str| Error::BaseUrl { variable: text.to_owned(), reason: reason.to_owned() };
    let url = Url::parse(text.trim()).map_err(|error| wrong(&error.to_string()))?;
    if !matches!(url.scheme(), "https" | "http") || url.host_str().is_none() {
        return Err(wrong("it must begin with https://"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong("it must not hold a name or a password"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(wrong("it must end with its path"));
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

/// Scheme, host and port of an address: what a key is bound to.
pub fn origin(base_url: &str) -> Option<String> {
    Url::parse(base_url).ok().map(|url| url.origin().ascii_serialization())
}

/// A text that lives as long as the program, once however often it is asked for. Vendors are added by hand, so there
/// are few.
fn kept(text: &str) -> &'static str {
    static KEPT: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(there) = kept.get(text) {
        return there;
    }
    let text: &'static str = Box::leak(text.to_owned().into_boxed_str());
    kept.insert(text);
    text
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn stored(id: &str, base_url: Option<&str>, key: Option<&str>) -> StoredVendor {
        StoredVendor {
            id: ProviderId(id.to_owned()),
            name: Some(id.to_uppercase()),
            base_url: base_url.map(str::to_owned),
            key: key.map(|key| SecretString::from(key.to_owned())),
        }
    }

    fn environment(set: &'static [(&'static str, &'static str)]) -> Registry {
        let value = |name: &str| set.iter().find(|(known, _)| *known == name).map(|(_, v)| (*v).to_owned());
        Registry::from_settings(value).unwrap()
    }

    fn at(registry: &Registry, id: &str) -> (String, Option<String>) {
        let found = registry.find(&ProviderId(id.to_owned())).unwrap();
        (found.base_url.clone(), found.key.as_ref().map(|key| key.expose_secret().to_owned()))
    }

    #[test]
    fn a_stored_vendor_is_one_like_any_other() {
        let registry = environment(&[]).with_stored(&[
            stored("lantern", Some("https://lantern.example/v1"), Some("one")),
            stored("groq", None, Some("two")),
        ]);
        assert_eq!(
            at(&registry, "lantern"),
            ("https://lantern.example/v1".to_owned(), Some("one".to_owned()))
        );
        assert_eq!(
            at(&registry, "groq"),
            ("https://api.groq.com/openai/v1".to_owned(), Some("two".to_owned()))
        );
        assert!(registry.find(&ProviderId("lantern".to_owned())).unwrap().is_available());
        let again = registry.with_stored(&[]);
        assert_eq!(again.iter().count(), registry.iter().count());
        let keyless =
            environment(&[]).with_stored(&[stored("lantern", Some("https://lantern.example"), None)]);
        assert!(!keyless.find(&ProviderId("lantern".to_owned())).unwrap().is_available());
    }

    #[test]
    fn a_key_of_the_environment_is_sent_where_the_environment_says_and_nowhere_else() {
        let elsewhere = [stored("groq", Some("https://evil.example"), Some("stored"))];
        let registry = environment(&[("GROQ_API_KEY", "env")]).with_stored(&elsewhere);
        assert_eq!(
            at(&registry, "groq"),
            ("https://api.groq.com/openai/v1".to_owned(), Some("env".to_owned()))
        );
        let registry = environment(&[("GROQ_BASE_URL", "https://groq.example")]).with_stored(&elsewhere);
        assert_eq!(at(&registry, "groq"), ("https://groq.example".to_owned(), Some("stored".to_owned())));
    }

    #[test]
    fn a_simulator_plays_added_vendors_too() {
        let registry = Registry::simulated("http://127.0.0.1:4000").with_stored(&[
            stored("lantern", Some("https://lantern.example/v1"), None),
            stored("openai", Some("https://evil.example"), Some("stored")),
        ]);
        assert_eq!(at(&registry, "lantern").0, "http://127.0.0.1:4000/lantern/v1");
        assert_eq!(at(&registry, "openai").1.as_deref(), Some("simulated"));
    }

    #[test]
    fn an_address_is_nothing_but_an_address() {
        assert_eq!(base_url(" https://a.example/v1/ ").unwrap(), "https://a.example/v1");
        assert_eq!(base_url("https://a.example").unwrap(), "https://a.example");
        for text in [
            "",
            "a.example",
            "ftp://a.example",
            "file:///etc/passwd",
            "https://",
            "https://me@a.example",
            "https://me:word@a.example",
            "https://a.example/v1?key=1",
            "https://a.example/#v1",
            "javascript:alert(1)",
        ] {
            assert!(base_url(text).is_err(), "{text:?} was taken for an address");
        }
        assert_eq!(origin("https://a.example/v1").as_deref(), Some("https://a.example"));
        assert_ne!(origin("https://a.example:444/v1"), origin("https://a.example/v1"));
    }
}
