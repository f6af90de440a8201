//! Texts that are looked for anywhere in a column, in any case.

use sea_orm::Condition;
use sea_orm::sea_query::{Expr, ExprTrait, Func, IntoColumnRef, LikeExpr};

/// Whether one of these columns holds a text; a person's own wildcards are taken literally.
pub(super) fn holds<C: IntoColumnRef>(text: &str, columns: impl IntoIterator<Item = C>) -> Condition {
    let escaped = text.to_lowercase().replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    let pattern = format!("%{escaped}%");
    columns.into_iter().fold(Condition::any(), |any, column| {
        any.add(Expr::expr(Func::lower(Expr::col(column))).like(LikeExpr::new(pattern.clone()).escape('\\')))
    })
}
