//! What every object with an id has in common, and who is asking.

use async_graphql::{Context, ID, Interface, Object, Result};
use async_recursion::async_recursion as boxed;

use super::backtest::Backtest;
use super::batch::DataLoader;
use super::errors::{bad_input, internal};
use super::flag::DataIssue;
use super::guard::{Viewer, caller};
use super::ids::{Kind, decode, decode_key};
use super::ipo::Ipo;
use super::job::Job;
use super::loaders::IpoId;
use super::loaders::{BacktestId, FlagId, JobId, PredictionId, Rows, SweepId, SymbolId};
use super::model::{Model, load_model};
use super::prediction::Prediction;
use super::subject::Symbol;
use super::sweep::Sweep;
use crate::app::App;

/// An object with a global id.
#[derive(Interface)]
#[graphql(field(name = "id", ty = "ID", desc = "An opaque global id."))]
pub enum Node {
    Symbol(Symbol),
    Job(Job),
    DataIssue(DataIssue),
    Backtest(Backtest),
    Sweep(Sweep),
    Ipo(Ipo),
    Prediction(Prediction),
    Model(Model),
}

/// Ids that one request may ask for.
const MOST_IDS: usize = 500;

/// The object with this id.
#[boxed]
pub(super) async fn load(ctx: &Context<'_>, id: &str) -> Result<Option<Node>> {
    let loader = ctx.data_unchecked::<DataLoader<Rows>>();
    if let Some(key) = decode_key(Kind::Model, id) {
        return Ok(load_model(ctx, &key).await?.map(Node::from));
    }
    let Some((kind, number)) = decode(id) else { return Ok(None) };
    Ok(match kind {
        Kind::Symbol => loader.load_one(SymbolId(number)).await.map_err(|e| internal(&e))?.map(|r| Symbol(r).into()),
        Kind::Job => loader.load_one(JobId(number)).await.map_err(|e| internal(&e))?.map(|r| Job(r).into()),
        Kind::DataIssue => {
            loader.load_one(FlagId(number)).await.map_err(|e| internal(&e))?.map(|r| DataIssue(r).into())
        }
        Kind::Backtest => {
            loader.load_one(BacktestId(number)).await.map_err(|e| internal(&e))?.map(|r| Backtest(r).into())
        }
        Kind::Prediction => {
            loader.load_one(PredictionId(number)).await.map_err(|e| internal(&e))?.map(|r| Prediction(r).into())
        }
        // Models go by name, and tokens are nobody's nodes.
        Kind::Model | Kind::Token => None,
        Kind::Ipo => loader.load_one(IpoId(number)).await.map_err(|e| internal(&e))?.map(|r| Ipo(r).into()),
        Kind::Sweep => loader.load_one(SweepId(number)).await.map_err(|e| internal(&e))?.map(|r| Sweep::from(r).into()),
    })
}

#[derive(Default)]
pub struct NodeQuery;

#[Object]
impl NodeQuery {
    /// The object with this id, if there's one.
    async fn node(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "A global id, as any object has it.")] id: ID,
    ) -> Option<Result<Node>> {
        // An error within an option nulls its field alone.
        load(ctx, &id).await.transpose()
    }

    /// The objects with these ids, in their order, null where there's none.
    async fn nodes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "At most 500 global ids.")] ids: Vec<ID>,
    ) -> Result<Vec<Option<Node>>> {
        if ids.len() > MOST_IDS {
            return Err(bad_input(format!("nodes takes at most {MOST_IDS} ids")));
        }
        futures_util::future::try_join_all(ids.iter().map(|id| load(ctx, id))).await
    }

    /// Who is asking, by the token that was sent.
    async fn viewer(&self, ctx: &Context<'_>) -> Viewer {
        let caller = caller(ctx);
        Viewer { name: caller.name, role: caller.role }
    }

    /// Why prices can't be fetched, and what to set; null where they can. Files can be imported all the same.
    async fn prices_unavailable_reason(&self, ctx: &Context<'_>) -> Option<String> {
        ctx.data_unchecked::<App>().providers.check_prices().err().map(|error| error.to_string())
    }
}
