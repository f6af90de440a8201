//! A look at an operation's text before it is parsed: the parser recurses, and what it recurses over must have a bound.

use std::collections::HashSet;
use std::fmt;

/// Bytes of an operation's text. The longest query of the console has 2 KiB.
pub const LONGEST_TEXT: usize = 64 << 10;
/// Names, numbers, strings and signs in an operation's text; the introspection query has 300.
pub const MOST_TOKENS: usize = 5_000;
/// Brackets of any kind within brackets: the parser takes about a KiB of stack for each.
pub const DEEPEST_BRACKETS: usize = 200;
/// `@skip`, `@include` and the like in one text.
pub const MOST_DIRECTIVES: usize = 100;

/// Which bound a text passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextError {
    Long(usize),
    Tokens,
    Nesting,
    Directives,
    /// A string without an end, and where it begins.
    Unclosed(usize),
}

impl fmt::Display for TextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Long(bytes) => write!(
                f,
                "The operation's text has {bytes} bytes; it may have {LONGEST_TEXT}. Send values as variables, and less at a time"
            ),
            Self::Tokens => {
                write!(f, "The operation has more than {MOST_TOKENS} names, values and signs; ask for less at a time")
            }
            Self::Nesting => {
                write!(f, "The operation has brackets within brackets more than {DEEPEST_BRACKETS} deep")
            }
            Self::Directives => write!(f, "The operation has more than {MOST_DIRECTIVES} directives"),
            Self::Unclosed(_) => write!(f, "Syntax Error: Unterminated string."),
        }
    }
}

/// Checks a text in one pass without allocating. Strings and comments are passed over as the grammar does; a text that
/// the grammar doesn't allow may be counted either way, as the parser refuses it after. A string without an end is refused
/// here: for each quote that could begin one, the parser would look through all that follows.
///
/// # Errors
/// The first bound that is passed.
pub fn check(text: &str) -> Result<(), TextError> {
    let bytes = text.as_bytes();
    if bytes.len() > LONGEST_TEXT {
        return Err(TextError::Long(bytes.len()));
    }
    let (mut depth, mut tokens, mut directives) = (0_usize, 0_usize, 0_usize);
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        at += 1;
        match byte {
            b' ' | b'\t' | b'\r' | b'\n' | b',' => continue,
            b'#' => {
                at = skip_comment(bytes, at);
                continue;
            }
            b'"' => at = skip_string(bytes, at).ok_or(TextError::Unclosed(at - 1))?,
            b'[' | b'{' | b'(' => {
                depth += 1;
                if depth > DEEPEST_BRACKETS {
                    return Err(TextError::Nesting);
                }
            }
            b']' | b'}' | b')' => depth = depth.saturating_sub(1),
            b'@' => directives += 1,
            _ if is_word(byte) => {
                while bytes.get(at).copied().is_some_and(is_word) {
                    at += 1;
                }
            }
            _ => {}
        }
        tokens += 1;
        if tokens > MOST_TOKENS {
            return Err(TextError::Tokens);
        }
        if directives > MOST_DIRECTIVES {
            return Err(TextError::Directives);
        }
    }
    Ok(())
}

/// The name that an input object has twice, and where its second begins: the parser keeps one of them and tells of none.
/// The text has been parsed, so braces within brackets are input objects and all others selections.
pub fn repeated(text: &str) -> Option<(&str, usize)> {
    let bytes = text.as_bytes();
    let mut objects: Vec<HashSet<&str>> = Vec::new();
    let (mut round, mut at) = (0_usize, 0);
    while let Some(&byte) = bytes.get(at) {
        let from = at;
        at += 1;
        match byte {
            b'#' => at = skip_comment(bytes, at),
            b'"' => at = skip_string(bytes, at).unwrap_or(at),
            b'(' => round += 1,
            b')' => round = round.saturating_sub(1),
            b'{' if round > 0 => objects.push(HashSet::new()),
            b'}' if round > 0 => drop(objects.pop()),
            _ if is_word(byte) => {
                while bytes.get(at).copied().is_some_and(is_word) {
                    at += 1;
                }
                if let (Some(names), Some(word), b':') = (objects.last_mut(), text.get(from..at), sign(bytes, at))
                    && !names.insert(word)
                {
                    return Some((word, from));
                }
            }
            _ => {}
        }
    }
    None
}

/// The next byte that means something.
fn sign(bytes: &[u8], mut at: usize) -> u8 {
    while let Some(&byte) = bytes.get(at) {
        at += 1;
        match byte {
            b' ' | b'\t' | b'\r' | b'\n' | b',' => {}
            b'#' => at = skip_comment(bytes, at),
            _ => return byte,
        }
    }
    0
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-' || byte == b'.' || byte >= 0x80
}

pub(super) fn skip_comment(bytes: &[u8], from: usize) -> usize {
    bytes[from..].iter().position(|&b| b == b'\n' || b == b'\r').map_or(bytes.len(), |end| from + end)
}

/// Whether a block string began before `from`.
fn is_block(bytes: &[u8], from: usize) -> bool {
    bytes[from..].starts_with(b"\"\"")
}

/// Past the block string that began before `from`, if one did that has an end.
pub(super) fn skip_block(bytes: &[u8], from: usize) -> Option<usize> {
    if !is_block(bytes, from) {
        return None;
    }
    let mut at = from + 2;
    while at < bytes.len() {
        if bytes[at..].starts_with(b"\\\"\"\"") {
            at += 4;
        } else if bytes[at..].starts_with(b"\"\"\"") {
            return Some(at + 3);
        } else {
            at += 1;
        }
    }
    None
}

/// Past the string that began before `from`, if it has an end: on its line, unless it's a block.
fn skip_string(bytes: &[u8], from: usize) -> Option<usize> {
    if is_block(bytes, from) {
        return skip_block(bytes, from);
    }
    let mut at = from;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'"' => return Some(at + 1),
            b'\n' | b'\r' => return None,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn brackets_are_counted_in_every_place_but_strings_and_comments() {
        for (open, close) in [("[", "]"), ("{a:", "}"), ("(", ")"), ("{a", "}")] {
            let deep = format!("{{f(x:{}{})}}", open.repeat(300), close.repeat(300));
            assert_eq!(check(&deep), Err(TextError::Nesting), "{open}");
        }
        let text = "[".repeat(5_000);
        assert_eq!(check(&format!("{{f(x:\"{text}\")}}")), Ok(()));
        assert_eq!(check(&format!("{{f(x:\"\"\"{text}\"\"\")}} # {text}")), Ok(()));
        assert_eq!(check(&format!("{{f(x:\"\"{text}")), Err(TextError::Nesting), "an empty string hides nothing");
    }

    #[test]
    fn a_string_without_an_end_is_refused_before_it_is_parsed() {
        for text in
            ["{f(x:\"[", "{f(x:\"[\n\")}", "{f(x:\"\"\"[", "{f(x:\"\"\"[\\\"\"\")}", "{f(x:\"\\", "{f(x:\"a\\\")}"]
        {
            assert_eq!(check(text), Err(TextError::Unclosed(5)), "{text}");
        }
        // As the parser takes it, each of these quotes could begin a block string.
        let texts = format!("{{f(x:[{}])}}", "\"\"\"\\\"\"".repeat(1_000));
        assert_eq!(check(&texts), Err(TextError::Unclosed(6)));
    }

    #[test]
    fn a_name_that_an_input_object_has_twice_is_found() {
        for (text, found) in [
            ("{a(x:{b:1 c:2})}", None),
            ("{a(x:{b:1, b:2})}", Some(("b", 11))),
            ("{a(x:{b:{c:1} c:2})}", None),
            ("{a(x:[{b:1},{b:2}]) b b:b a(y:{b:b c:$b})}", None),
            ("query($v:T={b:1 #b:\n b #\n:2}){a(x:$v)}", Some(("b", 21))),
            ("{a(x:{b:\"b:1 b:2\" c:\"\"\"b: b:\"\"\"}){b:c b:c}}", None),
            ("{a(x:1){b(y:{c:1}){c:d c:d} e(z:{c:1 c:1})}}", Some(("c", 37))),
        ] {
            assert_eq!(repeated(text), found, "{text}");
        }
    }

    #[test]
    fn length_tokens_and_directives_have_bounds() {
        assert_eq!(check(&"a ".repeat(MOST_TOKENS + 1)), Err(TextError::Tokens));
        assert_eq!(check(&"@a ".repeat(MOST_DIRECTIVES + 1)), Err(TextError::Directives));
        assert_eq!(check(&" ".repeat(LONGEST_TEXT + 1)), Err(TextError::Long(LONGEST_TEXT + 1)));
    }

    proptest! {
        #[test]
        fn any_text_ends(text in "\\PC{0,200}") {
            let _ = check(&text);
        }
    }
}
