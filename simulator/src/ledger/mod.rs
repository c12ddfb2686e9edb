//! What the simulator was asked to do, counted, so that a test can prove "exactly once".
//!
//! Counters are exact for ever; what costs memory (messages, fingerprints) is capped and says when it was.

pub(crate) mod counters;
pub(crate) mod counts;
pub(crate) mod duplicates;
pub(crate) mod visits;
