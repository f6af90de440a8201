//! Numbers as people's programs write them: thousands, decimal commas, currencies, `51.86M`.

use std::borrow::Cow;

/// What parts the whole from the fraction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Style {
    #[default]
    Point,
    Comma,
}

/// Whether a cell says that there's no value.
pub(super) fn is_nothing(cell: &str) -> bool {
    let cell = cell.trim();
    let words = ["n/a", "na", "#n/a", "null", "none", "nan", "nil"];
    cell.chars().all(|c| matches!(c, '-' | '–' | '—')) || words.iter().any(|word| cell.eq_ignore_ascii_case(word))
}

/// A cell without blanks, currency and apostrophes.
fn bare(cell: &str) -> Cow<'_, str> {
    let cell = cell.trim();
    if cell.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
        return Cow::Borrowed(cell);
    }
    let mut text: String = cell
        .chars()
        .filter(|c| !matches!(c, '$' | '€' | '£' | '₹' | '¥' | '\'' | '’' | ' ' | '\u{a0}' | '\u{202f}'))
        .collect();
    for unit in ["US", "INR", "USD", "EUR", "GBP", "Rs.", "Rs"] {
        if let Some(rest) = text.strip_prefix(unit).or_else(|| text.strip_suffix(unit)) {
            text = rest.to_owned();
        }
    }
    Cow::Owned(text)
}

/// Digits in groups of three, or in India's way: three at the end, two before.
fn grouped(text: &str, mark: char) -> bool {
    let groups: Vec<&str> = text.split(mark).collect();
    let Some((first, rest)) = groups.split_first() else { return false };
    let Some((last, between)) = rest.split_last() else { return false };
    let size = between.first().map_or(3, |group| group.len());
    (1..=size).contains(&first.len())
        && last.len() == 3
        && (size == 2 || size == 3)
        && between.iter().all(|group| group.len() == size)
        && groups.iter().all(|group| group.bytes().all(|b| b.is_ascii_digit()))
}

/// What one cell says of its table's style.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Vote {
    Point,
    Comma,
    /// Three digits after the only comma: a fraction, or a group.
    UnclearComma,
    /// The same after the only point.
    UnclearPoint,
}

/// What the cells of a table say of its style.
#[derive(Debug, Clone, Default)]
pub(super) struct StyleVotes {
    point: Option<String>,
    comma: Option<String>,
    unclear_comma: Option<String>,
    unclear_point: Option<String>,
    /// What cells say that aren't used: they decide where the others leave it open, and contradict none.
    beside: [bool; 2],
}

impl StyleVotes {
    /// Counts one cell in; of a volume, three digits after a comma are a group.
    pub(super) fn add(&mut self, cell: &str, is_volume: bool) {
        let slot = match vote(cell, is_volume) {
            Some(Vote::Point) => &mut self.point,
            Some(Vote::Comma) => &mut self.comma,
            Some(Vote::UnclearComma) if !is_volume => &mut self.unclear_comma,
            Some(Vote::UnclearPoint) => &mut self.unclear_point,
            _ => return,
        };
        if slot.is_none() {
            *slot = Some(cell.trim().chars().take(40).collect());
        }
    }

    /// Counts a cell of a column in that isn't used, as a change in percent. What has a point may be a time of day.
    pub(super) fn add_beside(&mut self, cell: &str) {
        let number = cell.trim().trim_end_matches('%');
        match vote(number, false) {
            Some(Vote::Point) => {
                let (whole, decimals) = number.rsplit_once('.').unwrap_or((number, ""));
                let is_no_time = whole.len() > 2 || decimals.len() > 2;
                self.beside[0] |= is_no_time || number.len() < cell.trim().len() || number.contains(',');
            }
            Some(Vote::Comma) => self.beside[1] = true,
            _ => {}
        }
    }

    /// Whether no cell has decided yet.
    pub(super) fn is_open(&self) -> bool {
        self.point.is_none() && self.comma.is_none()
    }

    /// The style of all; `may_group` where the table is of those in which points may part thousands.
    ///
    /// # Errors
    /// With a sentence, where the cells contradict each other or leave it open.
    pub(super) fn decide(&self, may_group: bool) -> Result<Style, String> {
        match (&self.point, &self.comma) {
            (Some(point), Some(comma)) => {
                return Err(format!(
                    "its numbers are written in two ways, {point:?} and {comma:?}; write all of them with a decimal point"
                ));
            }
            (None, Some(_)) => return Ok(Style::Comma),
            (Some(_), None) => return Ok(Style::Point),
            (None, None) => {}
        }
        let is_unclear = self.unclear_comma.is_some() || self.unclear_point.is_some();
        match self.beside {
            [true, false] if is_unclear => return Ok(Style::Point),
            [false, true] if self.unclear_comma.is_some() || (is_unclear && may_group) => return Ok(Style::Comma),
            _ => {}
        }
        if let Some(text) = &self.unclear_comma {
            return Err(format!(
                "nothing tells whether {text:?} has a decimal comma or a comma between thousands; write the prices with \
                 a decimal point and no grouping"
            ));
        }
        match &self.unclear_point {
            Some(text) if may_group => Err(format!(
                "nothing tells whether {text:?} has a decimal point or a point between thousands; write the numbers \
                 without grouping, and with two or four digits after a decimal point"
            )),
            _ => Ok(Style::Point),
        }
    }
}

fn vote(cell: &str, is_volume: bool) -> Option<Vote> {
    let text = bare(cell);
    let text = text.trim_start_matches(['-', '+']);
    let text = if is_volume { text.trim_end_matches(|c: char| c.is_ascii_alphabetic()) } else { text };
    let has_unit = is_volume && cell.trim().ends_with(|c: char| c.is_ascii_alphabetic());
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit() || b == b'.' || b == b',') {
        return None;
    }
    let (commas, points) = (text.matches(',').count(), text.matches('.').count());
    let tail = |mark: char| text.rsplit(mark).next().map_or(0, str::len);
    let head = |mark: char| text.split(mark).next().unwrap_or_default();
    // Groups have three digits, and one to three of them stand before the first.
    let is_fraction =
        |mark: char| tail(mark) != 3 || !(1..=3).contains(&head(mark).len()) || head(mark) == "0" || has_unit;
    match (commas, points) {
        (_, 1) if commas > 0 && text.rfind('.') > text.rfind(',') => Some(Vote::Point),
        (1, _) if points > 0 => Some(Vote::Comma),
        (0, 1) if is_fraction('.') => Some(Vote::Point),
        (1, 0) if is_fraction(',') => Some(Vote::Comma),
        (0, 1) => Some(Vote::UnclearPoint),
        (1, 0) => Some(Vote::UnclearComma),
        (0, 2..) if grouped(text, '.') => Some(Vote::Comma),
        (2.., 0) if grouped(text, ',') => Some(Vote::Point),
        _ => None,
    }
}

/// A cell as a plain decimal; the cell itself where it's no number.
pub(super) fn plain(cell: &str, style: Style, is_volume: bool) -> Cow<'_, str> {
    let cell = cell.trim();
    if cell.bytes().all(|b| b.is_ascii_digit() || (b == b'.' && style == Style::Point)) {
        return Cow::Borrowed(cell);
    }
    normal(cell, style, is_volume).map_or(Cow::Borrowed(cell), Cow::Owned)
}

fn normal(cell: &str, style: Style, is_volume: bool) -> Option<String> {
    let text = bare(cell);
    let (sign, text) = match text.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", text.strip_prefix('+').unwrap_or(&text)),
    };
    let (text, zeros) = match text.chars().last().map(|c| c.to_ascii_lowercase()) {
        Some('k') if is_volume => (&text[..text.len() - 1], 3),
        Some('m') if is_volume => (&text[..text.len() - 1], 6),
        Some('b') if is_volume => (&text[..text.len() - 1], 9),
        _ => (text, 0),
    };
    let (point, group) = if style == Style::Point { ('.', ',') } else { (',', '.') };
    let (whole, fraction) = text.split_once(point).unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if !digits(fraction) || (whole.is_empty() && fraction.is_empty()) {
        return None;
    }
    if !(digits(whole) || grouped(whole, group)) {
        return None;
    }
    let whole: String = whole.chars().filter(char::is_ascii_digit).collect();
    let whole = if whole.is_empty() { "0" } else { &whole };
    if zeros == 0 {
        return Some(if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") });
    }
    // The point moves to the right by so many digits.
    let padded = format!("{fraction:0<zeros$}");
    let (moved, left) = padded.split_at(zeros);
    let left = left.trim_end_matches('0');
    Some(if left.is_empty() { format!("{sign}{whole}{moved}") } else { format!("{sign}{whole}{moved}.{left}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_become_plain() {
        for (cell, style, expected) in [
            ("$191.38", Style::Point, "191.38"),
            ("1,612.34", Style::Point, "1612.34"),
            ("4,34,81,697", Style::Point, "43481697"),
            ("1.234,56", Style::Comma, "1234.56"),
            ("1 234,5", Style::Comma, "1234.5"),
            ("1'234.5", Style::Point, "1234.5"),
            ("₹ 1,00,000.50", Style::Point, "100000.50"),
            ("12,34.5", Style::Point, "12,34.5"),
            ("abc", Style::Point, "abc"),
            ("1e5", Style::Point, "1e5"),
            ("-1.5", Style::Point, "-1.5"),
        ] {
            assert_eq!(plain(cell, style, false), expected, "{cell}");
        }
        for (cell, style, expected) in [
            ("51.86M", Style::Point, "51860000"),
            ("51,86M", Style::Comma, "51860000"),
            ("1K", Style::Point, "1000"),
            ("1.2B", Style::Point, "1200000000"),
            ("1.2345K", Style::Point, "1234.5"),
        ] {
            assert_eq!(plain(cell, style, true), expected, "{cell}");
        }
    }

    #[test]
    fn the_style_is_decided_from_all_cells() {
        let decided = |cells: &[&str]| {
            let mut votes = StyleVotes::default();
            for cell in cells {
                votes.add(cell, false);
            }
            votes.decide(false)
        };
        assert_eq!(decided(&["1.234,56", "1,5"]), Ok(Style::Comma));
        assert_eq!(decided(&["1,234.56", "12.5"]), Ok(Style::Point));
        assert_eq!(decided(&["1.234"]), Ok(Style::Point));
        assert!(decided(&["1,234"]).is_err());
        assert!(decided(&["1,5", "1.5"]).is_err());
    }

    #[test]
    fn points_that_may_part_thousands_are_decided_by_what_stands_beside_them() {
        let decided = |prices: &[&str], volume: &str, beside: &str, may_group: bool| {
            let mut votes = StyleVotes::default();
            for cell in prices {
                votes.add(cell, false);
            }
            votes.add(volume, true);
            votes.add_beside(beside);
            votes.decide(may_group)
        };
        for (prices, volume) in [(["15.386", "15.401"], "7"), (["12", "13"], "123.000")] {
            let told = decided(&prices, volume, "", true).expect_err("unclear");
            assert!(told.contains("a point between thousands"), "{told}");
            assert_eq!(decided(&prices, volume, "", false), Ok(Style::Point));
            assert_eq!(decided(&prices, volume, "-0,30%", true), Ok(Style::Comma));
            assert_eq!(decided(&prices, volume, "0.30%", true), Ok(Style::Point));
            assert_eq!(decided(&["15.3860", prices[0]], volume, "0,30%", true), Ok(Style::Point));
        }
        assert_eq!(decided(&["0.386", ".386", "1234.567"], "", "", true), Ok(Style::Point));
        assert!(decided(&["15,386"], "", "", false).is_err());
        assert_eq!(decided(&["15,386"], "", "0.30%", false), Ok(Style::Point));
    }
}
