//! What a model tells of its making: what it was fitted to, how, and whether that is any good.

use super::artifact::{Artifact, Card, CardSymbol};
use super::evaluation::Evaluation;
use crate::market::{Columns, day};

impl Card {
    /// Of a model that was fitted to these symbols' bars and shrunk by these factors: the whole of its predictions, and
    /// what sets them apart from their mean.
    pub(super) fn of(of: &[(String, Columns)], shrinkage: f64, slope: f64, evaluation: Evaluation) -> Self {
        let symbols: Vec<CardSymbol> = of
            .iter()
            .map(|(ticker, columns)| CardSymbol {
                ticker: ticker.clone(),
                from: columns.days.first().map(|&d| day::iso(d)).unwrap_or_default(),
                to: columns.days.last().map(|&d| day::iso(d)).unwrap_or_default(),
                bars: columns.len(),
            })
            .collect();
        let from = symbols.iter().map(|s| s.from.as_str()).min().unwrap_or_default();
        let to = symbols.iter().map(|s| s.to.as_str()).max().unwrap_or_default();
        let tickers: Vec<&str> = symbols.iter().map(|s| s.ticker.as_str()).collect();
        let trained_on = format!("Daily bars of {} from {from} to {to}", tickers.join(", "));
        let skill = evaluation.skill() * 100.0;
        let verdict = if skill < 0.0 {
            format!("It lost to \"no change\" on unseen data by {:.1} % and is not made the default.", -skill)
        } else {
            format!("On unseen data its mean absolute error is {skill:.1} % below that of \"no change\".")
        };
        let notes = vec![
            verdict,
            format!(
                "Predictions are shrunk to {shrinkage} of what was fitted, and what sets them apart from their mean to \
                 {slope} of it again; both were chosen by cross-validation over blocks of time."
            ),
            "Tested by rolling origin, a symbol at a time, on a fit without that symbol and before those days."
                .to_owned(),
            "Daily closes are close to unpredictable: the band matters more than the centre.".to_owned(),
        ];
        Self { trained_on, symbols, notes }
    }
}

impl Artifact {
    /// Whether it lost to "no change" on data that it had not seen.
    #[must_use]
    pub fn lost(&self) -> bool {
        self.evaluation.is_some_and(|evaluation| evaluation.skill() < 0.0)
    }
}
