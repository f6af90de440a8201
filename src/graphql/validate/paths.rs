//! Where an error belongs. The library tells of an error within a list by the list's entry alone, whichever of its fields has
//! failed; the rest of the way is told by where that field stands in the text.

use async_graphql::parser::types::ExecutableDocument;
use async_graphql::{PathSegment, Pos, ServerError};

use super::definitions::root_of;
use super::merging::{Entry, Part, groups};

/// Leads an error's path on to the field that it is about, if that can be told.
pub fn complete(document: &ExecutableDocument, operation_name: Option<&str>, error: &mut ServerError) {
    let Some(at) = error.locations.first().copied() else { return };
    let mut operations = document.operations.iter();
    let meant = operations.find(|(name, _)| operation_name.is_none_or(|meant| name.is_some_and(|name| name == meant)));
    let Some((_, operation)) = meant else { return };
    let mut parts = vec![Part { on: root_of(operation.node.ty), set: &operation.node.selection_set.node }];
    let mut reached: Vec<Entry<'_>> = Vec::new();
    for segment in &error.path {
        let PathSegment::Field(key) = segment else { continue };
        let group = groups(document, &parts).into_iter().find(|(known, _)| *known == key.as_str());
        let Some((_, entries)) = group else { return };
        parts = entries.iter().map(|entry| entry.part()).collect();
        reached = entries;
    }
    let is_entry = matches!(error.path.last(), Some(PathSegment::Index(_)));
    let is_whole = reached.iter().any(|entry| entry.field.pos == at || (entry.is_list() && !is_entry));
    if is_whole {
        return;
    }
    let mut found = Vec::new();
    search(document, &parts, at, &mut Vec::new(), &mut found);
    // A fragment that is spread twice may stand in two places.
    if let [way] = found.as_slice() {
        error.path.extend(way.iter().map(|key| PathSegment::Field((*key).to_owned())));
    }
}

/// The ways to a place of the text. Within further lists the entry isn't known, so nothing is said of it.
fn search<'d>(
    document: &'d ExecutableDocument,
    parts: &[Part<'d>],
    at: Pos,
    way: &mut Vec<&'d str>,
    found: &mut Vec<Vec<&'d str>>,
) {
    for (key, entries) in groups(document, parts) {
        way.push(key);
        if entries.iter().any(|entry| entry.field.pos == at) {
            found.push(way.clone());
        } else if !entries.iter().any(|entry| entry.is_list()) {
            let parts: Vec<Part<'d>> = entries.iter().map(|entry| entry.part()).collect();
            search(document, &parts, at, way, found);
        }
        way.pop();
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
        complete(&document, None, &mut error);
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
