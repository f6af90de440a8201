//! Characters that a string spells by their numbers. The parser knows `\u00E9`, and neither `\u{1F600}` nor a pair of
//! surrogates; and what looks for a word in the text must not miss it for its spelling.

use std::borrow::Cow;

use super::text::{skip_block, skip_comment};

/// The text with such spellings as the characters that they are. What they were longer by follows the string as
/// spaces, so that all after it keeps its column. What spells no character stays for the parser to refuse.
pub fn decoded(text: &str) -> Cow<'_, str> {
    if !text.contains("\\u") {
        return Cow::Borrowed(text);
    }
    let bytes = text.as_bytes();
    let mut written = String::with_capacity(text.len());
    let (mut at, mut copied) = (0, 0);
    while let Some(&byte) = bytes.get(at) {
        at += 1;
        match byte {
            b'#' => at = skip_comment(bytes, at),
            b'"' => match skip_block(bytes, at) {
                Some(end) => at = end,
                None => at = string(text, at, &mut copied, &mut written),
            },
            _ => {}
        }
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    written.push_str(text.get(copied..).unwrap_or_default());
    Cow::Owned(written)
}

/// Goes through a string that began before `at`, to past its end. What came before an escape is copied with it.
fn string(text: &str, mut at: usize, copied: &mut usize, written: &mut String) -> usize {
    let mut saved = 0;
    while let Some(&byte) = text.as_bytes().get(at) {
        match byte {
            b'"' => {
                at += 1;
                if saved > 0 {
                    written.push_str(text.get(*copied..at).unwrap_or_default());
                    written.extend(std::iter::repeat_n(' ', saved));
                    *copied = at;
                }
                return at;
            }
            b'\n' | b'\r' => return at,
            b'\\' => match text.get(at..).and_then(escape) {
                Some((character, length)) => {
                    written.push_str(text.get(*copied..at).unwrap_or_default());
                    saved += length.saturating_sub(push(character, written));
                    at += length;
                    *copied = at;
                }
                None => at += 2,
            },
            _ => at += 1,
        }
    }
    at
}

/// The character that stands spelled at the beginning, and the bytes that it takes.
fn escape(rest: &str) -> Option<(char, usize)> {
    let digits = rest.strip_prefix("\\u")?;
    if let Some(digits) = digits.strip_prefix('{') {
        // No further than the digits go: a text of nothing but beginnings would be read to its end for each.
        let end = digits.find(|digit: char| !digit.is_ascii_hexdigit())?;
        let digits = digits[end..].starts_with('}').then(|| &digits[..end]).filter(|digits| !digits.is_empty())?;
        let significant = digits.trim_start_matches('0');
        let number = if significant.is_empty() { 0 } else { u32::from_str_radix(significant, 16).ok()? };
        return char::from_u32(number).map(|character| (character, digits.len() + 4));
    }
    let unit = |digits: &str| {
        let digits = digits.get(..4).filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))?;
        u16::from_str_radix(digits, 16).ok()
    };
    let first = unit(digits)?;
    if let Some(character) = char::from_u32(first.into()) {
        return Some((character, 6));
    }
    let second = unit(digits.get(4..)?.strip_prefix("\\u")?)?;
    let character = char::decode_utf16([first, second]).next()?.ok()?;
    Some((character, 12))
}

/// A character in a string: itself, or as an escape that the parser knows. Tells how many characters that takes.
fn push(character: char, written: &mut String) -> usize {
    match character {
        '"' | '\\' => {
            written.extend(['\\', character]);
            2
        }
        _ if character.is_control() => {
            let _ = std::fmt::Write::write_fmt(written, format_args!("\\u{:04X}", u32::from(character)));
            6
        }
        _ => {
            written.push(character);
            1
        }
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn spelled_characters_are_read_in_strings_alone() {
        for (text, expected) in [
            ("{a(b:\"plain\")}", "{a(b:\"plain\")}"),
            ("{a(b:\"\\u00e9\\u0000\")}", "{a(b:\"é\\u0000\"     )}"),
            ("{a(b:\"x\\u{1F600}y\" c:1)}", "{a(b:\"x😀y\"         c:1)}"),
            ("{a(b:\"\\uD83D\\uDE00\")}", "{a(b:\"😀\"           )}"),
            ("{a(b:\"\\u{0000041}\")}", "{a(b:\"A\"          )}"),
            ("{a(b:\"\\u{22}\\u{5C}\")}", "{a(b:\"\\\"\\\\\"        )}"),
            ("{a(b:\"\\u{0}\")}", "{a(b:\"\\u0000\")}"),
            // No characters, or not where characters are escaped.
            ("{a(b:\"\\uD83D\")}", "{a(b:\"\\uD83D\")}"),
            ("{a(b:\"\\uDE00\\uD83D\")}", "{a(b:\"\\uDE00\\uD83D\")}"),
            ("{a(b:\"\\u{110000}\\u{}\\u{D800}\\u{x}\")}", "{a(b:\"\\u{110000}\\u{}\\u{D800}\\u{x}\")}"),
            ("{a(b:\"\\\\u{41}\")}", "{a(b:\"\\\\u{41}\")}"),
            ("{a(b:\"\"\"\\u{41}\"\"\")} # \\u{41}", "{a(b:\"\"\"\\u{41}\"\"\")} # \\u{41}"),
        ] {
            assert_eq!(decoded(text), expected, "{text}");
        }
    }

    #[test]
    fn what_follows_a_string_keeps_its_column() {
        let text = "{a(b:\"\\u{1F600}\\u{41}\" c:1)}";
        assert_eq!(decoded(text).chars().position(|c| c == 'c'), text.chars().position(|c| c == 'c'));
    }

    proptest! {
        #[test]
        fn any_text_ends(text in "[\\\\u{}\"#dD89aEfF0\\n😀é ]{0,60}") {
            let _ = decoded(&text);
        }

        #[test]
        fn every_character_is_read_from_its_escape(character in any::<char>().prop_filter("text", |c| *c != '\0')) {
            let text = format!("{{a(b:\"\\u{{{:x}}}\")}}", u32::from(character));
            let document = parse_query(decoded(&text)).expect("GraphQL");
            let (read, expected) = (format!("{document:?}"), format!("{:?}", character.to_string()));
            prop_assert!(read.contains(&expected));
        }
    }
}
