//! Imports: a file of leads goes in, contacts, channels and leads come out, row by row accounted for.

pub mod file;
