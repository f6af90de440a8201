//! Sweeps over two moving-average windows.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};

use super::batch::DataLoader;
use super::column::{Column, Gap};
use super::connection::{Connection, Count, CursorText, PageArguments, Total, connect, if_asked};
use super::errors::{Fault, bad_input, internal, missing};
use super::ids::{self, Kind};
use super::limits::Budget;
use super::limits::budget::{MOST_CELLS, too_large};
use super::loaders::{Rows, SweepColumnsOf};
use super::scalars::{Date, DateTime};
use super::strategy::StoredExecution;
use super::subject::{Symbol, has_changed, load_symbol, runs};
use crate::app::App;
use crate::backtest::{self, SweepMetric};
use crate::market::Adjustment;
use crate::research::{StoredSweep, decode_sweep};
use crate::store::entity::sweep as row;
use crate::store::{ResearchFilter, newest_first};

/// Every pair of two windows: below its moving average of the one a symbol is bought, above that of the other sold.
#[derive(Debug, Clone)]
pub struct Sweep {
    row: row::Model,
    /// Of a sweep that was run just now.
    computed: Option<Arc<backtest::Sweep>>,
}

impl From<row::Model> for Sweep {
    fn from(row: row::Model) -> Self {
        Self { row, computed: None }
    }
}

impl From<StoredSweep> for Sweep {
    fn from(stored: StoredSweep) -> Self {
        Self { row: stored.row, computed: Some(stored.results) }
    }
}

/// A row a combination, the sell window running fastest.
pub struct SweepColumns(Arc<backtest::Sweep>);

/// A row a combination, the sell window running fastest.
#[Object]
impl SweepColumns {
    /// Bars in the average that it was bought below.
    async fn buy_window(&self) -> Column<i32> {
        Column(self.0.windows().map(|(buy, _)| buy as i32).collect())
    }

    /// Bars in the average that it was sold above.
    async fn sell_window(&self) -> Column<i32> {
        Column(self.0.windows().map(|(_, sell)| sell as i32).collect())
    }

    /// Final equity over initial cash, less 1.
    async fn total_return(&self) -> Column<f64> {
        Column(self.0.total_return.clone())
    }

    /// The deepest fall of the equity at closes, at most 0.
    async fn max_drawdown(&self) -> Column<f64> {
        Column(self.0.max_drawdown.clone())
    }

    /// Sharpe ratio as in `BacktestMetrics`; null where undefined.
    async fn sharpe(&self) -> Column<Gap> {
        Column(self.0.sharpe.iter().copied().map(Gap).collect())
    }

    /// Positions that were opened.
    async fn trade_count(&self) -> Column<i32> {
        Column(self.0.trade_count.clone())
    }
}

/// One combination.
#[derive(Debug, Clone, SimpleObject)]
pub struct SweepPoint {
    /// Bars in the average that it was bought below.
    buy_window: i32,
    /// Bars in the average that it was sold above.
    sell_window: i32,
    /// Final equity over initial cash, less 1.
    total_return: f64,
    /// The deepest fall of the equity at closes, at most 0.
    max_drawdown: f64,
    /// Sharpe ratio as in `BacktestMetrics`; null where undefined.
    sharpe: Option<f64>,
    /// Positions that were opened.
    trade_count: i32,
}

impl From<backtest::SweepRow> for SweepPoint {
    fn from(row: backtest::SweepRow) -> Self {
        Self {
            buy_window: row.buy_window as i32,
            sell_window: row.sell_window as i32,
            total_return: row.total_return,
            max_drawdown: row.max_drawdown,
            sharpe: row.sharpe,
            trade_count: row.trade_count,
        }
    }
}

/// Combinations that `best` lists at most.
const MOST_BEST: i32 = 1_000;

impl Sweep {
    async fn results(&self, ctx: &Context<'_>) -> Result<Arc<backtest::Sweep>> {
        if let Some(results) = &self.computed {
            return Ok(results.clone());
        }
        let Some(budget) = ctx.data_opt::<Budget>() else { return self.decoded(ctx).await };
        let combinations = u64::try_from(self.row.combinations).unwrap_or(0);
        let cell = budget.sweep(self.row.id, combinations).await?;
        cell.get_or_try_init(|| self.decoded(ctx)).await.cloned()
    }

    async fn decoded(&self, ctx: &Context<'_>) -> Result<Arc<backtest::Sweep>> {
        let loader = ctx.data_unchecked::<DataLoader<Rows>>();
        let content: Option<Arc<Vec<u8>>> =
            loader.load_one(SweepColumnsOf(self.row.id)).await.map_err(|e| internal(&e))?;
        let content = content.ok_or_else(|| missing("the sweep's results"))?;
        let windows = self.row.windows().map_err(Fault::from)?;
        let decoded = ctx.data_unchecked::<App>().compute(move || decode_sweep(windows, &content)).await;
        Ok(Arc::new(decoded.map_err(|e| internal(&e))?.map_err(|e| internal(&e))?))
    }
}

/// Every pair of two windows: below its moving average of the one a symbol is bought, above that of the other sold.
#[Object]
impl Sweep {
    /// An opaque global id.
    pub async fn id(&self) -> ID {
        ids::encode(Kind::Sweep, self.row.id)
    }

    /// What a person calls it; null until somebody does.
    async fn name(&self) -> Option<&str> {
        self.row.name.as_deref()
    }

    /// Whose bars it ran over.
    async fn symbol(&self, ctx: &Context<'_>) -> Result<Symbol> {
        let symbol = load_symbol(ctx, Some(self.row.symbol_id)).await?;
        symbol.ok_or_else(|| missing("the sweep's symbol"))
    }

    /// How many combinations there are.
    async fn combinations(&self) -> i32 {
        self.row.combinations
    }

    /// The first bar's date.
    async fn from(&self) -> Date {
        Date(self.row.from_day)
    }

    /// The last bar's date.
    async fn to(&self) -> Date {
        Date(self.row.to_day)
    }

    /// Whether it ran on prices adjusted for splits, and for dividends where the provider does so.
    #[graphql(deprecation = "Use adjustment.")]
    async fn adjusted(&self) -> bool {
        self.row.adjusted
    }

    /// What the prices that it ran on were adjusted for.
    async fn adjustment(&self, ctx: &Context<'_>) -> Result<Adjustment> {
        let symbol = load_symbol(ctx, Some(self.row.symbol_id)).await?;
        Ok(self.row.adjustment(symbol.and_then(|symbol| symbol.0.adjusted_until)))
    }

    /// How its orders were carried out.
    async fn execution(&self) -> Result<StoredExecution> {
        Ok(self.row.execution().map_err(Fault::from)?.into())
    }

    /// The symbol's data version when this ran.
    async fn data_version(&self) -> i32 {
        self.row.data_version
    }

    /// Whether the symbol's prices have changed since.
    async fn stale(&self, ctx: &Context<'_>) -> Result<bool> {
        has_changed(ctx, self.row.symbol_id, self.row.data_version).await
    }

    /// The results of every combination.
    async fn columns(&self, ctx: &Context<'_>) -> Result<SweepColumns> {
        // What would be refused for its length is not read and decoded first.
        let asked = ctx.field().selection_set().filter(|field| field.name() != "__typename").count() as u64;
        let combinations = u64::try_from(self.row.combinations).unwrap_or(0);
        if asked.saturating_mul(combinations) > MOST_CELLS {
            return Err(too_large());
        }
        if asked == 0 {
            // The type's name is known without results.
            return Ok(SweepColumns(Arc::default()));
        }
        Ok(SweepColumns(self.results(ctx).await?))
    }

    /// The best combinations, the best first; of equals, the shorter windows.
    async fn best(
        &self,
        ctx: &Context<'_>,
        #[graphql(default_with = "SweepMetric::Sharpe", desc = "What decides; SHARPE if left out.")] by: SweepMetric,
        #[graphql(default = 10, desc = "How many, 1 to 1,000; 10 if left out.")] first: i32,
    ) -> Result<Vec<SweepPoint>> {
        let Ok(count) = usize::try_from(first.min(MOST_BEST)) else {
            return Err(bad_input(format!("first is {first}; it takes 1 to {MOST_BEST}")));
        };
        let results = self.results(ctx).await?;
        // A million combinations take twenty milliseconds to look through.
        let best = ctx.data_unchecked::<App>().compute(move || results.best(by, count)).await;
        Ok(best.map_err(|e| internal(&e))?.into_iter().map(SweepPoint::from).collect())
    }

    /// Where a heatmap of all combinations is, as SVG.
    async fn heatmap_url(
        &self,
        ctx: &Context<'_>,
        #[graphql(default_with = "SweepMetric::Sharpe", desc = "What the colours show; SHARPE if left out.")]
        by: SweepMetric,
    ) -> String {
        let id = ids::encode(Kind::Sweep, self.row.id);
        ctx.data_unchecked::<App>().link(&format!("charts/sweeps/{}.svg?by={}", id.as_str(), by.name()))
    }

    /// When it ran.
    async fn created_at(&self) -> DateTime {
        DateTime(self.row.created_at)
    }
}

/// Which sweeps to list.
#[derive(Debug, InputObject)]
#[graphql(name = "SweepFilter")]
pub struct SweepFilterInput {
    /// Of this symbol.
    ticker: Option<String>,
    /// Run at this moment or later.
    created_from: Option<DateTime>,
    /// Run at this moment or before.
    created_to: Option<DateTime>,
    /// Part of the name or of the symbol's ticker, in any case; 200 characters at most.
    search: Option<String>,
}

#[derive(Default)]
pub struct SweepQuery;

#[Object]
impl SweepQuery {
    /// Stored sweeps, the newest first.
    #[allow(clippy::too_many_arguments)]
    async fn sweeps(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, 0 to 500; 50 if neither first nor last is given.")] first: Count,
        #[graphql(desc = "Only what comes after this cursor: an edge's, or pageInfo.endCursor.")] after: CursorText,
        #[graphql(desc = "How many from the end, 0 to 500; not together with first.")] last: Count,
        #[graphql(desc = "Only what comes before this cursor: an edge's, or pageInfo.startCursor.")] before: CursorText,
        #[graphql(desc = "Which to list; all if left out. Its conditions must all hold.")] filter: Option<
            SweepFilterInput,
        >,
    ) -> Result<Connection<Sweep>> {
        let page = PageArguments { first, after, last, before }.request("sweeps", &newest_first())?;
        let wanted = match filter {
            Some(f) => runs(ctx, f.ticker, (f.created_from, f.created_to), f.search).await?,
            None => ResearchFilter::default(),
        };
        let store = &ctx.data_unchecked::<App>().store;
        let rows = if_asked(ctx, store.sweeps().page(&wanted, &page)).await.map_err(Fault::from)?;
        Ok(connect(rows, Total::Sweeps(wanted), row::Model::keys, Into::into))
    }
}
