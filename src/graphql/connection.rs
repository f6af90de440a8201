//! Relay connections over keyset pages.

use std::future::Future;
use std::sync::Arc;

use async_graphql::connection::{self, CursorType, Edge, EmptyFields};
use async_graphql::{Context, Object, OutputType, Result};

use super::batch::DataLoader;
use super::errors::{Fault, bad_input, internal};
use super::loaders::{BacktestCountOf, BarCountOf, RevisionCountOf, Rows};
use crate::app::App;
use crate::market::Day;
use crate::store::page::{Keys, Page, PageRequest, Sort, decode_cursor, encode_cursor, tag};
use crate::store::{
    AuditFilter, CorporateActionFilter, FlagFilter, IpoFilter, JobFilter, MarketDayFilter, ResearchFilter, StoreError,
    SymbolFilter,
};

/// Rows in a page where the caller doesn't say.
const DEFAULT_PAGE: i32 = 50;
/// Rows in a page at most.
const LARGEST_PAGE: i32 = 500;
/// Characters of what is searched for.
const LONGEST_SEARCH: usize = 200;

/// A cursor: its list's tag, then the sort values of its row.
#[derive(Debug, Clone, PartialEq)]
pub struct Cursor {
    tag: i64,
    keys: Keys,
}

impl CursorType for Cursor {
    type Error = &'static str;

    fn decode_cursor(text: &str) -> Result<Self, Self::Error> {
        let (tag, keys) = decode_cursor(text).ok_or("not a cursor of this service")?;
        Ok(Self { tag, keys })
    }

    fn encode_cursor(&self) -> String {
        encode_cursor(self.tag, &self.keys)
    }
}

/// A page of nodes with a total that is counted only when asked for.
pub type Connection<Node> = connection::Connection<Cursor, Node, Total>;

/// The list that a page is of.
pub enum Total {
    Symbols(SymbolFilter),
    Jobs(JobFilter),
    Flags(FlagFilter),
    Backtests(ResearchFilter),
    Sweeps(ResearchFilter),
    Predictions(ResearchFilter),
    Ipos(IpoFilter),
    /// Of a symbol.
    BacktestsOf(i64),
    /// Of an IPO.
    RevisionsOf(i64),
    /// Of a symbol.
    BarsOf {
        symbol: i64,
        from: Option<Day>,
        to: Option<Day>,
    },
    MarketDays(MarketDayFilter),
    CorporateActions(CorporateActionFilter),
    AuditEvents(AuditFilter),
    Tokens,
    Known(usize),
}

#[Object]
impl Total {
    /// How many there are in the whole list.
    async fn total_count(&self, ctx: &Context<'_>) -> Result<i32> {
        let store = &ctx.data_unchecked::<App>().store;
        let loader = ctx.data_unchecked::<DataLoader<Rows>>();
        let count = match self {
            Self::Symbols(filter) => store.symbols().count(filter).await,
            Self::Jobs(filter) => store.jobs().count(filter).await,
            Self::Flags(filter) => store.flags().count(filter).await,
            Self::Backtests(filter) => store.backtests().count(filter).await,
            Self::Sweeps(filter) => store.sweeps().count(filter).await,
            Self::Predictions(filter) => store.predictions().count(filter).await,
            Self::Ipos(filter) => store.ipos().count(filter).await,
            Self::BacktestsOf(symbol) => return counted(loader.load_one(BacktestCountOf(*symbol)).await),
            Self::RevisionsOf(ipo) => return counted(loader.load_one(RevisionCountOf(*ipo)).await),
            Self::BarsOf { symbol, from, to } => {
                return counted(loader.load_one(BarCountOf(*symbol, (*from, *to))).await);
            }
            Self::MarketDays(filter) => store.market_days().count(*filter).await,
            Self::CorporateActions(filter) => store.corporate_actions().count(filter).await,
            Self::AuditEvents(filter) => store.audit().count(filter).await,
            Self::Tokens => store.tokens().count().await,
            Self::Known(count) => Ok(*count as u64),
        };
        Ok(i32::try_from(count.map_err(Fault::from)?).unwrap_or(i32::MAX))
    }
}

/// A count that was loaded with others; what has no rows isn't among them.
fn counted(loaded: std::result::Result<Option<u64>, Arc<StoreError>>) -> Result<i32> {
    let count = loaded.map_err(|e| internal(&e))?.unwrap_or(0);
    Ok(i32::try_from(count).unwrap_or(i32::MAX))
}

/// The page of a list, read only if something of it is asked for: the count alone needs no rows.
///
/// # Errors
/// When reading fails.
pub async fn if_asked<Row, E>(
    ctx: &Context<'_>,
    read: impl Future<Output = std::result::Result<Page<Row>, E>>,
) -> std::result::Result<Page<Row>, E> {
    let asked = ctx.look_ahead();
    if ["nodes", "edges", "pageInfo"].iter().any(|field| asked.field(field).exists()) {
        // Apart: what a field takes at most, each that is asked for of a row takes.
        return Box::pin(read).await;
    }
    Ok(Page::default())
}

/// `first` and `last` of a connection, as they came.
pub type Count = Option<i32>;
/// `after` and `before`.
pub type CursorText = Option<String>;

/// The four arguments of a connection, as they came.
#[derive(Debug, Clone, Default)]
pub struct PageArguments {
    pub first: Count,
    pub after: CursorText,
    pub last: Count,
    pub before: CursorText,
}

impl PageArguments {
    /// The page they ask for in a list of this name and order.
    ///
    /// # Errors
    /// When they contradict each other, are out of bounds, or the cursors are another list's.
    pub fn request(self, list: &str, sorts: &[Sort]) -> Result<PageRequest> {
        let (limit, backward) = match (self.first, self.last) {
            (Some(_), Some(_)) => return Err(bad_input("Give first or last, not both")),
            (None, Some(last)) => (last, true),
            (first, None) => (first.unwrap_or(DEFAULT_PAGE), false),
        };
        if !(0..=LARGEST_PAGE).contains(&limit) {
            let name = if backward { "last" } else { "first" };
            return Err(bad_input(format!("{name} is {limit}; it takes 0 to {LARGEST_PAGE}")));
        }
        let tag = tag(list, sorts);
        let of_another = || bad_input("The cursor belongs to a list in another order; begin again without it");
        let decode = |cursor: Option<String>, name: &str| match cursor.map(|c| decode_cursor(&c)) {
            None => Ok(None),
            Some(Some((found, keys))) if found == tag => Ok(Some(keys)),
            Some(Some(_)) => Err(of_another()),
            Some(None) => Err(bad_input(format!("{name} is not a cursor of this service"))),
        };
        let request = PageRequest {
            limit: u64::from(limit.unsigned_abs()),
            backward,
            after: decode(self.after, "after")?,
            before: decode(self.before, "before")?,
            tag,
        };
        if request.fits(sorts) { Ok(request) } else { Err(of_another()) }
    }
}

/// A connection of a page's rows.
pub fn connect<Row, Node: OutputType>(
    page: Page<Row>,
    total: Total,
    keys: impl Fn(&Row) -> Keys,
    node: impl Fn(Row) -> Node,
) -> Connection<Node> {
    let mut connection = Connection::with_additional_fields(page.has_previous, page.has_next, total);
    let tag = page.tag;
    connection.edges.extend(page.rows.into_iter().map(|row| {
        let cursor = Cursor { tag, keys: keys(&row) };
        Edge::<_, _, EmptyFields>::new(cursor, node(row))
    }));
    connection
}

/// What is searched for, without blanks around it and within bounds: no name is longer, and SQLite refuses patterns of
/// 50 kB.
///
/// # Errors
/// When it's longer than [`LONGEST_SEARCH`].
pub fn sought(search: Option<String>) -> Result<Option<String>> {
    match search.map(|text| text.trim().to_owned()) {
        Some(text) if text.chars().nth(LONGEST_SEARCH).is_some() => {
            Err(bad_input(format!("search takes up to {LONGEST_SEARCH} characters; search for a part of the name")))
        }
        text => Ok(text),
    }
}

/// A filter's values of an enum, of which there are few, each once: what is given twice asks for nothing more, and a statement grows with its list.
pub fn distinct<T: PartialEq>(values: Option<Vec<T>>) -> Option<Vec<T>> {
    values.map(|values| {
        values.into_iter().fold(Vec::new(), |mut distinct, value| {
            if !distinct.contains(&value) {
                distinct.push(value);
            }
            distinct
        })
    })
}
