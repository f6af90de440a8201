//! The console's files, which are within the binary, and the name of what they are as a whole.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::Read;
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use flate2::read::GzDecoder;
use rust_embed::Embed;
use sha2::{Digest, Sha256};

use crate::report::LOOKS_VERSION;

/// Scripts, styles and fonts come from here alone; nothing is written into the page.
pub(super) const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; \
     connect-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

#[derive(Embed)]
#[folder = "src/http/console/assets"]
pub(super) struct Assets;

/// GraphiQL's own files, most of the console's bytes and rarely asked for, so the binary has them deflated.
const GRAPHIQL: [(&str, &[u8]); 2] = [
    ("vendor/graphiql.min.css", include_bytes!(concat!(env!("OUT_DIR"), "/graphiql.min.css.gz"))),
    ("vendor/graphiql.min.js", include_bytes!(concat!(env!("OUT_DIR"), "/graphiql.min.js.gz"))),
];

/// A file as the binary has it.
pub(super) enum Content {
    Text(Bytes),
    /// By gzip.
    Packed(Bytes),
}

/// A file, and the hash of what the binary has.
pub(super) fn file(name: &str) -> Option<([u8; 32], Content)> {
    static HASHES: LazyLock<[[u8; 32]; 2]> =
        LazyLock::new(|| GRAPHIQL.map(|(_, deflated)| Sha256::digest(deflated).into()));
    if let Some(at) = GRAPHIQL.iter().position(|(of_graphiql, _)| *of_graphiql == name) {
        return Some((HASHES[at], Content::Packed(Bytes::from_static(GRAPHIQL[at].1))));
    }
    let asset = Assets::get(name)?;
    let bytes = match asset.data {
        Cow::Borrowed(bytes) => Bytes::from_static(bytes),
        Cow::Owned(bytes) => Bytes::from(bytes),
    };
    Some((asset.metadata.sha256_hash(), Content::Text(bytes)))
}

/// One of GraphiQL's files for those who take it as it is alone.
pub(super) fn inflated(name: &str) -> Bytes {
    static INFLATED: LazyLock<HashMap<&str, Bytes>> = LazyLock::new(|| {
        let inflated = |(name, deflated): (&'static str, &'static [u8])| {
            let mut bytes = Vec::new();
            GzDecoder::new(deflated).read_to_end(&mut bytes).ok()?;
            Some((name, Bytes::from(bytes)))
        };
        GRAPHIQL.into_iter().filter_map(inflated).collect()
    });
    INFLATED.get(name).cloned().unwrap_or_default()
}

/// How long a debug build, whose files may change while it runs, goes by one name.
const LOOKED: Duration = Duration::from_secs(1);

/// Names this build's assets as a whole. The page asks for them under it, and modules for each other, so that a browser
/// may keep them for a year and never mixes those of two builds.
pub(in crate::http) fn build() -> String {
    static RELEASED: LazyLock<String> = LazyLock::new(name);
    static LATELY: Mutex<Option<(Instant, String)>> = Mutex::new(None);
    if !cfg!(debug_assertions) {
        return RELEASED.clone();
    }
    let mut lately = LATELY.lock().unwrap_or_else(PoisonError::into_inner);
    match &*lately {
        Some((since, name)) if since.elapsed() < LOOKED => name.clone(),
        _ => lately.insert((Instant::now(), name())).1.clone(),
    }
}

fn name() -> String {
    let mut hash = Sha256::new();
    // What else a browser keeps with the page: its policy, and pictures of stored runs.
    hash.update(format!("{} {LOOKS_VERSION}", env!("CARGO_PKG_VERSION")));
    hash.update(POLICY);
    for (name, deflated) in GRAPHIQL {
        hash.update(name);
        hash.update(deflated);
    }
    for name in Assets::iter() {
        hash.update(name.as_bytes());
        // Others' files don't change while one works on the console, and are most of its bytes.
        if !(cfg!(debug_assertions) && name.starts_with("vendor/")) {
            hash.update(Assets::get(&name).map(|asset| asset.metadata.sha256_hash()).unwrap_or_default());
        }
    }
    hex::encode(&hash.finalize()[..8])
}
