//! What is read over before a date: a weekday, and marks that nobody sees.

use std::borrow::Cow;

/// Blanks and dashes as typewriters have them, and none of the marks that spreadsheets put around dates unseen.
pub(super) fn plain(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    let typed = |c: char| match c {
        '\u{a0}' | '\u{202f}' | '\u{2009}' => Some(' '),
        '\u{2010}'..='\u{2014}' | '\u{2212}' | '\u{ff0d}' => Some('-'),
        '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}' => None,
        other => Some(other),
    };
    Cow::Owned(text.chars().filter_map(typed).collect::<String>().trim().to_owned())
}

/// The weekday before a date, 1 for Monday, and what comes after it.
pub(super) fn split_weekday(text: &str) -> (Option<u32>, &str) {
    let letters = text.bytes().take_while(u8::is_ascii_alphabetic).count();
    let (word, rest) = text.split_at(letters);
    let lower = word.to_ascii_lowercase();
    let names = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
    match (1..).zip(names).find(|(_, name)| letters >= 3 && name.starts_with(&lower)) {
        Some((weekday, _)) => (Some(weekday), rest.trim_start_matches(['.', ',', ' '])),
        None => (None, text),
    }
}
