//! What a misspelt name was meant to be.

use crate::market::text::edit_distance;

/// Names that are looked at, and characters of each.
const MOST: usize = 200;
const LONGEST: usize = 60;

/// Names that are offered.
const MOST_OFFERED: usize = 3;

/// ` Did you mean "NSE"?`, or nothing. Of several that are as near, each is offered.
pub(super) fn of<'a>(given: &str, names: impl Iterator<Item = &'a str>) -> String {
    if given.len() > LONGEST {
        return String::new();
    }
    let lower = given.to_lowercase();
    let mut known: Vec<(usize, &str)> =
        names.take(MOST).map(|name| (edit_distance(&lower, &name.to_lowercase()), name)).collect();
    known.sort_unstable();
    let Some((nearest, _)) = known.first().copied() else { return String::new() };
    // Four characters in ten may be wrong.
    let near = known
        .iter()
        .filter(|(distance, name)| *distance == nearest && distance * 10 <= given.len().max(name.len()) * 4);
    let near: Vec<String> = near.take(MOST_OFFERED).map(|(_, name)| format!("\"{name}\"")).collect();
    match near.as_slice() {
        [] => String::new(),
        [only] => format!(" Did you mean {only}?"),
        [first @ .., last] => format!(" Did you mean {} or {last}?", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_offered_if_it_is_near() {
        let exchanges = ["NSE", "BSE", "NASDAQ", "NYSE", "OTHER"];
        assert_eq!(of("nse", exchanges.into_iter()), " Did you mean \"NSE\"?");
        assert_eq!(of("NASDQ", exchanges.into_iter()), " Did you mean \"NASDAQ\"?");
        assert_eq!(of("LSE", exchanges.into_iter()), " Did you mean \"BSE\" or \"NSE\"?");
        assert_eq!(of("OTEHR", exchanges.into_iter()), " Did you mean \"OTHER\"?");
        assert_eq!(of("FRANKFURT", exchanges.into_iter()), "");
        assert_eq!(of(&"N".repeat(10_000), exchanges.into_iter()), "");
    }
}
