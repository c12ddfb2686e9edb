//! What contacts look like on the wire: one type for reading, one for making, one for changing.

mod channel;
mod contact;
mod write;

pub use channel::{
    Channel, ChannelConsent, ChannelCreate, ChannelPatch, ChannelRemoved, ConsentChangeRequest, ContactChannelKind,
    GivenConsent, GivenConsentState,
};
pub use contact::{Contact, ContactDeleted, ContactLifecycle};
pub use write::{ContactCreate, ContactPatch};

use std::collections::BTreeMap;

use poem_openapi::types::{Any, MaybeUndefined};
use serde_json::{Map, Value};

/// Free attributes on the wire.
pub type Attributes = BTreeMap<String, Any<Value>>;

/// Free attributes for the domain.
pub fn to_value(attributes: Attributes) -> Value {
    Value::Object(attributes.into_iter().map(|(name, value)| (name, value.0)).collect())
}

/// Free attributes of the domain's.
pub fn from_value(attributes: Value) -> Attributes {
    match attributes {
        Value::Object(fields) => fields.into_iter().map(|(name, value)| (name, Any(value))).collect(),
        _ => Attributes::new(),
    }
}

/// Changes attributes as RFC 7396 does: a null takes one away, null for all takes all away.
pub fn merge(attributes: &mut Value, patch: MaybeUndefined<Attributes>) {
    let changes = match patch {
        MaybeUndefined::Undefined => return,
        MaybeUndefined::Null => {
            *attributes = Value::Object(Map::new());
            return;
        }
        MaybeUndefined::Value(changes) => changes,
    };
    let Value::Object(fields) = attributes else { return };
    for (name, Any(value)) in changes {
        if value.is_null() {
            fields.shift_remove(&name);
        } else {
            fields.insert(name, value);
        }
    }
}

/// Changes an optional field as a patch says.
pub fn set(field: &mut Option<String>, patch: MaybeUndefined<String>) {
    match patch {
        MaybeUndefined::Undefined => {}
        MaybeUndefined::Null => *field = None,
        MaybeUndefined::Value(value) => *field = Some(value),
    }
}
