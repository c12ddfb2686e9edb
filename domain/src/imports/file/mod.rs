//! From the bytes of an upload to records: encoding, delimiter, header, and a reader that survives broken files.
//!
//! All of it is incremental and bounded, since a file may have 256 MiB: nothing here holds more than one record
//! and one chunk. It knows no database and no HTTP, so that API (which looks at the head) and worker (which reads
//! all) share it, and tests can cut a file at any byte.

mod decode;
mod delimiter;
mod encoding;
mod error;
mod header;
mod inspect;
mod quotes;
mod records;

pub use decode::Decode;
pub use encoding::{EncodingScan, HEAD_BYTES, Head};
pub use error::FileError;
pub use inspect::{Column, Inspection, inspect};
pub use records::{Broken, MAX_RECORD_BYTES, Next, Record, Records};
