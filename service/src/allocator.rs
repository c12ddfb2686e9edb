//! The allocator of the programs.
//!
//! A request and a job are hundreds of small allocations that one thread makes and another frees: with glibc's allocator
//! that was a seventh of all processor time of a campaign, and memory that was freed stayed in its arenas. Without
//! huge pages (`no_thp`): a worker at full speed held twice as much with them, for what was touched of each. A library
//! without the feature `process` leaves the choice to whoever links it.

use mimalloc::MiMalloc;

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;
