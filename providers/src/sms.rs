//! Rules of text messages that hold for every SMS provider: what a text costs, and which words are commands.

mod gsm7;
pub mod keywords;
pub mod segments;
