//! Figures over many issues, summed up by the database from their columns.

use async_recursion::async_recursion as boxed;
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ColumnTrait, DbBackend, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::Result;
use super::entity::ipo::{Column, Entity};
use super::ipo_lists::IpoFilter;
use super::repositories::Ipos;

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

/// Rows, those with a performance, their mean, those above the price, and the middle ones of two columns.
type Sums = (i64, i64, Option<f64>, i64, Option<f64>, Option<f64>, Option<f64>, Option<f64>);

impl Ipos<'_> {
    /// Figures over every issue that a filter lets through, of one moment.
    #[boxed]
    pub async fn statistics(&self, filter: &IpoFilter) -> Result<IpoStatistics> {
        if self.0.backend() == DbBackend::Postgres {
            return self.summed_up(filter).await;
        }
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

    /// The same in one statement, with one look at the table; SQLite has no such medians.
    async fn summed_up(&self, filter: &IpoFilter) -> Result<IpoStatistics> {
        // Of an even number the two in the middle, of an odd one that in the middle twice.
        let middle = |column: &str, direction: &str| {
            Expr::cust(format!("PERCENTILE_DISC(0.5) WITHIN GROUP (ORDER BY {column} {direction})"))
        };
        let sums = Entity::find()
            .filter(filter.condition(self.0.backend()))
            .select_only()
            .expr(Expr::cust("COUNT(*)"))
            .expr(Expr::col(Column::ListingGain).count())
            .expr(Expr::cust("AVG(listing_gain)"))
            .expr(Expr::cust("COUNT(CASE WHEN listing_gain > 0 THEN 1 END)"))
            .expr(middle("listing_gain", "ASC"))
            .expr(middle("listing_gain", "DESC"))
            .expr(middle("return_since_issue", "ASC"))
            .expr(middle("return_since_issue", "DESC"));
        let sums: Option<Sums> = sums.into_tuple().one(&self.0.read).await?;
        let Some((count, with_performance, mean, above, low_gain, high_gain, low_return, high_return)) = sums else {
            return Ok(IpoStatistics::default());
        };
        Ok(IpoStatistics {
            count: count.unsigned_abs(),
            with_performance: with_performance.unsigned_abs(),
            mean_listing_gain: mean,
            median_listing_gain: low_gain.zip(high_gain).map(|(low, high)| f64::midpoint(low, high)),
            share_above_issue: (with_performance > 0).then(|| above as f64 / with_performance as f64),
            median_return: low_return.zip(high_return).map(|(low, high)| f64::midpoint(low, high)),
        })
    }
}
