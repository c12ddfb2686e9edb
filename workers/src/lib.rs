//! Patchbay.

pub mod imports;
pub mod messages;
