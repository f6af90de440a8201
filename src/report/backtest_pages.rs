//! What the template of a backtest's report is given.

use serde_json::{Value, json};

use super::BacktestReport;
use super::backtest::ReportTrade;
use super::text::{
    breadth, breakable, counted, date_of, day_of, footer, maybe_percent, maybe_percent_within, maybe_within,
    money_within, number, number_within, percent, percent_within, price_within,
};
use crate::backtest::{ExitReason, Fill, Metrics};
use crate::market::Adjustment;

/// Best and worst trades that are listed.
const EXTREME_TRADES: usize = 8;
/// The last trades, which are all listed: a few thousand would take seconds to set, and hundreds of megabytes.
const LISTED_TRADES: usize = 1_000;

/// Digits that fit in the columns of the template's tables: key figures, those of trades, settings, depths of falls, best
/// and worst trades, and prices beside a date. A little over an edge is read well where a gap follows.
const FIGURE: f64 = 12.7;
const OF_TRADES: f64 = 17.0;
const SETTING: f64 = 15.2;
const DEPTH: f64 = 8.7;
const EXTREME_RETURN: f64 = 8.0;
const EXTREME_PROFIT: f64 = 8.9;
const BESIDE_DATE: f64 = 8.1;
/// What the name of a page's subject may take of the line above it, as a multiple of its letters' size.
const RUNNING_HEAD: f64 = 53.0;

pub(super) fn data(report: &BacktestReport) -> Value {
    let x = &report.execution;
    let settings = json!([
        [report.symbol.in_unit("Initial investment"), money_within(x.initial_cash, SETTING)],
        [
            "Orders filled",
            match x.fill {
                Fill::NextOpen => "at the next open",
                Fill::SameClose => "at the same close",
            }
        ],
        ["Commission, slippage", format!("{}, {}", percent(x.commission, 2), percent(x.slippage, 2))],
        ["Shares", if x.whole_shares { "whole" } else { "fractions" }],
        prices_row(report.adjustment),
    ]);
    let mut ranked: Vec<&ReportTrade> = report.trades.iter().collect();
    ranked.sort_by(|a, b| b.return_.total_cmp(&a.return_));
    let extreme = |t: &&ReportTrade| {
        json!([
            t.entry_date,
            t.exit_date,
            short_reason(t),
            percent_within(t.return_, 2, EXTREME_RETURN),
            number_within(t.profit, 2, EXTREME_PROFIT)
        ])
    };
    let gapped = report.trades.iter().filter(|t| t.gapped).count();
    let best: Vec<Value> = ranked.iter().take(EXTREME_TRADES).map(extreme).collect();
    let worst: Vec<Value> = ranked.iter().rev().take(EXTREME_TRADES).map(extreme).collect();
    let (listed, trades_title) = listed(&report.trades);
    let trades: Vec<Value> = listed.iter().map(trade_row).collect();
    let drawdowns: Vec<Value> = report
        .worst_falls()
        .map(|(place, f)| {
            let recovery = f.recovery.clone().unwrap_or_else(|| "not yet".to_owned());
            json!([
                place.to_string(),
                f.peak,
                f.trough,
                recovery,
                percent_within(f.depth, 2, DEPTH),
                number(f64::from(f.days), 0)
            ])
        })
        .collect();
    let spread = &report.distribution;
    json!({
        "kind": "Backtest report",
        "title": format!("Backtest of {}, {} to {}", report.symbol.title(), report.from, report.to),
        "headline": report.headline(),
        "subject": report.symbol.title_within(RUNNING_HEAD),
        "ticker": report.symbol.ticker,
        "date": date_of(&report.created_at),
        "span": format!(
            "{}, {} to {}, {}", breakable(&report.symbol.title()), report.from, report.to,
            counted(report.bars, "daily bar")
        ),
        "footer": footer(&report.id, &report.created_at),
        "description": report.description,
        "metrics": figure_rows(report),
        "trading": trading_rows(report),
        "settings": settings,
        "drawdowns": drawdowns,
        "distribution": format!(
            "Of the days that moved, the mean is {}, the standard deviation {}, and one in twenty was below {}. \
             On {} nothing moved, mostly because no shares were held.",
            percent(spread.mean, 3), percent(spread.deviation, 2), maybe_percent(spread.fifth_percentile, 2),
            counted(spread.idle as usize, "day")
        ),
        "best": best,
        "worst": worst,
        "trades": trades,
        "trades_title": trades_title,
        "trades_note": trades_note(gapped),
        "about": format!(
            "Run on {} with engine version {}, on version {} of {}'s prices{}. Ratios are annualised with 252 trading \
             days at a risk-free rate of zero; drawdowns are of daily equity at the close; buying and holding buys at the \
             first close and sells at the last, with the same costs.",
            day_of(&report.created_at), report.engine_version, report.data_version, report.symbol.ticker,
            format!(", {}", report.adjustment.words())
        ),
        "disclaimer": report.disclaimer,
    })
}

/// Key figures beside those of holding.
fn figure_rows(report: &BacktestReport) -> Value {
    let (m, h) = (&report.metrics, &report.buy_and_hold);
    let row = |name: &str, of: &dyn Fn(&Metrics) -> String| json!([name, of(m), of(h)]);
    let ratio = |ratio: f64, decimals: usize| percent_within(ratio, decimals, FIGURE);
    let maybe_ratio = |ratio: Option<f64>| maybe_percent_within(ratio, 2, FIGURE);
    let maybe = |value: Option<f64>| maybe_within(value, 2, FIGURE);
    json!([
        row("Total return", &|m| ratio(m.total_return, 2)),
        row("Annual return (CAGR)", &|m| maybe_ratio(m.cagr)),
        row(&report.symbol.in_unit("Final equity"), &|m| money_within(m.final_equity, FIGURE)),
        row("Maximum drawdown", &|m| ratio(m.max_drawdown, 2)),
        row("Longest drawdown, days", &|m| number(f64::from(m.max_drawdown_days), 0)),
        row("Volatility, annual", &|m| maybe_ratio(m.volatility)),
        row("Sharpe ratio", &|m| maybe(m.sharpe)),
        row("Sortino ratio", &|m| maybe(m.sortino)),
        row("Calmar ratio", &|m| maybe(m.calmar)),
        ["Exposure".to_owned(), ratio(m.exposure, 1), ratio(report.hold_exposure, 1)],
    ])
}

/// What the trades came to.
fn trading_rows(report: &BacktestReport) -> Value {
    let m = &report.metrics;
    let maybe = |value: Option<f64>| maybe_within(value, 2, OF_TRADES);
    json!([
        ["Trades", number(f64::from(m.trade_count), 0)],
        ["Winners", maybe_percent_within(m.win_rate, 1, OF_TRADES)],
        ["Average return", maybe_percent_within(m.average_trade, 2, OF_TRADES)],
        ["Best, worst", extremes(m.best_trade, m.worst_trade)],
        ["Profit factor", maybe(m.profit_factor)],
        ["Quality (SQN)", maybe(m.sqn)],
        [report.symbol.in_unit("Fees paid"), number_within(m.fees_paid, 2, OF_TRADES)],
    ])
}

/// Two returns on one line.
fn extremes(best: Option<f64>, worst: Option<f64>) -> String {
    let within = |room: f64| [best, worst].map(|ratio| maybe_percent_within(ratio, 2, room)).join(",\u{a0}");
    let whole = within(OF_TRADES);
    if breadth(&whole) <= OF_TRADES { whole } else { within((OF_TRADES - 1.0) / 2.0) }
}

/// In words that fit beside the name; the report's end says it in a sentence.
fn prices_row(adjustment: Adjustment) -> [&'static str; 2] {
    match adjustment {
        Adjustment::None => ["Prices", "as traded"],
        Adjustment::Splits => ["Prices adjusted for", "splits"],
        Adjustment::TotalReturn => ["Prices adjusted for", "splits and dividends"],
    }
}

/// The trades that are listed, and the list's title.
fn listed<T>(trades: &[T]) -> (&[T], String) {
    let listed = &trades[trades.len().saturating_sub(LISTED_TRADES)..];
    if listed.len() == trades.len() {
        return (listed, "Appendix: all trades".to_owned());
    }
    let [few, all] = [listed, trades].map(|trades| number(trades.len() as f64, 0));
    (listed, format!("Appendix: the last {few} of {all} trades; the report in JSON has all"))
}

/// What the list of trades doesn't say by itself.
fn trades_note(gapped: usize) -> String {
    let note = "Returns and profits are after commissions.";
    match gapped {
        0 => note.to_owned(),
        1 => format!(
            "{note} One stop was passed overnight: the day opened below it, and the order was filled at the open."
        ),
        n => format!(
            "{note} {n} stops were passed overnight: the day opened below them, and the orders were filled at the open."
        ),
    }
}

fn reason(t: &ReportTrade) -> &'static str {
    match t.exit_reason {
        ExitReason::Signal => "signal",
        ExitReason::StopLoss if t.gapped => "opened below the stop",
        ExitReason::StopLoss => "stop loss",
        ExitReason::TakeProfit => "take profit",
        ExitReason::EndOfData => "end of data",
    }
}

/// The same where there's little room.
fn short_reason(t: &ReportTrade) -> &'static str {
    match t.exit_reason {
        ExitReason::Signal => "signal",
        ExitReason::StopLoss if t.gapped => "stop, gap",
        ExitReason::StopLoss => "stop",
        ExitReason::TakeProfit => "target",
        ExitReason::EndOfData => "end",
    }
}

fn trade_row(t: &ReportTrade) -> Value {
    // Figure spaces are as wide as digits, so that figures without other marks stand under each other in one cell.
    let column = |text: String, width: usize| {
        let missing = width.saturating_sub(text.chars().count());
        "\u{2007}".repeat(missing) + &text
    };
    let plain = |value: f64, decimals: usize| number(value, decimals).replace(',', "");
    // Within so many digits: without decimals, or shortened, where there are more.
    let within = |value: f64, decimals: usize, most: f64| {
        let fits = |text: &String| breadth(text) <= most;
        let whole = Some(plain(value, decimals)).filter(fits).or_else(|| Some(plain(value, 0)).filter(fits));
        whole.unwrap_or_else(|| number_within(value, 0, most))
    };
    // Four decimals up to 9,999 shares; of more there is room for fewer.
    let decimals = 8_usize.saturating_sub(plain(t.shares, 0).len()).min(4);
    let shares = within(t.shares, if t.shares.fract() == 0.0 { 0 } else { decimals }, 8.5);
    json!([
        number(t.number as f64, 0),
        [t.entry_date, price_within(t.entry_price, BESIDE_DATE)],
        [t.exit_date, price_within(t.exit_price, BESIDE_DATE)],
        [
            shares,
            column(plain(f64::from(t.days), 0), 6),
            column(within(t.return_ * 100.0, 2, 7.5), 9),
            column(within(t.profit, 2, 10.5), 12),
        ],
        reason(t),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_trades_are_listed_and_the_title_says_so() {
        let trades: Vec<usize> = (1..=4_847).collect();
        let (all, title) = listed(&trades[..1_000]);
        assert_eq!((all.len(), title.as_str()), (1_000, "Appendix: all trades"));
        let (last, title) = listed(&trades);
        assert_eq!((last.first(), last.last()), (Some(&3_848), Some(&4_847)));
        assert_eq!(title, "Appendix: the last 1,000 of 4,847 trades; the report in JSON has all");
    }

    #[test]
    fn figures_of_a_trade_stay_apart() {
        let row = |price: f64, shares: f64, profit: f64, return_: f64| {
            trade_row(&ReportTrade {
                number: 7,
                entry_date: "2001-01-02".to_owned(),
                exit_date: "2001-02-02".to_owned(),
                entry_price: price,
                exit_price: price,
                shares,
                profit,
                return_,
                exit_reason: ExitReason::Signal,
                days: 31,
                gapped: false,
            })
        };
        let plain = row(19.95, 501.0, -12.34, -0.1);
        assert_eq!(plain[1], json!(["2001-01-02", "19.95"]));
        let figures = ["501", "\u{2007}\u{2007}\u{2007}\u{2007}31", "\u{2007}\u{2007}\u{2007}−10.00"];
        assert_eq!(
            plain[3],
            json!([figures[0], figures[1], figures[2], "\u{2007}\u{2007}\u{2007}\u{2007}\u{2007}\u{2007}−12.34"])
        );
        for (price, shares, profit, return_) in
            [(1.5e9, 1e15, -9.22e11, 1e9), (4.2e15, 123_456_789.5, 1e17, -1e4), (999_999.99, 0.5, 1e9, 1e5)]
        {
            let row = row(price, shares, profit, return_);
            for (figure, most) in [(&row[1][1], 8.2), (&row[3][0], 9.0), (&row[3][2], 9.0), (&row[3][3], 12.0)] {
                let text = figure.as_str().expect("a figure");
                assert!(breadth(text) <= most, "{text}");
            }
            for column in [2_usize, 3] {
                assert!(row[3][column].as_str().expect("a figure").starts_with('\u{2007}'), "{row}");
            }
        }
    }

    #[test]
    fn two_returns_stay_on_one_line() {
        assert_eq!(extremes(Some(0.1234), Some(-0.05)), "12.34\u{a0}%,\u{a0}−5.00\u{a0}%");
        assert_eq!(extremes(Some(1e7), None), "1000000000.00\u{a0}%,\u{a0}–");
        assert!(breadth(&extremes(Some(1e7), Some(-1.3281))) <= OF_TRADES);
    }
}
