//! The simulator from outside, over real HTTP: each test starts its own on a free port.
//!
//! One binary for all, so that it links once. What the simulator signs is checked here by an implementation of its own.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop where it is")]

mod binary;
mod contract;
mod control;
mod inbound;
mod list;
mod receipts;
mod refusals;
mod support;
mod throughput;
mod uncertain;
