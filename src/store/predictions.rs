//! Stored predictions.

use async_recursion::async_recursion as boxed;
use sea_orm::ActiveValue::Set;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QuerySelect};

use super::entity::prediction;
use super::page::{Page, PageRequest, newest_first};
use super::repositories::Predictions;
use super::research::ResearchFilter;
use super::{Result, StoreError, now};
use crate::forecast::{Band, Evaluation, ModelInfo, Outcome, Point, Record};
use crate::market::calendar::with_sessions;
use crate::market::{Day, Series};

/// A prediction to keep.
#[derive(Debug, Clone)]
pub struct NewPrediction {
    pub symbol_id: i64,
    /// As JSON.
    pub model: String,
    pub as_of: Day,
    pub horizon: i32,
    pub data_version: i32,
    pub close: f64,
    /// As JSON, and so is the next.
    pub points: String,
    pub evaluation: String,
}

impl prediction::Model {
    /// The days, with the bands.
    pub fn points(&self) -> Result<Vec<Point>> {
        serde_json::from_str(&self.points).map_err(StoreError::corrupt("prediction's points"))
    }

    /// The days, with the bands, once the symbol has traded on: each bar has taken the next step, whether its day was
    /// expected when this was made or not, and a day that passed without one has taken none.
    pub fn settled_points(&self, series: &Series) -> Result<Vec<Point>> {
        let mut points = self.points()?;
        let from = series.raw.days.partition_point(|&day| day <= self.as_of);
        let expected: Vec<Day> = points.iter().map(|point| point.day).collect();
        for (point, day) in points.iter_mut().zip(with_sessions(&expected, &series.raw.days[from..])) {
            point.day = day;
        }
        Ok(points)
    }

    /// How the model has done on the symbol's own history.
    pub fn evaluation(&self) -> Result<Evaluation> {
        serde_json::from_str(&self.evaluation).map_err(StoreError::corrupt("prediction's evaluation"))
    }

    /// The same a day ahead each, and how sure it is; without days if it was made before they were kept.
    pub fn record(&self) -> Result<Record> {
        serde_json::from_str(&self.evaluation).map_err(StoreError::corrupt("prediction's evaluation"))
    }

    /// The model as it was then.
    pub fn model_info(&self) -> Result<ModelInfo> {
        serde_json::from_str(&self.model).map_err(StoreError::corrupt("prediction's model"))
    }

    /// The closes of the predicted days that are known by now, in the prices of then: a split or dividend since moves
    /// the adjusted closes, the one that the prediction was made from among them.
    #[must_use]
    pub fn actuals(&self, points: &[Point], series: &Series) -> Vec<Option<f64>> {
        let close_of = |day: Day| {
            let bar = series.raw.days.binary_search(&day).ok()?;
            series.adjusted_close.get(bar).copied()
        };
        let Some(base) = close_of(self.as_of).filter(|base| *base > 0.0) else { return vec![None; points.len()] };
        points
            .iter()
            .map(|point| {
                close_of(point.day).map(|close| if base == self.close { close } else { close / base * self.close })
            })
            .collect()
    }

    /// How it has turned out so far; `None` before the first of its days.
    #[must_use]
    pub fn outcome(&self, points: &[Point], actuals: &[Option<f64>]) -> Option<Outcome> {
        let known: Vec<(&Band, f64)> =
            points.iter().zip(actuals).filter_map(|(point, actual)| Some((&point.band, (*actual)?))).collect();
        let days = u32::try_from(known.len()).ok().filter(|days| *days > 0)?;
        let mean = |of: &dyn Fn(&Band, f64) -> f64| known.iter().map(|(b, a)| of(b, *a)).sum::<f64>() / f64::from(days);
        let within = |lower: f64, actual: f64, upper: f64| f64::from(u8::from(lower <= actual && actual <= upper));
        Some(Outcome {
            days,
            mae: mean(&|band, actual| (actual - band.value).abs() / self.close),
            mae_naive: mean(&|_, actual| (actual - self.close).abs() / self.close),
            coverage80: mean(&|band, actual| within(band.lower80, actual, band.upper80)),
            coverage95: mean(&|band, actual| within(band.lower95, actual, band.upper95)),
        })
    }
}

impl Predictions<'_> {
    /// Keeps one.
    #[boxed]
    pub async fn insert(&self, new: NewPrediction) -> Result<prediction::Model> {
        let row = prediction::ActiveModel {
            symbol_id: Set(new.symbol_id),
            model: Set(new.model),
            as_of: Set(new.as_of),
            horizon: Set(new.horizon),
            data_version: Set(new.data_version),
            close: Set(new.close),
            points: Set(new.points),
            evaluation: Set(new.evaluation),
            created_at: Set(now()),
            ..Default::default()
        };
        Ok(row.insert(&self.0.write).await?)
    }

    #[boxed]
    pub async fn get_many(&self, ids: &[i64]) -> Result<Vec<prediction::Model>> {
        let query = prediction::Entity::find().filter(prediction::Column::Id.is_in(ids.iter().copied()));
        Ok(query.all(&self.0.read).await?)
    }

    /// Deletes one; false if it wasn't there.
    #[boxed]
    pub async fn delete(&self, id: i64) -> Result<bool> {
        Ok(prediction::Entity::delete_by_id(id).exec(&self.0.write).await?.rows_affected > 0)
    }

    /// The newest of each of these symbols.
    #[boxed]
    pub async fn latest_of(&self, symbols: &[i64]) -> Result<Vec<prediction::Model>> {
        let newest = prediction::Entity::find()
            .select_only()
            .column_as(prediction::Column::Id.max(), "id")
            .filter(prediction::Column::SymbolId.is_in(symbols.iter().copied()))
            .group_by(prediction::Column::SymbolId);
        let ids: Vec<i64> = newest.into_tuple().all(&self.0.read).await?;
        self.get_many(&ids).await
    }

    #[boxed]
    pub async fn page(&self, filter: &ResearchFilter, page: &PageRequest) -> Result<Page<prediction::Model>> {
        let query = page.apply(
            prediction::Entity::find()
                .filter(filter.condition(prediction::Column::SymbolId, prediction::Column::CreatedAt)),
            &newest_first(),
        );
        Ok(page.page(query.all(&self.0.read).await?))
    }

    #[boxed]
    pub async fn count(&self, filter: &ResearchFilter) -> Result<u64> {
        Ok(prediction::Entity::find()
            .filter(filter.condition(prediction::Column::SymbolId, prediction::Column::CreatedAt))
            .count(&self.0.read)
            .await?)
    }
}
