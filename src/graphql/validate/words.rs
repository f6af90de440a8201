//! What the library's validation says, in the words of the reference implementation, which people and tools know.

/// Beginnings that differ.
const BEGINNINGS: &[(&str, &str)] = &[
    ("Unknown field ", "Cannot query field "),
    ("Unknown fragment: ", "Unknown fragment "),
    ("There can only be one ", "There can be only one "),
];

/// What differs further on.
const WITHIN: &[(&str, &str)] = &[
    (" cannot condition non composite type ", " cannot condition on non composite type "),
    (" is not used by operation ", " is never used in operation "),
    (" is required but not provided", " is required, but it was not provided"),
    ("\" on directive \"", "\" on directive \"@"),
];

/// A sentence of the library's as the reference implementation has it.
#[must_use]
pub fn standard(message: &str) -> String {
    let mut sentence = misplaced(message).unwrap_or_else(|| message.to_owned());
    if let Some((other, ours)) = BEGINNINGS.iter().find(|(other, _)| sentence.starts_with(other)) {
        sentence.replace_range(..other.len(), ours);
    }
    if let Some((other, ours)) = WITHIN.iter().find(|(other, _)| sentence.contains(other)) {
        sentence = sentence.replacen(other, ours, 1);
    }
    if let Some(start) = sentence.strip_suffix(" is not used") {
        sentence = format!("{start} is never used");
    }
    if !sentence.ends_with(['.', '?']) {
        sentence.push('.');
    }
    if sentence.ends_with(" must have a selection of subfields.")
        && let Some(name) = sentence.split('"').nth(1)
    {
        sentence = format!("{sentence} Did you mean \"{name} {{ ... }}\"?");
    }
    sentence
}

/// The library tells the two types of a misplaced variable the wrong way round, and names the variable without its sign.
fn misplaced(message: &str) -> Option<String> {
    let rest = message.strip_prefix("Variable \"")?;
    let (name, rest) = rest.split_once("\" of type \"")?;
    let (place, rest) = rest.split_once("\" used in position expecting type \"")?;
    let own = rest.strip_suffix('"')?;
    Some(format!("Variable \"${name}\" of type \"{own}\" used in position expecting type \"{place}\"."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_librarys_sentences_are_the_reference_implementations() {
        for (other, ours) in [
            (
                "Unknown field \"nam\" on type \"Viewer\". Did you mean \"name\"?",
                "Cannot query field \"nam\" on type \"Viewer\". Did you mean \"name\"?",
            ),
            ("Variable \"$t\" is not used", "Variable \"$t\" is never used."),
            ("Variable \"$t\" is not used by operation \"Q\"", "Variable \"$t\" is never used in operation \"Q\"."),
            ("Variable \"$t\" is not defined by operation \"Q\"", "Variable \"$t\" is not defined by operation \"Q\"."),
            ("There can only be one variable named \"$t\"", "There can be only one variable named \"$t\"."),
            ("Unknown fragment: \"F\"", "Unknown fragment \"F\"."),
            ("Unknown argument \"a\" on directive \"skip\".", "Unknown argument \"a\" on directive \"@skip\"."),
            (
                "Field \"viewer\" of type \"Viewer\" must have a selection of subfields",
                "Field \"viewer\" of type \"Viewer\" must have a selection of subfields. Did you mean \"viewer { ... }\"?",
            ),
            (
                "Variable \"n\" of type \"Int\" used in position expecting type \"String\"",
                "Variable \"$n\" of type \"String\" used in position expecting type \"Int\".",
            ),
            ("Fragment \"F\" is never used", "Fragment \"F\" is never used."),
        ] {
            assert_eq!(standard(other), ours);
        }
    }
}
