//! Leads: prospects that nobody has qualified yet, with what they said about themselves.
//!
//! A lead keeps its own copy of names and addresses, as they came in: the contact behind it changes and may be
//! merged or deleted, the lead stays evidence of where it came from.

mod create;
mod delete;
mod get;
mod list;
mod model;
mod rules;
mod update;

pub use create::create;
pub use delete::delete;
pub use get::get;
pub use list::{Filter, list};
pub use model::{Lead, LeadFields, LeadStatus};
pub use update::update;
