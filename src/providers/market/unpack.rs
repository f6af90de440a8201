//! From the bytes of a file to its text: plain or zipped, within bounds.

use std::borrow::Cow;
use std::io::{Cursor, Read};

use encoding_rs::{Encoding, UTF_16BE, UTF_16LE, WINDOWS_1252};

/// The longest text that is read of one file; the longest real one has 600 KB.
const LONGEST_TEXT: u64 = 32 << 20;
/// Members of an archive that are looked at.
const MOST_MEMBERS: usize = 64;
/// Bytes looked at to tell UTF-16 without a mark.
const SAMPLE: usize = 512;

/// What the bytes of a file hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unpacked {
    Text(String),
    /// A web page: the site's wall, or its shell where a file is missing.
    Page,
    /// Neither; the sentence's end says why.
    Broken(String),
}

/// Unpacks a file: the only `.csv` of an archive, or the bytes themselves.
#[must_use]
pub fn unpack(bytes: &[u8]) -> Unpacked {
    if bytes.starts_with(b"PK") {
        return match unzip(bytes) {
            Ok(text) => decode(&text),
            Err(why) => Unpacked::Broken(why),
        };
    }
    if bytes.len() as u64 > LONGEST_TEXT {
        return Unpacked::Broken(format!("it is longer than {} MiB", LONGEST_TEXT >> 20));
    }
    decode(bytes)
}

fn unzip(bytes: &[u8]) -> Result<Vec<u8>, String> {
    let broken = |error: &dyn std::fmt::Display| format!("the archive can't be opened: {error}");
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(|e| broken(&e))?;
    if archive.len() > MOST_MEMBERS {
        return Err(format!("the archive has {} members where one is expected", archive.len()));
    }
    let with_ending = |endings: &[&str]| -> Vec<usize> {
        let is_table = |name: &str| {
            let ending = std::path::Path::new(name).extension().and_then(|ending| ending.to_str());
            ending.is_some_and(|ending| endings.iter().any(|known| ending.eq_ignore_ascii_case(known)))
                && !name.to_ascii_lowercase().starts_with("__macosx/")
        };
        let named = |i: &usize| archive.name_for_index(*i).and_then(Result::ok).is_some_and(|name| is_table(&name));
        (0..archive.len()).filter(named).collect()
    };
    let mut tables = with_ending(&["csv"]);
    if tables.is_empty() {
        // Stooq's tables are texts by their names.
        tables = with_ending(&["txt", "tsv"]);
    }
    let [table] = tables[..] else {
        return Err(format!("the archive holds {} CSV files where one is expected", tables.len()));
    };
    let member = archive.by_index(table).map_err(|e| broken(&e))?;
    let mut text = Vec::new();
    // The size that the archive states needn't be true.
    member.take(LONGEST_TEXT + 1).read_to_end(&mut text).map_err(|e| broken(&e))?;
    if text.len() as u64 > LONGEST_TEXT {
        return Err(format!("what the archive holds is longer than {} MiB", LONGEST_TEXT >> 20));
    }
    Ok(text)
}

fn decode(bytes: &[u8]) -> Unpacked {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = match (utf16(bytes), std::str::from_utf8(bytes)) {
        (Some(encoding), _) => encoding.decode(bytes).0,
        (None, Ok(text)) => Cow::Borrowed(text),
        (None, Err(_)) => WINDOWS_1252.decode_without_bom_handling(bytes).0,
    };
    let start = text.trim_start();
    // The headings of Stooq and MetaStock stand in these marks, too.
    let is_heading = start.get(..8).is_some_and(|text| text.eq_ignore_ascii_case("<ticker>"));
    if start.starts_with('<') && !is_heading {
        return Unpacked::Page;
    }
    if start.is_empty() {
        return Unpacked::Broken("it is empty".to_owned());
    }
    if text.contains('\0') {
        return Unpacked::Broken("it isn't text".to_owned());
    }
    Unpacked::Text(text.into_owned())
}

/// Which UTF-16 bytes are written in, if it's one: by its mark, or as Latin letters have a zero in every second byte.
#[must_use]
pub fn utf16(bytes: &[u8]) -> Option<&'static Encoding> {
    match bytes {
        [0xff, 0xfe, ..] => return Some(UTF_16LE),
        [0xfe, 0xff, ..] => return Some(UTF_16BE),
        _ => {}
    }
    let sample = bytes.get(..bytes.len().min(SAMPLE))?;
    let zeros = |odd: usize| sample.iter().enumerate().filter(|(i, b)| i % 2 == odd && **b == 0).count();
    let most = sample.len() * 2 / 5;
    match (zeros(0), zeros(1)) {
        (0, odd) if odd > most => Some(UTF_16LE),
        (even, 0) if even > most => Some(UTF_16BE),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::Write;

    fn zipped(members: &[(&str, &[u8])]) -> Vec<u8> {
        let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (name, content) in members {
            writer.start_file(*name, zip::write::SimpleFileOptions::default()).expect("a member");
            writer.write_all(content).expect("content");
        }
        writer.finish().expect("an archive").into_inner()
    }

    #[test]
    fn the_only_table_of_an_archive_is_taken_wherever_it_lies() {
        let whole = zipped(&[("cm.csv/cm.csv", b"a,b\n1,2\n"), ("__MACOSX/cm.csv", b"x"), ("readme.txt", b"hello")]);
        assert_eq!(unpack(&whole), Unpacked::Text("a,b\n1,2\n".to_owned()));
        assert!(matches!(unpack(&zipped(&[("a.csv", b"a"), ("b.csv", b"b")])), Unpacked::Broken(_)));
        let text = "<TICKER>,<PER>\nAAPL.US,D\n";
        assert_eq!(unpack(&zipped(&[("us/aapl.us.txt", text.as_bytes())])), Unpacked::Text(text.to_owned()));
        assert!(matches!(unpack(&zipped(&[("a.txt", b"a"), ("b.txt", b"b")])), Unpacked::Broken(_)));
        assert!(matches!(unpack(&whole[..whole.len() / 2]), Unpacked::Broken(_)));
    }

    #[test]
    fn what_is_longer_than_any_file_is_refused_before_it_fills_the_memory() {
        let zeros = vec![b'0'; (LONGEST_TEXT + 10) as usize];
        let bomb = zipped(&[("a.csv", &zeros)]);
        assert!(bomb.len() < 1 << 20);
        assert!(matches!(unpack(&bomb), Unpacked::Broken(why) if why.contains("longer")));
    }

    #[test]
    fn pages_and_other_texts_are_told_apart() {
        assert_eq!(unpack(b"\xef\xbb\xbf\r\n <!DOCTYPE html>"), Unpacked::Page);
        assert!(matches!(unpack(b"  \n"), Unpacked::Broken(_)));
        assert_eq!(unpack(b"caf\xe9"), Unpacked::Text("caf\u{e9}".to_owned()));
        let utf16: Vec<u8> = "a,b\n1,2\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        for bytes in [utf16.clone(), [&b"\xff\xfe"[..], &utf16[..]].concat()] {
            assert_eq!(unpack(&bytes), Unpacked::Text("a,b\n1,2\n".to_owned()));
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300), zip in any::<bool>()) {
            let bytes = if zip { [b"PK\x03\x04".as_slice(), &bytes].concat() } else { bytes };
            let _ = unpack(&bytes);
        }
    }
}
