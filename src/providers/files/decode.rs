//! A file's bytes as text: UTF-8, UTF-16 in both orders, or Windows-1252.

use std::borrow::Cow;

use encoding_rs::{Encoding, WINDOWS_1252};

use crate::providers::ProviderError;
use crate::providers::market::{Unpacked, unpack, utf16};

/// The largest file that is read.
pub const LARGEST_FILE: usize = 64 << 20;
/// How a zip begins.
const ARCHIVE: &[u8] = b"PK\x03\x04";

fn bad(what: impl Into<String>) -> ProviderError {
    ProviderError::BadFile { what: what.into() }
}

/// Whether reading a file may take tens of megabytes, by its length and its first bytes: an archive holds more than its
/// length tells.
#[must_use]
pub fn is_large(bytes: usize, head: &[u8]) -> bool {
    bytes > 4 << 20 || head.starts_with(ARCHIVE)
}

/// The text of a file, without a byte order mark.
///
/// # Errors
/// When it's too large, empty, or a kind of file that isn't text.
pub(super) fn text(content: Cow<'_, [u8]>) -> Result<String, ProviderError> {
    if content.len() > LARGEST_FILE {
        return Err(bad(format!("it is larger than {} MiB; split it", LARGEST_FILE >> 20)));
    }
    // The exchanges' daily files come as archives of one table.
    if content.starts_with(ARCHIVE)
        && let Unpacked::Text(text) = unpack(&content)
    {
        return Ok(text);
    }
    let known: [(&[u8], &str); 6] = [
        (
            ARCHIVE,
            "it is a spreadsheet, or an archive of something else than one CSV file; save it as CSV, or unpack it, first",
        ),
        (b"\xd0\xcf\x11\xe0", "it is an old Excel file; save it as CSV first"),
        (b"\x1f\x8b", "it is compressed with gzip; unpack it first"),
        (b"PAR1", "it is a Parquet file; write it as CSV first"),
        (b"ARROW1", "it is an Arrow file; write it as CSV first"),
        (b"%PDF", "it is a PDF; prices are read from CSV"),
    ];
    if let Some((_, what)) = known.iter().find(|(mark, _)| content.starts_with(mark)) {
        return Err(bad(*what));
    }
    let mut text = match utf16(&content) {
        Some(encoding) => decoded(encoding, content.into_owned())?,
        // Bytes that are given away become the text where they stand.
        None => match String::from_utf8(content.into_owned()) {
            Ok(text) => text,
            Err(error) => decoded(WINDOWS_1252, error.into_bytes())?,
        },
    };
    let marks = text.len() - text.trim_start_matches('\u{feff}').len();
    text.drain(..marks);
    if text.trim().is_empty() {
        return Err(bad("it is empty; it needs the headings date,open,high,low,close,volume"));
    }
    let start: String = text.trim_start().chars().take(20).collect::<String>().to_lowercase();
    if start.starts_with("<!doctype") || start.starts_with("<html") || start.starts_with("<?xml") {
        return Err(bad("it is a web page, not a table; download the file itself"));
    }
    // Old Macintosh lines, in all of the file or in a part that was put behind another.
    let ends_alone = |(at, _): (usize, &str)| !text[at + 1..].starts_with('\n');
    if text.match_indices('\r').any(ends_alone) { with_line_feeds(text) } else { Ok(text) }
}

/// The text of bytes that aren't UTF-8, in which it may take three times as many.
fn decoded(encoding: &'static Encoding, content: Vec<u8>) -> Result<String, ProviderError> {
    let longer = content.iter().filter(|byte| !byte.is_ascii()).count();
    let is_single = encoding == WINDOWS_1252;
    if is_single && content.len() + 2 * longer > LARGEST_FILE {
        return Err(bad(format!("it is larger than {} MiB in UTF-8; split it", LARGEST_FILE >> 20)));
    }
    let mut text = encoding.decode(&content).0.into_owned();
    drop(content);
    // What the decoder left free is as much again.
    text.shrink_to_fit();
    Ok(text)
}

/// Every end of a line as a line feed, written where the text stands.
fn with_line_feeds(text: String) -> Result<String, ProviderError> {
    let mut bytes = text.into_bytes();
    let (mut written, mut last) = (0, 0);
    for at in 0..bytes.len() {
        let byte = bytes[at];
        if !(byte == b'\n' && last == b'\r') {
            bytes[written] = if byte == b'\r' { b'\n' } else { byte };
            written += 1;
        }
        last = byte;
    }
    bytes.truncate(written);
    String::from_utf8(bytes).map_err(|_| bad("its text can't be read"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_large_by_its_bytes_or_as_an_archive() {
        assert!(!is_large(4 << 20, b"date,open"));
        assert!(is_large((4 << 20) + 1, b"date,open"));
        assert!(is_large(200, b"PK\x03\x04\x14"), "thirty megabytes of one line are so short");
        assert!(!is_large(0, b""));
    }

    #[test]
    fn every_end_of_a_line_is_a_line_feed_where_one_is_a_carriage_return_alone() {
        for (before, after) in [
            ("a,b\r1,2\r", "a,b\n1,2\n"),
            ("a\r\nb\rc\n\n\r\r\nd", "a\nb\nc\n\n\n\nd"),
            ("é\r€\r\n", "é\n€\n"),
            ("a\r\nb\r\n", "a\r\nb\r\n"),
        ] {
            assert_eq!(text(before.as_bytes().into()).expect("a text"), after, "{before:?}");
        }
    }

    #[test]
    fn what_grows_past_the_largest_file_is_refused_before_it_is_decoded() {
        let euros = vec![0x80_u8; LARGEST_FILE / 3 + 1];
        let error = text(euros.into()).expect_err("too large").to_string();
        assert!(error.contains("64 MiB in UTF-8"), "{error}");
        assert_eq!(text(vec![b'1', 0x80].into()).expect("a text"), "1€");
    }
}
