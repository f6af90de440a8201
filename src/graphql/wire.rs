//! JSON that is written already, among the values of an answer: how it gets in, and how it gets out untouched.

use async_graphql::{Name, Value};
use serde::ser::{SerializeMap, SerializeStruct};
use serde::{Serialize, Serializer};

/// How `serde_json` knows JSON that is written already.
const TOKEN: &str = "$serde_json::private::RawValue";

/// JSON text as a value. It must be JSON, as nobody reads it again before it's sent.
#[must_use]
pub fn written(json: String) -> Value {
    Value::Object([(Name::new(TOKEN), Value::String(json))].into_iter().collect())
}

fn text(value: &Value) -> Option<&str> {
    match value {
        Value::Object(fields) if fields.len() == 1 => match fields.get_index(0) {
            Some((name, Value::String(json))) if name == TOKEN => Some(json),
            _ => None,
        },
        _ => None,
    }
}

/// Bytes of what is written already among some values.
#[must_use]
pub fn written_bytes(value: &Value) -> usize {
    match (text(value), value) {
        (Some(json), _) => json.len(),
        (None, Value::List(items)) => items.iter().map(written_bytes).sum(),
        (None, Value::Object(fields)) => fields.values().map(written_bytes).sum(),
        _ => 0,
    }
}

/// Does what takes milliseconds without keeping its thread's other tasks waiting.
pub fn apart<T>(work: impl FnOnce() -> T) -> T {
    use tokio::runtime::{Handle, RuntimeFlavor};
    match Handle::try_current().map(|handle| handle.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(work),
        _ => work(),
    }
}

/// A value as it goes out. The library's own way would parse what is written already once more.
pub struct Wire<'a>(pub &'a Value);

impl Serialize for Wire<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if let Some(json) = text(self.0) {
            let mut raw = serializer.serialize_struct(TOKEN, 1)?;
            raw.serialize_field(TOKEN, json)?;
            return raw.end();
        }
        match self.0 {
            Value::List(items) => serializer.collect_seq(items.iter().map(Wire)),
            Value::Object(fields) => {
                let mut map = serializer.serialize_map(Some(fields.len()))?;
                for (name, value) in fields {
                    map.serialize_entry(name.as_str(), &Wire(value))?;
                }
                map.end()
            }
            other => other.serialize(serializer),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_goes_out_as_it_is_and_the_rest_as_ever() {
        let plain = Value::from_json(serde_json::json!({"a": [1, 2.5, null, "x\"y"], "b": {"c": true}})).expect("json");
        assert_eq!(serde_json::to_string(&Wire(&plain)).expect("json"), serde_json::to_string(&plain).expect("json"));
        let mixed = Value::List(vec![written("[1.0, 2]".to_owned()), Value::Null]);
        assert_eq!(serde_json::to_string(&Wire(&mixed)).expect("json"), "[[1.0, 2],null]");
    }

    #[test]
    fn the_length_of_what_is_written_is_of_all_of_it() {
        let columns = Value::List(vec![written("[1,2,3]".to_owned()), Value::Null, written("[4,5,6]".to_owned())]);
        assert_eq!(written_bytes(&columns), 14);
    }
}
