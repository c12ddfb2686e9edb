//! How wide, and whether in colour. Decided once, so that no drawing asks the terminal itself.

use std::{
    env,
    io::{IsTerminal as _, stdout},
};

use comfy_table::Color;

/// What a word means to an operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// Nothing in particular.
    Plain,
    /// It goes well.
    Good,
    /// It waits for somebody, or for a time.
    Notice,
    /// It failed.
    Bad,
    /// Not worth a look.
    Faint,
}

impl Tone {
    /// Its colour, where it has one.
    pub fn color(self) -> Option<Color> {
        match self {
            Self::Plain => None,
            Self::Good => Some(Color::Green),
            Self::Notice => Some(Color::Yellow),
            Self::Bad => Some(Color::Red),
            Self::Faint => Some(Color::DarkGrey),
        }
    }
}

/// How things are drawn.
#[derive(Debug, Clone, Copy)]
pub struct Style {
    /// Columns; none where nobody looks, so that nothing is cut.
    pub width: Option<u16>,
    /// Lines, on a terminal.
    pub height: Option<u16>,
    /// Whether in colour.
    pub colour: bool,
    /// Whether a terminal draws it, that can draw over what it drew.
    pub terminal: bool,
}

impl Style {
    /// As standard output is. `COLUMNS` says how wide where it is no terminal; `NO_COLOR` (no-color.org) is respected.
    pub fn of_terminal(json: bool) -> Self {
        let terminal = stdout().is_terminal();
        let size =
            if terminal { crossterm::terminal::size().ok().filter(|size| size.0 > 0 && size.1 > 0) } else { None };
        let columns = || env::var("COLUMNS").ok()?.parse().ok().filter(|columns| *columns > 0);
        let plain = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
            || env::var_os("TERM").is_some_and(|term| term == "dumb");
        Self {
            width: size.map(|size| size.0).or_else(columns),
            height: size.map(|size| size.1),
            colour: terminal && !plain && !json,
            terminal,
        }
    }
}
