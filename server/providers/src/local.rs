//! Models that stand ready on a server of the operator's own, in one form for all servers that say which.

/// A model as its server describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalModel {
    /// As the server calls it, such as `llama3.1:8b`.
    pub name: String,
    /// Changes whenever the model behind the name does.
    pub revision: String,
    /// Where it is told, as decimal text.
    pub parameters_billion: Option<String>,
    pub context_tokens: Option<u64>,
    /// What it is good for, in Ollama's words. Absent where the server does not say.
    pub capabilities: Option<Vec<String>>,
}

impl LocalModel {
    /// Whether it can do something, where that is known.
    pub fn can(&self, capability: &str) -> Option<bool> {
        Some(self.capabilities.as_ref()?.iter().any(|known| known == capability))
    }
}
