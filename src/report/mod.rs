//! Reports of stored research: charts, PDF and JSON. Pure functions of what was stored; nothing here reads a database,
//! and nothing that is rendered is kept.

mod analysis;
mod backtest;
pub mod chart;
mod pdf;
mod prediction;
mod text;

pub use analysis::{Distribution, Fall, Rolling, Year};
pub use backtest::{BacktestReport, BacktestSource};
pub use chart::{DrawError, Look, Theme};
pub use pdf::{PdfError, Printer};
pub use prediction::{PredictionReport, PredictionSource};

/// Grows with every change of what a report of the same object looks like.
pub const REPORT_VERSION: u32 = 1;

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

    /// The unit of its prices.
    fn unit(&self) -> String {
        self.unit.clone().unwrap_or_else(|| "price".to_owned())
    }
}
