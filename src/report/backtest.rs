//! A backtest's report: everything that its PDF and its JSON show.

use serde::Serialize;

use super::analysis::{self, Distribution, Fall, Rolling, Year};
use super::{DISCLAIMER, Subject, holding, text};
use crate::backtest::{
    Condition, Execution, ExitReason, Metrics, Strategy, Trade, affords, buy_and_hold, describe, drawdowns,
    equity_curve,
};
use crate::market::{Adjustment, Columns, Day, Operand, day};

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
    pub adjustment: Adjustment,
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
    pub adjustment: Adjustment,
    pub data_version: i32,
    pub engine_version: i32,
    pub metrics: Metrics,
    /// Holding is one trade, where the cash buys a share.
    pub buy_and_hold: Metrics,
    /// Share of bars that holding closes with a position: none where the cash doesn't buy a share.
    pub hold_exposure: f64,
    /// That the cash doesn't buy a share, where it's so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shortage: Option<String>,
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
    /// How far holding was below its peak.
    #[serde(skip)]
    pub(super) hold_drawdown: Vec<f64>,
    /// What the strategy looks at on the price's own scale, with its name.
    #[serde(skip)]
    pub(super) averages: Vec<(String, Vec<f64>)>,
    /// What it looks at on a scale of its own.
    #[serde(skip)]
    pub(super) oscillator: Option<Oscillator>,
    /// The bars of each purchase and sale, and whether it gained.
    #[serde(skip)]
    pub(super) marks: Vec<(usize, usize, bool)>,
}

/// Indicators that share a scale, and the numbers that they are compared with.
#[derive(Debug, Clone, Default)]
pub(super) struct Oscillator {
    pub lines: Vec<(String, Vec<f64>)>,
    pub levels: Vec<f64>,
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
    pub exit_reason: ExitReason,
    /// Calendar days.
    pub days: i32,
    /// A stop that the day opened below: filled at the open, further down than the stop.
    pub gapped: bool,
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

/// The worst falls that a page shows, and the share of the deepest below which one isn't among the worst of anything.
const WORST_SHOWN: usize = 5;
const LEAST_FALL: f64 = 0.1;

impl BacktestReport {
    /// The falls that are shown and numbered.
    pub(super) fn worst_falls(&self) -> impl Iterator<Item = (usize, &Fall)> {
        let deepest = self.drawdowns.first().map_or(0.0, |fall| fall.depth);
        let worst = self.drawdowns.iter().take(WORST_SHOWN).filter(move |fall| fall.depth <= deepest * LEAST_FALL);
        worst.enumerate().map(|(i, fall)| (i + 1, fall))
    }

    /// The finding in a sentence.
    #[must_use]
    pub fn headline(&self) -> String {
        let (own, hold) = (self.metrics.total_return, self.buy_and_hold.total_return);
        let shown = |ratio: f64| {
            let text = text::percent(ratio.abs(), usize::from(ratio.abs() < 0.1));
            if text.chars().all(|c| !c.is_ascii_digit() || c == '0') { "nothing".to_owned() } else { text }
        };
        let verb = |ratio: f64, gained: &str, lost: &str| {
            format!("{} {}", if ratio < 0.0 { lost } else { gained }, shown(ratio))
        };
        if let Some(shortage) = &self.shortage {
            return match self.metrics.trade_count {
                0 => format!("Never bought, and holding couldn't: {shortage}"),
                _ => format!("{}, but holding couldn't buy: {shortage}", verb(own, "Gained", "Lost")),
            };
        }
        if self.metrics.trade_count == 0 {
            return format!("Never bought, while holding {}", verb(hold, "gained", "lost"));
        }
        format!("{} while holding {}", verb(own, "Gained", "Lost"), verb(hold, "gained", "lost"))
    }

    /// Works out what a report shows.
    #[must_use]
    pub fn new(source: BacktestSource) -> Self {
        let BacktestSource { days, close, trades, execution, .. } = source;
        let equity = equity_curve(&close, &trades, &execution);
        let hold = buy_and_hold(&close, &execution);
        let shortage = shortage(&close, &trades, &execution);
        let mut seen = Seen::default();
        seen.look(&source.strategy.buy);
        seen.look(&source.strategy.sell);
        let columns = Columns { close: close.clone(), ..Columns::default() };
        let valued = |operands: Vec<(String, Operand)>| -> Vec<(String, Vec<f64>)> {
            operands.into_iter().map(|(name, operand)| (name, operand.values(&columns))).collect()
        };
        let oscillator =
            (!seen.oscillators.is_empty()).then(|| Oscillator { lines: valued(seen.oscillators), levels: seen.levels });
        let averages = valued(seen.averages);
        let marks = trades.iter().map(|t| (t.entry, t.exit, t.profit > 0.0)).collect();
        let stop = source.strategy.stop_loss;
        // What a stop fills at without a gap, less what slippage takes and rounding may.
        let lowest = |entry: f64| stop.map(|stop| entry * (1.0 - stop) * (1.0 - execution.slippage) * (1.0 - 1e-6));
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
            gapped: trade.exit_reason == ExitReason::StopLoss
                && lowest(trade.entry_price).is_some_and(|lowest| trade.exit_price < lowest),
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
            adjusted: source.adjustment != Adjustment::None,
            adjustment: source.adjustment,
            data_version: source.data_version,
            engine_version: source.engine_version,
            metrics: source.metrics,
            buy_and_hold: holding::metrics(&days, &close, &hold, &execution),
            hold_exposure: if shortage.is_none() && !days.is_empty() { 1.0 } else { 0.0 },
            shortage,
            years: analysis::years(&days, &equity, &hold, execution.initial_cash),
            drawdowns: analysis::falls(&days, &equity, execution.initial_cash),
            rolling: analysis::rolling(&equity, &hold, &held(days.len(), &trades)),
            distribution: analysis::distribution(&equity),
            trades: listed.collect(),
            disclaimer: DISCLAIMER,
            hold_drawdown: drawdowns(&hold, execution.initial_cash),
            averages,
            oscillator,
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

/// That the cash doesn't buy a share where holding begins, and what to do then. Where nothing was bought at all, it's said
/// of the lowest close, if even that is too high.
fn shortage(close: &[f64], trades: &[Trade], execution: &Execution) -> Option<String> {
    let first = close.first().copied().filter(|&first| !affords(first, execution))?;
    let lowest = close.iter().copied().fold(first, f64::min);
    let price = if trades.is_empty() && !affords(lowest, execution) { lowest } else { first };
    let costs = if execution.commission > 0.0 || execution.slippage > 0.0 { " and its costs" } else { "" };
    let cash = text::number(execution.initial_cash, if execution.initial_cash.fract() == 0.0 { 0 } else { 2 });
    let price = text::price(price);
    Some(format!("{cash} doesn't buy one share at {price}{costs}; give more cash, or wholeShares: false"))
}

/// Whether shares were held on each of so many bars.
fn held(bars: usize, trades: &[Trade]) -> Vec<bool> {
    let mut held = vec![false; bars];
    for trade in trades {
        let (from, to) = (trade.entry.min(bars), trade.exit.saturating_add(1).min(bars));
        held[from..to.max(from)].fill(true);
    }
    held
}

/// Lines drawn over the price at most; more would hide it.
const MOST_AVERAGES: usize = 3;
/// Lines of a pane at most.
const MOST_OSCILLATORS: usize = 2;

/// What a strategy looks at, as far as closes tell it.
#[derive(Default)]
struct Seen {
    averages: Vec<(String, Operand)>,
    oscillators: Vec<(String, Operand)>,
    levels: Vec<f64>,
}

impl Seen {
    fn look(&mut self, condition: &Condition) {
        match condition {
            Condition::Compare { left, right, .. } => {
                for (operand, other) in [(left, right), (right, left)] {
                    self.add(*operand, *other);
                }
            }
            Condition::All(inner) | Condition::Any(inner) => inner.iter().for_each(|c| self.look(c)),
            Condition::Not(inner) => self.look(inner),
        }
    }

    fn add(&mut self, operand: Operand, other: Operand) {
        let (name, on_price) = match operand {
            Operand::Sma(window) => (format!("SMA {window}"), true),
            Operand::Ema(window) => (format!("EMA {window}"), true),
            Operand::Highest(window) => (format!("{window}-day high"), true),
            Operand::Lowest(window) => (format!("{window}-day low"), true),
            Operand::BollingerLower { window, .. } => (format!("Lower band {window}"), true),
            Operand::BollingerUpper { window, .. } => (format!("Upper band {window}"), true),
            Operand::Rsi(window) => (format!("RSI {window}"), false),
            Operand::Macd { fast, slow, .. } => (format!("MACD {fast} {slow}"), false),
            Operand::MacdSignal { signal, .. } => (format!("Signal {signal}"), false),
            // The range needs more than closes.
            Operand::Atr(_) | Operand::Price(_) | Operand::Constant(_) => return,
        };
        if on_price {
            let known = self.averages.iter().any(|(known, _)| *known == name);
            if !known && self.averages.len() < MOST_AVERAGES {
                self.averages.push((name, operand));
            }
            return;
        }
        // One scale: the RSI's, or that of MACD and its signal.
        let is_rsi = |operand: &Operand| matches!(operand, Operand::Rsi(_));
        if self.oscillators.first().is_some_and(|(_, first)| is_rsi(first) != is_rsi(&operand)) {
            return;
        }
        if !self.oscillators.iter().any(|(known, _)| *known == name) {
            if self.oscillators.len() >= MOST_OSCILLATORS {
                return;
            }
            self.oscillators.push((name, operand));
        }
        if let Operand::Constant(level) = other
            && !self.levels.contains(&level)
        {
            self.levels.push(level);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backtest::run;

    fn report(close: &[f64], execution: Execution) -> BacktestReport {
        let days: Vec<Day> = (0..).take(close.len()).collect();
        let [open, high, low, close] = [close; 4].map(<[f64]>::to_vec);
        let columns = Columns { days, open, high, low, volume: vec![1; close.len()], close };
        let strategy = Strategy {
            buy: Condition::price_below_sma(2),
            sell: Condition::price_above_sma(2),
            stop_loss: None,
            take_profit: None,
        };
        let ran = run(&columns, &strategy, &execution).expect("a run");
        BacktestReport::new(BacktestSource {
            id: "test".to_owned(),
            subject: Subject {
                ticker: "MRF.NSE".to_owned(),
                name: None,
                exchange: "NSE".to_owned(),
                currency: None,
                unit: None,
            },
            strategy,
            execution,
            metrics: ran.metrics,
            days: columns.days,
            close: columns.close,
            trades: ran.trades,
            adjustment: Adjustment::None,
            data_version: 1,
            engine_version: 1,
            created_at: "2026-01-01T00:00:00Z".to_owned(),
        })
    }

    #[test]
    fn a_share_that_costs_more_than_the_cash_is_named() {
        let dear = [120_000.0, 110_000.0, 115_000.0, 112_000.0, 130_000.0];
        let short = report(&dear, Execution::default());
        let said = "10,000 doesn't buy one share at 110,000.00; give more cash, or wholeShares: false";
        assert_eq!(short.headline(), format!("Never bought, and holding couldn't: {said}"));
        assert_eq!((short.shortage.as_deref(), short.hold_exposure), (Some(said), 0.0));
        let parts = report(&dear, Execution { whole_shares: false, ..Execution::default() });
        assert_eq!((parts.shortage.as_deref(), parts.hold_exposure), (None, 1.0));
        assert_eq!((short.buy_and_hold.trade_count, parts.buy_and_hold.trade_count), (0, 1));
        assert!(parts.headline().contains(" while holding gained "), "{}", parts.headline());
        // The rule waits until a share can be paid for; holding doesn't.
        let fallen = [11_000.0, 9_000.0, 8_000.0, 9_500.0, 9_600.0];
        let headline = report(&fallen, Execution { commission: 0.001, ..Execution::default() }).headline();
        let ending = "but holding couldn't buy: 10,000 doesn't buy one share at 11,000.00 and its costs; give more cash, \
                      or wholeShares: false";
        assert!(headline.ends_with(ending), "{headline}");
    }
}
