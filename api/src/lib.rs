//! Patchbay.
