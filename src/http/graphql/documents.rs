//! Operations that are known before they come: registered ones from a folder, and those that a client has sent once
//! and names by their hash from then on (automatic persisted queries).

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use async_graphql::{Request as GraphQLRequest, ServerError, Value};
use moka::sync::Cache;
use sha2::{Digest, Sha256};

use crate::graphql::Code;

/// Bytes of texts that are kept for clients that name them by their hash.
const KEPT_BYTES: u64 = 8 << 20;

/// Texts by name.
#[derive(Clone)]
pub(in crate::http) struct Documents {
    trusted: Arc<HashMap<String, String>>,
    only_trusted: bool,
    sent_once: Cache<String, Arc<str>>,
}

impl Documents {
    /// Reads the registered operations. A file that can't be read is left out with a warning: an operation that isn't
    /// there is refused, which is the safe way round.
    pub(in crate::http) fn read(folder: Option<&Path>, only_trusted: bool) -> Self {
        let mut trusted = HashMap::new();
        for entry in folder.into_iter().flat_map(|folder| std::fs::read_dir(folder).into_iter().flatten()).flatten() {
            let path = entry.path();
            if path.extension().is_none_or(|e| e != "graphql") {
                continue;
            }
            match std::fs::read_to_string(&path) {
                Ok(text) => {
                    if let Some(name) = path.file_stem().and_then(|name| name.to_str()) {
                        trusted.insert(name.to_owned(), text.clone());
                    }
                    trusted.insert(hash(&text), text);
                }
                Err(error) => tracing::warn!(%error, path = %path.display(), "a registered operation can't be read"),
            }
        }
        if folder.is_some() {
            tracing::info!(operations = trusted.len() / 2, "registered operations");
        }
        let weigh = |key: &String, text: &Arc<str>| u32::try_from(key.len() + text.len()).unwrap_or(u32::MAX);
        let sent_once = Cache::builder().max_capacity(KEPT_BYTES).weigher(weigh).build();
        Self { trusted: Arc::new(trusted), only_trusted, sent_once }
    }

    /// Puts the text into a request that names it. What a client sends with its hash is kept once it is admitted: see
    /// [`keep`](Self::keep).
    ///
    /// # Errors
    /// When the name is unknown, the hash is another text's, or only registered operations are run.
    pub(in crate::http) fn resolve(
        &self,
        request: &mut GraphQLRequest,
        document_id: Option<&str>,
    ) -> Result<Option<String>, ServerError> {
        let persisted = persisted_hash(request)?;
        let name = document_id.map(|id| id.strip_prefix("sha256:").unwrap_or(id)).or(persisted.as_deref());
        if request.query.is_empty()
            && let Some(name) = name
        {
            if let Some(text) = self.trusted.get(name) {
                request.query.clone_from(text);
                return Ok(None);
            }
            if self.only_trusted || document_id.is_some() {
                return Err(Code::DocumentNotTrusted.refusal("There is no registered operation of this name"));
            }
            let text = self.sent_once.get(name);
            let text = text.ok_or_else(|| Code::PersistedQueryNotFound.refusal("PersistedQueryNotFound"))?;
            request.query = text.to_string();
            return Ok(None);
        }
        if self.only_trusted && !self.trusted.contains_key(&hash(&request.query)) {
            return Err(Code::DocumentNotTrusted.refusal("Only registered operations are run here"));
        }
        match persisted {
            Some(sent) if sent != hash(&request.query) => {
                Err(Code::BadUserInput.refusal("The hash of the persisted query is not the hash of the query"))
            }
            sent => Ok(sent),
        }
    }

    /// The texts of the registered operations.
    pub(in crate::http) fn texts(&self) -> impl Iterator<Item = &str> {
        self.trusted.values().map(String::as_str)
    }

    /// Keeps a text that came with its hash and was admitted.
    pub(in crate::http) fn keep(&self, hash: String, text: &str) {
        self.sent_once.insert(hash, text.into());
    }
}

fn hash(text: &str) -> String {
    hex::encode(Sha256::digest(text.as_bytes()))
}

/// The hash in `extensions.persistedQuery`.
fn persisted_hash(request: &GraphQLRequest) -> Result<Option<String>, ServerError> {
    let Some(Value::Object(persisted)) = request.extensions.get("persistedQuery") else { return Ok(None) };
    let version = persisted.get("version").is_none_or(|v| matches!(v, Value::Number(n) if n.as_u64() == Some(1)));
    match persisted.get("sha256Hash") {
        Some(Value::String(hash)) if version && hash.len() == 64 && hash.bytes().all(|b| b.is_ascii_hexdigit()) => {
            Ok(Some(hash.to_lowercase()))
        }
        _ => {
            Err(Code::BadUserInput.refusal("persistedQuery takes version 1 and a sha256Hash of 64 hexadecimal digits"))
        }
    }
}
