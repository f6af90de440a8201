//! One object by its id, with the fields of its own type at hand: `node` without the `... on`.

use async_graphql::{Context, ID, Object, Result};

use super::backtest::Backtest;
use super::forecast::{Model, Prediction};
use super::issue::DataIssue;
use super::job::Job;
use super::node::{Node, load};
use super::sweep::Sweep;

#[derive(Default)]
pub struct ByIdQuery;

#[Object]
impl ByIdQuery {
    /// One backtest; null where there's none.
    async fn backtest(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Its global id.")] id: ID,
    ) -> Result<Option<Backtest>> {
        Ok(if let Some(Node::Backtest(found)) = load(ctx, &id).await? { Some(found) } else { None })
    }

    /// One sweep; null where there's none.
    async fn sweep(&self, ctx: &Context<'_>, #[graphql(desc = "Its global id.")] id: ID) -> Result<Option<Sweep>> {
        Ok(if let Some(Node::Sweep(found)) = load(ctx, &id).await? { Some(found) } else { None })
    }

    /// One prediction; null where there's none.
    async fn prediction(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Its global id.")] id: ID,
    ) -> Result<Option<Prediction>> {
        Ok(if let Some(Node::Prediction(found)) = load(ctx, &id).await? { Some(found) } else { None })
    }

    /// One model; null where there's none.
    async fn model(&self, ctx: &Context<'_>, #[graphql(desc = "Its global id.")] id: ID) -> Result<Option<Model>> {
        Ok(if let Some(Node::Model(found)) = load(ctx, &id).await? { Some(found) } else { None })
    }

    /// One job; null where there's none.
    async fn job(&self, ctx: &Context<'_>, #[graphql(desc = "Its global id.")] id: ID) -> Result<Option<Job>> {
        Ok(if let Some(Node::Job(found)) = load(ctx, &id).await? { Some(found) } else { None })
    }

    /// One flagged record; null where there's none.
    async fn data_issue(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Its global id.")] id: ID,
    ) -> Result<Option<DataIssue>> {
        Ok(if let Some(Node::DataIssue(found)) = load(ctx, &id).await? { Some(found) } else { None })
    }
}
