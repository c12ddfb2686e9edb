//! Typed ids in requests and answers.
//!
//! The ids themselves belong to `patchbay_db`; poem-openapi's traits cannot be implemented for them there, so they pass
//! through this wrapper, which gives each its pattern and example in the document and refuses a malformed one with the reason.

use std::{borrow::Cow, fmt::Display, str::FromStr};

use patchbay_db::{TypedId, ids::IdError};
use poem::http::HeaderValue;
use poem_openapi::{
    registry::{MetaSchema, MetaSchemaRef},
    types::{ParseError, ParseFromJSON, ParseFromParameter, ParseResult, ToHeader, ToJSON, Type},
};
use serde_json::Value;

/// The letters of every example id, after the prefix.
pub const EXAMPLE_SUFFIX: &str = "01h455vb4pex5vsknk084sn02q";

/// The `format` of ids in the document.
pub const FORMAT: &str = "typeid";

/// A typed id on the wire: `con_01h455vb4pex5vsknk084sn02q`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Id<T>(pub T);

impl<T: TypedId + FromStr<Err = IdError>> Id<T> {
    /// The id that examples in the document show.
    #[must_use]
    pub fn example() -> Self {
        Self(format!("{}_{EXAMPLE_SUFFIX}", T::PREFIX).parse().expect("prefix and suffix make an id"))
    }
}

impl<T: TypedId> Type for Id<T> {
    const IS_REQUIRED: bool = true;
    type RawValueType = Self;
    type RawElementValueType = Self;

    fn name() -> Cow<'static, str> {
        format!("id_{}", T::PREFIX).into()
    }

    fn schema_ref() -> MetaSchemaRef {
        MetaSchemaRef::Inline(Box::new(MetaSchema {
            pattern: Some(format!("^{}_[0-7][0-9a-hjkmnp-tv-z]{{25}}$", T::PREFIX)),
            example: Some(format!("{}_{EXAMPLE_SUFFIX}", T::PREFIX).into()),
            ..MetaSchema::new_with_format("string", FORMAT)
        }))
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }

    fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a Self> + 'a> {
        Box::new(std::iter::once(self))
    }
}

impl<T: TypedId + FromStr<Err = IdError>> ParseFromParameter for Id<T> {
    fn parse_from_parameter(value: &str) -> ParseResult<Self> {
        value.parse().map(Self).map_err(ParseError::custom)
    }
}

impl<T: TypedId + FromStr<Err = IdError>> ParseFromJSON for Id<T> {
    fn parse_from_json(value: Option<Value>) -> ParseResult<Self> {
        match value.unwrap_or_default() {
            Value::String(text) => Self::parse_from_parameter(&text),
            other => Err(ParseError::expected_type(other)),
        }
    }
}

impl<T: TypedId + Display> ToJSON for Id<T> {
    fn to_json(&self) -> Option<Value> {
        Some(Value::String(self.0.to_string()))
    }
}

impl<T: TypedId + Display> ToHeader for Id<T> {
    fn to_header(&self) -> Option<HeaderValue> {
        HeaderValue::from_str(&self.0.to_string()).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use patchbay_db::ids::{ContactId, MessageId};

    #[test]
    fn the_pattern_takes_what_the_parser_takes() {
        let schema = Id::<ContactId>::schema_ref();
        let pattern = regex::Regex::new(schema.unwrap_inline().pattern.as_deref().unwrap()).unwrap();
        let id = Id::<ContactId>::example().to_json().unwrap();
        assert!(pattern.is_match(id.as_str().unwrap()));
        assert!(!pattern.is_match("con_81h455vb4pex5vsknk084sn02q"), "128 bits are too few for a leading 8");
        assert!(Id::<ContactId>::parse_from_parameter("con_81h455vb4pex5vsknk084sn02q").is_err());
    }

    #[test]
    fn an_id_of_another_type_says_what_was_expected() {
        let error = Id::<MessageId>::parse_from_parameter("con_01h455vb4pex5vsknk084sn02q").unwrap_err();
        assert!(error.message().contains("msg_"), "{}", error.message());
    }
}
