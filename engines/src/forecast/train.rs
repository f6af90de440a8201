//! Fitting the pooled model, and finding out on data that it hasn't seen whether it's any good.
//!
//! How far to shrink towards "no change", and where the band lies, is chosen by cross-validation over blocks of time:
//! each block is predicted by a fit to the others. The test is by rolling origin, a symbol at a time, on the last days,
//! with a model that was fitted and chosen without that symbol and before those days. The model that is kept is then
//! fitted to everything.

use linfa::Dataset;
use linfa::traits::Fit;
use linfa_linear::LinearRegression;
use ndarray::{Array1, Array2};

use super::artifact::{Artifact, Card};
use super::bands::{Score, around};
use super::conformal::Histogram;
use super::errors::ModelError;
use super::evaluation::Evaluation;
use super::features::{Feature, Prepared};
use super::model::About;
use super::volatility::{TERMS, Variances};
use super::{Conformal, HORIZON, Linear, Target, Volatility};
use crate::market::{Columns, Day};

/// The model's inputs: recent returns, distances from moving averages, momentum, realised volatility and range, all
/// in units of the symbol's volatility.
const FEATURES: [&str; 12] = [
    "scaled_log_return_lag_1",
    "scaled_log_return_lag_2",
    "scaled_log_return_lag_3",
    "scaled_log_return_lag_5",
    "scaled_sma_distance_10",
    "scaled_sma_distance_20",
    "scaled_sma_distance_50",
    "scaled_momentum_21",
    "scaled_momentum_60",
    "scaled_volatility_21",
    "scaled_volatility_60",
    "scaled_range_10",
];
/// Share of the data's days before the test's.
const FIT_SHARE: f64 = 0.75;
/// Blocks of time of the cross-validation.
const BLOCKS: usize = 5;
/// Calendar days around a block within which origins see some of it: the horizon, and room for holidays.
const PURGE: Day = 50;
/// Bars between origins of the fit, at least; neighbours say nearly the same.
const FIT_STEP: usize = 2;
/// Bars between origins that are scored, at least.
const SCORE_STEP: usize = 10;
/// Origins of one fit, and those that it is scored on, at most, about: each holds some hundred numbers while it lasts.
const MOST_FITTED: usize = 100_000;
const MOST_SCORED: usize = 50_000;
/// Factors that are tried, in steps of a twentieth, on the whole prediction and on what sets it apart from its mean.
const FACTORS: usize = 20;
/// Bars that a symbol needs to be trained on.
const FEWEST_BARS: usize = 250;
/// Origins below which a stretch decides nothing.
const FEWEST_ORIGINS: usize = 100;

/// What a model is trained on.
pub struct Training {
    pub name: String,
    /// Each symbol's ticker and adjusted bars.
    pub symbols: Vec<(String, Columns)>,
}

/// How far a training is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// So many of so many symbols have been tested on.
    Testing(usize, usize),
    /// The model that is kept is being fitted.
    Fitting,
}

/// Why nothing was trained.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    #[error("{ticker} has {have} bars; training takes at least {FEWEST_BARS}")]
    TooShort { ticker: String, have: usize },
    #[error("there are too few bars to fit, choose and test on: training takes about three years of days in all")]
    TooFew,
    #[error("the regression failed: {0}")]
    Regression(String),
    #[error("training was stopped")]
    Stopped,
    #[error(transparent)]
    Model(#[from] ModelError),
}

/// A symbol, prepared once.
struct Subject {
    days: Vec<Day>,
    prepared: Prepared,
    variances: Variances,
}

impl Subject {
    /// Origins whose features exist and whose outcomes are over within a stretch.
    fn origins(&self, stretch: Stretch, step: usize) -> impl Iterator<Item = usize> {
        let end = self.days.len().saturating_sub(HORIZON);
        let first = features().iter().map(|f| f.first_bar()).max().unwrap_or(0);
        (first..end).step_by(step).filter(move |&bar| stretch.holds(self.days[bar], self.days[bar + HORIZON]))
    }

    fn moved(&self, bar: usize, h: usize) -> f64 {
        self.prepared.log_close[bar + h + 1] - self.prepared.log_close[bar]
    }
}

/// Days that may be looked at: from one to another, the second excluded, and nothing near a block that is held back.
#[derive(Debug, Clone, Copy)]
struct Stretch {
    from: Day,
    to: Day,
    without: Option<(Day, Day)>,
}

impl Stretch {
    fn until(to: Day) -> Self {
        Self { from: Day::MIN, to, without: None }
    }

    fn holds(self, origin: Day, outcome: Day) -> bool {
        let clear = |(from, to): (Day, Day)| outcome < from || origin >= to.saturating_add(PURGE);
        origin >= self.from && outcome < self.to && self.without.is_none_or(clear)
    }
}

fn features() -> Vec<Feature> {
    FEATURES.iter().filter_map(|name| name.parse().ok()).collect()
}

/// Something fitted, before shrinkage.
struct Fitted {
    horizons: Vec<Vec<f64>>,
    /// The features' means.
    means: Vec<f64>,
    volatility: Volatility,
    conformal: Conformal,
}

/// Fits a pooled model. `go_on` is called with the stage, and stops it by answering false.
///
/// # Errors
/// When there's too little to fit, or it's stopped.
pub fn train(training: &Training, go_on: &mut dyn FnMut(Stage) -> bool) -> Result<Artifact, TrainError> {
    for (ticker, columns) in &training.symbols {
        if columns.len() < FEWEST_BARS {
            return Err(TrainError::TooShort { ticker: ticker.clone(), have: columns.len() });
        }
    }
    let subjects: Vec<Subject> = training
        .symbols
        .iter()
        .map(|(_, columns)| Subject {
            days: columns.days.clone(),
            prepared: Prepared::new(columns),
            variances: Variances::new(columns),
        })
        .collect();
    let mut days: Vec<Day> = subjects.iter().flat_map(|s| s.days.iter().copied()).collect();
    days.sort_unstable();
    let test = days.get((days.len() as f64 * FIT_SHARE) as usize).copied().unwrap_or(Day::MAX);

    let mut score = Score::default();
    for left_out in 0..subjects.len() {
        if !go_on(Stage::Testing(left_out, subjects.len())) {
            return Err(TrainError::Stopped);
        }
        // One symbol alone is tested on its own later days.
        let others: Vec<&Subject> = subjects
            .iter()
            .enumerate()
            .filter(|(i, _)| *i != left_out || subjects.len() == 1)
            .map(|(_, s)| s)
            .collect();
        let chosen = choose(&others, &days, test)?;
        test_on(&subjects[left_out], &fit(&others, Stretch::until(test))?, &chosen, test, &mut score);
    }
    let evaluation = score.evaluation(HORIZON);
    if evaluation.origins == 0 {
        return Err(TrainError::TooFew);
    }

    if !go_on(Stage::Fitting) {
        return Err(TrainError::Stopped);
    }
    let all: Vec<&Subject> = subjects.iter().collect();
    let chosen = choose(&all, &days, Day::MAX)?;
    let fitted = fit(&all, Stretch::until(Day::MAX))?;
    Ok(artifact(training, fitted, chosen, evaluation))
}

/// What the cross-validation decided.
#[derive(Debug, Clone, Copy)]
struct Chosen {
    /// Of the whole prediction.
    shrinkage: f64,
    /// Of what sets it apart from its mean.
    slope: f64,
    about: About,
}

/// Bars between origins, so that there are about so many of them at most.
fn step_for(subjects: &[&Subject], least: usize, most: usize) -> usize {
    subjects.iter().map(|subject| subject.days.len()).sum::<usize>().div_ceil(most).max(least)
}

fn fit(subjects: &[&Subject], stretch: Stretch) -> Result<Fitted, TrainError> {
    let (features, step) = (features(), step_for(subjects, FIT_STEP, MOST_FITTED));
    let (mut inputs, mut terms) = (Vec::new(), Vec::new());
    let (mut returns, mut variances) = (Vec::new(), Vec::new());
    let mut origins = Vec::new();
    for subject in subjects {
        for bar in subject.origins(stretch, step) {
            let Some(outcome) = subject.variances.outcome(&subject.prepared, bar) else { continue };
            subject.prepared.row(&features, bar, &mut inputs);
            terms.extend_from_slice(&subject.variances.terms(&subject.prepared, bar)[1..]);
            returns.extend(
                (0..HORIZON)
                    .map(|h| subject.moved(bar, h) / Target::ScaledLogReturn.unit(&subject.prepared, bar, h + 1)),
            );
            variances.extend(outcome);
            origins.push((*subject, bar));
        }
    }
    if origins.len() < FEWEST_ORIGINS {
        return Err(TrainError::TooFew);
    }
    let means = (0..features.len())
        .map(|column| inputs.iter().skip(column).step_by(features.len()).sum::<f64>() / origins.len() as f64)
        .collect();
    let volatility = Volatility { coefficients: regress(terms, TERMS - 1, &variances)? };
    let conformal = quantiles(&origins, &volatility);
    Ok(Fitted { horizons: regress(inputs, features.len(), &returns)?, means, volatility, conformal })
}

/// Least squares for every horizon: rows of an intercept and the coefficients.
fn regress(inputs: Vec<f64>, columns: usize, targets: &[f64]) -> Result<Vec<Vec<f64>>, TrainError> {
    let rows = inputs.len() / columns;
    let failed = |e: &dyn std::fmt::Display| TrainError::Regression(e.to_string());
    let mut dataset = Dataset::new(
        Array2::from_shape_vec((rows, columns), inputs).map_err(|e| failed(&e))?,
        Array1::<f64>::zeros(rows),
    );
    (0..HORIZON)
        .map(|h| {
            dataset.targets = (0..rows).map(|row| targets[row * HORIZON + h]).collect();
            let fitted = LinearRegression::new().fit(&dataset).map_err(|e| failed(&e))?;
            Ok(std::iter::once(fitted.intercept()).chain(fitted.params().iter().copied()).collect())
        })
        .collect()
}

/// Quantiles of the absolute returns in units of the volatility that was expected.
fn quantiles(origins: &[(&Subject, usize)], volatility: &Volatility) -> Conformal {
    let mut residuals: Vec<Vec<f64>> = vec![Vec::new(); HORIZON];
    let mut deviations = [0.0; HORIZON];
    for (subject, bar) in origins {
        volatility.deviations(&subject.variances, &subject.prepared, *bar, &mut deviations);
        for h in 0..HORIZON {
            residuals[h].push((subject.moved(*bar, h) / deviations[h]).abs());
        }
    }
    for column in &mut residuals {
        column.sort_by(f64::total_cmp);
    }
    let at = |share: f64| residuals.iter().map(|column| column[(column.len() as f64 * share) as usize]).collect();
    Conformal { absolute80: at(0.80), absolute95: at(0.95) }
}

/// The fitted coefficients, with what sets predictions apart from their mean shrunk, and then all of it.
fn linear(fitted: &Fitted, chosen: &Chosen) -> Linear {
    let shrunk = |row: &Vec<f64>| {
        let at_mean = row[1..].iter().zip(&fitted.means).fold(row[0], |sum, (c, mean)| sum + c * mean);
        // Adding zero turns a negative zero into a plain one.
        let slopes: Vec<f64> = row[1..].iter().map(|c| c * chosen.slope + 0.0).collect();
        let intercept = slopes.iter().zip(&fitted.means).fold(at_mean, |sum, (c, mean)| sum - c * mean);
        std::iter::once(intercept).chain(slopes).collect()
    };
    let horizons = fitted.horizons.iter().map(shrunk).collect();
    Linear { target: Target::ScaledLogReturn, shrinkage: chosen.shrinkage, horizons }
}

/// Chooses the factors with the least absolute error in blocks that the fit hasn't seen, then the place of the band
/// with the least Winkler score.
fn choose(subjects: &[&Subject], days: &[Day], until: Day) -> Result<Chosen, TrainError> {
    let before = days.partition_point(|&day| day < until);
    let edge = |block: usize| if block == BLOCKS { until } else { days[before * block / BLOCKS] };
    let step = step_for(subjects, SCORE_STEP, MOST_SCORED);
    let mut folds = Vec::with_capacity(BLOCKS);
    for block in 0..BLOCKS {
        let held_back = (edge(block), edge(block + 1));
        let fitted = fit(subjects, Stretch { without: Some(held_back), ..Stretch::until(until) })?;
        let stretch = Stretch { from: held_back.0, to: held_back.1, without: None };
        let origins: Vec<(&Subject, usize)> =
            subjects.iter().flat_map(|subject| subject.origins(stretch, step).map(|bar| (*subject, bar))).collect();
        folds.push((fitted, origins));
    }
    if folds.iter().all(|(_, origins)| origins.is_empty()) {
        return Err(TrainError::TooFew);
    }

    let factor = |step: usize| step as f64 / FACTORS as f64;
    let mut best = (f64::INFINITY, 0.0, 0.0);
    // Of equals the most shrunk.
    for slope in (0..=FACTORS).map(factor) {
        let mut errors = [0.0; FACTORS + 1];
        for (fitted, origins) in &folds {
            let model = linear(fitted, &Chosen { shrinkage: 1.0, slope, about: About::NoChange });
            for (subject, bar) in origins {
                add_errors(subject, *bar, &model, &mut errors);
            }
        }
        for (step, error) in errors.into_iter().enumerate() {
            if error < best.0 {
                best = (error, factor(step), slope);
            }
        }
    }
    let mut chosen = Chosen { shrinkage: best.1, slope: best.2, about: About::NoChange };

    let winkler = |about: About| {
        let mut score = Score::default();
        for (fitted, origins) in &folds {
            let model = linear(fitted, &chosen);
            for (subject, bar) in origins {
                score_origin(subject, *bar, &model, about, fitted, &mut score);
            }
        }
        score.winkler
    };
    if winkler(About::Centre) < winkler(About::NoChange) {
        chosen.about = About::Centre;
    }
    Ok(chosen)
}

/// Adds one origin's absolute errors with every factor on the whole prediction.
fn add_errors(subject: &Subject, bar: usize, model: &Linear, errors: &mut [f64; FACTORS + 1]) {
    let mut centre = Vec::with_capacity(HORIZON);
    model.predict(&features(), &subject.prepared, bar, &mut centre);
    for (step, error) in errors.iter_mut().enumerate() {
        let factor = step as f64 / FACTORS as f64;
        let missed = |h: usize| (subject.moved(bar, h).exp() - (centre[h] * factor).exp()).abs();
        *error += (0..HORIZON).map(missed).sum::<f64>();
    }
}

fn score_origin(subject: &Subject, bar: usize, linear: &Linear, about: About, fitted: &Fitted, score: &mut Score) {
    let mut centre = Vec::with_capacity(HORIZON);
    linear.predict(&features(), &subject.prepared, bar, &mut centre);
    let mut deviations = [0.0; HORIZON];
    fitted.volatility.deviations(&subject.variances, &subject.prepared, bar, &mut deviations);
    let own = Histogram::default();
    for h in 0..HORIZON {
        let bands = around(about, centre[h], deviations[h], fitted.conformal.half_widths(h, &own));
        score.add(subject.moved(bar, h), centre[h], bands);
    }
    score.end_origin();
}

/// Scores a symbol's days from the test's first on, as a service would have forecast them.
fn test_on(subject: &Subject, fitted: &Fitted, chosen: &Chosen, from: Day, score: &mut Score) {
    let model = linear(fitted, chosen);
    let stretch = Stretch { from, to: Day::MAX, without: None };
    for bar in subject.origins(stretch, SCORE_STEP) {
        score_origin(subject, bar, &model, chosen.about, fitted, score);
    }
}

fn artifact(training: &Training, fitted: Fitted, chosen: Chosen, evaluation: Evaluation) -> Artifact {
    Artifact {
        name: training.name.clone(),
        features: FEATURES.iter().map(|&name| name.to_owned()).collect(),
        linear: linear(&fitted, &chosen),
        about: chosen.about,
        volatility: Some(fitted.volatility),
        conformal: Some(fitted.conformal),
        evaluation: Some(evaluation),
        card: Card::of(&training.symbols, chosen.shrinkage, chosen.slope, evaluation),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_bars_are_gone_through_in_longer_steps() {
        let columns = Columns {
            days: (0..1_000).collect(),
            open: vec![1.0; 1_000],
            high: vec![1.0; 1_000],
            low: vec![1.0; 1_000],
            close: vec![1.0; 1_000],
            volume: vec![1; 1_000],
        };
        let (prepared, variances) = (Prepared::new(&columns), Variances::new(&columns));
        let subject = Subject { days: columns.days, prepared, variances };
        for (symbols, step) in [(1, FIT_STEP), (200, FIT_STEP), (201, 3), (1_000, 10)] {
            assert_eq!(step_for(&vec![&subject; symbols], FIT_STEP, MOST_FITTED), step, "{symbols}");
        }
    }
}
