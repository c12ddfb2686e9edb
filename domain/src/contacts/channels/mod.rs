//! The addresses of a contact, one operation a file.

mod add;
mod consent;
mod get;
mod patch;
mod remove;

pub(super) use add::insert;
pub use add::{NewChannel, add};
pub use consent::set_consent;
pub use get::get;
pub use patch::patch;
pub use remove::remove;
