//! Imports: a file of leads goes in, contacts, channels and leads come out, every row accounted for.
//!
//! [`file`] turns bytes into records, [`mapping`] says which column is what, [`row`] makes a record a contact to
//! be written or the reason why not, [`plan`] decides what a batch of them does. All of that is plain computing.
//! [`store`] keeps imports, [`write`] writes a batch, [`errors_file`] hands back what was not taken.

pub mod batches;
pub mod errors_file;
pub mod file;
pub mod mapping;
mod model;
pub mod options;
pub mod plan;
pub mod row;
pub mod store;
pub mod write;

pub use model::{Counts, Import, ImportState};
