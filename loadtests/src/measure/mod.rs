//! Instruments: latencies, arrivals at a constant rate, what the machine is and what its processes used.

pub mod cpu;
pub mod latency;
pub mod machine;
pub mod open_loop;
pub mod redis_stats;
