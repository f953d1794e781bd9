//! Models on servers of the operator's own: found by asking those servers, free, and for sale for as long as they stand
//! there.

use std::collections::{HashMap, HashSet};

use marketplace::chat::Failure;
use marketplace::id::{ModelId, ProviderId};
use marketplace::model::{Kind, Model, Status};
use marketplace::price::Price;
use providers::{ConfiguredProvider, Dialect, LocalModel};
use tracing::{info, warn};

/// What each of these servers was found to have. Of one that never answered nothing is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Local {
    found: HashMap<ProviderId, Vec<LocalModel>>,
    silent: HashSet<ProviderId>,
}

impl Local {
    /// What is known of a server so far.
    pub fn of(&self, provider: &ProviderId) -> &[LocalModel] {
        self.found.get(provider).map_or(&[], Vec::as_slice)
    }

    /// Takes down what a server answered. One that says nothing keeps what it had, for it may be back soon, and is
    /// complained of once.
    pub fn note(&mut self, provider: ProviderId, answer: Result<Vec<LocalModel>, Failure>) {
        match answer {
            Ok(models) => {
                let was_silent = self.silent.remove(&provider);
                if was_silent || self.of(&provider).len() != models.len() {
                    let models = models.len();
                    info!(provider.id = %provider, models, "{models} local models stand ready on {provider}");
                }
                self.found.insert(provider, models);
            }
            Err(failure) => {
                if self.silent.insert(provider.clone()) {
                    warn!(
                        provider.id = %provider, class = ?failure.class,
                        "the local models of {provider} cannot be listed: {}", failure.message
                    );
                }
            }
        }
    }

    /// Whether a model is known not to stand where it would be called.
    pub fn lacks(&self, model: &Model) -> bool {
        self.found
            .get(&model.provider)
            .is_some_and(|found| !found.iter().any(|local| is_called(&model.upstream, local)))
    }

    /// The models of the file, and those found that are none of them.
    pub fn with(&self, file: &[Model]) -> Vec<Model> {
        let is_new = |provider: &ProviderId, local: &LocalModel| {
            let mut sold = file.iter().flat_map(Model::every_offer);
            !sold.any(|offer| offer.provider == *provider && is_called(&offer.upstream, local))
        };
        let found =
            self.found.iter().flat_map(|(provider, all)| all.iter().map(move |local| (provider, local)));
        let new = found.filter(|(provider, local)| is_new(provider, local));
        let mut models: Vec<Model> = new.filter_map(|(provider, local)| model(provider, local)).collect();
        models.sort_by(|one, other| one.id.cmp(&other.id));
        models.dedup_by(|one, other| one.id == other.id);
        file.iter().cloned().chain(models).collect()
    }

    /// The servers that have answered, and those that do not.
    pub fn servers(&self) -> (Vec<ProviderId>, Vec<ProviderId>) {
        let sorted = |mut ids: Vec<ProviderId>| {
            ids.sort_by(|one, other| one.0.cmp(&other.0));
            ids
        };
        (sorted(self.found.keys().cloned().collect()), sorted(self.silent.iter().cloned().collect()))
    }
}

/// Whether a provider is a server of the operator's own that can be asked what it has.
pub(crate) fn is_asked(provider: &ConfiguredProvider) -> bool {
    provider.vendor.dialect.is_self_hosted() && provider.is_available()
}

/// A name without a tag means the latest.
fn is_called(upstream: &str, local: &LocalModel) -> bool {
    untagged(upstream) == untagged(&local.name)
}

fn untagged(name: &str) -> &str {
    name.strip_suffix(":latest").unwrap_or(name)
}

/// A model of which only its server tells; nothing if its name cannot be one here.
fn model(provider: &ProviderId, local: &LocalModel) -> Option<Model> {
    let name = untagged(&local.name);
    let id = ModelId::parse(&format!("{provider}/{name}")).ok()?;
    let makes_vectors = local.can("embedding") == Some(true) && local.can("completion") != Some(true);
    // The weights of these stand elsewhere, and the server passes the question on.
    let is_remote = name.ends_with("-cloud");
    let place = if is_remote { format!("through {provider}") } else { "local".to_owned() };
    let (abilities, lacks) = abilities(local, makes_vectors);
    let texts = |more: Option<&str>| ["text"].into_iter().chain(more).map(str::to_owned).collect();
    Some(Model {
        id,
        name: format!("{name} ({place})"),
        publisher: publisher(provider, name),
        provider: provider.clone(),
        upstream: local.name.clone(),
        protocol: protocol(provider, makes_vectors),
        kind: if makes_vectors { Kind::Embedding } else { Kind::Chat },
        status: Status::Active,
        aliases: if name == local.name { Vec::new() } else { vec![local.name.clone()] },
        replacement: None,
        released: None,
        knowledge_cutoff: None,
        retires: None,
        context_tokens: local.context_tokens,
        max_input_tokens: local.context_tokens,
        max_output_tokens: local.context_tokens.filter(|_| !makes_vectors),
        embedding_dimensions: None,
        input: texts((local.can("vision") == Some(true)).then_some("image")),
        output: if makes_vectors { vec!["embedding".to_owned()] } else { texts(None) },
        abilities,
        lacks,
        price: Some(Price::default()),
        free: true,
        later: Vec::new(),
        other_prices: Vec::new(),
        price_note: None,
        open_weights: (!is_remote).then_some(true),
        licence: None,
        parameters_billion: local.parameters_billion.clone(),
        benchmarks: Vec::new(),
        offers: Vec::new(),
    })
}

/// Who trained it, where the name says so.
fn publisher(provider: &ProviderId, name: &str) -> String {
    let path = name.strip_prefix("hf.co/").unwrap_or(name);
    path.split_once('/').map_or_else(|| provider.to_string(), |(author, _)| author.to_lowercase())
}

fn protocol(provider: &ProviderId, makes_vectors: bool) -> String {
    let is_of = |dialect| {
        providers::registry::PROVIDERS.iter().any(|row| row.id == provider.0 && row.dialect == dialect)
    };
    let protocol = match (is_of(Dialect::Tgi), makes_vectors) {
        (true, _) => "tgi_generate",
        (false, true) => "ollama_embed",
        (false, false) => "ollama_chat",
    };
    protocol.to_owned()
}

/// What it can do and what it cannot, in the catalogue's words; what its server does not say stays unknown.
fn abilities(local: &LocalModel, makes_vectors: bool) -> (Vec<String>, Vec<String>) {
    if makes_vectors {
        return (Vec::new(), Vec::new());
    }
    let told = [("tools", "tools"), ("vision", "vision"), ("reasoning", "thinking")];
    let are = |wanted: bool| {
        let named = told.iter().filter(move |(_, capability)| local.can(capability) == Some(wanted));
        named.map(|(ability, _)| (*ability).to_owned())
    };
    (["streaming".to_owned()].into_iter().chain(are(true)).collect(), are(false).collect())
}

#[cfg(test)]
mod tests {
    use marketplace::chat::FailureClass;

    use super::*;

    fn ollama() -> ProviderId {
        ProviderId("ollama".to_owned())
    }

    fn local(name: &str, capabilities: &[&str]) -> LocalModel {
        LocalModel {
            name: name.to_owned(),
            revision: "1".to_owned(),
            parameters_billion: Some("8".to_owned()),
            context_tokens: Some(40_960),
            capabilities: Some(capabilities.iter().map(|&capability| capability.to_owned()).collect()),
        }
    }

    fn found(models: Vec<LocalModel>) -> Local {
        let mut found = Local::default();
        found.note(ollama(), Ok(models));
        found
    }

    #[test]
    fn what_is_found_is_free_and_told_as_its_server_tells_it() {
        let seer = local("qwen3-vl:8b", &["completion", "vision", "thinking"]);
        let models = found(vec![seer, local("embed:latest", &["embedding"])]).with(&[]);
        let [embed, seer] = models.as_slice() else { panic!("{models:?}") };
        assert_eq!((seer.id.as_str(), seer.name.as_str()), ("ollama/qwen3-vl:8b", "qwen3-vl:8b (local)"));
        assert!(seer.free && seer.price == Some(Price::default()));
        assert_eq!(
            (&seer.input, seer.context_tokens),
            (&vec!["text".to_owned(), "image".to_owned()], Some(40_960))
        );
        assert_eq!(seer.abilities, ["streaming", "vision", "reasoning"]);
        assert_eq!(seer.lacks, ["tools"]);
        assert_eq!((embed.id.as_str(), embed.upstream.as_str()), ("ollama/embed", "embed:latest"));
        assert_eq!(
            (embed.kind, embed.aliases.as_slice()),
            (Kind::Embedding, ["embed:latest".to_owned()].as_slice())
        );
    }

    #[test]
    fn what_the_file_describes_keeps_its_stanza_and_is_lacking_when_it_is_gone() {
        let known = model(&ollama(), &local("llama3.1", &["completion"])).unwrap();
        let known = Model { name: "Llama 3.1 (local)".to_owned(), ..known };
        let there = found(vec![local("llama3.1:latest", &["completion"])]);
        assert_eq!(there.with(std::slice::from_ref(&known)), vec![known.clone()]);
        assert!(!there.lacks(&known) && !Local::default().lacks(&known));
        assert!(found(Vec::new()).lacks(&known));
    }

    #[test]
    fn a_server_that_says_nothing_keeps_what_it_had() {
        let mut known = found(vec![local("llama3.1", &["completion"])]);
        let silence =
            Failure { class: FailureClass::Timeout, message: "x".to_owned(), retry_after_seconds: None };
        known.note(ollama(), Err(silence));
        assert_eq!((known.of(&ollama()).len(), known.servers().1), (1, vec![ollama()]));
        known.note(ollama(), Ok(Vec::new()));
        assert_eq!((known.of(&ollama()).len(), known.servers()), (0, (vec![ollama()], Vec::new())));
    }

    #[test]
    fn a_name_that_cannot_be_one_here_is_passed_over() {
        assert!(found(vec![local("two words", &["completion"])]).with(&[]).is_empty());
    }

    #[test]
    fn what_stands_elsewhere_is_not_called_local() {
        let models = found(vec![local("gpt-oss:120b-cloud", &["completion"])]).with(&[]);
        assert_eq!(
            (models[0].name.as_str(), models[0].open_weights),
            ("gpt-oss:120b-cloud (through ollama)", None)
        );
    }
}
