//! Reports of stored research: charts, PDF and JSON. Pure functions of what was stored; nothing here reads a database,
//! and nothing that is rendered is kept.

mod analysis;
mod backtest;
pub mod chart;
mod fonts;
mod pdf;
mod prediction;
mod press;
mod text;

pub use analysis::{Distribution, Fall, Rolling, Year};
pub use backtest::{BacktestReport, BacktestSource};
pub use chart::{DrawError, Look, Theme};
pub use pdf::{PdfError, Printer};
pub use prediction::{PredictionReport, PredictionSource};

/// Of the JSON: grows with every change that a reader of the last version can't read.
pub const REPORT_VERSION: u32 = 1;
/// Grows with every change of what a report or a chart of the same object looks like.
pub const LOOKS_VERSION: u32 = 5;

/// What every report ends with.
const DISCLAIMER: &str = "This report describes what a rule or a model would have done or expects, computed from the \
    data named here. It is no investment advice. Past results say little about future ones; prices, fees and the order \
    of events in a trading day are simplified.";

/// Whom a report is about.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Subject {
    pub ticker: String,
    pub name: Option<String>,
    pub exchange: String,
    /// ISO 4217 code.
    pub currency: Option<String>,
    /// What prices and money are stated in: `GBP`, `GBP/100`.
    pub unit: Option<String>,
}

impl Subject {
    /// The name with the ticker, or the ticker alone.
    #[must_use]
    pub fn title(&self) -> String {
        self.name.as_ref().map_or_else(|| self.ticker.clone(), |name| format!("{name} ({})", self.ticker))
    }

    /// The unit of its prices; empty where it isn't known.
    fn unit(&self) -> &str {
        self.unit.as_deref().unwrap_or_default()
    }

    /// Something counted in that unit: "Final equity, USD".
    fn in_unit(&self, name: &str) -> String {
        self.unit.as_ref().map_or_else(|| name.to_owned(), |unit| format!("{name}, {unit}"))
    }
}
