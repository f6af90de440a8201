//! The schema: one file a domain type. Resolvers say who may, what is asked, and hand over.

mod backtest;
mod comparison;
mod connection;
mod deleted_ipo;
mod errors;
mod forecast;
mod guard;
mod ids;
mod ipo;
mod ipo_edits;
mod issue;
mod job;
pub mod limits;
mod loaders;
mod market;
mod model_edits;
mod node;
mod price;
mod research_edits;
mod scalars;
mod strategy;
mod sweep;
mod symbol;
mod symbol_edits;
mod token;

use async_graphql::{MergedObject, MergedSubscription};

use crate::app::App;

pub use errors::internal;
pub use guard::{Caller, Credential, denied};
pub use ids::{Kind, decode_as as decode_id, encode as global_id};
pub use loaders::{Loaders, loaders};

/// What can be read.
#[derive(MergedObject, Default)]
pub struct Query(
    node::NodeQuery,
    symbol::SymbolQuery,
    job::JobQuery,
    issue::IssueQuery,
    backtest::BacktestQuery,
    comparison::ComparisonQuery,
    sweep::SweepQuery,
    ipo::IpoQuery,
    deleted_ipo::DeletedIpoQuery,
    forecast::ForecastQuery,
    token::TokenQuery,
    market::MarketQuery,
);

/// What can be done. A person's mistakes come back in `userErrors`, with nothing changed.
#[derive(MergedObject, Default)]
pub struct Mutation(
    symbol_edits::SymbolMutation,
    job::JobMutation,
    issue::IssueMutation,
    backtest::BacktestMutation,
    sweep::SweepMutation,
    research_edits::ResearchMutation,
    ipo_edits::IpoMutation,
    deleted_ipo::DeletedIpoMutation,
    forecast::ForecastMutation,
    model_edits::ModelMutation,
    token::TokenMutation,
    market::MarketMutation,
);

/// What can be followed, over graphql-transport-ws or server-sent events.
#[derive(MergedSubscription, Default)]
pub struct Subscription(job::JobSubscription, ipo_edits::IpoSubscriptions);

pub type Schema = async_graphql::Schema<Query, Mutation, Subscription>;

/// The schema. With an app it can be run; without one it can only be printed. What an operation may ask for is checked
/// before it comes here, by [`limits`].
#[must_use]
pub fn schema(app: Option<&App>) -> Schema {
    let mut builder = Schema::build(Query::default(), Mutation::default(), Subscription::default())
        .register_output_type::<node::Node>()
        .limit_recursive_depth(limits::text::DEEPEST_BRACKETS);
    if let Some(app) = app {
        builder = builder.data(app.clone());
    }
    builder.finish()
}

/// The schema's definition, as `schema.graphql` holds it.
#[must_use]
pub fn sdl() -> String {
    let options = async_graphql::SDLExportOptions::new().sorted_fields().sorted_enum_items().sorted_arguments();
    let mut text = schema(None).sdl_with_options(options);
    // The definition is a text file like the others: no blanks at line ends, one newline at its end.
    text = text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n");
    format!("{}\n", text.trim())
}
