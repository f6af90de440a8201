//! One object by its id, with its own type: `node` without the `... on`.

use async_graphql::{Context, ID, Object, Result};

use super::backtest::Backtest;
use super::flag::DataIssue;
use super::job::Job;
use super::model::Model;
use super::node::{Node, load};
use super::prediction::Prediction;
use super::sweep::Sweep;

/// An object of the wanted type. An error within an option nulls its field alone.
fn found<T>(loaded: Result<Option<Node>>, wanted: impl Fn(Node) -> Option<T>) -> Option<Result<T>> {
    loaded.map(|node| node.and_then(wanted)).transpose()
}

#[derive(Default)]
pub struct ByIdQuery;

#[Object]
impl ByIdQuery {
    /// One backtest; null where there's none.
    async fn backtest(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Its global id.")] id: ID,
    ) -> Option<Result<Backtest>> {
        found(load(ctx, &id).await, |node| if let Node::Backtest(found) = node { Some(found) } else { None })
    }

    /// One sweep; null where there's none.
    async fn sweep(&self, ctx: &Context<'_>, #[graphql(desc = "Its global id.")] id: ID) -> Option<Result<Sweep>> {
        found(load(ctx, &id).await, |node| if let Node::Sweep(found) = node { Some(found) } else { None })
    }

    /// One prediction; null where there's none.
    async fn prediction(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Its global id.")] id: ID,
    ) -> Option<Result<Prediction>> {
        found(load(ctx, &id).await, |node| if let Node::Prediction(found) = node { Some(found) } else { None })
    }

    /// One model; null where there's none.
    async fn model(&self, ctx: &Context<'_>, #[graphql(desc = "Its global id.")] id: ID) -> Option<Result<Model>> {
        found(load(ctx, &id).await, |node| if let Node::Model(found) = node { Some(found) } else { None })
    }

    /// One job; null where there's none.
    async fn job(&self, ctx: &Context<'_>, #[graphql(desc = "Its global id.")] id: ID) -> Option<Result<Job>> {
        found(load(ctx, &id).await, |node| if let Node::Job(found) = node { Some(found) } else { None })
    }

    /// One flagged record; null where there's none.
    async fn data_issue(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Its global id.")] id: ID,
    ) -> Option<Result<DataIssue>> {
        found(load(ctx, &id).await, |node| if let Node::DataIssue(found) = node { Some(found) } else { None })
    }
}
