//! What a misspelt name was meant to be.

/// Names that are looked at, and characters of each.
const MOST: usize = 200;
const LONGEST: usize = 60;

/// ` Did you mean "NSE"?`, or nothing.
pub(super) fn of<'a>(given: &str, names: impl Iterator<Item = &'a str>) -> String {
    if given.len() > LONGEST {
        return String::new();
    }
    let lower = given.to_lowercase();
    let near = names.take(MOST).map(|name| (distance(&lower, &name.to_lowercase()), name)).min();
    // Four characters in ten may be wrong.
    match near {
        Some((distance, name)) if distance * 10 <= given.len().max(name.len()) * 4 => {
            format!(" Did you mean \"{name}\"?")
        }
        _ => String::new(),
    }
}

/// How many characters have to be changed, put in or left out (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let changed = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_offered_if_it_is_near() {
        let exchanges = ["NSE", "BSE", "NASDAQ", "NYSE", "OTHER"];
        assert_eq!(of("nse", exchanges.into_iter()), " Did you mean \"NSE\"?");
        assert_eq!(of("NASDQ", exchanges.into_iter()), " Did you mean \"NASDAQ\"?");
        assert_eq!(of("FRANKFURT", exchanges.into_iter()), "");
        assert_eq!(of(&"N".repeat(10_000), exchanges.into_iter()), "");
        assert_eq!(distance("kitten", "sitting"), 3);
    }
}
