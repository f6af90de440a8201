//! Tables that come as CSV and hold no line breaks in their cells: a quotation mark that is never closed costs its own
//! line, and not all that follow it.

use std::borrow::Cow;

/// Why such a line isn't read.
pub(super) const NOT_CLOSED: &str = "its line has a quotation mark that isn't closed";

/// The text without the lines whose quotation marks aren't closed, and those lines.
pub(super) fn closed_lines(text: &str) -> (Cow<'_, str>, Vec<&str>) {
    let is_open = |line: &str| line.bytes().filter(|&byte| byte == b'"').count() % 2 == 1;
    let open: Vec<&str> = text.lines().filter(|line| is_open(line)).collect();
    if open.is_empty() {
        return (Cow::Borrowed(text), open);
    }
    (Cow::Owned(text.split_inclusive('\n').filter(|line| !is_open(line)).collect()), open)
}

/// An open line's cells, as far as they can be told.
pub(super) fn cells(line: &str) -> Vec<String> {
    line.split(',').map(|cell| cell.replace('"', "").trim().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_open_quotation_mark_costs_its_own_line() {
        let text = "a,b\r\n1,\"two, three\"\r\n2,\"x\r\n3,\"\"\r\n4,y\"";
        let (closed, open) = closed_lines(text);
        assert_eq!((&*closed, open), ("a,b\r\n1,\"two, three\"\r\n3,\"\"\r\n", vec!["2,\"x", "4,y\""]));
        assert!(matches!(closed_lines("a,b\n1,2\n"), (Cow::Borrowed("a,b\n1,2\n"), open) if open.is_empty()));
        assert_eq!(cells("2,\"x, y\r"), ["2", "x", "y"]);
    }
}
