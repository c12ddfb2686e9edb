//! Imports in the database, one operation a file.

mod cancel;
mod chunks;
mod create;
mod finish;
mod get;
mod list;
mod problems;
mod run;
mod start;
mod sweep;
mod uploaded;

pub use cancel::cancel;
pub use chunks::{CHUNK_BYTES, append_chunk, drop_chunks, read_chunk};
pub use create::{create, forget};
pub use finish::{Ending, finish};
pub use get::get;
pub use list::list;
pub use problems::{Problem, problems};
pub use run::{Run, claim, set_total};
pub use start::{StartError, StartRequest, start};
pub use sweep::{Swept, sweep};
pub use uploaded::uploaded;
