//! The console's files, which are within the binary, and the name of what they are as a whole.

use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rust_embed::Embed;
use sha2::{Digest, Sha256};

use crate::report::LOOKS_VERSION;

/// Scripts, styles and fonts come from here alone; nothing is written into the page.
pub(super) const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; \
     connect-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

#[derive(Embed)]
#[folder = "src/http/console/assets"]
pub(super) struct Assets;

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
    for name in Assets::iter() {
        hash.update(name.as_bytes());
        // Others' files don't change while one works on the console, and are most of its bytes.
        if !(cfg!(debug_assertions) && name.starts_with("vendor/")) {
            hash.update(Assets::get(&name).map(|asset| asset.metadata.sha256_hash()).unwrap_or_default());
        }
    }
    hex::encode(&hash.finalize()[..8])
}
