//! The fonts of reports, inside the binary, and the signs that they have.

use std::sync::LazyLock;

use ttf_parser::Face;

pub(super) const FONTS: [&[u8]; 3] = [
    include_bytes!("fonts/Inter-Regular.ttf"),
    include_bytes!("fonts/Inter-SemiBold.ttf"),
    include_bytes!("fonts/Inter-Bold.ttf"),
];
/// The fonts' tables, to look signs up in.
static FACES: LazyLock<Vec<Face<'static>>> =
    LazyLock::new(|| FONTS.iter().filter_map(|font| Face::parse(font, 0).ok()).collect());

/// Whether the report's font has a sign in every weight.
pub(super) fn has_glyph(c: char) -> bool {
    FACES.iter().all(|face| face.glyph_index(c).is_some_and(|glyph| glyph.0 != 0))
}
