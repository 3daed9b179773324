//! Members of JSON objects, added and replaced.

use serde_json::Value;

/// An object with the members of another one, which win.
pub(super) fn with(mut value: Value, more: Value) -> Value {
    if let (Some(members), Value::Object(more)) = (value.as_object_mut(), more) {
        members.extend(more);
    }
    value
}
