//! From a record's texts to a contact to be written, or to the reason why not.

mod consent;
mod error;
mod names;
mod read;

pub use error::{RowError, RowOutcome, RowProblem};
pub use read::{NewRow, RowReader, SmsConsent};
