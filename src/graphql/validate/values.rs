//! Whether a value is what its type asks for, in the words of the reference implementation.

use std::fmt::Write;

use async_graphql::Value as ConstValue;
use async_graphql::parser::types::{BaseType, Type};
use async_graphql_value::Value;

use super::definitions::{Argument, DEFINITIONS, Input};
use super::positions::Use;
use super::suggestion;
use crate::graphql::limits::variables::{HANDLE_MESSAGE, UPLOAD_HANDLE};
use crate::graphql::scalars::{self, shown};

/// Why a value isn't what its type asks for.
#[derive(Debug)]
pub(super) struct Mismatch {
    /// Where in the argument or variable, as `.listing.exchange` or `[0]`.
    pub path: String,
    pub value: String,
    pub message: String,
    /// Whether it has the right form, and only its content can't be.
    pub is_content: bool,
    /// Whether a file was sent to where none can be.
    pub is_file: bool,
}

/// Where a value comes from: an enum's is a name in an operation's text, and a string in JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    Text,
    Json,
}

/// Checks a value; a variable in it is checked where it is given.
pub(super) fn check(ty: &Type, value: &Value, origin: Origin, path: &mut Path) -> Result<(), Mismatch> {
    if let Value::Variable(variable) = value {
        path.uses.push(Use { variable: variable.clone(), ty: ty.clone(), has_default: false, is_argument: false });
        return Ok(());
    }
    if matches!(value, Value::Null) {
        let message = || format!("Expected non-nullable type \"{ty}\" not to be null.");
        return if ty.nullable { Ok(()) } else { Err(path.fault(value, message())) };
    }
    let name = match &ty.base {
        BaseType::Named(name) => name.as_str(),
        BaseType::List(inner) => {
            let Value::List(items) = value else { return check(inner, value, origin, path) };
            return items.iter().enumerate().try_for_each(|(i, item)| {
                let length = path.enter_index(i);
                check(inner, item, origin, path)?;
                path.leave(length);
                Ok(())
            });
        }
    };
    if origin == Origin::Json && name != "Upload" && is_file(value) {
        let message = format!("\"map\" sends a file to a place of the type \"{name}\".");
        return Err(Mismatch { is_file: true, ..path.fault(value, message) });
    }
    match DEFINITIONS.inputs.get(name) {
        Some(Input::Enum(names)) => check_enum(name, names, value, origin, path),
        Some(Input::Object { fields, one_of }) => check_object(name, fields, *one_of, value, origin, path),
        None => check_scalar(name, value, origin, path),
    }
}

fn check_enum(name: &str, names: &[String], value: &Value, origin: Origin, path: &Path) -> Result<(), Mismatch> {
    let given = match (value, origin) {
        (Value::Enum(given), _) => given.as_str(),
        (Value::String(given), Origin::Json) => given.as_str(),
        (Value::String(given), Origin::Text) => {
            let meant =
                if names.contains(given) { format!(" Did you mean the enum value {given}?") } else { String::new() };
            let message = format!("Enum \"{name}\" cannot represent non-enum value: {}.{meant}", Path::shown(value));
            return Err(path.fault(value, message));
        }
        _ => {
            let kind = if origin == Origin::Json { "non-string" } else { "non-enum" };
            let message = format!("Enum \"{name}\" cannot represent {kind} value: {}.", Path::shown(value));
            return Err(path.fault(value, message));
        }
    };
    if names.iter().any(|name| name == given) {
        return Ok(());
    }
    let short: String = given.chars().take(80).collect();
    let meant = suggestion::of(given, names.iter().map(String::as_str));
    Err(path.fault(value, format!("Value \"{short}\" does not exist in \"{name}\" enum.{meant}")))
}

fn check_object(
    name: &str,
    fields: &[Argument],
    one_of: bool,
    value: &Value,
    origin: Origin,
    path: &mut Path,
) -> Result<(), Mismatch> {
    let Value::Object(given) = value else {
        return Err(path.fault(value, format!("Expected type \"{name}\" to be an object.")));
    };
    for field in fields {
        match given.get(field.name.as_str()) {
            Some(inner) => {
                let length = path.enter(&field.name);
                check(&field.ty, inner, origin, path)?;
                path.leave(length);
                if matches!(inner, Value::Variable(_))
                    && let Some(used) = path.uses.last_mut()
                {
                    used.has_default = field.has_default;
                    // The one key may not come to nothing.
                    used.ty.nullable &= !one_of;
                }
            }
            None if !field.ty.nullable && !field.has_default => {
                let Argument { name: field, ty, .. } = field;
                return Err(path.fault(value, format!("Field \"{field}\" of required type \"{ty}\" was not provided.")));
            }
            None => {}
        }
    }
    if let Some(unknown) = given.keys().find(|key| !fields.iter().any(|field| field.name == key.as_str())) {
        let short: String = unknown.chars().take(80).collect();
        let meant = suggestion::of(unknown, fields.iter().map(|field| field.name.as_str()));
        return Err(path.fault(value, format!("Field \"{short}\" is not defined by type \"{name}\".{meant}")));
    }
    if one_of {
        let mut entries = given.iter();
        match (entries.next(), entries.next()) {
            (Some((key, Value::Null)), None) => {
                return Err(path.fault(value, format!("Field \"{key}\" must be non-null.")));
            }
            (Some(_), None) => {}
            _ => {
                let message = format!("Exactly one key must be specified for OneOf type \"{name}\".");
                return Err(path.fault(value, message));
            }
        }
    }
    Ok(())
}

#[allow(clippy::match_same_arms)] // One line a scalar reads better than one of all that is right.
fn check_scalar(name: &str, value: &Value, origin: Origin, path: &Path) -> Result<(), Mismatch> {
    let structure = |message: String| Err(path.fault(value, message));
    let text = || Path::shown(value);
    match (name, value) {
        ("Int", Value::Number(number)) if number.as_i64().is_some_and(|n| i32::try_from(n).is_ok()) => Ok(()),
        ("Int", Value::Number(number)) if number.is_i64() || number.is_u64() => {
            structure(format!("Int cannot represent non 32-bit signed integer value: {}", text()))
        }
        ("Int", _) => structure(format!("Int cannot represent non-integer value: {}", text())),
        ("Float", Value::Number(_)) => Ok(()),
        ("Float", _) => structure(format!("Float cannot represent non numeric value: {}", text())),
        ("String", Value::String(_)) => Ok(()),
        ("String", _) => structure(format!("String cannot represent a non string value: {}", text())),
        ("Boolean", Value::Boolean(_)) => Ok(()),
        ("Boolean", _) => structure(format!("Boolean cannot represent a non boolean value: {}", text())),
        ("ID", Value::String(_)) => Ok(()),
        ("ID", Value::Number(number)) if number.is_i64() || number.is_u64() => Ok(()),
        ("ID", _) if origin == Origin::Text => {
            structure(format!("ID cannot represent a non-string and non-integer value: {}", text()))
        }
        ("ID", _) => structure(format!("ID cannot represent value: {}", text())),
        // The service itself puts handles in their places, which are among the variables.
        ("Upload", value) if origin == Origin::Json && is_file(value) => Ok(()),
        ("Upload", _) => structure(format!("{HANDLE_MESSAGE}.")),
        _ => {
            // What holds a variable is no scalar of ours, and is told where the variable is given.
            let Some(constant) = constant(value) else { return Ok(()) };
            match scalars::fault(name, &constant) {
                Some(message) => Err(Mismatch { is_content: true, ..path.fault(value, message) }),
                None => Ok(()),
            }
        }
    }
}

fn is_file(value: &Value) -> bool {
    matches!(value, Value::String(handle) if handle.starts_with(UPLOAD_HANDLE))
}

fn constant(value: &Value) -> Option<ConstValue> {
    value.clone().into_const()
}

/// The way to a value within an argument or a variable, and the variables that were met on it.
#[derive(Debug, Default)]
pub(super) struct Path {
    text: String,
    pub uses: Vec<Use>,
}

impl Path {
    fn enter(&mut self, field: &str) -> usize {
        let length = self.text.len();
        let _ = write!(self.text, ".{field}");
        length
    }

    fn enter_index(&mut self, index: usize) -> usize {
        let length = self.text.len();
        let _ = write!(self.text, "[{index}]");
        length
    }

    fn leave(&mut self, length: usize) {
        self.text.truncate(length);
    }

    fn shown(value: &Value) -> String {
        // A value with a variable in it is shown without the variable's value.
        let text = constant(value).map_or_else(|| "with a variable".to_owned(), |value| shown(&value));
        // The service's own mark of a file is nobody's business.
        text.replace(&format!("\"{UPLOAD_HANDLE}0\""), "(a file)")
    }

    fn fault(&self, value: &Value, message: String) -> Mismatch {
        Mismatch { path: self.text.clone(), value: Self::shown(value), message, is_content: false, is_file: false }
    }
}

impl Mismatch {
    /// The sentence, with what holds the value: `Variable "$input"`.
    pub(super) fn sentence(&self, holder: &str, name: &str) -> String {
        let Self { path, value, message, .. } = self;
        if path.is_empty() {
            return format!("{holder} got invalid value {value}; {message}");
        }
        format!("{holder} got invalid value {value} at \"{name}{path}\"; {message}")
    }
}
