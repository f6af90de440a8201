//! Reports as PDF: typst templates with the fonts inside the binary, tagged for screen readers, and the same bytes for
//! the same report.

use rayon::prelude::*;
use serde_json::{Value, json};
use typst::foundations::{Bytes, Smart};
use typst_pdf::{PdfOptions, PdfStandard, PdfStandards};

use super::chart::{self, DrawError, Look};
use super::fonts::FONTS;
use super::press::{Press, sentences};
use super::text::{maybe_number, maybe_percent, number, percent, price, price_within, printable};
use super::{BacktestReport, PredictionReport};
use crate::backtest::{ExitReason, Fill, Metrics};
use crate::market::Adjustment;
use crate::report::backtest::ReportTrade;
use crate::report::prediction::ReportEvaluation;

/// A report's data with every text as the font can show it.
fn make_printable(value: &mut Value) {
    match value {
        Value::String(text) => *text = printable(text),
        Value::Array(values) => values.iter_mut().for_each(make_printable),
        Value::Object(fields) => fields.values_mut().for_each(make_printable),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

const TEMPLATES: [(&str, &str); 4] = [
    ("style.typ", include_str!("templates/style.typ")),
    ("margins.typ", include_str!("templates/margins.typ")),
    ("backtest.typ", include_str!("templates/backtest.typ")),
    ("prediction.typ", include_str!("templates/prediction.typ")),
];
/// Best and worst trades that are listed.
const EXTREME_TRADES: usize = 8;
/// The last trades, which are all listed: a few thousand would take seconds to set, and hundreds of megabytes.
const LISTED_TRADES: usize = 1_000;

/// Sets reports; built once, as parsing the fonts takes a while.
pub struct Printer {
    press: Press,
}

/// A chart of a report: its name in the template, and how it's drawn.
type Chart<R> = (&'static str, fn(&R, Look) -> Result<String, DrawError>, Look);

/// Why there's no PDF.
#[derive(Debug, thiserror::Error)]
pub enum PdfError {
    #[error("a chart can't be drawn: {0}")]
    Chart(#[from] DrawError),
    #[error("the report's figures can't be written down: {0}")]
    Data(#[from] serde_json::Error),
    #[error("the report can't be set: {0}")]
    Set(String),
}

impl Default for Printer {
    fn default() -> Self {
        Self { press: Press::new(&FONTS, &TEMPLATES) }
    }
}

impl Printer {
    /// A backtest's report.
    ///
    /// # Errors
    /// When it can't be drawn or set.
    pub fn backtest(&self, report: &BacktestReport) -> Result<Vec<u8>, PdfError> {
        let look = Look::PRINT;
        let charts: [Chart<BacktestReport>; 6] = [
            ("monthly", chart::monthly, look),
            ("equity", chart::equity, look),
            ("price", chart::price, look),
            ("drawdown", chart::drawdown, look),
            ("rolling", chart::rolling, look),
            ("distribution", chart::distribution, look),
        ];
        self.set("backtest.typ", &report.id, backtest_data(report), report, &charts)
    }

    /// A prediction's report.
    ///
    /// # Errors
    /// When it can't be drawn or set.
    pub fn prediction(&self, report: &PredictionReport) -> Result<Vec<u8>, PdfError> {
        let look = Look::PRINT;
        // Two beside each other.
        let half = Look { width: 640, ..look };
        let charts: [Chart<PredictionReport>; 4] = [
            ("fan", chart::fan, look),
            ("errors", chart::error_by_day, half),
            ("coverage", chart::coverage, half),
            ("actual", chart::what_happened, look),
        ];
        self.set("prediction.typ", &report.id, prediction_data(report), report, &charts)
    }

    fn set<R: Sync>(
        &self,
        template: &str,
        id: &str,
        mut data: Value,
        report: &R,
        charts: &[Chart<R>],
    ) -> Result<Vec<u8>, PdfError> {
        let draw = |&(name, draw, look): &Chart<R>| -> Result<_, DrawError> {
            let svg = printable(&draw(report, look)?);
            // What a screen reader says of the picture is what it says in the browser.
            let text = svg.split_once("<desc id=\"d\">").and_then(|(_, rest)| rest.split_once("</desc>"));
            let text = text.map_or("", |(text, _)| text).to_owned();
            Ok((name, text, self.press.picture(name, &svg)))
        };
        let drawn = charts.par_iter().with_max_len(1).map(draw).collect::<Result<Vec<_>, _>>()?;
        make_printable(&mut data);
        data["alt"] = json!({});
        let mut files = Vec::with_capacity(drawn.len() + 1);
        for (name, text, file) in drawn {
            data["alt"][name] = text.into();
            files.push(file);
        }
        files.push(("data.json".to_owned(), Bytes::new(serde_json::to_vec(&data)?)));
        let document = self.press.set(template, files).map_err(PdfError::Set)?;
        let standards = PdfStandards::new(&[PdfStandard::Ua_1]).map_err(|e| PdfError::Set(e.message().to_string()))?;
        let options = PdfOptions {
            ident: Smart::Custom(id.to_owned()),
            creator: Smart::Custom(Some(format!("Prospectus {}", env!("CARGO_PKG_VERSION")))),
            standards,
            ..PdfOptions::default()
        };
        let pdf = typst_pdf::pdf(&document, &options).map_err(|errors| PdfError::Set(sentences(&errors)));
        Press::clear(document);
        pdf
    }
}

/// Year, month and day of an RFC 3339 moment.
fn date_of(moment: &str) -> Value {
    let part = |range: std::ops::Range<usize>| moment.get(range).and_then(|n| n.parse::<i32>().ok()).unwrap_or(1);
    json!([part(0..4), part(5..7), part(8..10)])
}

fn backtest_data(report: &BacktestReport) -> Value {
    let (m, h) = (&report.metrics, &report.buy_and_hold);
    let pair = |name: &str, of: &dyn Fn(&Metrics) -> String| json!([name, of(m), of(h)]);
    let metrics = json!([
        pair("Total return", &|m| percent(m.total_return, 2)),
        pair("Annual return (CAGR)", &|m| maybe_percent(m.cagr, 2)),
        pair(&report.symbol.in_unit("Final equity"), &|m| number(m.final_equity, 2)),
        pair("Maximum drawdown", &|m| percent(m.max_drawdown, 2)),
        pair("Longest drawdown, days", &|m| number(f64::from(m.max_drawdown_days), 0)),
        pair("Volatility, annual", &|m| maybe_percent(m.volatility, 2)),
        pair("Sharpe ratio", &|m| maybe_number(m.sharpe, 2)),
        pair("Sortino ratio", &|m| maybe_number(m.sortino, 2)),
        pair("Calmar ratio", &|m| maybe_number(m.calmar, 2)),
        ["Exposure".to_owned(), percent(m.exposure, 1), percent(report.hold_exposure, 1)],
    ]);
    let trading = json!([
        ["Trades", number(f64::from(m.trade_count), 0)],
        ["Winners", maybe_percent(m.win_rate, 1)],
        ["Average return", maybe_percent(m.average_trade, 2)],
        ["Best, worst", format!("{}, {}", maybe_percent(m.best_trade, 2), maybe_percent(m.worst_trade, 2))],
        ["Profit factor", maybe_number(m.profit_factor, 2)],
        ["Quality (SQN)", maybe_number(m.sqn, 2)],
        [report.symbol.in_unit("Fees paid"), number(m.fees_paid, 2)],
    ]);
    let x = &report.execution;
    let settings = json!([
        [report.symbol.in_unit("Initial investment"), number(x.initial_cash, 2)],
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
        json!([t.entry_date, t.exit_date, short_reason(t), percent(t.return_, 2), number(t.profit, 2)])
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
            json!([place.to_string(), f.peak, f.trough, recovery, percent(f.depth, 2), number(f64::from(f.days), 0)])
        })
        .collect();
    let spread = &report.distribution;
    json!({
        "kind": "Backtest report",
        "title": format!("Backtest of {}, {} to {}", report.symbol.title(), report.from, report.to),
        "headline": report.headline(),
        "subject": report.symbol.title(),
        "ticker": report.symbol.ticker,
        "date": date_of(&report.created_at),
        "span": format!(
            "{}, {} to {}, {} daily bars", report.symbol.title(), report.from, report.to, number(report.bars as f64, 0)
        ),
        "footer": footer(&report.id, &report.created_at),
        "description": report.description,
        "metrics": metrics,
        "trading": trading,
        "settings": settings,
        "drawdowns": drawdowns,
        "distribution": format!(
            "Of the days that moved, the mean is {}, the standard deviation {}, and one in twenty was below {}. \
             On {} days nothing moved, mostly because no shares were held.",
            percent(spread.mean, 3), percent(spread.deviation, 2), maybe_percent(spread.fifth_percentile, 2), spread.idle
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

/// In words that fit beside the name; the report's end says it in a sentence.
fn prices_row(adjustment: Adjustment) -> [&'static str; 2] {
    match adjustment {
        Adjustment::None => ["Prices", "as traded"],
        Adjustment::Splits => ["Prices adjusted for", "splits"],
        Adjustment::TotalReturn => ["Prices adjusted for", "splits and dividends"],
    }
}

fn day_of(moment: &str) -> &str {
    moment.get(..10).unwrap_or(moment)
}

fn footer(id: &str, created_at: &str) -> String {
    format!("Made {} · {id}", day_of(created_at))
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

/// Characters of a price that fit beside a date.
const ROOM_FOR_PRICE: usize = 9;

fn trade_row(t: &ReportTrade) -> Value {
    // Figure spaces are as wide as digits, so that figures without other marks stand under each other in one cell.
    let column = |text: String, width: usize| {
        let missing = width.saturating_sub(text.chars().count());
        "\u{2007}".repeat(missing) + &text
    };
    let plain = |value: f64, decimals: usize| number(value, decimals).replace(',', "");
    // Four decimals up to 9,999 shares; of more there is room for fewer.
    let decimals = 8_usize.saturating_sub(plain(t.shares, 0).len()).min(4);
    let shares = plain(t.shares, if t.shares.fract() == 0.0 { 0 } else { decimals });
    json!([
        number(t.number as f64, 0),
        [t.entry_date, price_within(t.entry_price, ROOM_FOR_PRICE)],
        [t.exit_date, price_within(t.exit_price, ROOM_FOR_PRICE)],
        [
            shares,
            column(plain(f64::from(t.days), 0), 6),
            column(plain(t.return_ * 100.0, 2), 9),
            column(plain(t.profit, 2), 12),
        ],
        reason(t),
    ])
}

fn evaluation_rows(e: &ReportEvaluation) -> Value {
    json!([
        ["Past forecasts", number(f64::from(e.origins), 0)],
        ["Days ahead, all counted", number(f64::from(e.horizon), 0)],
        ["Mean absolute error", percent(e.mae, 2)],
        ["The same for \"no change\"", percent(e.mae_naive, 2)],
        ["Skill (1 − ratio of the two)", percent(e.skill, 1)],
        ["Closes within the 80 % band", percent(e.coverage80, 1)],
        ["Closes within the 95 % band", percent(e.coverage95, 1)],
    ])
}

/// The same on the symbol's own history, with what the model had seen of it.
fn own_evaluation_rows(report: &PredictionReport) -> Value {
    let mut rows = evaluation_rows(&report.evaluation);
    if let (Some(fitted), Value::Array(rows)) = (report.fitted_origins.filter(|fitted| *fitted > 0), &mut rows) {
        rows.insert(1, json!(["Of these in data that it was fitted to", number(f64::from(fitted), 0)]));
    }
    rows
}

fn prediction_data(report: &PredictionReport) -> Value {
    let points: Vec<Value> = report
        .points
        .iter()
        .map(|p| {
            let actual = p.actual.map_or_else(|| "–".to_owned(), price);
            json!([
                p.date,
                price(p.lower95),
                price(p.lower80),
                price(p.value),
                price(p.upper80),
                price(p.upper95),
                actual
            ])
        })
        .collect();
    let outcome = report.outcome.as_ref().map_or_else(
        || json!([]),
        |o| {
            json!([
                ["Days that are over", number(f64::from(o.days), 0)],
                ["Mean absolute error", percent(o.mae, 2)],
                ["The same for \"no change\"", percent(o.mae_naive, 2)],
                ["Closes within the 80 % band", percent(o.coverage80, 1)],
                ["Closes within the 95 % band", percent(o.coverage95, 1)],
            ])
        },
    );
    let model = &report.model;
    let words = |feature: &String| feature.replace('_', " ");
    let features = if model.features.is_empty() {
        "none".to_owned()
    } else {
        model.features.iter().map(words).collect::<Vec<_>>().join(", ")
    };
    json!({
        "kind": "Prediction report",
        "title": format!("Forecast of {} from {}", report.symbol.title(), report.as_of),
        "headline": report.headline(),
        "subject": report.symbol.title(),
        "ticker": report.symbol.ticker,
        "date": date_of(&report.created_at),
        "span": format!(
            "{}, {} trading days from {}, {} at the last close", report.symbol.title(), report.points.len(),
            report.as_of, format!("{} {}", price(report.close), report.symbol.unit()).trim_end()
        ),
        "footer": footer(&report.id, &report.created_at),
        "verdict": report.verdict,
        "evaluation": own_evaluation_rows(report),
        "unseen": model.evaluation.as_ref().map_or_else(|| json!([]), evaluation_rows),
        "points": points,
        "outcome": outcome,
        "model": [
            ["Name", format!("{} (version {})", model.name, model.version)],
            ["Trained on", model.trained_on.clone()],
            ["Features", features],
        ],
        "notes": model.notes,
        "about": format!(
            "Made on {} from version {} of {}'s prices, adjusted for splits and, where the provider does so, for \
             dividends. Errors are shares of the close that a forecast was made from. {}",
            day_of(&report.created_at), report.data_version, report.symbol.ticker, report.what_was_known()
        ),
        "disclaimer": report.disclaimer,
    })
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
}
