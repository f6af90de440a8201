//! A prediction's report: everything that its PDF and its JSON show.

use serde::Serialize;

use super::{DISCLAIMER, Subject, text};
use crate::forecast::{DayRecord, Evaluation, ModelInfo, ModelKind, Outcome, Point, Record, verdict};
use crate::market::{Day, day};

/// What a report is made from: the stored object, and what is known by now.
#[derive(Debug, Clone)]
pub struct PredictionSource {
    pub id: String,
    pub subject: Subject,
    pub model: ModelInfo,
    pub as_of: Day,
    pub close: f64,
    pub data_version: i32,
    pub created_at: String,
    pub points: Vec<Point>,
    pub actuals: Vec<Option<f64>>,
    pub evaluation: Evaluation,
    /// How many of the evaluation's origins lie in data that the model was fitted to, where that's known.
    pub fitted_origins: Option<u32>,
    pub record: Record,
    pub outcome: Option<Outcome>,
    /// Days and closes up to the origin, in the prediction's prices.
    pub recent: Vec<(Day, f64)>,
}

/// A prediction as a report shows it; its JSON is stable within a version.
#[derive(Debug, Clone, Serialize)]
pub struct PredictionReport {
    pub schema: &'static str,
    pub version: u32,
    pub id: String,
    pub created_at: String,
    pub symbol: Subject,
    pub as_of: String,
    pub close: f64,
    pub data_version: i32,
    pub verdict: String,
    pub model: ReportModel,
    pub evaluation: ReportEvaluation,
    /// How many of its origins lie in data that the model was fitted to, where that's known.
    pub fitted_origins: Option<u32>,
    /// The same a day ahead each; empty for predictions from before it was kept.
    pub by_day: Vec<DayRecord>,
    /// Where the skill lies nineteen times in twenty.
    pub skill_range: Option<(f64, f64)>,
    pub outcome: Option<ReportOutcome>,
    pub points: Vec<ReportPoint>,
    pub disclaimer: &'static str,
    #[serde(skip)]
    pub(super) origin: Day,
    #[serde(skip)]
    pub(super) days: Vec<Day>,
    #[serde(skip)]
    pub(super) recent: Vec<(Day, f64)>,
}

/// The model's card.
#[derive(Debug, Clone, Serialize)]
pub struct ReportModel {
    pub name: String,
    pub version: String,
    pub kind: ModelKind,
    pub trained_on: String,
    pub features: Vec<String>,
    /// On data that it was not fitted to.
    pub evaluation: Option<ReportEvaluation>,
    pub notes: Vec<String>,
}

/// How a model has done.
#[derive(Debug, Clone, Serialize)]
pub struct ReportEvaluation {
    pub origins: u32,
    pub horizon: u32,
    pub mae: f64,
    pub mae_naive: f64,
    pub skill: f64,
    pub coverage80: f64,
    pub coverage95: f64,
}

impl From<Evaluation> for ReportEvaluation {
    fn from(e: Evaluation) -> Self {
        Self {
            origins: e.origins,
            horizon: e.horizon,
            mae: e.mae,
            mae_naive: e.mae_naive,
            skill: e.skill(),
            coverage80: e.coverage80,
            coverage95: e.coverage95,
        }
    }
}

/// How the prediction has turned out so far.
#[derive(Debug, Clone, Serialize)]
pub struct ReportOutcome {
    pub days: u32,
    pub mae: f64,
    pub mae_naive: f64,
    pub coverage80: f64,
    pub coverage95: f64,
}

/// One day.
#[derive(Debug, Clone, Serialize)]
pub struct ReportPoint {
    pub date: String,
    pub value: f64,
    pub lower80: f64,
    pub upper80: f64,
    pub lower95: f64,
    pub upper95: f64,
    pub actual: Option<f64>,
}

impl PredictionReport {
    /// Where most closes are expected on the last day, in a sentence.
    #[must_use]
    pub fn headline(&self) -> String {
        let ratio = |price: f64| price / self.close.max(f64::MIN_POSITIVE) - 1.0;
        let (low, high) = self.points.last().map_or((0.0, 0.0), |last| (ratio(last.lower80), ratio(last.upper80)));
        format!(
            "In {}, 4 of 5 closes {} the last one",
            text::counted(self.points.len(), "trading day"),
            between(low, high)
        )
    }

    /// What the past forecasts were made from, in sentences.
    pub(super) fn what_was_known(&self) -> String {
        let mut text = known(self.model.kind, self.fitted_origins, self.evaluation.origins);
        if self.model.evaluation.is_some() {
            text += " On data the model had not seen, coverage is of bands that were fitted for that test.";
        }
        text
    }

    /// Works out what a report shows.
    #[must_use]
    pub fn new(source: PredictionSource) -> Self {
        let PredictionSource { model, points, actuals, .. } = source;
        let notes = model
            .card
            .as_deref()
            .and_then(|card| serde_json::from_str::<serde_json::Value>(card).ok())
            .and_then(|card| {
                Some(card.get("notes")?.as_array()?.iter().filter_map(|n| Some(n.as_str()?.to_owned())).collect())
            })
            .unwrap_or_default();
        Self {
            schema: "prospectus-prediction-report",
            version: super::REPORT_VERSION,
            id: source.id,
            created_at: source.created_at,
            symbol: source.subject,
            as_of: day::iso(source.as_of),
            close: source.close,
            data_version: source.data_version,
            verdict: verdict(&source.evaluation, &source.record),
            model: ReportModel {
                name: model.name,
                version: model.version,
                kind: model.kind,
                trained_on: model.trained_on,
                features: model.features,
                evaluation: model.evaluation.map(ReportEvaluation::from),
                notes,
            },
            evaluation: source.evaluation.into(),
            fitted_origins: source.fitted_origins,
            by_day: source.record.days,
            skill_range: source.record.skill,
            outcome: source.outcome.map(|o| ReportOutcome {
                days: o.days,
                mae: o.mae,
                mae_naive: o.mae_naive,
                coverage80: o.coverage80,
                coverage95: o.coverage95,
            }),
            days: points.iter().map(|point| point.day).collect(),
            points: points
                .iter()
                .zip(actuals)
                .map(|(point, actual)| ReportPoint {
                    date: day::iso(point.day),
                    value: point.band.value,
                    lower80: point.band.lower80,
                    upper80: point.band.upper80,
                    lower95: point.band.lower95,
                    upper95: point.band.upper95,
                    actual,
                })
                .collect(),
            disclaimer: DISCLAIMER,
            origin: source.as_of,
            recent: source.recent,
        }
    }
}

/// What so many past forecasts knew: prices of their days, but perhaps by a model that was fitted to later ones as well.
fn known(kind: ModelKind, fitted: Option<u32>, origins: u32) -> String {
    let (prices, bands) = (
        "Every past forecast was made from prices that were known on its day",
        "how bands are drawn was fitted once, to the data of the model that ships",
    );
    if matches!(kind, ModelKind::Naive | ModelKind::Drift) {
        return format!("{prices}; {bands}.");
    }
    let within = match fitted {
        None => "How many of these origins lie in data that it was fitted to isn't known.".to_owned(),
        Some(0) => format!("None of these {origins} origins lies in data that the model was fitted to."),
        Some(n) => format!(
            "{n} of these {origins} origins {} in data that the model was fitted to, where it may look better than it is.",
            if n == 1 { "lies" } else { "lie" }
        ),
    };
    format!("{prices}. The model itself was fitted once, to what it was trained on, and {bands}. {within}")
}

/// An interval of ratios to a close, less 1, in words that a name of that close follows. A band needn't lie around the
/// close, nor reach as far down as up.
fn between(low: f64, high: f64) -> String {
    let decimals = usize::from(low.abs().max(high.abs()) < 0.1);
    let [from, to] = [low, high].map(|ratio| text::percent(ratio.abs(), decimals));
    match (low < 0.0, high < 0.0) {
        (true, false) => format!("between {from} below and {to} above"),
        (true, true) => format!("between {from} and {to} below"),
        (false, _) => format!("between {from} and {to} above"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_model_was_fitted_to_is_no_past_it_foresaw() {
        let said = |fitted| known(ModelKind::Linear, fitted, 318);
        assert!(said(Some(200)).contains(" 200 of these 318 origins lie in data that the model was fitted to"));
        assert!(said(Some(0)).contains("None of these 318 origins lies in data that the model was fitted to."));
        assert!(said(None).ends_with("isn't known.") && said(None).contains("The model itself was fitted once"));
        assert!(!known(ModelKind::Drift, Some(0), 318).contains("The model itself"));
    }

    #[test]
    fn an_interval_is_told_as_it_lies() {
        assert_eq!(between(-0.0732, 0.079), "between 7.3 % below and 7.9 % above");
        assert_eq!(between(-0.02, 0.31), "between 2 % below and 31 % above");
        assert_eq!(between(0.011, 0.09), "between 1.1 % and 9.0 % above");
        assert_eq!(between(-0.4, -0.05), "between 40 % and 5 % below");
    }
}
