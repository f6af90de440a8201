//! The one gate for text that people and sources send: what is kept of a name, a note or a reason; and how our own begins.

/// Text on one line: without control characters, U+0000 among them, which PostgreSQL doesn't take, without signs that
/// turn the direction of what follows, and with single blanks; nothing, where there is nothing to be seen.
#[must_use]
pub fn clean(text: &str) -> String {
    let mut cleaned = String::with_capacity(text.len());
    let mut blank = false;
    for c in text.chars() {
        if c.is_whitespace() {
            blank = true;
        } else if !is_hidden(c) {
            if blank && !cleaned.is_empty() {
                cleaned.push(' ');
            }
            blank = false;
            cleaned.push(c);
        }
    }
    if cleaned.chars().any(has_ink) { cleaned } else { String::new() }
}

/// A message as a sentence begins.
#[must_use]
pub fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// How many characters have to be changed, put in or left out, or change places with the next (Damerau's distance).
#[must_use]
pub fn edit_distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut next = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let mut least = (row[j] + usize::from(x != y)).min(row[j + 1] + 1).min(next[j] + 1);
            if i > 0 && j > 0 && *x == b[j - 1] && a[i - 1] == *y {
                least = least.min(before[j - 1] + 1);
            }
            next.push(least);
        }
        before = std::mem::replace(&mut row, next);
    }
    row[b.len()]
}

/// Blanks, fillers, and what joins or shapes the signs beside it have none by themselves.
fn has_ink(c: char) -> bool {
    !matches!(
        c,
        ' ' | '\u{34f}'
            | '\u{115f}'
            | '\u{1160}'
            | '\u{180e}'
            | '\u{200c}'
            | '\u{200d}'
            | '\u{2800}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{ffa0}'
    )
}

/// Control characters, marks of direction and order, and code points that are no characters. The joiners stay: Persian,
/// Devanagari and emoji are written with them.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff0}'..='\u{fffb}' | '\u{fdd0}'..='\u{fdef}' | '\u{e0000}'..='\u{e0fff}')
        || u32::from(c) & 0xfffe == 0xfffe
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn slips_are_counted() {
        for (a, b, slips) in [("kitten", "sitting", 3), ("frist", "first", 1), ("", "ab", 2), ("same", "same", 0)] {
            assert_eq!((edit_distance(a, b), edit_distance(b, a)), (slips, slips), "{a} {b}");
        }
    }

    #[test]
    fn control_characters_go_and_scripts_stay() {
        for (text, expected) in [
            ("  Acme \t Foods\r\nLtd ", "Acme Foods Ltd"),
            ("A\u{0}B\u{7}C\u{1b}[31m", "ABC[31m"),
            ("腾讯控股有限公司", "腾讯控股有限公司"),
            ("भारत क्\u{200d}ष", "भारत क्\u{200d}ष"),
            ("شركة \u{202e}evil", "شركة evil"),
            ("Rocket 🚀 👩\u{200d}🔬", "Rocket 🚀 👩\u{200d}🔬"),
            ("\u{feff}\u{200b}x\u{ffff}", "x"),
            ("\u{0}\n\t", ""),
            ("\u{200d}\u{200c} \u{fe0f}", ""),
            ("\u{3164}\u{2800}\u{ffa0}", ""),
            ("A\u{2800}B", "A\u{2800}B"),
            ("❤\u{fe0f}", "❤\u{fe0f}"),
        ] {
            assert_eq!(clean(text), expected, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_clean_stays_and_holds_no_control_character(text in "\\PC{0,20}[\\x00-\\x1f\u{80}-\u{9f} a]{0,10}") {
            let once = clean(&text);
            prop_assert_eq!(clean(&once), once.clone());
            prop_assert!(!once.chars().any(char::is_control) && !once.starts_with(' ') && !once.ends_with(' '));
        }
    }
}
