//! Bars, series and indicators.

use std::ops::Range;
use std::sync::Arc;

use async_graphql::parser::types::Field;
use async_graphql::{Context, InputObject, Object, OneofObject, Result, SimpleObject};

use super::column::{Column, Gap};
use super::errors::bad_input;
use super::limits::{Budget, Room};
use super::record::{Plan, Record, Writer, date, json};
use super::scalars::{BigInt, Date};
use crate::market::adjustment::adjusted_close;
use crate::market::calendar::DayRange;
use crate::market::resample::resample;
use crate::market::{Adjustment, Bar, Columns, Dividend, Interval, Operand, PriceField, Series, Split as SplitRow};

/// One trading day, week or month of a symbol. Prices are in the symbol's currency.
#[derive(Debug, Clone, SimpleObject)]
pub struct PriceBar {
    /// The trading day; of a week or month, its last one.
    pub date: Date,
    /// First price, as traded.
    pub open: f64,
    /// Highest price, as traded.
    pub high: f64,
    /// Lowest price, as traded.
    pub low: f64,
    /// Last price, as traded.
    pub close: f64,
    /// Last price adjusted for later splits, and for dividends where the provider does so.
    pub adjusted_close: f64,
    /// Shares traded.
    pub volume: BigInt,
}

impl PriceBar {
    pub(super) fn new(bar: &Bar, splits: &[SplitRow], dividends: &[Dividend], provided_until: Option<i32>) -> Self {
        Self {
            date: Date(bar.day),
            open: bar.open,
            high: bar.high,
            low: bar.low,
            close: bar.close,
            adjusted_close: adjusted_close(bar, splits, dividends, provided_until),
            volume: BigInt(bar.volume),
        }
    }

    pub(super) fn of_columns(columns: &Columns, adjusted_close: f64, i: usize) -> Self {
        Self {
            date: Date(columns.days[i]),
            open: columns.open[i],
            high: columns.high[i],
            low: columns.low[i],
            close: columns.close[i],
            adjusted_close,
            volume: BigInt(columns.volume[i]),
        }
    }
}

impl Record for PriceBar {
    fn field<'q>(field: &'q Field, _: Plan<'q>) -> Option<Writer<'q, Self>> {
        Some(match field.name.node.as_str() {
            "date" => Box::new(|bar, out| date(out, Some(bar.date.0))),
            "open" => Box::new(|bar, out| json(out, &bar.open)),
            "high" => Box::new(|bar, out| json(out, &bar.high)),
            "low" => Box::new(|bar, out| json(out, &bar.low)),
            "close" => Box::new(|bar, out| json(out, &bar.close)),
            "adjustedClose" => Box::new(|bar, out| json(out, &bar.adjusted_close)),
            "volume" => Box::new(|bar, out| json(out, &bar.volume)),
            _ => return None,
        })
    }

    fn is_sound(&self) -> bool {
        self.volume.beyond().is_none()
    }
}

/// A change of the number of shares.
#[derive(Debug, Clone, SimpleObject)]
pub struct Split {
    /// The first day that trades at the new price.
    pub date: Date,
    /// New shares for an old one: 4 is a 4:1 split.
    pub ratio: f64,
    /// Found in the prices rather than named by the provider.
    pub detected: bool,
}

impl From<SplitRow> for Split {
    fn from(split: SplitRow) -> Self {
        Self { date: Date(split.day), ratio: split.ratio, detected: split.detected }
    }
}

/// A stretch of dates, both ends included.
#[derive(Debug, Clone, SimpleObject)]
pub struct DateRange {
    /// The first date of the stretch.
    pub from: Date,
    /// The last date of the stretch.
    pub to: Date,
}

impl From<DayRange> for DateRange {
    fn from(range: DayRange) -> Self {
        Self { from: Date(range.from), to: Date(range.to) }
    }
}

/// Columns of equal length, oldest first: one array each, for charts and notebooks.
pub struct PriceSeries {
    /// The history in this view, so that indicators are warm at the range's start.
    history: History,
    range: Range<usize>,
    /// The range's weeks or months: the first has no days from before the range, which the history's has.
    cut: Option<Columns>,
    chart_url: String,
    /// What the history takes.
    _room: Option<Room>,
}

/// Bars as they are kept, which others share, or a view of them.
enum History {
    Kept(Arc<Series>),
    Made(Columns),
}

impl std::ops::Deref for History {
    type Target = Columns;

    fn deref(&self) -> &Columns {
        match self {
            Self::Kept(series) => &series.raw,
            Self::Made(columns) => columns,
        }
    }
}

impl PriceSeries {
    /// A view of a symbol's series, in the room that it takes until all columns are written.
    pub(super) fn new(
        series: Arc<Series>,
        from: Option<Date>,
        to: Option<Date>,
        interval: Interval,
        adjustment: Adjustment,
        chart_url: String,
        room: Option<Room>,
    ) -> Self {
        let days = series.range(from.map(|d| d.0), to.map(|d| d.0));
        if interval == Interval::Day {
            let history = if series.is_moved_by(adjustment) {
                History::Made(series.view(adjustment, 0..series.raw.len()))
            } else {
                History::Kept(series)
            };
            return Self { history, range: days, cut: None, chart_url, _room: room };
        }
        // Days are cut first, as those of a list of bars are: nothing from outside is in a bar.
        let history = resample(series.view(adjustment, 0..days.end), interval).0;
        if days.start == 0 {
            return Self {
                range: 0..history.len(),
                history: History::Made(history),
                cut: None,
                chart_url,
                _room: room,
            };
        }
        let cut = resample(series.view(adjustment, days), interval).0;
        let range = history.len() - cut.len()..history.len();
        Self { history: History::Made(history), range, cut: Some(cut), chart_url, _room: room }
    }

    /// The bars that are shown.
    fn shown(&self) -> (&Columns, Range<usize>) {
        match &self.cut {
            Some(cut) => (cut, 0..cut.len()),
            None => (&*self.history, self.range.clone()),
        }
    }

    fn floats(&self, column: impl Fn(&Columns) -> &[f64]) -> Column<f64> {
        let (bars, range) = self.shown();
        Column(column(bars)[range].to_vec())
    }
}

/// Columns of equal length, oldest first: one array each, for charts and notebooks.
#[Object]
impl PriceSeries {
    /// How many bars there are.
    async fn length(&self) -> i32 {
        i32::try_from(self.range.len()).unwrap_or(i32::MAX)
    }

    /// Trading days; of weeks and months, their last ones.
    async fn dates(&self) -> Column<Date> {
        let (bars, range) = self.shown();
        Column(bars.days[range].iter().copied().map(Date).collect())
    }

    /// First prices.
    async fn open(&self) -> Column<f64> {
        self.floats(|bars| &bars.open)
    }

    /// Highest prices.
    async fn high(&self) -> Column<f64> {
        self.floats(|bars| &bars.high)
    }

    /// Lowest prices.
    async fn low(&self) -> Column<f64> {
        self.floats(|bars| &bars.low)
    }

    /// Last prices.
    async fn close(&self) -> Column<f64> {
        self.floats(|bars| &bars.close)
    }

    /// Shares traded, never adjusted.
    async fn volume(&self) -> Column<BigInt> {
        let (bars, range) = self.shown();
        Column(bars.volume[range].iter().copied().map(BigInt).collect())
    }

    /// Where a chart of these closes is, as SVG; `&theme=dark` makes it a dark one.
    async fn chart_url(&self) -> &str {
        &self.chart_url
    }

    /// An indicator with TA-Lib's conventions, null where its window isn't full. It sees the bars before `from`, too,
    /// and the whole of a week or month that `from` is in.
    async fn indicator(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to compute.")] by: OperandInput,
    ) -> Result<Column<Gap>> {
        let operand = Operand::try_from(by).map_err(bad_input)?;
        if let Some(budget) = ctx.data_opt::<Budget>() {
            budget.compute(self.history.len()).await?;
        }
        // A price is the shown bar's own.
        let is_price = matches!(operand, Operand::Price(_));
        let (bars, range) = if is_price { self.shown() } else { (&*self.history, self.range.clone()) };
        let values = operand.values(bars);
        Ok(Column(values[range].iter().copied().map(Gap).collect()))
    }
}

/// A value for every bar: a price, a number, or an indicator of the close with TA-Lib's conventions. Windows count bars.
#[derive(Debug, Clone, OneofObject)]
pub enum OperandInput {
    /// One of the bar's prices.
    Price(PriceField),
    /// The same number on every bar.
    Constant(f64),
    /// Simple moving average.
    Sma(i32),
    /// Exponential moving average.
    Ema(i32),
    /// Wilder's relative strength index, 0 to 100.
    Rsi(i32),
    /// Lower Bollinger band.
    BollingerLower(BandInput),
    /// Upper Bollinger band.
    BollingerUpper(BandInput),
    /// Moving average convergence/divergence.
    Macd(MacdInput),
    /// The signal line of MACD.
    MacdSignal(MacdInput),
    /// Highest close of the window.
    Highest(i32),
    /// Lowest close of the window.
    Lowest(i32),
    /// Wilder's average true range.
    Atr(i32),
}

/// A Bollinger band.
#[derive(Debug, Clone, InputObject)]
pub struct BandInput {
    /// Bars in the average.
    #[graphql(default = 20)]
    pub window: i32,
    /// Population standard deviations from the average.
    #[graphql(default = 2.0)]
    pub deviations: f64,
}

/// The three windows of MACD.
#[derive(Debug, Clone, InputObject)]
pub struct MacdInput {
    /// Bars in the fast average.
    #[graphql(default = 12)]
    pub fast: i32,
    /// Bars in the slow average.
    #[graphql(default = 26)]
    pub slow: i32,
    /// Bars in the signal's average.
    #[graphql(default = 9)]
    pub signal: i32,
}

impl TryFrom<OperandInput> for Operand {
    type Error = String;

    fn try_from(input: OperandInput) -> Result<Self, String> {
        // A negative window is as wrong as zero, and is named as such.
        let n = |window: i32| usize::try_from(window).unwrap_or(0);
        let operand = match input {
            OperandInput::Price(field) => Self::Price(field),
            OperandInput::Constant(value) => Self::Constant(value),
            OperandInput::Sma(w) => Self::Sma(n(w)),
            OperandInput::Ema(w) => Self::Ema(n(w)),
            OperandInput::Rsi(w) => Self::Rsi(n(w)),
            OperandInput::BollingerLower(b) => Self::BollingerLower { window: n(b.window), deviations: b.deviations },
            OperandInput::BollingerUpper(b) => Self::BollingerUpper { window: n(b.window), deviations: b.deviations },
            OperandInput::Macd(m) => Self::Macd { fast: n(m.fast), slow: n(m.slow), signal: n(m.signal) },
            OperandInput::MacdSignal(m) => Self::MacdSignal { fast: n(m.fast), slow: n(m.slow), signal: n(m.signal) },
            OperandInput::Highest(w) => Self::Highest(n(w)),
            OperandInput::Lowest(w) => Self::Lowest(n(w)),
            OperandInput::Atr(w) => Self::Atr(n(w)),
        };
        operand.validate()?;
        Ok(operand)
    }
}
