//! What is drawn, and on what.

mod painter;
mod record;
mod style;
mod table;
pub mod terminal;
mod view;
pub mod words;

pub use painter::Painter;
pub use record::Record;
pub use style::{Style, Tone};
pub use table::{Cell, Column, Table};
pub use view::View;
