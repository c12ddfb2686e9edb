//! Patchbay.

pub mod messages;
