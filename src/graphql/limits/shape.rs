//! What a field leads to, read once from the schema's own definition.

use std::collections::HashMap;

use async_graphql::Positioned;
use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{BaseType, FieldDefinition, Type, TypeKind, TypeSystemDefinition};

/// How a field's answer grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Growth {
    /// One value or object.
    One,
    /// A page of a connection: as many rows as `first` or `last` asks for.
    Page,
    /// As many as its argument of this name has entries.
    Listed(&'static str),
    /// As many as its argument of this name says.
    Counted(&'static str, u64),
    /// A list that comes to about this many.
    About(u64),
}

/// One field.
#[derive(Debug, Clone)]
pub struct FieldShape {
    pub leads_to: String,
    pub growth: Growth,
    /// What it costs beside its children: a row read, a column written, a calculation.
    pub weight: u64,
}

/// The fields of every object.
pub type Shapes = HashMap<String, HashMap<String, FieldShape>>;

/// Fields whose work their type doesn't tell: a unit is one plain value of a row that was read anyway.
const WEIGHTS: &[(&str, &str, u64)] = &[
    ("PriceSeries", "indicator", 100),
    ("SweepColumns", "buyWindow", 500),
    ("SweepColumns", "sellWindow", 500),
    ("SweepColumns", "totalReturn", 500),
    ("SweepColumns", "maxDrawdown", 500),
    ("SweepColumns", "sharpe", 500),
    ("SweepColumns", "tradeCount", 500),
    ("Sweep", "columns", 200),
    ("Sweep", "best", 2_000),
    // Texts of some kilobytes, read and parsed for each of them.
    ("PredictionConnection", "nodes", 8),
    ("PredictionConnection", "edges", 8),
    ("Symbol", "latestPrediction", 10),
    ("Prediction", "evaluation", 5),
    ("Prediction", "evaluationByDay", 5),
    ("Prediction", "independentOrigins", 5),
    ("Prediction", "skillRange", 5),
    ("Prediction", "verdict", 5),
    ("Prediction", "points", 10),
    ("Prediction", "outcome", 10),
    ("Query", "ipoStatistics", SCAN),
    ("Query", "compareBacktests", 500),
    ("BacktestComparison", "curves", 2_500),
    // Calculations of twenty to five hundred milliseconds.
    ("Mutation", "sweepBacktests", 20_000),
    ("Mutation", "runBacktest", 3_000),
    ("Mutation", "predict", 2_000),
    // Files of 64 MiB.
    ("Mutation", "previewImport", 20_000),
    ("Mutation", "importPrices", 20_000),
];

/// A statement that reads a whole table, however little it answers: figures over all, a text that may stand anywhere.
/// Twenty thousand rows take 15 to 25 ms.
pub const SCAN: u64 = 2_500;
/// A statement over the part of a table that a filter leaves, counted or sorted.
pub const FILTERED: u64 = 300;
/// A column of a series, written as one value.
const COLUMN: u64 = 50;
/// Something that a statement brings, or may.
const ROW: u64 = 2;
/// A connection's own statement.
const PAGE: u64 = 5;

/// Lists whose length their arguments tell, or that are short by nature.
const GROWTHS: &[(&str, &str, Growth)] = &[
    ("Query", "nodes", Growth::Listed("ids")),
    ("Query", "models", Growth::About(20)),
    ("Query", "tokens", Growth::About(300)),
    ("Query", "deletedIpos", Growth::About(500)),
    ("BacktestComparison", "backtests", Growth::About(8)),
    ("BacktestComparison", "differences", Growth::About(15)),
    ("BacktestComparison", "metrics", Growth::About(19)),
    ("ComparedCurves", "runs", Growth::About(8)),
    ("Sweep", "best", Growth::Counted("first", 1_000)),
    ("Prediction", "points", Growth::About(30)),
    ("RefreshSymbolsPayload", "jobs", Growth::About(100)),
    ("RefreshMarketPayload", "jobs", Growth::About(100)),
];

/// Reads the shapes from a definition.
pub fn shapes(sdl: &str) -> Shapes {
    let Ok(document) = parse_schema(sdl) else { return Shapes::new() };
    let mut shapes = Shapes::new();
    for definition in document.definitions {
        let TypeSystemDefinition::Type(definition) = definition else { continue };
        let name = definition.node.name.node.to_string();
        let fields = match definition.node.kind {
            TypeKind::Object(object) => object.fields,
            TypeKind::Interface(interface) => interface.fields,
            _ => continue,
        };
        let of = fields.iter().map(|field| (field.node.name.node.to_string(), shape(&name, field)));
        shapes.insert(name.clone(), of.collect());
    }
    shapes
}

fn shape(owner: &str, field: &Positioned<FieldDefinition>) -> FieldShape {
    let (leads_to, is_list) = inner(&field.node.ty.node);
    let name = field.node.name.node.as_str();
    let is_leaf = !leads_to.chars().next().is_some_and(char::is_uppercase)
        || matches!(
            leads_to.as_str(),
            "Int" | "Float" | "String" | "Boolean" | "ID" | "Date" | "DateTime" | "Decimal" | "BigInt"
        );
    let known = GROWTHS.iter().find(|(o, n, _)| *o == owner && *n == name).map(|(_, _, growth)| *growth);
    let growth = known.unwrap_or_else(|| {
        let pages = field.node.arguments.iter().any(|a| a.node.name.node.as_str() == "first")
            && leads_to.ends_with("Connection");
        match (pages, is_list) {
            (true, _) => Growth::Page,
            // The rows of a page are counted where the page is asked for.
            (false, true) if owner.ends_with("Connection") => Growth::One,
            (false, true) if !is_leaf => Growth::About(10),
            _ => Growth::One,
        }
    });
    let weight = WEIGHTS.iter().find(|(o, n, _)| *o == owner && *n == name).map_or_else(
        || match (growth, is_leaf, is_list) {
            (Growth::Page, ..) => PAGE,
            (_, true, true) => COLUMN,
            (_, true, false) => 1,
            // A page's own shell: its rows were read with it.
            _ if owner.ends_with("Connection") || owner.ends_with("Edge") => 1,
            (_, false, _) => ROW,
        },
        |(_, _, weight)| *weight,
    );
    FieldShape { leads_to, growth, weight }
}

fn inner(ty: &Type) -> (String, bool) {
    match &ty.base {
        BaseType::Named(name) => (name.to_string(), false),
        BaseType::List(of) => (inner(of).0, true),
    }
}
