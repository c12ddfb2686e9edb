//! Imports: files of records, read and written by jobs.

pub mod leads;
