//! Backtests: the stored object, its curves and trades.

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, InputObject, Object, Result, SimpleObject};

use super::batch::DataLoader;
use super::column::Column;
use super::connection::{Connection, Count, CursorText, PageArguments, Total, connect, if_asked};
use super::errors::{Fault, internal, missing};
use super::ids::{self, Kind};
use super::limits::Room;
use super::loaders::{CurveOf, Rows};
use super::scalars::{Date, DateTime};
use super::spending;
use super::subject::{Symbol, has_changed, load_symbol, runs};
use crate::app::App;
use crate::backtest::{self, Execution, ExitReason, describe, drawdowns};
use crate::market::Adjustment;
use crate::research::Curve;
use crate::store::entity::backtest as row;
use crate::store::page::{Key, Page, PageRequest};
use crate::store::{ResearchFilter, newest_first, trade_sorts};

/// A strategy's run over a symbol's bars, stored with everything that made it.
#[derive(Debug, Clone)]
pub struct Backtest(pub row::Model);

/// Figures of a run. Ratios, not percent; null where undefined (no trade, no loss, zero deviation). The definitions
/// are in the documentation of the engine.
#[derive(Debug, Clone, SimpleObject)]
pub struct BacktestMetrics {
    /// Cash after the last bar, in the symbol's currency.
    final_equity: f64,
    /// Final equity over initial cash, less 1.
    total_return: f64,
    /// The same for buying at the first close and selling at the last, with the same costs.
    buy_and_hold_return: f64,
    /// Compound annual growth rate, by calendar days / 365.25.
    cagr: Option<f64>,
    /// The deepest fall of the equity at closes, as a share of the peak before it. At most 0: -0.25 is 25 % below the
    /// peak.
    max_drawdown: f64,
    /// Calendar days of the longest way from a peak back to it, or to the end.
    max_drawdown_days: i32,
    /// Positions that were opened.
    trade_count: i32,
    /// Share of trades with a profit after fees, 0 to 1.
    win_rate: Option<f64>,
    /// Money won over money lost.
    profit_factor: Option<f64>,
    /// The highest return of a trade.
    best_trade: Option<f64>,
    /// The lowest return of a trade.
    worst_trade: Option<f64>,
    /// The arithmetic mean of the trades' returns.
    average_trade: Option<f64>,
    /// Share of bars that close with a position, 0 to 1.
    exposure: f64,
    /// Standard deviation (n − 1) of daily returns × √252.
    volatility: Option<f64>,
    /// Mean over standard deviation (n − 1) of daily returns × √252, at a risk-free rate of zero.
    sharpe: Option<f64>,
    /// Mean of daily returns over the root mean square of the negative ones (zero for the others) × √252.
    sortino: Option<f64>,
    /// CAGR over the size of the maximum drawdown.
    calmar: Option<f64>,
    /// System quality number: √n × mean / standard deviation (n − 1) of the trades' profits.
    sqn: Option<f64>,
    /// Commissions of all orders, in the symbol's currency.
    fees_paid: f64,
}

impl From<backtest::Metrics> for BacktestMetrics {
    fn from(m: backtest::Metrics) -> Self {
        Self {
            final_equity: m.final_equity,
            total_return: m.total_return,
            buy_and_hold_return: m.buy_and_hold_return,
            cagr: m.cagr,
            max_drawdown: m.max_drawdown,
            max_drawdown_days: m.max_drawdown_days,
            trade_count: m.trade_count,
            win_rate: m.win_rate,
            profit_factor: m.profit_factor,
            best_trade: m.best_trade,
            worst_trade: m.worst_trade,
            average_trade: m.average_trade,
            exposure: m.exposure,
            volatility: m.volatility,
            sharpe: m.sharpe,
            sortino: m.sortino,
            calmar: m.calmar,
            sqn: m.sqn,
            fees_paid: m.fees_paid,
        }
    }
}

/// Curves as columns of equal length, oldest first.
pub struct EquityCurve {
    curve: Arc<Curve>,
    execution: Execution,
    /// What the curve takes.
    _room: Option<Room>,
}

/// What a bar of a curve costs beside its own cell: money is counted in exact decimals.
const CURVE: usize = 4;

impl EquityCurve {
    async fn spend(&self, ctx: &Context<'_>) -> Result<()> {
        spending::cells(ctx, self.curve.close.len().saturating_mul(CURVE)).await
    }
}

/// Curves as columns of equal length, oldest first.
#[Object]
impl EquityCurve {
    /// The date of each bar.
    async fn dates(&self) -> Column<Date> {
        Column(self.curve.days.iter().copied().map(Date).collect())
    }

    /// Cash and the value of shares at each close.
    async fn equity(&self, ctx: &Context<'_>) -> Result<Column<f64>> {
        self.spend(ctx).await?;
        Ok(Column(self.curve.equity(&self.execution)))
    }

    /// Distance below the highest equity so far, which begins as the initial cash: 0 at a peak, -0.25 a quarter below
    /// it.
    async fn drawdown(&self, ctx: &Context<'_>) -> Result<Column<f64>> {
        self.spend(ctx).await?;
        Ok(Column(drawdowns(&self.curve.equity(&self.execution), self.execution.initial_cash)))
    }

    /// The equity of buying at the first close and selling at the last, with the same costs.
    async fn buy_and_hold(&self, ctx: &Context<'_>) -> Result<Column<f64>> {
        self.spend(ctx).await?;
        Ok(Column(self.curve.buy_and_hold(&self.execution)))
    }
}

/// One position from its purchase to its sale.
#[derive(Debug, Clone, SimpleObject)]
pub struct Trade {
    /// The date of the bar that it was bought in.
    entry_date: Date,
    /// The date of the bar that it was sold in; the last bar's where there were no more.
    exit_date: Option<Date>,
    /// Price paid for a share, slippage included, commission not.
    entry_price: f64,
    /// Price got for a share.
    exit_price: f64,
    /// How many shares were held.
    shares: f64,
    /// Money gained after both commissions.
    profit: f64,
    /// Profit as a share of what the shares cost.
    return_rate: f64,
    /// The same.
    #[graphql(name = "return", deprecation = "Many languages can't have a field of this name: use returnRate")]
    return_: f64,
    /// Why it was sold.
    exit_reason: ExitReason,
}

impl Trade {
    fn new(trade: &backtest::Trade, days: &[i32]) -> Self {
        let date = |bar: usize| days.get(bar).copied().map(Date);
        Self {
            entry_date: date(trade.entry).unwrap_or(Date(0)),
            exit_date: date(trade.exit),
            entry_price: trade.entry_price,
            exit_price: trade.exit_price,
            shares: trade.shares,
            profit: trade.profit,
            return_rate: trade.return_(),
            return_: trade.return_(),
            exit_reason: trade.exit_reason,
        }
    }
}

/// The page of a list that is in memory, with each row's position.
fn page_of<T: Clone>(all: &[T], request: &PageRequest) -> Page<(usize, T)> {
    let position = |keys: Option<&Vec<Key>>| match keys.and_then(|keys| keys.first()) {
        Some(Key::Int(position)) => usize::try_from(*position).ok(),
        _ => None,
    };
    let start = position(request.after.as_ref()).map_or(0, |p| p.saturating_add(1)).min(all.len());
    let end = position(request.before.as_ref()).unwrap_or(all.len()).clamp(start, all.len());
    let numbered = (start..end).map(|i| (i, all[i].clone()));
    let wanted = usize::try_from(request.limit).unwrap_or(usize::MAX).saturating_add(1);
    let rows = if request.backward { numbered.rev().take(wanted).collect() } else { numbered.take(wanted).collect() };
    request.page(rows)
}

impl Backtest {
    /// What the run came to, bar by bar, and the room that it takes for as long as it is used.
    async fn curve(&self, ctx: &Context<'_>) -> Result<(Arc<Curve>, Option<Room>)> {
        let room = spending::room(ctx, None, self.0.bar_count).await?;
        let loader = ctx.data_unchecked::<DataLoader<Rows>>();
        let curve = loader.load_one(CurveOf(self.0.id)).await.map_err(|e| internal(&e))?;
        Ok((curve.ok_or_else(|| missing("the backtest's curve"))?, room))
    }
}

/// A strategy's run over a symbol's bars, stored with everything that made it.
#[Object]
impl Backtest {
    /// An opaque global id.
    pub async fn id(&self) -> ID {
        ids::encode(Kind::Backtest, self.0.id)
    }

    /// What a person calls it; null until somebody does.
    async fn name(&self) -> Option<&str> {
        self.0.name.as_deref()
    }

    /// Whose bars it ran over.
    async fn symbol(&self, ctx: &Context<'_>) -> Result<Symbol> {
        let symbol = load_symbol(ctx, Some(self.0.symbol_id)).await?;
        symbol.ok_or_else(|| missing("the backtest's symbol"))
    }

    /// The strategy and its execution in one sentence.
    async fn description(&self) -> Result<String> {
        let (strategy, execution) = (self.0.strategy().map_err(Fault::from)?, self.0.execution().map_err(Fault::from)?);
        Ok(describe(&strategy, &execution))
    }

    /// The first bar's date.
    async fn from(&self) -> Date {
        Date(self.0.from_day)
    }

    /// The last bar's date.
    async fn to(&self) -> Date {
        Date(self.0.to_day)
    }

    /// How many bars it ran over.
    async fn bar_count(&self) -> i32 {
        self.0.bar_count
    }

    /// Whether it ran on prices adjusted for splits, and for dividends where the provider does so.
    #[graphql(deprecation = "Use adjustment.")]
    async fn adjusted(&self) -> bool {
        self.0.adjusted
    }

    /// What the prices that it ran on were adjusted for.
    async fn adjustment(&self, ctx: &Context<'_>) -> Result<Adjustment> {
        let symbol = load_symbol(ctx, Some(self.0.symbol_id)).await?;
        Ok(self.0.adjustment(symbol.and_then(|symbol| symbol.0.adjusted_until)))
    }

    /// The symbol's data version when this ran.
    async fn data_version(&self) -> i32 {
        self.0.data_version
    }

    /// The version of the engine that ran it.
    async fn engine_version(&self) -> i32 {
        self.0.engine_version
    }

    /// Whether the symbol's prices have changed since.
    async fn stale(&self, ctx: &Context<'_>) -> Result<bool> {
        has_changed(ctx, self.0.symbol_id, self.0.data_version).await
    }

    /// Its figures.
    async fn metrics(&self) -> Result<BacktestMetrics> {
        Ok(self.0.metrics().map_err(Fault::from)?.into())
    }

    /// Equity, drawdown and buy and hold, bar by bar.
    async fn equity(&self, ctx: &Context<'_>) -> Result<EquityCurve> {
        let execution = self.0.execution().map_err(Fault::from)?;
        let (curve, room) = self.curve(ctx).await?;
        Ok(EquityCurve { curve, execution, _room: room })
    }

    /// Trades, oldest first.
    async fn trades(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, 0 to 500; 50 if neither first nor last is given.")] first: Count,
        #[graphql(desc = "Only what comes after this cursor: an edge's, or pageInfo.endCursor.")] after: CursorText,
        #[graphql(desc = "How many from the end, 0 to 500; not together with first.")] last: Count,
        #[graphql(desc = "Only what comes before this cursor: an edge's, or pageInfo.startCursor.")] before: CursorText,
    ) -> Result<Connection<Trade>> {
        let request = PageArguments { first, after, last, before }.request("trades", &trade_sorts())?;
        let (curve, _room) = self.curve(ctx).await?;
        let total = Total::Known(curve.trades.len());
        let key = |row: &(usize, backtest::Trade)| vec![Key::Int(row.0 as i64)];
        Ok(connect(page_of(&curve.trades, &request), total, key, |(_, trade)| Trade::new(&trade, &curve.days)))
    }

    /// Where its report is.
    async fn report_url(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What the report is to come as.")] format: ReportFormat,
    ) -> String {
        report_url(ctx, "backtests", &ids::encode(Kind::Backtest, self.0.id), format)
    }

    /// When it ran.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }
}

/// What a report comes as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum ReportFormat {
    /// A document to print and pass on.
    Pdf,
    /// The same figures for programs.
    Json,
}

/// Where a report is.
pub(super) fn report_url(ctx: &Context<'_>, folder: &str, id: &ID, format: ReportFormat) -> String {
    let ending = match format {
        ReportFormat::Pdf => "pdf",
        ReportFormat::Json => "json",
    };
    ctx.data_unchecked::<App>().link(&format!("reports/{folder}/{}.{ending}", id.as_str()))
}

/// Which backtests to list.
#[derive(Debug, InputObject)]
#[graphql(name = "BacktestFilter")]
pub struct BacktestFilterInput {
    /// Of this symbol.
    ticker: Option<String>,
    /// Made at this moment or later.
    created_from: Option<DateTime>,
    /// Made at this moment or before.
    created_to: Option<DateTime>,
    /// Part of the name or of the symbol's ticker, in any case; 200 characters at most.
    search: Option<String>,
}

#[derive(Default)]
pub struct BacktestQuery;

#[Object]
impl BacktestQuery {
    /// Stored backtests, the newest first.
    async fn backtests(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, 0 to 500; 50 if neither first nor last is given.")] first: Count,
        #[graphql(desc = "Only what comes after this cursor: an edge's, or pageInfo.endCursor.")] after: CursorText,
        #[graphql(desc = "How many from the end, 0 to 500; not together with first.")] last: Count,
        #[graphql(desc = "Only what comes before this cursor: an edge's, or pageInfo.startCursor.")] before: CursorText,
        #[graphql(desc = "Which to list; all if left out. Its conditions must all hold.")] filter: Option<
            BacktestFilterInput,
        >,
    ) -> Result<Connection<Backtest>> {
        let wanted = match filter {
            Some(f) => runs(ctx, f.ticker, (f.created_from, f.created_to), f.search).await?,
            None => ResearchFilter::default(),
        };
        let page = PageArguments { first, after, last, before }.request("backtests", &newest_first())?;
        let store = &ctx.data_unchecked::<App>().store;
        let rows = if_asked(ctx, store.backtests().page(&wanted, &page)).await.map_err(Fault::from)?;
        Ok(connect(rows, Total::Backtests(wanted), row::Model::keys, Backtest))
    }
}
