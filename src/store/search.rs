//! Texts that are looked for anywhere in a column, in any case.

use sea_orm::sea_query::{BinOper, Expr, ExprTrait, Func, IntoColumnRef, LikeExpr};
use sea_orm::{Condition, DbBackend};

/// Whether one of these columns holds a text; a person's own wildcards are taken literally.
pub(super) fn holds<C: IntoColumnRef>(
    backend: DbBackend,
    text: &str,
    columns: impl IntoIterator<Item = C>,
) -> Condition {
    let text = text.to_lowercase();
    let escaped = text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    let pattern = format!("%{escaped}%");
    // SQLite knows the two cases of ASCII's letters alone.
    let in_either_case = (backend == DbBackend::Sqlite && !text.is_ascii()).then(|| glob(&text));
    columns.into_iter().fold(Condition::any(), |any, column| {
        let column = Expr::expr(Func::lower(Expr::col(column)));
        any.add(match &in_either_case {
            Some(pattern) => column.binary(BinOper::Custom("GLOB"), Expr::val(pattern.clone())),
            None => column.like(LikeExpr::new(pattern.clone()).escape('\\')),
        })
    })
}

/// A pattern of `GLOB` that finds a text anywhere. Letters beyond ASCII stand in either case.
fn glob(text: &str) -> String {
    let mut pattern = String::from("*");
    for letter in text.chars() {
        match letter {
            '*' | '?' | '[' => pattern.extend(['[', letter, ']']),
            _ if letter.is_ascii() => pattern.push(letter),
            _ => {
                let mut upper = letter.to_uppercase();
                // One that is two letters in capitals has no capital of its own.
                let capital = upper.next().filter(|_| upper.next().is_none()).unwrap_or(letter);
                pattern.extend(['[', letter, capital, ']']);
            }
        }
    }
    pattern.push('*');
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_beyond_ascii_stand_in_either_case_and_signs_for_themselves() {
        assert_eq!(glob("tüv *?[]"), "*t[üÜ]v [*][?][[]]*");
        assert_eq!(glob("straße"), "*stra[ßß]e*");
    }
}
