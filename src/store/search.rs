//! Texts that are looked for anywhere in a column, in any case.

use sea_orm::sea_query::{BinOper, Expr, ExprTrait, Func, IntoColumnRef, LikeExpr};
use sea_orm::{Condition, DbBackend};

/// Whether one of these columns holds a text; a person's own wildcards are taken literally.
pub(super) fn holds<C: IntoColumnRef>(
    backend: DbBackend,
    text: &str,
    columns: impl IntoIterator<Item = C>,
) -> Condition {
    let lower = like(&text.to_lowercase());
    columns.into_iter().fold(Condition::any(), |any, column| {
        let column = Expr::expr(Func::lower(Expr::col(column)));
        let is_like = || column.clone().like(LikeExpr::new(lower.clone()).escape('\\'));
        match backend {
            _ if text.is_ascii() => any.add(is_like()),
            // SQLite knows the two cases of ASCII's letters alone.
            DbBackend::Sqlite => any.add(column.binary(BinOper::Custom("GLOB"), Expr::val(glob(text)))),
            // What PostgreSQL makes of a letter beyond ASCII is its locale's: made by the same function, a name is found by
            // its own text. Its escape is the backslash if none is named.
            _ => any.add(is_like()).add(column.binary(BinOper::Like, Func::lower(Expr::val(like(text))))),
        }
    })
}

/// A pattern of `LIKE` that finds a text anywhere.
fn like(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    format!("%{escaped}%")
}

/// A pattern of `GLOB` that finds a text anywhere in what SQLite's `lower` has made. A letter beyond ASCII stands for itself
/// and its other case; one that is two letters there (`İ`, `ß`) has none.
fn glob(text: &str) -> String {
    let mut pattern = String::from("*");
    for letter in text.chars() {
        match letter {
            '*' | '?' | '[' => pattern.extend(['[', letter, ']']),
            _ if letter.is_ascii() => pattern.push(letter.to_ascii_lowercase()),
            // A word's last letter has a form of its own.
            'Σ' | 'σ' | 'ς' => pattern.push_str("[Σσς]"),
            _ => {
                let cases = [single(letter.to_lowercase()), single(letter.to_uppercase())];
                pattern.extend(['[', letter]);
                pattern.extend(cases.into_iter().flatten().filter(|case| *case != letter));
                pattern.push(']');
            }
        }
    }
    pattern.push('*');
    pattern
}

fn single(mut letters: impl Iterator<Item = char>) -> Option<char> {
    letters.next().filter(|_| letters.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_beyond_ascii_stand_in_either_case_and_signs_for_themselves() {
        assert_eq!(glob("tüV *?[]"), "*t[üÜ]v [*][?][[]]*");
        assert_eq!(glob("straße"), "*stra[ß]e*");
        assert_eq!(glob("İstanbul \u{1c5} 中"), "*[İ]stanbul [\u{1c5}\u{1c6}\u{1c4}] [中]*");
        assert_eq!(glob("ΟΣ"), "*[Οο][Σσς]*");
    }

    #[test]
    fn wildcards_of_like_are_taken_literally() {
        assert_eq!(like("50%_\\"), "%50\\%\\_\\\\%");
    }
}
