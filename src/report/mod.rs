//! Reports of stored research: charts, PDF and JSON. Pure functions of what was stored; nothing here reads a database,
//! and nothing that is rendered is kept.

mod analysis;
mod backtest;
mod backtest_pages;
pub mod chart;
mod fonts;
mod holding;
mod pdf;
mod prediction;
mod prediction_pages;
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
pub const LOOKS_VERSION: u32 = 6;

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
        self.printed_name().map_or_else(|| self.ticker.clone(), |name| format!("{name} ({})", self.ticker))
    }

    /// The same on a line as wide as so many times its letters' size: of a long name the beginning.
    fn title_within(&self, room: f64) -> String {
        let width = |text: &str| text.chars().map(fonts::advance).sum::<f64>();
        let whole = self.title();
        if width(&whole) <= room {
            return whole;
        }
        let ending = format!("… ({})", self.ticker);
        let mut left = room - width(&ending);
        let begins = |c: &char| {
            left -= fonts::advance(*c);
            left >= 0.0
        };
        let beginning: String = self.printed_name().unwrap_or_default().chars().take_while(begins).collect();
        format!("{}{ending}", beginning.trim_end())
    }

    /// The name as the font can show it, if anything is left of it.
    fn printed_name(&self) -> Option<String> {
        self.name.as_deref().map(text::printable).filter(|name| name.contains(char::is_alphanumeric))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str) -> Subject {
        let (ticker, name) = ("ACME.NSE".to_owned(), Some(name.to_owned()));
        Subject { ticker, name, exchange: "NSE".to_owned(), currency: None, unit: None }
    }

    #[test]
    fn a_name_without_a_letter_of_the_fonts_is_left_out() {
        assert_eq!(named("नमस्ते 日本").title(), "nmste RiBen (ACME.NSE)");
        assert_eq!(named("\u{f0000}\u{10ffff}").title(), "ACME.NSE");
    }

    #[test]
    fn a_long_name_ends_before_the_line_does() {
        assert_eq!(named("Acme Works").title_within(53.0), "Acme Works (ACME.NSE)");
        let long = named(&"W".repeat(200)).title_within(53.0);
        assert!(long.starts_with("WWWW") && long.ends_with("W… (ACME.NSE)"), "{long}");
        assert!((45..60).contains(&long.chars().count()), "{long}");
    }
}
