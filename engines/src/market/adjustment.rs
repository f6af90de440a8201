//! Prices as traded, or comparable over the years: adjusted for splits, and for dividends.

use serde::{Deserialize, Serialize};

use super::bar::Bar;
use super::day::Day;
use super::exact::{product, quotient};
use super::names::names;
use super::splits::Split;

/// What prices are adjusted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, async_graphql::Enum)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Adjustment {
    /// Nothing: prices as traded.
    None,
    /// Splits, bonus shares, consolidations and rights: a share of today all along.
    Splits,
    /// Those, and dividends as if each had bought more of the share at the close before its ex-date.
    TotalReturn,
}

names!(Adjustment { None => "NONE", Splits => "SPLITS", TotalReturn => "TOTAL_RETURN" });

impl Adjustment {
    /// The adjustment of a stored run: the one it names, or what "adjusted" means of a symbol, whose provider's closes may be.
    #[must_use]
    pub fn stored(name: Option<&str>, adjusted: bool, provided_until: Option<Day>) -> Self {
        let usual = match (adjusted, provided_until) {
            (false, _) => Self::None,
            (true, Some(_)) => Self::TotalReturn,
            (true, None) => Self::Splits,
        };
        name.and_then(Self::of).unwrap_or(usual)
    }

    /// In words that follow "prices".
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::None => "as traded",
            Self::Splits => "adjusted for splits",
            Self::TotalReturn => "adjusted for splits and dividends",
        }
    }
}

/// A dividend that the prices show.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Dividend {
    /// The first day that trades without it.
    pub day: Day,
    /// Money a share, in the symbol's currency.
    pub amount: f64,
    /// What earlier prices are multiplied by: 1 less the amount's share of the close before.
    pub factor: f64,
}

impl Dividend {
    /// A dividend by the close before its ex-date; `None` where it's no part of it.
    #[must_use]
    pub fn new(day: Day, amount: f64, previous_close: f64) -> Option<Self> {
        let factor = 1.0 - amount / previous_close;
        (amount > 0.0 && factor > 0.0 && factor < 1.0).then_some(Self { day, amount, factor })
    }
}

/// What a close is multiplied by, looking at what happened after it; days are asked for from the latest to the earliest.
pub(super) struct Factors<'a> {
    splits: &'a [Split],
    dividends: &'a [Dividend],
    ratio: f64,
    paid: f64,
}

impl<'a> Factors<'a> {
    pub(super) fn new(splits: &'a [Split], dividends: &'a [Dividend]) -> Self {
        Self { splits, dividends, ratio: 1.0, paid: 1.0 }
    }

    /// Takes in what happened after a day.
    fn look_back_to(&mut self, day: Day) {
        while let Some((last, earlier)) = self.splits.split_last().filter(|(last, _)| last.day > day) {
            self.ratio = product(self.ratio, last.ratio);
            self.splits = earlier;
        }
        while let Some((last, earlier)) = self.dividends.split_last().filter(|(last, _)| last.day > day) {
            self.paid *= last.factor;
            self.dividends = earlier;
        }
    }

    /// An adjusted price of a day; one that nothing came after stays as it is, to the last digit.
    pub(super) fn apply(&mut self, day: Day, price: f64) -> f64 {
        self.look_back_to(day);
        let split = if self.ratio == 1.0 { price } else { quotient(price, self.ratio) };
        if self.paid == 1.0 { split } else { split * self.paid }
    }

    /// What the prices of a day are divided by, if splits alone came after it.
    pub(super) fn divisor(&mut self, day: Day) -> Option<f64> {
        self.look_back_to(day);
        (self.paid == 1.0).then_some(self.ratio)
    }
}

/// One bar's adjusted close, as [`adjusted_closes`] has it; `provided_until` is the day of the provider's last word.
#[must_use]
pub fn adjusted_close(bar: &Bar, splits: &[Split], dividends: &[Dividend], provided_until: Option<Day>) -> f64 {
    let adjusting = Adjusting { splits, dividends, provided_until };
    adjusting.close(bar.day, bar.close, bar.adjusted_close)
}

/// What a symbol's closes are adjusted by, one close at a time.
#[derive(Debug, Clone, Copy)]
pub struct Adjusting<'a> {
    pub splits: &'a [Split],
    pub dividends: &'a [Dividend],
    /// The day of the provider's last word.
    pub provided_until: Option<Day>,
}

impl Adjusting<'_> {
    /// A day's adjusted close; `provided` is the provider's.
    #[must_use]
    pub fn close(&self, day: Day, close: f64, provided: Option<f64>) -> f64 {
        if let Some(provided) = provided {
            return Factors::new(self.splits, self.dividends).apply(self.provided_until.unwrap_or(day), provided);
        }
        let paid = later_dividends(self.dividends, self.provided_until.is_some());
        Factors::new(self.splits, paid).apply(day, close)
    }
}

/// What closes without a provider's figure are adjusted for beside splits: dividends, too, where other closes of the
/// series have the provider's. Else the series would jump by every dividend that came after the provider's last word.
fn later_dividends(dividends: &[Dividend], any_provided: bool) -> &[Dividend] {
    if any_provided { dividends } else { &[] }
}

/// The close of every bar adjusted to the newest one: the provider's figure where there is one, scaled by splits and
/// dividends that came after the provider's last adjusted close; elsewhere the raw close divided by every later split,
/// and less every later dividend if the provider has adjusted any bar.
#[must_use]
pub fn adjusted_closes(
    days: &[Day],
    close: &[f64],
    provided: &[Option<f64>],
    splits: &[Split],
    dividends: &[Dividend],
) -> Vec<f64> {
    let last = provided.iter().rposition(Option::is_some);
    let provided_until = last.and_then(|last| days.get(last)).copied().unwrap_or(Day::MAX);
    let mut since = Factors::new(splits, dividends);
    let mut later = Factors::new(splits, later_dividends(dividends, last.is_some()));
    let mut adjusted = close.to_vec();
    for (i, close) in adjusted.iter_mut().enumerate().rev() {
        *close = match provided.get(i).copied().flatten() {
            Some(provided) => since.apply(provided_until, provided),
            None => later.apply(days[i], *close),
        };
    }
    adjusted
}
