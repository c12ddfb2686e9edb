//! What imports look like on the wire.

mod choices;
mod import;
mod words;

pub use choices::{ImportOptions, ImportStart, ImportUploadOptions};
pub use import::Import;
