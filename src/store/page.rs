//! Pages by key: a cursor holds the sort values of its row, and the next page begins after them in the index. No
//! OFFSET, so the last page costs what the first does, and rows that come or go elsewhere don't shift it.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sea_orm::sea_query::{Expr, ExprTrait, SelectStatement, SimpleExpr};
use sea_orm::{
    Condition, ConnectionTrait, DbBackend, EntityTrait, Order, QueryResult, QuerySelect, Select, Statement, Value,
};
use serde::{Deserialize, Serialize, Serializer as _};
use sha2::{Digest, Sha256};

use super::entity::{api_token, audit_event, backtest, flag, job, prediction, sweep};

/// One sort value of a row.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Key {
    Int(i64),
    Text(String),
    /// By its bits: decimals would lose the last of them.
    Real {
        bits: i64,
    },
}

/// What stands for a missing day so that it comes last; the statements spell it out as their indexes do.
#[must_use]
pub fn last_day(descending: bool) -> i32 {
    if descending { -i32::MAX } else { i32::MAX }
}

/// The same of a whole number or a moment.
#[must_use]
pub fn last_int(descending: bool) -> i64 {
    if descending { -i64::MAX } else { i64::MAX }
}

/// The same of a ratio: a power of ten that a double holds to the last digit.
#[must_use]
pub fn last_real(descending: bool) -> f64 {
    if descending { -1e22 } else { 1e22 }
}

impl From<f64> for Key {
    fn from(value: f64) -> Self {
        Self::Real { bits: value.to_bits().cast_signed() }
    }
}

impl From<i64> for Key {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<i32> for Key {
    fn from(value: i32) -> Self {
        Self::Int(value.into())
    }
}

impl From<&str> for Key {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<&Key> for Value {
    fn from(key: &Key) -> Self {
        match key {
            Key::Int(value) => (*value).into(),
            Key::Text(value) => value.as_str().into(),
            Key::Real { bits } => f64::from_bits(bits.cast_unsigned()).into(),
        }
    }
}

/// The sort values of a row, the unique one last.
pub type Keys = Vec<Key>;

/// An opaque cursor for these values in the list with this [`tag`].
#[must_use]
pub fn encode_cursor(tag: i64, keys: &[Key]) -> String {
    let (mut bytes, tag) = (Vec::with_capacity(64), Key::Int(tag));
    let all = std::iter::once(&tag).chain(keys);
    // Memory takes all that is written to it.
    let _ = serde_json::Serializer::new(&mut bytes).collect_seq(all);
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The tag and the values of a cursor, or `None` if it isn't one of ours. What a release before tags made has none that fits.
#[must_use]
pub fn decode_cursor(cursor: &str) -> Option<(i64, Keys)> {
    let mut keys: Keys = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()?;
    match keys.first()? {
        Key::Int(tag) => Some((*tag, keys.split_off(1))),
        _ => Some((0, keys)),
    }
}

/// One sort expression.
#[derive(Debug, Clone)]
pub struct Sort {
    /// What cursors know it by.
    pub name: &'static str,
    pub by: SimpleExpr,
    pub descending: bool,
    /// Whether cursors hold text here rather than a number.
    pub text: bool,
}

/// Newest first, by the rows' ids.
#[must_use]
pub fn newest_first() -> Vec<Sort> {
    vec![Sort { name: "id", by: Expr::col("id"), descending: true, text: false }]
}

/// What tells a list in this order from any other, for its cursors: a digest of the list's name and its sorts, which every
/// release computes alike.
#[must_use]
pub fn tag(list: &str, sorts: &[Sort]) -> i64 {
    let mut digest = Sha256::new();
    digest.update(list);
    for sort in sorts {
        digest.update(if sort.descending { "-" } else { "+" });
        digest.update(sort.name);
    }
    let [a, b, c, d, ..] = <[u8; 32]>::from(digest.finalize());
    u32::from_be_bytes([a, b, c, d]).into()
}

macro_rules! keyed_by_id {
    ($($entity:ident),*) => {$(
        impl $entity::Model {
            /// The row's values for a cursor.
            #[must_use]
            pub fn keys(&self) -> Keys {
                vec![Key::Int(self.id)]
            }
        }
    )*};
}

keyed_by_id!(api_token, audit_event, backtest, flag, job, prediction, sweep);

/// Which part of a list is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct PageRequest {
    pub limit: u64,
    /// Counted from the end (`last`) rather than from the start (`first`).
    pub backward: bool,
    pub after: Option<Keys>,
    pub before: Option<Keys>,
    /// The [`tag`] of the list and its order, which its cursors begin with.
    pub tag: i64,
}

/// A part of a list, in the list's order.
#[derive(Debug, Clone, PartialEq)]
pub struct Page<T> {
    pub rows: Vec<T>,
    pub has_previous: bool,
    pub has_next: bool,
    /// Its request's.
    pub tag: i64,
}

impl<T> Default for Page<T> {
    fn default() -> Self {
        Self { rows: Vec::new(), has_previous: false, has_next: false, tag: 0 }
    }
}

impl PageRequest {
    /// The page of a list that has no rows here.
    #[must_use]
    pub fn empty<T>(&self) -> Page<T> {
        self.page(Vec::new())
    }

    /// Whether the cursors fit the sort they're used with.
    #[must_use]
    pub fn fits(&self, sorts: &[Sort]) -> bool {
        [&self.after, &self.before].into_iter().flatten().all(|keys| {
            keys.len() == sorts.len()
                && keys.iter().zip(sorts).all(|(key, sort)| matches!(key, Key::Text(_)) == sort.text)
        })
    }

    /// Narrows and orders a query to this page, with one row more than asked for to see whether there are others.
    #[must_use]
    pub fn apply<E: EntityTrait>(&self, mut query: Select<E>, sorts: &[Sort]) -> Select<E> {
        self.narrow(QuerySelect::query(&mut query), sorts);
        query
    }

    fn narrow(&self, statement: &mut SelectStatement, sorts: &[Sort]) {
        if let Some(keys) = &self.after {
            statement.cond_where(beyond(sorts, keys, false));
        }
        if let Some(keys) = &self.before {
            statement.cond_where(beyond(sorts, keys, true));
        }
        for sort in sorts {
            let order = if sort.descending == self.backward { Order::Asc } else { Order::Desc };
            statement.order_by_expr(sort.by.clone(), order);
        }
        statement.limit(self.limit + 1);
    }

    /// The rows of a query narrowed so, as the database sent them.
    pub(super) async fn rows(
        &self,
        connection: &impl ConnectionTrait,
        mut query: SelectStatement,
        sorts: &[Sort],
    ) -> super::Result<Vec<QueryResult>> {
        self.narrow(&mut query, sorts);
        let statement = connection.get_database_backend().build(&query);
        Ok(connection.query_all_raw(self.spelled_out(statement)).await?)
    }

    /// A statement with its limit as a number. As a parameter, both databases plan each page anew: PostgreSQL plans for a
    /// tenth of the table where it doesn't know it, and finds that worse than a plan of its own for each page; SQLite has
    /// a statement expire as soon as a limit is bound.
    fn spelled_out(&self, mut statement: Statement) -> Statement {
        let Some(values) = statement.values.as_mut() else { return statement };
        let bound = match statement.db_backend {
            DbBackend::Postgres => format!(" LIMIT ${}", values.0.len()),
            _ => " LIMIT ?".to_owned(),
        };
        if let Some(text) = statement.sql.strip_suffix(&bound) {
            statement.sql = format!("{text} LIMIT {}", self.limit + 1);
            values.0.pop();
        }
        statement
    }

    /// Turns the rows that [`PageRequest::apply`]'s query gave into a page.
    #[must_use]
    pub fn page<T>(&self, mut rows: Vec<T>) -> Page<T> {
        let more = rows.len() as u64 > self.limit;
        rows.truncate(usize::try_from(self.limit).unwrap_or(usize::MAX));
        if self.backward {
            rows.reverse();
            return Page { rows, has_previous: more, has_next: self.before.is_some(), tag: self.tag };
        }
        Page { rows, has_previous: self.after.is_some(), has_next: more, tag: self.tag }
    }
}

/// Rows after the keys in the list's order, or before them.
fn beyond(sorts: &[Sort], keys: &[Key], before: bool) -> Condition {
    let value = |key: &Key| -> SimpleExpr { Expr::val(Value::from(key)) };
    let strictly = |sort: &Sort, key: &Key| {
        if sort.descending == before { sort.by.clone().gt(value(key)) } else { sort.by.clone().lt(value(key)) }
    };
    // One direction throughout is one comparison of rows, which databases look up in an index as such.
    if sorts.windows(2).all(|pair| pair[0].descending == pair[1].descending) {
        let row = Expr::tuple(sorts.iter().map(|sort| sort.by.clone()));
        let keys = Expr::tuple(keys.iter().map(value));
        let descending = sorts.first().is_some_and(|sort| sort.descending);
        return Condition::all().add(if descending == before { row.gt(keys) } else { row.lt(keys) });
    }
    let mut any = Condition::any();
    for (i, (sort, key)) in sorts.iter().zip(keys).enumerate() {
        let mut all = Condition::all();
        for (equal, key) in sorts.iter().zip(keys).take(i) {
            all = all.add(equal.by.clone().eq(value(key)));
        }
        any = any.add(all.add(strictly(sort, key)));
    }
    let mut condition = Condition::all().add(any);
    // Says again of the first key alone what the disjunction implies, so that the index has a place to start.
    if let Some((sort, key)) = sorts.first().zip(keys.first())
        && sorts.len() > 1
    {
        condition = condition.add(if sort.descending == before {
            sort.by.clone().gte(value(key))
        } else {
            sort.by.clone().lte(value(key))
        });
    }
    condition
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_survives_its_text_and_a_foreign_one_is_refused() {
        let keys = vec![Key::Int(-3), Key::Text("TÜV \"x\"".into()), Key::from(0.1 + 0.2), Key::from(-1e22)];
        assert_eq!(decode_cursor(&encode_cursor(7, &keys)), Some((7, keys)));
        assert_eq!(decode_cursor("eyJhIjoxfQ"), None);
        assert_eq!(decode_cursor("not a cursor"), None);
    }

    #[test]
    fn every_list_and_order_has_a_tag_of_its_own_that_stays() {
        let sort = |name: &'static str, descending: bool| Sort { name, by: Expr::col(name), descending, text: false };
        let tags = [
            tag("jobs", &newest_first()),
            tag("backtests", &newest_first()),
            tag("jobs", &[sort("id", false)]),
            tag("jobs", &[sort("day", true)]),
            tag("jobs", &[sort("day", true), sort("id", true)]),
        ];
        let distinct: std::collections::HashSet<i64> = tags.into_iter().collect();
        assert_eq!(distinct.len(), tags.len());
        // The beginning of SHA-256's own example.
        assert_eq!(tag("abc", &[]), 0xba78_16bf);
    }
}
