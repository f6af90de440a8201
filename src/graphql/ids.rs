//! Global ids: opaque to clients, a type and a number to us.

use async_graphql::ID;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The types that have ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    Symbol,
    Job,
    DataIssue,
    Backtest,
    Sweep,
    Ipo,
    Prediction,
    Model,
    Token,
}

impl Kind {
    const ALL: [Self; 9] = [
        Self::Symbol,
        Self::Job,
        Self::DataIssue,
        Self::Backtest,
        Self::Sweep,
        Self::Ipo,
        Self::Prediction,
        Self::Model,
        Self::Token,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Symbol => "Symbol",
            Self::Job => "Job",
            Self::DataIssue => "DataIssue",
            Self::Backtest => "Backtest",
            Self::Sweep => "Sweep",
            Self::Ipo => "Ipo",
            Self::Prediction => "Prediction",
            Self::Model => "Model",
            Self::Token => "ApiToken",
        }
    }
}

/// The id of a row.
#[must_use]
pub fn encode(kind: Kind, id: i64) -> ID {
    encode_key(kind, &id.to_string())
}

/// Room for a type's name, a colon and a number of 64 bits.
const LONGEST_PLAIN: usize = 40;

/// Writes the id of a row as JSON.
pub fn write(out: &mut Vec<u8>, kind: Kind, id: i64) {
    let (mut plain, mut number) = ([0; LONGEST_PLAIN], itoa::Buffer::new());
    let mut length = 0;
    for part in [kind.name(), ":", number.format(id)] {
        plain[length..length + part.len()].copy_from_slice(part.as_bytes());
        length += part.len();
    }
    let mut encoded = [0; 2 * LONGEST_PLAIN];
    // What is encoded is a third longer, so that there is room for it.
    let length = URL_SAFE_NO_PAD.encode_slice(&plain[..length], &mut encoded).unwrap_or_default();
    out.push(b'"');
    out.extend_from_slice(&encoded[..length]);
    out.push(b'"');
}

/// The id of what has a name instead of a row.
#[must_use]
pub fn encode_key(kind: Kind, key: &str) -> ID {
    ID(URL_SAFE_NO_PAD.encode(format!("{}:{key}", kind.name())))
}

fn split(id: &str) -> Option<(Kind, String)> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(id).ok()?).ok()?;
    let (name, key) = text.split_once(':')?;
    let kind = Kind::ALL.into_iter().find(|kind| kind.name() == name)?;
    Some((kind, key.to_owned()))
}

/// The name in an id of this kind.
#[must_use]
pub fn decode_key(kind: Kind, id: &str) -> Option<String> {
    split(id).filter(|(found, _)| *found == kind).map(|(_, key)| key)
}

/// The row of an id, if it's one of ours.
#[must_use]
pub fn decode(id: &str) -> Option<(Kind, i64)> {
    let (kind, key) = split(id)?;
    let number: i64 = key.parse().ok()?;
    // A row has one id: "01" and "+1" are numbers, too, of which none was ever told.
    (itoa::Buffer::new().format(number) == key).then_some((kind, number))
}

/// The row number of an id of this kind.
#[must_use]
pub fn decode_as(kind: Kind, id: &str) -> Option<i64> {
    decode(id).filter(|(found, _)| *found == kind).map(|(_, number)| number)
}

/// The row number of an id of this kind; 0, which no row has, if it's none.
#[must_use]
pub fn row_of(kind: Kind, id: &str) -> i64 {
    decode_as(kind, id).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_has_the_ids_of_its_rows() {
        for kind in Kind::ALL {
            for id in [0, 42, i64::MAX, i64::MIN] {
                let mut written = Vec::new();
                write(&mut written, kind, id);
                assert_eq!(written, format!("\"{}\"", *encode(kind, id)).into_bytes());
            }
        }
    }

    #[test]
    fn an_id_leads_back_to_its_row_and_another_does_not() {
        let id = encode(Kind::Job, 42);
        assert_eq!(decode(&id), Some((Kind::Job, 42)));
        assert_eq!(decode_as(Kind::Symbol, &id), None);
        for foreign in ["", "42", "Sm9iOg", "Sm9iOng", "é"] {
            assert_eq!(decode(foreign), None, "{foreign}");
        }
        for number in ["01", "+1", "-0", " 1", "1 ", ""] {
            assert_eq!(decode(&encode_key(Kind::Symbol, number)), None, "{number:?}");
        }
    }
}
