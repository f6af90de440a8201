//! The console's files, which are within the binary.

use rust_embed::Embed;

#[derive(Embed)]
#[folder = "src/http/console/assets"]
pub(super) struct Assets;
