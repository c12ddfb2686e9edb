//! `?limit=50&cursor=…` and the page that comes back: the same for every list.

use std::borrow::Cow;

use patchbay_db::{Page, PageError, Paged};
use poem_openapi::{
    Object,
    registry::{MetaSchema, MetaSchemaRef},
    types::{ParseError, ParseFromJSON, ParseFromParameter, ParseResult, ToJSON, Type},
};

use super::{
    code::Code,
    problem::{FieldError, Problem},
};

/// The `limit` of a list: 1 to 100, 50 where it is not given. Its checks are `patchbay_db`'s.
#[derive(Debug, Clone, Copy)]
pub struct Limit(u32);

impl Type for Limit {
    const IS_REQUIRED: bool = true;
    type RawValueType = u32;
    type RawElementValueType = u32;

    fn name() -> Cow<'static, str> {
        "page_limit".into()
    }

    fn schema_ref() -> MetaSchemaRef {
        MetaSchemaRef::Inline(Box::new(MetaSchema {
            minimum: Some(1.0),
            maximum: Some(f64::from(patchbay_db::page::MAX_LIMIT)),
            default: Some(patchbay_db::page::DEFAULT_LIMIT.into()),
            ..MetaSchema::new_with_format("integer", "int32")
        }))
    }

    fn as_raw_value(&self) -> Option<&u32> {
        Some(&self.0)
    }

    fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a u32> + 'a> {
        Box::new(std::iter::once(&self.0))
    }
}

impl ParseFromParameter for Limit {
    fn parse_from_parameter(value: &str) -> ParseResult<Self> {
        value.parse().map(Self).map_err(|_| ParseError::custom(PageError::Limit))
    }
}

/// The page that a caller asks for.
///
/// # Errors
/// `invalid_request` for a limit out of range, `invalid_cursor` for a cursor that is none.
pub fn page(limit: Option<Limit>, cursor: Option<&str>) -> Result<Page, Problem> {
    Page::new(limit.map(|limit| limit.0), cursor).map_err(|error| match error {
        PageError::Limit => {
            let field = FieldError::new("?limit", "out_of_range", error.to_string());
            Problem::new(Code::InvalidRequest, "The parameter limit is not valid.").with_errors(vec![field])
        }
        PageError::Cursor => Problem::new(Code::InvalidCursor, "Pass next_cursor of the page before as it is."),
    })
}

/// One page of a list.
#[derive(Debug, Object)]
#[oai(rename = "ListOf")]
pub struct ListOf<T: ParseFromJSON + ToJSON + Send + Sync> {
    /// The records, newest first.
    pub data: Vec<T>,
    /// Pass it as `cursor` for the next page; null on the last.
    pub next_cursor: Option<String>,
    /// Whether another page follows.
    pub has_more: bool,
}

impl<T: ParseFromJSON + ToJSON + Send + Sync> ListOf<T> {
    /// The wire form of `page`, each record through `to`.
    pub fn from_page<R>(page: Paged<R>, to: impl FnMut(R) -> T) -> Self {
        let page = page.map(to);
        Self {
            next_cursor: page.next_cursor.map(|cursor| cursor.to_string()),
            has_more: page.has_more,
            data: page.data,
        }
    }
}
