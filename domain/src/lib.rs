//! Patchbay.

pub mod countries;
pub mod email;
pub mod imports;
pub mod phone;
