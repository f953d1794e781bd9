//! Who can be asked: one row a vendor, and what this installation knows of each.

mod stored;

use std::borrow::Cow;
use std::collections::BTreeSet;

use marketplace::id::ProviderId;
use reqwest::Url;
use secrecy::SecretString;

pub use self::stored::{StoredVendor, base_url, origin};
use crate::Error;
use crate::anthropic;
use crate::dialect::Dialect;
use crate::openai::{Habits, OutputLimit};

/// A vendor as everyone knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Provider {
    pub id: &'static str,
    pub name: &'static str,
    pub dialect: Dialect,
    pub base_url: &'static str,
    /// The variable that holds our key.
    pub key_var: &'static str,
    /// The variable that names another address.
    pub base_url_var: &'static str,
    /// Whether the vendor stops working, and counting, when we hang up. No where it does not say.
    pub stops_on_abort: bool,
}

/// A vendor as this installation uses it.
#[derive(Clone, Debug)]
pub struct ConfiguredProvider {
    pub vendor: Provider,
    /// Without a slash at its end.
    pub base_url: String,
    pub key: Option<SecretString>,
    /// Whether somebody said where it is, or it is where everybody knows it to be.
    pub is_found: bool,
}

#[derive(Clone, Debug)]
pub struct Registry {
    providers: Vec<ConfiguredProvider>,
    /// The address of the simulator, if one plays the vendors.
    simulated: Option<String>,
    /// The vendors whose address the environment names.
    placed: BTreeSet<&'static str>,
}

const OPENAI: Dialect = Dialect::OpenAi(Habits {
    output_limit: OutputLimit::MaxCompletionTokens,
    asks_for_usage: true,
    knows_developer: true,
    seed: "seed",
    several_choices: true,
});

const COMPATIBLE: Dialect = Dialect::OpenAi(PLAIN);

/// Compatible too, and writes several answers to one question. So do most servers that people add by hand.
const GENEROUS: Dialect = Dialect::OpenAi(Habits { several_choices: true, ..PLAIN });

const PLAIN: Habits = Habits {
    output_limit: OutputLimit::MaxTokens,
    asks_for_usage: true,
    knows_developer: false,
    seed: "seed",
    several_choices: false,
};

/// Sends usage in every stream and refuses a request that asks for it.
const MISTRAL: Dialect = Dialect::OpenAi(Habits {
    output_limit: OutputLimit::MaxTokens,
    asks_for_usage: false,
    knows_developer: false,
    seed: "random_seed",
    several_choices: true,
});

/// Sends usage in every stream too.
const PERPLEXITY: Dialect = Dialect::OpenAi(Habits { asks_for_usage: false, ..PLAIN });

/// The variable that names the version of its protocol that Anthropic is spoken to in.
const ANTHROPIC_VERSION_VAR: &str = "ANTHROPIC_VERSION";

const ANTHROPIC: Dialect = Dialect::Anthropic(anthropic::VERSIONS[0]);

/// One row a vendor. The names of its variables follow from its prefix.
macro_rules! providers {
    ($(($id:literal, $name:literal, $prefix:literal, $dialect:expr, $base_url:literal, stops_on_abort: $stops:literal),)*) => {
        /// Every vendor we can speak to.
        pub const PROVIDERS: &[Provider] = &[$(Provider {
            id: $id,
            name: $name,
            dialect: $dialect,
            base_url: $base_url,
            key_var: concat!($prefix, "_API_KEY"),
            base_url_var: concat!($prefix, "_BASE_URL"),
            stops_on_abort: $stops,
        }),*];
    };
}

#[rustfmt::skip]
providers! {
    ("openai", "OpenAI", "OPENAI", OPENAI, "https://api.openai.com/v1", stops_on_abort: true),
    ("anthropic", "Anthropic", "ANTHROPIC", ANTHROPIC, "https://api.anthropic.com", stops_on_abort: true),
    ("mistral", "Mistral", "MISTRAL", MISTRAL, "https://api.mistral.ai/v1", stops_on_abort: false),
    ("deepseek", "DeepSeek", "DEEPSEEK", COMPATIBLE, "https://api.deepseek.com", stops_on_abort: true),
    ("groq", "Groq", "GROQ", COMPATIBLE, "https://api.groq.com/openai/v1", stops_on_abort: false),
    ("together", "Together", "TOGETHER", GENEROUS, "https://api.together.ai/v1", stops_on_abort: true),
    ("xai", "xAI", "XAI", GENEROUS, "https://api.x.ai/v1", stops_on_abort: true),
    ("perplexity", "Perplexity", "PERPLEXITY", PERPLEXITY, "https://api.perplexity.ai", stops_on_abort: false),
    ("huggingface", "Hugging Face", "HUGGINGFACE", COMPATIBLE, "https://router.huggingface.co/v1", stops_on_abort: false),
    ("openrouter", "OpenRouter", "OPENROUTER", COMPATIBLE, "https://openrouter.ai/api/v1", stops_on_abort: false),
    ("cerebras", "Cerebras", "CEREBRAS", COMPATIBLE, "https://api.cerebras.ai/v1", stops_on_abort: false),
    ("moonshotai", "Moonshot AI", "MOONSHOTAI", GENEROUS, "https://api.moonshot.ai/v1", stops_on_abort: false),
    ("zai", "Z.ai", "ZAI", COMPATIBLE, "https://api.z.ai/api/paas/v4", stops_on_abort: false),
    ("minimax", "MiniMax", "MINIMAX", COMPATIBLE, "https://api.minimax.io/v1", stops_on_abort: false),
    ("amazon", "Amazon Nova", "AMAZON", COMPATIBLE, "https://api.nova.amazon.com/v1", stops_on_abort: false),
    ("ai21", "AI21", "AI21", GENEROUS, "https://api.ai21.com/studio/v1", stops_on_abort: false),
    ("stability", "Stability AI", "STABILITY", COMPATIBLE, "https://api.stability.ai", stops_on_abort: false),
    ("voyageai", "Voyage AI", "VOYAGEAI", COMPATIBLE, "https://api.voyageai.com/v1", stops_on_abort: false),
    ("meta", "Meta", "META", COMPATIBLE, "https://api.llama.com/compat/v1", stops_on_abort: false),
    ("google", "Google", "GOOGLE", Dialect::Google, "https://generativelanguage.googleapis.com/v1beta", stops_on_abort: false),
    ("cohere", "Cohere", "COHERE", Dialect::Cohere, "https://api.cohere.com", stops_on_abort: false),
    ("ollama", "Ollama", "OLLAMA", Dialect::Ollama, "http://127.0.0.1:11434", stops_on_abort: true),
    ("tgi", "Text Generation Inference", "TGI", Dialect::Tgi, "http://127.0.0.1:8080", stops_on_abort: true),
}

impl ConfiguredProvider {
    pub fn id(&self) -> ProviderId {
        ProviderId(self.vendor.id.to_owned())
    }

    /// The same vendor in the language of one of its models.
    pub fn speaking(&self, protocol: &str) -> Cow<'_, Self> {
        let dialect = self.vendor.dialect.of_model(protocol);
        if dialect == self.vendor.dialect {
            return Cow::Borrowed(self);
        }
        Cow::Owned(Self { vendor: Provider { dialect, ..self.vendor }, ..self.clone() })
    }

    /// Whether a call can be made: without a key no vendor answers, but one's own server does.
    pub fn is_available(&self) -> bool {
        let needs_key = !self.vendor.dialect.is_self_hosted();
        self.is_found && (self.key.is_some() || !needs_key)
    }
}

impl Registry {
    /// Every vendor, with the addresses and keys that `variable` knows.
    pub fn from_settings(variable: impl Fn(&str) -> Option<String>) -> Result<Self, Error> {
        let set = |name: &str| {
            variable(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
        };
        let providers = PROVIDERS.iter().map(|provider| {
            let own_url = set(provider.base_url_var);
            let is_found = own_url.is_some() || !provider.dialect.is_self_hosted();
            let base_url = own_url.unwrap_or_else(|| provider.base_url.to_owned());
            Url::parse(&base_url).map_err(|error| Error::BaseUrl {
                variable: provider.base_url_var.to_owned(),
                reason: error.to_string(),
            })?;
            let vendor = match (provider.dialect, set(ANTHROPIC_VERSION_VAR)) {
                (Dialect::Anthropic(_), Some(text)) => {
                    Provider { dialect: Dialect::Anthropic(version(text)?), ..*provider }
                }
                _ => *provider,
            };
            Ok(ConfiguredProvider {
                vendor,
                base_url: base_url.trim_end_matches('/').to_owned(),
                key: set(provider.key_var).map(SecretString::from),
                is_found,
            })
        });
        let providers = providers.collect::<Result<_, Error>>()?;
        let is_placed = |provider: &&Provider| set(provider.base_url_var).is_some();
        let placed = PROVIDERS.iter().filter(is_placed).map(|provider| provider.id).collect();
        Ok(Self { providers, simulated: None, placed })
    }

    /// Every vendor, played by one server at `base`, such as `http://127.0.0.1:4000`.
    pub fn simulated(base: &str) -> Self {
        let base = base.trim_end_matches('/');
        let providers = PROVIDERS.iter().map(|provider| ConfiguredProvider {
            vendor: *provider,
            base_url: simulated_url(base, provider),
            key: Some(simulated_key()),
            is_found: true,
        });
        Self {
            providers: providers.collect(),
            simulated: Some(base.to_owned()),
            placed: PROVIDERS.iter().map(|provider| provider.id).collect(),
        }
    }

    pub fn find(&self, id: &ProviderId) -> Option<&ConfiguredProvider> {
        self.providers.iter().find(|configured| configured.vendor.id == id.0)
    }

    pub fn iter(&self) -> impl Iterator<Item = &ConfiguredProvider> {
        self.providers.iter()
    }
}

fn version(text: String) -> Result<anthropic::Version, Error> {
    let known = anthropic::VERSIONS.into_iter().find(|version| version.name() == text);
    known.ok_or(Error::Version { variable: ANTHROPIC_VERSION_VAR, text })
}

/// Where a simulator at `base` plays a vendor.
fn simulated_url(base: &str, provider: &Provider) -> String {
    match provider.dialect {
        // Its versions stand in its paths, of which there are two.
        _ if provider.id == "stability" => format!("{base}/{}", provider.id),
        Dialect::OpenAi(_) | Dialect::Responses => format!("{base}/{}/v1", provider.id),
        Dialect::Google => format!("{base}/{}/v1beta", provider.id),
        Dialect::Anthropic(_) | Dialect::Cohere | Dialect::Ollama | Dialect::Tgi => {
            format!("{base}/{}", provider.id)
        }
    }
}

fn simulated_key() -> SecretString {
    SecretString::from("simulated")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(registry: &Registry, id: &str) -> ConfiguredProvider {
        registry.find(&ProviderId(id.to_owned())).unwrap().clone()
    }

    #[test]
    fn a_provider_is_available_once_its_key_is_set() {
        let registry = Registry::from_settings(|name| match name {
            "OPENAI_API_KEY" => Some(" sk-secret \n".to_owned()),
            "XAI_API_KEY" => Some("  ".to_owned()),
            _ => None,
        })
        .unwrap();
        assert!(find(&registry, "openai").is_available());
        assert!(!find(&registry, "xai").is_available() && !find(&registry, "anthropic").is_available());
        assert!(!format!("{registry:?}").contains("sk-secret"));
    }

    #[test]
    fn a_server_of_ones_own_needs_an_address_and_no_key() {
        let set = |name: &'static str, value: &'static str| {
            Registry::from_settings(|asked| (asked == name).then(|| value.to_owned())).unwrap()
        };
        assert!(!find(&set("OLLAMA_API_KEY", "key"), "ollama").is_available());
        let placed = set("OLLAMA_BASE_URL", "http://127.0.0.1:11434");
        assert!(find(&placed, "ollama").is_available());
        assert!(!find(&set("GOOGLE_BASE_URL", "https://example.com"), "google").is_available());
    }

    #[test]
    fn an_address_can_be_replaced_and_must_be_one() {
        let with =
            |url: &str| Registry::from_settings(|name| (name == "GROQ_BASE_URL").then(|| url.to_owned()));
        assert_eq!(
            find(&with("https://groq.example/v1/").unwrap(), "groq").base_url,
            "https://groq.example/v1"
        );
        assert!(
            matches!(with("groq.example"), Err(Error::BaseUrl { variable, .. }) if variable == "GROQ_BASE_URL")
        );
    }

    #[test]
    fn anthropic_is_spoken_to_in_the_version_that_is_asked_for() {
        let with = |text: &str| {
            Registry::from_settings(|name| (name == ANTHROPIC_VERSION_VAR).then(|| text.to_owned()))
        };
        for version in anthropic::VERSIONS {
            let registry = with(version.name()).unwrap();
            assert_eq!(find(&registry, "anthropic").vendor.dialect, Dialect::Anthropic(version));
        }
        let plain = Registry::from_settings(|_| None).unwrap();
        assert_eq!(find(&plain, "anthropic").vendor.dialect, ANTHROPIC);
        assert!(matches!(with("2024-01-01"), Err(Error::Version { text, .. }) if text == "2024-01-01"));
    }

    #[test]
    fn a_simulation_plays_every_provider() {
        let registry = Registry::simulated("http://127.0.0.1:4000/");
        assert_eq!(find(&registry, "mistral").base_url, "http://127.0.0.1:4000/mistral/v1");
        assert_eq!(find(&registry, "anthropic").base_url, "http://127.0.0.1:4000/anthropic");
        assert_eq!(find(&registry, "google").base_url, "http://127.0.0.1:4000/google/v1beta");
        assert!(registry.iter().all(ConfiguredProvider::is_available));
    }

    #[test]
    fn no_two_rows_share_an_id_and_only_this_machine_is_reached_without_https() {
        let mut ids: Vec<_> = PROVIDERS.iter().map(|provider| provider.id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), PROVIDERS.len());
        for provider in PROVIDERS {
            let start = if provider.dialect.is_self_hosted() { "http://127.0.0.1:" } else { "https://" };
            assert!(
                provider.base_url.starts_with(start) && !provider.base_url.ends_with('/'),
                "{provider:?}"
            );
        }
    }
}
