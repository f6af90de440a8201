//! What the template of a prediction's report is given.

use serde_json::{Value, json};

use super::PredictionReport;
use super::prediction::ReportEvaluation;
use super::text::{breakable, counted, date_of, day_of, footer, number, percent, price, price_within};

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

/// Digits of a price that fit in a column of the days' table.
const IN_DAYS: f64 = 10.5;
/// What the name of a page's subject may take of the line above it, as a multiple of its letters' size.
const RUNNING_HEAD: f64 = 53.0;

pub(super) fn data(report: &PredictionReport) -> Value {
    let points: Vec<Value> = report
        .points
        .iter()
        .map(|p| {
            let price = |value: f64| price_within(value, IN_DAYS);
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
        "subject": report.symbol.title_within(RUNNING_HEAD),
        "ticker": report.symbol.ticker,
        "date": date_of(&report.created_at),
        "span": format!(
            "{}, {} from {}, {} at the last close", breakable(&report.symbol.title()),
            counted(report.points.len(), "trading day"), report.as_of,
            format!("{} {}", price(report.close), report.symbol.unit()).trim_end()
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
