//! Which column goes where: the target fields, the check of a mapping, and suggestions for one.

mod check;
mod field;
mod headers;
mod suggest;

pub use check::{Mapping, MappingEntry, MappingError, MappingFault};
pub use field::{Field, UnknownField};
pub use suggest::{Suggestion, suggest};
