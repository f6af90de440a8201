//! What all of a table's numbers tell of how each is written.

pub(super) use super::amounts::is_nothing;
use super::amounts::{Style, bare, closed, grouped, split_unit};

/// What a table's making tells of the points in its numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Points {
    /// JSON's numbers have no others than decimal points.
    Decimal,
    /// Headings in English and commas between the cells: decimal points, unless something in it says otherwise.
    Likely,
    /// Semicolons between the cells, as where a comma is the decimal mark.
    Unclear,
    /// Headings of a language that writes decimal commas.
    Foreign,
}

impl Points {
    fn may_group(self) -> bool {
        matches!(self, Self::Unclear | Self::Foreign)
    }
}

/// An ungrouped whole number of so many digits shows that its column has no groups.
const UNGROUPED: usize = 4;
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
    /// The same of commas that may also part two numbers, a range or a list.
    beside_may_part: bool,
    /// Whether a volume has three digits after its only point, or comma. Shares are whole, so that it's a group; of zeros it
    /// may be a fraction.
    volume_groups: [bool; 2],
    /// Whether a volume has as many digits as would be grouped, and no mark.
    volume_is_ungrouped: bool,
}

impl StyleVotes {
    /// Counts one cell in.
    pub(super) fn add(&mut self, cell: &str, is_volume: bool) {
        let vote = vote(cell, is_volume);
        if is_volume {
            self.add_volume(cell.trim(), vote);
        }
        let slot = match vote {
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

    fn add_volume(&mut self, cell: &str, vote: Option<Vote>) {
        let may_be_whole = cell.ends_with("000");
        match vote {
            Some(Vote::UnclearPoint) => self.volume_groups[0] |= !may_be_whole,
            Some(Vote::UnclearComma) => self.volume_groups[1] |= !may_be_whole,
            Some(_) => {}
            None => {
                self.volume_is_ungrouped |= cell.len() >= UNGROUPED && cell.bytes().all(|b| b.is_ascii_digit());
            }
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
            Some(Vote::Comma) if number.len() < cell.trim().len() || number.contains('.') => self.beside[1] = true,
            Some(Vote::Comma) => self.beside_may_part = true,
            _ => {}
        }
    }

    /// Whether no cell has decided yet.
    pub(super) fn is_open(&self) -> bool {
        self.point.is_none() && self.comma.is_none()
    }

    /// The style of all, in a table whose making tells so much of `points`.
    ///
    /// # Errors
    /// With a sentence, where the cells contradict each other or leave it open.
    pub(super) fn decide(&self, points: Points) -> Result<Style, String> {
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
        let is_decimal = points == Points::Decimal && self.unclear_comma.is_none();
        if is_decimal || (self.unclear_comma.is_none() && self.unclear_point.is_none()) {
            return Ok(Style::Point);
        }
        let has_comma = self.beside[1] || (self.beside_may_part && points.may_group());
        match (self.beside[0], has_comma) {
            (true, false) => return Ok(Style::Point),
            (false, true) => match &self.unclear_point {
                Some(text) if self.volume_is_ungrouped => return Err(unclear_point(text)),
                _ => return Ok(Style::Comma),
            },
            _ => {}
        }
        if let Some(style) = self.by_volume(points) {
            return Ok(style);
        }
        if let Some(text) = &self.unclear_comma {
            return Err(format!(
                "nothing tells whether {text:?} has a decimal comma or a comma between thousands; write the prices with \
                 a decimal point and no grouping"
            ));
        }
        let volume_has_points = self.volume_groups[0] && !self.volume_is_ungrouped;
        match &self.unclear_point {
            Some(text) if points.may_group() || volume_has_points => Err(unclear_point(text)),
            _ => Ok(Style::Point),
        }
    }

    /// What the volumes tell where prices leave it open.
    fn by_volume(&self, points: Points) -> Option<Style> {
        let has_comma = self.unclear_comma.is_some();
        match self.volume_groups {
            // Where volumes have no groups, prices with points have none either; prices with commas often do.
            _ if self.volume_is_ungrouped => (points == Points::Unclear && !has_comma).then_some(Style::Point),
            [false, true] => Some(Style::Point),
            // In a table of English the volume may be of parts of shares, which are flagged: that is refused.
            [true, false] => (has_comma || points.may_group()).then_some(Style::Comma),
            _ => None,
        }
    }
}

fn unclear_point(text: &str) -> String {
    format!(
        "nothing tells whether {text:?} has a decimal point or a point between thousands; write the numbers without grouping, \
         and with two or four digits after a decimal point"
    )
}

fn vote(cell: &str, is_volume: bool) -> Option<Vote> {
    let (_, text) = bare(cell);
    let (text, zeros) = if is_volume { split_unit(text) } else { (text, 0) };
    let text = closed(text)?;
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit() || b == b'.' || b == b',') {
        return None;
    }
    let (commas, points) = (text.matches(',').count(), text.matches('.').count());
    let tail = |mark: char| text.rsplit(mark).next().map_or(0, str::len);
    let head = |mark: char| text.split(mark).next().unwrap_or_default();
    // Groups have three digits, and one to three of them stand before the first.
    let is_fraction =
        |mark: char| tail(mark) != 3 || !(1..=3).contains(&head(mark).len()) || head(mark) == "0" || zeros > 0;
    match (commas, points) {
        (_, 1) if commas > 0 && text.rfind('.') > text.rfind(',') => Some(Vote::Point),
        (1, _) if points > 0 => Some(Vote::Comma),
        (0, 1) if is_fraction('.') => Some(Vote::Point),
        (1, 0) if is_fraction(',') => Some(Vote::Comma),
        (0, 1) => Some(Vote::UnclearPoint),
        (1, 0) => Some(Vote::UnclearComma),
        (0, 2..) if grouped(&text, '.') => Some(Vote::Comma),
        (2.., 0) if grouped(&text, ',') => Some(Vote::Point),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_style_is_decided_from_all_cells() {
        let decided = |cells: &[&str]| {
            let mut votes = StyleVotes::default();
            for cell in cells {
                votes.add(cell, false);
            }
            votes.decide(Points::Likely)
        };
        assert_eq!(decided(&["1.234,56", "1,5"]), Ok(Style::Comma));
        assert_eq!(decided(&["1,234.56", "12.5"]), Ok(Style::Point));
        assert_eq!(decided(&["1.234"]), Ok(Style::Point));
        assert!(decided(&["1,234"]).is_err());
        assert!(decided(&["1,5", "1.5"]).is_err());
    }

    #[test]
    fn points_that_may_part_thousands_are_decided_by_what_stands_beside_them() {
        use Points::{Decimal, Foreign, Likely, Unclear};
        let decided = |prices: &[&str], volume: &str, beside: &str, points: Points| {
            let mut votes = StyleVotes::default();
            for cell in prices {
                votes.add(cell, false);
            }
            votes.add(volume, true);
            votes.add_beside(beside);
            votes.decide(points)
        };
        for (prices, volume) in [(["15.386", "15.401"], "7"), (["12", "13"], "123.000")] {
            let told = decided(&prices, volume, "", Unclear).expect_err("unclear");
            assert!(told.contains("a point between thousands"), "{told}");
            assert_eq!(decided(&prices, volume, "", Likely), Ok(Style::Point));
            assert_eq!(decided(&prices, volume, "-0,30%", Likely), Ok(Style::Comma));
            assert_eq!(decided(&prices, volume, "-0,30%", Decimal), Ok(Style::Point));
            assert_eq!(decided(&prices, volume, "-0,30%", Foreign), Ok(Style::Comma));
            assert_eq!(decided(&prices, volume, "0.30%", Unclear), Ok(Style::Point));
            assert_eq!(decided(&["15.3860", prices[0]], volume, "0,30%", Unclear), Ok(Style::Point));
        }
        assert_eq!(decided(&["0.386", ".386", "1234.567"], "", "", Unclear), Ok(Style::Point));
        assert!(decided(&["15,386"], "", "", Likely).is_err());
        assert_eq!(decided(&["15,386"], "", "0.30%", Likely), Ok(Style::Point));
    }

    #[test]
    fn a_volume_shows_what_its_mark_is_for() {
        use Points::{Decimal, Foreign, Likely, Unclear};
        let decided = |price: &str, volumes: &[&str], points: Points| {
            let mut votes = StyleVotes::default();
            votes.add(price, false);
            for volume in volumes {
                votes.add(volume, true);
            }
            votes.decide(points).ok()
        };
        for (price, volumes, points, expected) in [
            ("71,200", &["12,345"][..], Likely, Some(Style::Point)),
            ("71,200", &["12,000"][..], Likely, None),
            ("71,200", &["12345"][..], Likely, None),
            ("71,200", &["12.345"][..], Unclear, Some(Style::Comma)),
            ("15.386", &["12,345"][..], Unclear, Some(Style::Point)),
            ("15.386", &["12.345"][..], Foreign, Some(Style::Comma)),
            ("15.386", &["679", "1.250"][..], Likely, None),
            ("15.386", &["679", "1.000"][..], Likely, Some(Style::Point)),
            ("15.386", &["1.250"][..], Decimal, Some(Style::Point)),
            // Among volumes without groups it's of parts of shares.
            ("15.386", &["1234567", "1.250"][..], Likely, Some(Style::Point)),
            ("101.469", &["1234567"][..], Unclear, Some(Style::Point)),
            ("101.469", &["1234567"][..], Foreign, None),
        ] {
            assert_eq!(decided(price, volumes, points), expected, "{price} {volumes:?} {points:?}");
        }
    }
}
