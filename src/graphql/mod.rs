//! The schema: one file a domain type. Resolvers say who may, what is asked, and hand over.

mod audit;
mod backtest;
mod backtest_edits;
mod batch;
mod by_id;
mod codes;
mod column;
mod comparison;
mod connection;
mod deleted_ipo;
mod errors;
mod flag;
mod guard;
mod ids;
mod ipo;
mod ipo_edits;
mod ipo_list;
mod job;
pub mod limits;
mod loaders;
mod market;
mod model;
mod model_edits;
mod node;
mod prediction;
mod price;
pub mod record;
mod research_edits;
mod scalars;
mod spending;
mod strategy;
mod subject;
mod sweep;
mod sweep_edits;
mod symbol;
mod symbol_edits;
mod symbol_list;
mod token;
mod validate;
pub mod wire;

use async_graphql::{MergedObject, MergedSubscription, ValidationMode};

use crate::app::App;
use connection::Connection;

pub use codes::{Code, START};
pub use errors::internal;
pub use guard::denied;
pub use ids::{Kind, decode_as as decode_id, encode as global_id};
pub use loaders::{Loaders, loaders};
pub use validate::{complete_paths, standard_words};

/// What can be read.
#[derive(MergedObject, Default)]
pub struct Query(
    node::NodeQuery,
    by_id::ByIdQuery,
    symbol_list::SymbolQuery,
    job::JobQuery,
    flag::FlagQuery,
    backtest::BacktestQuery,
    comparison::ComparisonQuery,
    sweep::SweepQuery,
    ipo_list::IpoQuery,
    deleted_ipo::DeletedIpoQuery,
    prediction::PredictionQuery,
    model::ModelQuery,
    token::TokenQuery,
    market::MarketQuery,
    audit::AuditQuery,
);

/// What can be done. A person's mistakes come back in `userErrors`, with nothing changed.
#[derive(MergedObject, Default)]
pub struct Mutation(
    symbol_edits::SymbolMutation,
    job::JobMutation,
    flag::FlagMutation,
    backtest_edits::BacktestMutation,
    sweep_edits::SweepMutation,
    research_edits::ResearchMutation,
    ipo_edits::IpoMutation,
    deleted_ipo::DeletedIpoMutation,
    prediction::PredictionMutation,
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
    built(app, ValidationMode::Strict)
}

/// The same for documents that the library's rules are known to find nothing wrong with: they take longer than the rest of
/// what a small operation needs before its fields.
#[must_use]
pub fn schema_for_sound(app: &App) -> Schema {
    built(Some(app), ValidationMode::Fast)
}

fn built(app: Option<&App>, rules: ValidationMode) -> Schema {
    let mut builder = Schema::build(Query::default(), Mutation::default(), Subscription::default())
        .register_output_type::<node::Node>()
        .override_output_type_description::<async_graphql::ID>(
            "An opaque name of one object, unlike every other's: take it from an answer, and never take it apart.",
        )
        .override_output_type_description::<Connection<token::ApiToken>>("A page of tokens.")
        .override_output_type_description::<Connection<audit::AuditEvent>>("A page of the audit trail.")
        .override_output_type_description::<Connection<backtest::Backtest>>("A page of backtests.")
        .override_output_type_description::<Connection<market::CorporateAction>>("A page of corporate actions.")
        .override_output_type_description::<Connection<flag::DataIssue>>("A page of flagged records.")
        .override_output_type_description::<Connection<ipo::Ipo>>("A page of IPOs.")
        .override_output_type_description::<Connection<ipo::IpoRevision>>("A page of an IPO's changes.")
        .override_output_type_description::<Connection<job::Job>>("A page of jobs.")
        .override_output_type_description::<Connection<market::MarketDay>>("A page of an exchange's days.")
        .override_output_type_description::<Connection<prediction::Prediction>>("A page of predictions.")
        .override_output_type_description::<Connection<price::PriceBar>>("A page of bars.")
        .override_output_type_description::<Connection<sweep::Sweep>>("A page of sweeps.")
        .override_output_type_description::<Connection<subject::Symbol>>("A page of symbols.")
        .override_output_type_description::<Connection<backtest::Trade>>("A page of trades.")
        .override_input_type_description::<async_graphql::Upload>(
            "A file, sent as multipart/form-data by the GraphQL multipart request specification: at most 64 MiB, one a \
             request.",
        )
        .validation_mode(rules)
        .limit_recursive_depth(limits::text::DEEPEST_BRACKETS);
    if let Some(app) = app {
        builder = builder.data(app.clone());
    }
    builder.finish()
}

/// The schema's definition, as `schema.graphql` holds it.
#[must_use]
pub fn sdl() -> String {
    let options = async_graphql::SDLExportOptions::new()
        .sorted_fields()
        .sorted_enum_items()
        .sorted_arguments()
        .include_specified_by();
    let mut text = schema(None).sdl_with_options(options);
    // The definition is a text file like the others: no blanks at line ends, one newline at its end.
    text = text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n");
    format!("{}\n", text.trim())
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_schema;
    use async_graphql::parser::types::{TypeKind, TypeSystemDefinition};
    use async_graphql::{Positioned, parser::types::InputValueDefinition};

    /// Names of what has no description.
    fn bare(sdl: &str) -> Vec<String> {
        let document = parse_schema(sdl).expect("a schema");
        let mut bare = Vec::new();
        let mut look = |description: bool, name: String| {
            if !description {
                bare.push(name);
            }
        };
        let inputs = |inputs: &[Positioned<InputValueDefinition>], owner: &str| {
            let described = |i: &Positioned<InputValueDefinition>| {
                (i.node.description.is_some(), format!("{owner}.{}", i.node.name.node))
            };
            inputs.iter().map(described).collect::<Vec<_>>()
        };
        for definition in document.definitions {
            let TypeSystemDefinition::Type(definition) = definition else { continue };
            let name = definition.node.name.node.to_string();
            look(definition.node.description.is_some(), name.clone());
            let fields = match &definition.node.kind {
                TypeKind::Object(object) => &object.fields,
                TypeKind::Interface(interface) => &interface.fields,
                TypeKind::InputObject(input) => {
                    for (described, name) in inputs(&input.fields, &name) {
                        look(described, name);
                    }
                    continue;
                }
                TypeKind::Enum(values) => {
                    for value in &values.values {
                        look(value.node.description.is_some(), format!("{name}.{}", value.node.value.node));
                    }
                    continue;
                }
                TypeKind::Scalar | TypeKind::Union(_) => continue,
            };
            for field in fields {
                let name = format!("{name}.{}", field.node.name.node);
                look(field.node.description.is_some(), name.clone());
                for (described, name) in inputs(&field.node.arguments, &name) {
                    look(described, name);
                }
            }
        }
        bare
    }

    #[test]
    fn every_element_of_the_schema_has_a_description() {
        assert_eq!(bare(&super::sdl()), Vec::<String>::new());
        let planted = "\"a\" type Query { \"b\" a(b: Int): Int c: Int } \"d\" enum E { F } \"g\" input I { j: Int }";
        assert_eq!(bare(planted), ["Query.a.b", "Query.c", "E.F", "I.j"], "the look itself finds what is bare");
    }

    #[tokio::test]
    async fn introspection_describes_what_the_definition_leaves_to_the_standard() {
        let text = "{__schema{types{name description} directives{name description args{name description}}}}";
        let told = super::schema(None).execute(text).await.data.into_json().expect("JSON");
        let schema = &told["__schema"];
        let list = |of: &serde_json::Value| of.as_array().cloned().unwrap_or_default();
        let mut entries = list(&schema["types"]);
        for directive in list(&schema["directives"]) {
            entries.extend(list(&directive["args"]));
            entries.push(directive);
        }
        let is_bare = |entry: &&serde_json::Value| {
            entry["description"].as_str().is_none_or(str::is_empty)
                && entry["name"].as_str().is_some_and(|name| !name.starts_with("__"))
        };
        let bare: Vec<_> = entries.iter().filter(is_bare).map(|entry| entry["name"].clone()).collect();
        assert_eq!(bare, Vec::<serde_json::Value>::new());
    }

    #[test]
    fn scalars_say_where_they_are_specified() {
        let sdl = super::sdl();
        for scalar in ["BigInt", "Date", "DateTime", "Decimal", "Upload"] {
            assert!(sdl.contains(&format!("scalar {scalar} @specifiedBy(url: \"https://")), "{scalar}");
        }
    }
}
