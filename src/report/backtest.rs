//! A backtest's report: everything that its PDF and its JSON show.

use serde::Serialize;

use super::analysis::{self, Distribution, Fall, Rolling, Year};
use super::{DISCLAIMER, Subject};
use crate::backtest::{
    Condition, Execution, Metrics, Strategy, Trade, buy_and_hold, describe, drawdowns, equity_curve,
};
use crate::market::{Columns, Day, Operand, day};

/// What a report is made from: the stored object, taken apart.
#[derive(Debug, Clone)]
pub struct BacktestSource {
    pub id: String,
    pub subject: Subject,
    pub strategy: Strategy,
    pub execution: Execution,
    pub metrics: Metrics,
    pub days: Vec<Day>,
    pub close: Vec<f64>,
    pub trades: Vec<Trade>,
    pub adjusted: bool,
    pub data_version: i32,
    pub engine_version: i32,
    /// RFC 3339.
    pub created_at: String,
}

/// A backtest as a report shows it; its JSON is stable within a version.
#[derive(Debug, Clone, Serialize)]
pub struct BacktestReport {
    pub schema: &'static str,
    pub version: u32,
    pub id: String,
    pub created_at: String,
    pub symbol: Subject,
    /// The strategy and its execution in one sentence.
    pub description: String,
    pub strategy: Strategy,
    pub execution: Execution,
    pub from: String,
    pub to: String,
    pub bars: usize,
    pub adjusted: bool,
    pub data_version: i32,
    pub engine_version: i32,
    pub metrics: Metrics,
    pub buy_and_hold: Metrics,
    pub years: Vec<Year>,
    /// The deepest falls of the equity, the deepest first.
    pub drawdowns: Vec<Fall>,
    pub rolling: Option<Rolling>,
    pub distribution: Distribution,
    pub trades: Vec<ReportTrade>,
    pub curve: CurveColumns,
    pub disclaimer: &'static str,
    #[serde(skip)]
    pub(super) days: Vec<Day>,
    /// Moving averages that the strategy looks at, with their names.
    #[serde(skip)]
    pub(super) averages: Vec<(String, Vec<f64>)>,
    #[serde(skip)]
    pub(super) marks: Vec<(usize, f64, bool)>,
}

/// A trade with its dates.
#[derive(Debug, Clone, Serialize)]
pub struct ReportTrade {
    pub number: usize,
    pub entry_date: String,
    pub exit_date: String,
    pub entry_price: f64,
    pub exit_price: f64,
    pub shares: f64,
    pub profit: f64,
    #[serde(rename = "return")]
    pub return_: f64,
    pub exit_reason: crate::backtest::ExitReason,
    /// Calendar days.
    pub days: i32,
}

/// Curves of equal length, oldest first.
#[derive(Debug, Clone, Serialize)]
pub struct CurveColumns {
    pub dates: Vec<String>,
    pub close: Vec<f64>,
    pub equity: Vec<f64>,
    pub buy_and_hold: Vec<f64>,
    pub drawdown: Vec<f64>,
}

impl BacktestReport {
    /// Works out what a report shows.
    #[must_use]
    pub fn new(source: BacktestSource) -> Self {
        let BacktestSource { days, close, trades, execution, .. } = source;
        let equity = equity_curve(&close, &trades, &execution);
        let hold = buy_and_hold(&close, &execution);
        let mut averages = Vec::new();
        collect_averages(&source.strategy.buy, &mut averages);
        collect_averages(&source.strategy.sell, &mut averages);
        let columns = Columns { close: close.clone(), ..Columns::default() };
        let averages = averages.into_iter().map(|(name, operand)| (name, operand.values(&columns))).collect();
        let marks =
            trades.iter().flat_map(|t| [(t.entry, t.entry_price, true), (t.exit, t.exit_price, false)]).collect();
        let date = |bar: usize| days.get(bar).map(|&d| day::iso(d)).unwrap_or_default();
        let listed = trades.iter().enumerate().map(|(i, trade)| ReportTrade {
            number: i + 1,
            entry_date: date(trade.entry),
            exit_date: date(trade.exit),
            entry_price: trade.entry_price,
            exit_price: trade.exit_price,
            shares: trade.shares,
            profit: trade.profit,
            return_: trade.return_(),
            exit_reason: trade.exit_reason,
            days: days.get(trade.exit).zip(days.get(trade.entry)).map_or(0, |(exit, entry)| exit - entry),
        });
        Self {
            schema: "prospectus-backtest-report",
            version: super::REPORT_VERSION,
            id: source.id,
            created_at: source.created_at,
            symbol: source.subject,
            description: describe(&source.strategy, &execution),
            strategy: source.strategy,
            execution,
            from: date(0),
            to: date(days.len().saturating_sub(1)),
            bars: days.len(),
            adjusted: source.adjusted,
            data_version: source.data_version,
            engine_version: source.engine_version,
            metrics: source.metrics,
            buy_and_hold: Metrics::of_curve(&days, &hold, execution.initial_cash),
            years: analysis::years(&days, &equity, &hold, execution.initial_cash),
            drawdowns: analysis::falls(&days, &equity, execution.initial_cash),
            rolling: analysis::rolling(&equity),
            distribution: analysis::distribution(&equity),
            trades: listed.collect(),
            disclaimer: DISCLAIMER,
            averages,
            marks,
            curve: CurveColumns {
                dates: days.iter().map(|&d| day::iso(d)).collect(),
                drawdown: drawdowns(&equity, execution.initial_cash),
                close,
                equity,
                buy_and_hold: hold,
            },
            days,
        }
    }
}

/// Averages drawn at most; more would hide the price.
const MOST_AVERAGES: usize = 3;

fn collect_averages(condition: &Condition, into: &mut Vec<(String, Operand)>) {
    match condition {
        Condition::Compare { left, right, .. } => {
            for operand in [left, right] {
                let name = match operand {
                    Operand::Sma(window) => format!("{window}-day average"),
                    Operand::Ema(window) => format!("{window}-day exponential average"),
                    _ => continue,
                };
                if into.len() < MOST_AVERAGES && !into.iter().any(|(known, _)| *known == name) {
                    into.push((name, *operand));
                }
            }
        }
        Condition::All(inner) | Condition::Any(inner) => inner.iter().for_each(|c| collect_averages(c, into)),
        Condition::Not(inner) => collect_averages(inner, into),
    }
}
