//! Where reports are set: what stays the same from one to the next (fonts, templates, typst's library) is made once, so
//! that typst remembers what follows from it; what one report says comes as files.

use typst::comemo::{self, Track};
use typst::diag::{FileError, FileResult, SourceDiagnostic};
use typst::foundations::{Bytes, Datetime, Duration};
use typst::layout::Point;
use typst::model::Document;
use typst::syntax::{FileId, RootedPath, Source, VirtualPath, VirtualRoot};
use typst::text::{Font, FontBook};
use typst::utils::LazyHash;
use typst::visualize::SvgImage;
use typst::{Library, LibraryExt, World};
use typst_layout::PagedDocument;

use super::chart::SCREEN_FONTS;

/// Reports after which what typst remembers and nobody has used since is forgotten: fonts and templates are used by each,
/// the rest would only take memory.
const REMEMBERED: usize = 1;
/// The family of the charts' letters.
const LABELS: &str = "Inter Labels";
/// The families that templates set text in, as typst tells those who draw a picture in it.
const FAMILIES: [&str; 1] = ["inter"];
/// Tables of rules for joining and spacing letters.
const SHAPING: [&[u8]; 3] = [b"GDEF", b"GPOS", b"GSUB"];

/// What all reports share.
pub(super) struct Press {
    library: LazyHash<Library>,
    book: LazyHash<FontBook>,
    fonts: Vec<Font>,
    templates: Vec<Source>,
}

impl Press {
    pub(super) fn new(fonts: &'static [Vec<u8>], templates: &[(&str, &str)]) -> Self {
        let mut book = FontBook::new();
        let mut faces = Vec::new();
        for data in fonts {
            for font in Font::iter(Bytes::new(data.as_slice())) {
                book.push(font.info().clone());
                faces.push(font);
            }
            for font in without_shaping(data).into_iter().flat_map(|data| Font::iter(Bytes::new(data))) {
                let mut info = font.info().clone();
                LABELS.clone_into(&mut info.family);
                book.push(info);
                faces.push(font);
            }
        }
        let source = |&(name, text): &(&str, &str)| Some(Source::new(file_id(name)?, text.to_owned()));
        Self {
            library: LazyHash::new(Library::default()),
            book: LazyHash::new(book),
            fonts: faces,
            templates: templates.iter().filter_map(source).collect(),
        }
    }

    /// A chart as a file that templates show. It's read here already: charts can be read beside each other, where typst
    /// takes one after another.
    pub(super) fn picture(&self, name: &str, svg: &str) -> (String, Bytes) {
        let name = format!("{name}.svg");
        let data = Bytes::from_string(svg.replace(SCREEN_FONTS, LABELS));
        if let Some(id) = file_id(&name) {
            let sheet = Sheet { press: self, main: id, files: Vec::new() };
            let world: &dyn World = &sheet;
            // What is wrong with it is said where it's shown.
            let _ = SvgImage::with_fonts_images(data.clone(), world.track(), &FAMILIES, Some(id));
        }
        (name, data)
    }

    /// Sets a template with these files, one page after another, then what stands above and below each. Within the
    /// template, how many pages there are would only be known once all are set, and all would be set again for it.
    ///
    /// # Errors
    /// What typst says.
    pub(super) fn set(&self, template: &str, files: Vec<(String, Bytes)>) -> Result<PagedDocument, String> {
        let files = files.into_iter().filter_map(|(name, data)| Some((file_id(&name)?, data))).collect();
        let mut sheet = Sheet { press: self, main: known(template)?, files };
        let document = sheet.compile()?;
        let count = document.pages().len();
        sheet.main = known("margins.typ")?;
        sheet.files.push((known("pages.json")?, Bytes::from_string(count.to_string())));
        let margins = sheet.compile()?;
        if margins.pages().len() != count {
            return Err(format!("{count} pages have {} margins", margins.pages().len()));
        }
        let pages = document.pages().iter().zip(margins.pages()).map(|(page, margin)| {
            let mut page = page.clone();
            page.frame.push_frame(Point::zero(), margin.frame.clone());
            page
        });
        Ok(PagedDocument::new(pages.collect(), document.info().clone()))
    }

    /// Forgets what has not been used lately, beside whoever waits for the report.
    pub(super) fn clear(document: PagedDocument) {
        rayon::spawn(move || {
            drop(document);
            comemo::evict(REMEMBERED);
        });
    }
}

/// Errors of typst in words.
pub(super) fn sentences(errors: &[SourceDiagnostic]) -> String {
    errors.iter().map(|e| e.message.to_string()).collect::<Vec<_>>().join("; ")
}

fn known(name: &str) -> Result<FileId, String> {
    file_id(name).ok_or_else(|| format!("{name} is no name of a file"))
}

fn file_id(name: &str) -> Option<FileId> {
    Some(RootedPath::new(VirtualRoot::Project, VirtualPath::new(name).ok()?).intern())
}

/// The same letters without rules for joining and spacing them, for labels: whoever reads a picture reads those tables
/// again for each label, which takes longer than all the rest. A font is a list of tables, of which these are left out.
/// Since the tables that a PDF takes are the same, so is the font in it.
fn without_shaping(font: &[u8]) -> Option<Vec<u8>> {
    const HEAD: usize = 12;
    const RECORD: usize = 16;
    let count = usize::from(u16::from_be_bytes([*font.get(4)?, *font.get(5)?]));
    let records = font.get(HEAD..HEAD + count * RECORD)?.chunks_exact(RECORD);
    let kept: Vec<&[u8]> = records.filter(|record| !SHAPING.iter().any(|table| record.starts_with(table))).collect();
    let mut plain = font.to_vec();
    plain[4..6].copy_from_slice(&(kept.len() as u16).to_be_bytes());
    for (place, record) in plain[HEAD..].chunks_exact_mut(RECORD).zip(kept) {
        place.copy_from_slice(record);
    }
    Some(plain)
}

/// One report on the press.
struct Sheet<'a> {
    press: &'a Press,
    main: FileId,
    files: Vec<(FileId, Bytes)>,
}

impl Sheet<'_> {
    fn compile(&self) -> Result<PagedDocument, String> {
        typst::compile(self).output.map_err(|errors| sentences(&errors))
    }
}

impl World for Sheet<'_> {
    fn library(&self) -> &LazyHash<Library> {
        &self.press.library
    }

    fn book(&self) -> &LazyHash<FontBook> {
        &self.press.book
    }

    fn main(&self) -> FileId {
        self.main
    }

    fn source(&self, id: FileId) -> FileResult<Source> {
        self.press.templates.iter().find(|source| source.id() == id).cloned().ok_or_else(|| missing(id))
    }

    fn file(&self, id: FileId) -> FileResult<Bytes> {
        let found = self.files.iter().find(|(known, _)| *known == id);
        found.map(|(_, data)| data.clone()).ok_or_else(|| missing(id))
    }

    fn font(&self, index: usize) -> Option<Font> {
        self.press.fonts.get(index).cloned()
    }

    fn today(&self, _offset: Option<Duration>) -> Option<Datetime> {
        None
    }
}

fn missing(id: FileId) -> FileError {
    FileError::NotFound(id.vpath().get_without_slash().into())
}

#[cfg(test)]
mod tests {
    use super::super::fonts::FONTS;
    use super::*;
    use ttf_parser::{Face, Tag};

    #[test]
    fn labels_have_the_same_letters_without_rules() {
        let press = Press::new(&FONTS, &[("a.typ", "")]);
        assert_eq!(press.fonts.len(), 2 * FONTS.len());
        for pair in press.fonts.chunks(2) {
            let [text, labels] = [&pair[0], &pair[1]].map(|font| Face::parse(font.data(), 0).expect("a font"));
            for (table, kept) in [(b"GSUB", false), (b"GPOS", false), (b"glyf", true), (b"hmtx", true), (b"name", true)]
            {
                let of = |face: &Face<'_>| face.raw_face().table(Tag::from_bytes(table)).map(<[u8]>::to_vec);
                assert!(of(&text).is_some(), "{table:?}");
                assert_eq!(of(&labels), of(&text).filter(|_| kept), "{table:?}");
            }
            assert!("aZ0%−√£".chars().all(|c| text.glyph_index(c) == labels.glyph_index(c)));
        }
        let families: Vec<&str> = press.book.families().map(|(family, _)| family).collect();
        assert_eq!(families, ["Inter", LABELS]);
    }
}
