//! Imports: files of records, read by a job.

pub mod leads;

pub use leads::ImportLeads;
