//! Imports: a file of leads goes in, contacts, channels and leads come out, every row accounted for.
//!
//! [`file`] turns bytes into records, [`mapping`] says which column is what, [`row`] makes a record a contact to
//! be written or the reason why not, [`plan`] decides what a batch of them does. All of that is plain computing.

pub mod file;
pub mod mapping;
pub mod options;
pub mod plan;
pub mod row;
