//! Where an error belongs. The library tells of an error within a list by the list's entry alone, whichever of its fields has
//! failed; the rest of the way is told by where that field stands in the text.

use std::collections::HashMap;

use async_graphql::parser::types::ExecutableDocument;
use async_graphql::{PathSegment, Pos, ServerError};

use super::definitions::root_of;
use super::merging::{Part, groups};

/// Leads the paths of an operation's errors on to the fields that they are about, where that can be told.
pub fn complete(document: &ExecutableDocument, operation_name: Option<&str>, errors: &mut [ServerError]) {
    let mut operations = document.operations.iter();
    let meant = operations.find(|(name, _)| operation_name.is_none_or(|meant| name.is_some_and(|name| name == meant)));
    let Some((_, operation)) = meant else { return };
    let root = Part { on: root_of(operation.node.ty), set: &operation.node.selection_set.node };
    let places = Places::of(document, root);
    for error in errors.iter_mut().filter(|error| !error.path.is_empty()) {
        places.complete(error);
    }
}

/// A place in the answer.
struct Place<'d> {
    key: &'d str,
    above: Option<usize>,
    is_list: bool,
}

/// The places of an operation's answer, as many at the most as the operation has fields, which are bounded.
struct Places<'d> {
    all: Vec<Place<'d>>,
    /// Where a field of the text answers: in several places, if its fragment is spread in several.
    of: HashMap<Pos, Vec<usize>>,
}

impl<'d> Places<'d> {
    fn of(document: &'d ExecutableDocument, root: Part<'d>) -> Self {
        let mut places = Self { all: Vec::new(), of: HashMap::new() };
        let mut open = vec![(None, vec![root])];
        while let Some((above, parts)) = open.pop() {
            for (key, entries) in groups(document, &parts) {
                let place = places.all.len();
                places.all.push(Place { key, above, is_list: entries.iter().any(|entry| entry.is_list()) });
                for entry in &entries {
                    places.of.entry(entry.field.pos).or_default().push(place);
                }
                open.push((Some(place), entries.iter().map(|entry| entry.part()).collect()));
            }
        }
        places
    }

    fn complete(&self, error: &mut ServerError) {
        let Some(places) = error.locations.first().and_then(|at| self.of.get(at)) else { return };
        let ways: Vec<Vec<&'d str>> = places.iter().filter_map(|&place| self.rest(&error.path, place)).collect();
        if let [way] = ways.as_slice() {
            error.path.extend(way.iter().map(|key| PathSegment::Field((*key).to_owned())));
        }
    }

    /// The way from where a path leads to a place below. Of what is within further lists the entry isn't known, so nothing is
    /// said of it.
    fn rest(&self, path: &[PathSegment], place: usize) -> Option<Vec<&'d str>> {
        let mut way: Vec<&Place<'d>> =
            std::iter::successors(Some(&self.all[place]), |place| place.above.map(|above| &self.all[above])).collect();
        way.reverse();
        let mut rest = way.as_slice();
        let mut reached = None;
        for segment in path {
            let PathSegment::Field(key) = segment else { continue };
            let (first, others) = rest.split_first().filter(|(first, _)| first.key == key)?;
            (reached, rest) = (Some(first), others);
        }
        let is_entry = matches!(path.last(), Some(PathSegment::Index(_)));
        let [between @ .., _] = rest else { return Some(Vec::new()) };
        let is_whole = reached.is_some_and(|place| place.is_list) && !is_entry;
        (!is_whole && !between.iter().any(|place| place.is_list)).then(|| rest.iter().map(|place| place.key).collect())
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;

    use super::*;
    use crate::graphql::codes::Code;

    fn completed(text: &str, failed: &str, path: &[&str]) -> String {
        let document = parse_query(text).expect("a document");
        let column = text.find(failed).expect("a field") + 1;
        let mut error = Code::BadUserInput.at(Pos { line: 1, column }, "no");
        let segment = |step: &&str| step.parse().map_or(PathSegment::Field((*step).to_owned()), PathSegment::Index);
        error.path = path.iter().map(segment).collect();
        complete(&document, None, std::slice::from_mut(&mut error));
        let step = |segment: &PathSegment| match segment {
            PathSegment::Field(name) => name.clone(),
            PathSegment::Index(i) => i.to_string(),
        };
        error.path.iter().map(step).collect::<Vec<_>>().join(".")
    }

    #[test]
    fn a_path_leads_to_the_field_that_failed() {
        for (text, failed, path, whole) in [
            (
                "{ipos{nodes{name revisions{totalCount}}}}",
                "revisions",
                vec!["ipos", "nodes", "3"],
                "ipos.nodes.3.revisions",
            ),
            (
                "{ipos{edges{node{name r:revisions{totalCount}}}}}",
                "r:revisions",
                vec!["ipos", "edges", "0"],
                "ipos.edges.0.node.r",
            ),
            (
                "{ipos{...F}} fragment F on IpoConnection{nodes{...G}} fragment G on Ipo{issueSize}",
                "issueSize",
                vec!["ipos", "nodes", "1"],
                "ipos.nodes.1.issueSize",
            ),
            (
                "{nodes(ids:[]){...on Symbol{series{indicator(by:{sma:1})}}}}",
                "indicator",
                vec!["nodes", "0"],
                "nodes.0.series.indicator",
            ),
            (
                "{a:ipos{nodes{...F}} b:ipos{nodes{...F}}} fragment F on Ipo{issueSize}",
                "issueSize",
                vec!["b", "nodes", "1"],
                "b.nodes.1.issueSize",
            ),
            (
                "{nodes(ids:[]){...on Backtest{symbol{...F}} ...on Prediction{of:symbol{...F}}}} fragment F on Symbol{barCount}",
                "barCount",
                vec!["nodes", "0"],
                "nodes.0",
            ),
            // What is whole stays as it is; so does what can't be told.
            ("{ipo(by:{id:1}){revisions{totalCount}}}", "revisions", vec!["ipo", "revisions"], "ipo.revisions"),
            (
                "{symbols{nodes{backtests{nodes{dataVersion}}}}}",
                "dataVersion",
                vec!["symbols", "nodes", "0"],
                "symbols.nodes.0",
            ),
            ("{ipos{nodes{name}}}", "ipos", vec!["nothing", "0"], "nothing.0"),
        ] {
            assert_eq!(completed(text, failed, &path), whole, "{text}");
        }
    }
}
