//! Figures over many issues, summed up by the database from their columns.

use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::Result;
use super::entity::ipo::{Column, Entity};
use super::ipo_lists::IpoFilter;
use super::ipos::Ipos;

/// Figures over many issues; `None` where there is nothing to take them of.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct IpoStatistics {
    pub count: u64,
    pub with_performance: u64,
    pub mean_listing_gain: Option<f64>,
    pub median_listing_gain: Option<f64>,
    /// Share of those with a performance that opened above their issue price.
    pub share_above_issue: Option<f64>,
    pub median_return: Option<f64>,
}

impl Ipos<'_> {
    /// Figures over every issue that a filter lets through, of one moment.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn statistics(&self, filter: &IpoFilter) -> Result<IpoStatistics> {
        let snapshot = self.0.snapshot().await?;
        let matching = Entity::find().filter(filter.condition(self.0.backend()));
        let sums = matching
            .clone()
            .select_only()
            .expr(Expr::cust("COUNT(*)"))
            .expr(Expr::col(Column::ListingGain).count())
            .expr(Expr::cust("AVG(listing_gain)"))
            .expr(Expr::cust("COUNT(CASE WHEN listing_gain > 0 THEN 1 END)"));
        let sums: Option<(i64, i64, Option<f64>, i64)> = sums.into_tuple().one(&snapshot).await?;
        let Some((count, with_performance, mean_listing_gain, above)) = sums else {
            return Ok(IpoStatistics::default());
        };
        let mut medians = [None, None];
        if with_performance > 0 {
            for (median, column) in medians.iter_mut().zip([Column::ListingGain, Column::ReturnSinceIssue]) {
                let middle = matching
                    .clone()
                    .filter(column.is_not_null())
                    .select_only()
                    .column(column)
                    .order_by_asc(column)
                    .offset((with_performance.unsigned_abs() - 1) / 2)
                    .limit(if with_performance % 2 == 0 { 2 } else { 1 });
                let middle: Vec<f64> = middle.into_tuple().all(&snapshot).await?;
                *median = match middle[..] {
                    [one] => Some(one),
                    [low, high] => Some(f64::midpoint(low, high)),
                    _ => None,
                };
            }
        }
        snapshot.commit().await?;
        let [median_listing_gain, median_return] = medians;
        Ok(IpoStatistics {
            count: count.unsigned_abs(),
            with_performance: with_performance.unsigned_abs(),
            mean_listing_gain,
            median_listing_gain,
            share_above_issue: (with_performance > 0).then(|| above as f64 / with_performance as f64),
            median_return,
        })
    }
}
