//! Reports as PDF: typst templates with the fonts inside the binary, tagged for screen readers, and the same bytes for
//! the same report.

use rayon::prelude::*;
use serde_json::{Value, json};
use typst::foundations::{Bytes, Smart};
use typst_pdf::{PdfOptions, PdfStandard, PdfStandards};

use super::chart::{self, DrawError, Look};
use super::fonts::FONTS;
use super::press::{Press, sentences};
use super::text::printable;
use super::{BacktestReport, PredictionReport, backtest_pages, prediction_pages};

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

/// Sets reports; built once, as parsing the fonts takes a while.
pub struct Printer {
    press: Press,
}

/// Draws a picture of a report as SVG.
type Draw<R> = dyn Fn(&R, Look) -> Result<String, DrawError> + Send + Sync;

/// A chart of a report: its name in the template, and how it's drawn.
struct Chart<R> {
    name: String,
    draw: Box<Draw<R>>,
    look: Look,
}

impl<R> Chart<R> {
    fn new(
        name: impl Into<String>,
        draw: impl Fn(&R, Look) -> Result<String, DrawError> + Send + Sync + 'static,
        look: Look,
    ) -> Self {
        Self { name: name.into(), draw: Box::new(draw), look }
    }
}

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
        // A picture isn't broken over pages: the years of a long history are several.
        let mut charts: Vec<Chart<BacktestReport>> = chart::sheets_of_years(report)
            .map(|years| {
                let name = format!("monthly-{}", years.start);
                Chart::new(
                    name,
                    move |report: &BacktestReport, look| chart::monthly_of(report, years.clone(), look),
                    look,
                )
            })
            .collect();
        let mut data = backtest_pages::data(report);
        data["monthly"] = charts.iter().map(|chart| chart.name.as_str()).collect();
        charts.extend([
            Chart::new("equity", chart::equity, look),
            Chart::new("price", chart::price, look),
            Chart::new("drawdown", chart::drawdown, look),
            Chart::new("rolling", chart::rolling, look),
            Chart::new("distribution", chart::distribution, look),
        ]);
        self.set("backtest.typ", &report.id, data, report, &charts)
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
            Chart::new("fan", chart::fan, look),
            Chart::new("errors", chart::error_by_day, half),
            Chart::new("coverage", chart::coverage, half),
            Chart::new("actual", chart::what_happened, look),
        ];
        self.set("prediction.typ", &report.id, prediction_pages::data(report), report, &charts)
    }

    fn set<R: Sync>(
        &self,
        template: &str,
        id: &str,
        mut data: Value,
        report: &R,
        charts: &[Chart<R>],
    ) -> Result<Vec<u8>, PdfError> {
        let draw = |chart: &Chart<R>| -> Result<_, DrawError> {
            let svg = printable(&(chart.draw)(report, chart.look)?);
            // What a screen reader says of the picture is what it says in the browser.
            let text = svg.split_once("<desc id=\"d\">").and_then(|(_, rest)| rest.split_once("</desc>"));
            let text = text.map_or("", |(text, _)| text).to_owned();
            Ok((chart.name.clone(), text, self.press.picture(&chart.name, &svg)))
        };
        let drawn = charts.par_iter().with_max_len(1).map(draw).collect::<Result<Vec<_>, _>>()?;
        make_printable(&mut data);
        data["alt"] = json!({});
        let mut files = Vec::with_capacity(drawn.len() + 1);
        for (name, text, file) in drawn {
            data["alt"][name.as_str()] = text.into();
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
