//! What an import would read, shown before anything is stored.

use crate::app::App;
use crate::ingest;
use crate::market::{Bar, DateOrder, Day};
use crate::providers::files::{self, Column, Options};
use crate::request::{RequestError, normalise_ticker};

/// Bars shown.
const ROWS: usize = 10;
/// Flagged rows named, the others are counted.
const FLAWS: usize = 20;

/// A file as it would be read.
#[derive(Debug)]
pub struct Preview {
    pub format: &'static str,
    pub columns: Vec<Column>,
    pub date_order: Option<DateOrder>,
    pub first: Option<Day>,
    pub last: Option<Day>,
    pub row_count: usize,
    pub adjusted: Option<bool>,
    pub doubts: Vec<String>,
    pub bars: Vec<Bar>,
}

/// Reads a file as an import would.
///
/// # Errors
/// When the ticker is malformed, or the file can't be read.
pub async fn preview_import(app: &App, content: Vec<u8>, mut options: Options) -> Result<Preview, RequestError> {
    let ticker = normalise_ticker(&options.ticker)?;
    options.ticker.clone_from(&ticker);
    let stored = app.store.symbols().by_ticker(&ticker).await?.map_or(0, |symbol| symbol.bar_count);
    let today = ingest::today(crate::market::Exchange::Other);
    let unusable = |e: crate::providers::ProviderError| RequestError::invalid("file", e.to_string());
    let read = tokio::task::spawn_blocking(move || {
        let file = files::read(&content, &options).map_err(unusable)?;
        let mut doubts = file.notes.clone();
        let mut bars = Vec::new();
        if let Some(why) = &file.undecided {
            doubts.push(why.clone());
        } else {
            let parsed = ingest::parse(&file.batch().map_err(unusable)?, &ticker, today).map_err(unusable)?;
            let flaw = |issue: &crate::store::NewIssue| {
                format!("{}: {} {}", issue.record, issue.field.as_deref().unwrap_or_default(), issue.reason)
            };
            doubts.extend(parsed.issues.iter().take(FLAWS).map(flaw));
            if parsed.issues.len() > FLAWS {
                doubts.push(format!("{} more rows would be left out", parsed.issues.len() - FLAWS));
            }
            bars = parsed.bars;
        }
        if stored > 0 && file.adjusted == Some(true) {
            doubts.push(format!(
                "{ticker} has {stored} bars already; if they are prices as traded, these adjusted ones don't belong over them"
            ));
        }
        Ok::<_, RequestError>(Preview {
            format: file.format,
            columns: file.columns,
            date_order: file.date_order,
            first: bars.first().map(|bar| bar.day),
            last: bars.last().map(|bar| bar.day),
            row_count: bars.len(),
            adjusted: file.adjusted,
            doubts,
            bars: bars.into_iter().take(ROWS).collect(),
        })
    });
    read.await?
}
