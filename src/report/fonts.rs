//! The fonts of reports, inside the binary, and the signs that they have.

use std::io::Read;
use std::sync::LazyLock;

use flate2::read::GzDecoder;
use ttf_parser::Face;

macro_rules! font {
    ($name:literal) => {
        include_bytes!(concat!(env!("OUT_DIR"), "/Inter-", $name, ".ttf.gz"))
    };
}

static DEFLATED: [&[u8]; 3] = [font!("Regular"), font!("SemiBold"), font!("Bold")];

/// Regular, semi-bold and bold.
pub(super) static FONTS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let inflated = |deflated: &&[u8]| {
        let mut font = Vec::new();
        GzDecoder::new(*deflated).read_to_end(&mut font).ok().map(|_| font)
    };
    DEFLATED.iter().filter_map(inflated).collect()
});
/// The fonts' tables, to look signs up in.
static FACES: LazyLock<Vec<Face<'static>>> =
    LazyLock::new(|| FONTS.iter().filter_map(|font| Face::parse(font, 0).ok()).collect());

/// How far a sign takes the line, as a share of the letters' size.
pub(super) fn advance(c: char) -> f64 {
    let of = |face: &Face<'static>| {
        let units = face.glyph_hor_advance(face.glyph_index(c)?)?;
        Some(f64::from(units) / f64::from(face.units_per_em()))
    };
    FACES.first().and_then(of).unwrap_or(1.0)
}

/// Whether the report's font has a sign in every weight.
pub(super) fn has_glyph(c: char) -> bool {
    FACES.iter().all(|face| face.glyph_index(c).is_some_and(|glyph| glyph.0 != 0))
}
