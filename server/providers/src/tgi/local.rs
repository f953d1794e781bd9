//! What stands ready on a server of Text Generation Inference: the one model it was started with.

use marketplace::chat::Failure;
use serde::Deserialize;

use crate::failure::{if_readable, malformed};
use crate::local::LocalModel;

/// Where it says which.
pub const INFO: &str = "/info";

#[derive(Deserialize)]
struct Info {
    model_id: String,
    #[serde(default, deserialize_with = "if_readable")]
    model_sha: Option<String>,
    #[serde(default, deserialize_with = "if_readable")]
    max_total_tokens: Option<u64>,
}

pub fn decode_info(body: &[u8]) -> Result<LocalModel, Failure> {
    let info: Info =
        serde_json::from_slice(body).map_err(|_| malformed("the answer is not JSON of the info shape"))?;
    Ok(LocalModel {
        name: info.model_id,
        revision: info.model_sha.unwrap_or_default(),
        parameters_billion: None,
        context_tokens: info.max_total_tokens,
        // It continues a plain text, and that is all.
        capabilities: Some(vec!["completion".to_owned()]),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_says_which_model_it_was_started_with() {
        let body =
            br#"{"model_id": "org/model", "model_sha": "e12f", "max_total_tokens": 4096, "router": "tgi"}"#;
        let model = decode_info(body).unwrap();
        assert_eq!((model.name.as_str(), model.context_tokens), ("org/model", Some(4_096)));
        assert_eq!((model.can("completion"), model.can("tools")), (Some(true), Some(false)));
        assert!(decode_info(b"{}").is_err());
    }
}
