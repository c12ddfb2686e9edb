//! The answer to a bulk call: one result per item, in the order of the items.

use poem_openapi::{
    Enum, Object,
    types::{ParseFromJSON, ToJSON},
};

use super::problem::FieldError;

/// How a bulk call treats an item that is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[oai(rename_all = "snake_case")]
pub enum BulkMode {
    /// One refused item refuses the whole call; nothing is written.
    Strict,
    /// Refused items are reported, the others are written.
    Permissive,
}

/// Why an item was refused.
#[derive(Debug, Clone, PartialEq, Eq, Object)]
pub struct BulkError {
    /// The place of the item in the call, from 0.
    pub index: u32,
    /// The value that is wrong: an RFC 6901 pointer into the item.
    pub pointer: String,
    /// What is wrong with it, as a stable name.
    pub code: String,
    /// What is wrong with it, for a person.
    pub detail: String,
}

impl BulkError {
    /// `error`, about the item at `index`.
    #[must_use]
    pub fn at(index: u32, error: FieldError) -> Self {
        Self { index, pointer: error.pointer, code: error.code.to_owned(), detail: error.detail }
    }
}

/// What became of one item: it has a record or an error.
#[derive(Debug, Object)]
#[oai(rename = "BulkResultOf")]
pub struct BulkResult<T: ParseFromJSON + ToJSON + Send + Sync> {
    /// The place of the item in the call, from 0.
    pub index: u32,
    /// The record, if the item was taken.
    pub record: Option<T>,
    /// Why it was refused, if it was.
    pub error: Option<BulkError>,
}

impl<T: ParseFromJSON + ToJSON + Send + Sync> BulkResult<T> {
    /// The results of all items, in their order.
    pub fn all(items: impl IntoIterator<Item = Result<T, FieldError>>) -> Vec<Self> {
        let results = (0..).zip(items).map(|(index, item)| match item {
            Ok(record) => Self { index, record: Some(record), error: None },
            Err(error) => Self { index, record: None, error: Some(BulkError::at(index, error)) },
        });
        results.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_keep_the_order_and_say_which() {
        let refused = FieldError::new("/to", "opted_out", "They said stop.");
        let results = BulkResult::all([Ok("a".to_owned()), Err(refused), Ok("c".to_owned())]);
        let kinds: Vec<_> = results.iter().map(|result| (result.index, result.record.is_some())).collect();
        assert_eq!(kinds, [(0, true), (1, false), (2, true)]);
        assert_eq!(results[1].error.as_ref().map(|error| (error.index, error.pointer.as_str())), Some((1, "/to")));
    }
}
