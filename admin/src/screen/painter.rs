//! Draws looks: over the one before on a terminal, below it elsewhere.

use std::{process::ExitCode, time::Duration};

use super::{Style, View, terminal, words};
use crate::{clock, context::Context, failure::Failure};

/// Hides the cursor, which would jump about.
const HIDE: &str = "\u{1b}[?25l";
/// Shows it again.
const SHOW: &str = "\u{1b}[?25h";
/// Clears from the cursor to the end of the screen.
const CLEAR: &str = "\u{1b}[J";

/// What draws.
#[derive(Debug)]
pub struct Painter {
    style: Style,
    json: bool,
    /// Lines of the look that is on the screen.
    drawn: usize,
    /// Whether the cursor is hidden.
    hidden: bool,
}

impl Painter {
    /// With nothing drawn yet.
    pub fn new(context: &Context) -> Self {
        Self { style: context.style, json: context.json, drawn: 0, hidden: false }
    }

    /// Draws a look.
    pub fn paint(&mut self, view: &View, every: Duration) {
        if self.json {
            terminal::result(&view.json.to_string());
        } else if self.style.terminal {
            let footer = format!(
                "{} · every {} s · Ctrl-C ends",
                clock::now().format("%H:%M:%SZ"),
                words::number(every.as_secs_f64())
            );
            self.over(view, &footer);
        } else {
            terminal::result(&view.text);
        }
    }

    /// Says that a look failed, below the last that did not.
    pub fn trouble(&mut self, failure: &Failure, last: Option<&View>) {
        let told = failure.told(self.json);
        match last {
            Some(view) if self.style.terminal && !self.json => {
                self.over(view, &format!("{told}\nTrying again. Ctrl-C ends."));
            }
            _ => terminal::error(&told),
        }
    }

    /// Leaves the last look where it is, and the program with success.
    pub fn end(&mut self) -> ExitCode {
        if std::mem::take(&mut self.hidden) {
            terminal::raw(SHOW);
        }
        ExitCode::SUCCESS
    }

    fn over(&mut self, view: &View, footer: &str) {
        let mut frame = String::new();
        if !std::mem::replace(&mut self.hidden, true) {
            frame.push_str(HIDE);
        }
        if self.drawn > 0 {
            frame.push_str(&format!("\u{1b}[{}A\r", self.drawn));
        }
        frame.push_str(CLEAR);
        let (lines, rows) = fitted(&view.text, footer, self.style);
        self.drawn = rows;
        for line in lines {
            frame.push_str(&line);
            frame.push('\n');
        }
        terminal::raw(&frame);
    }
}

/// No more rows than the screen has, or the next look could not be drawn over them; and how many they are.
fn fitted(text: &str, footer: &str, style: Style) -> (Vec<String>, usize) {
    let rows = |line: &str| visible(line).div_ceil(usize::from(style.width.unwrap_or(u16::MAX))).max(1);
    let below: usize = footer.lines().map(rows).sum();
    // A row for the cursor, and one to say that there is more.
    let room = usize::from(style.height.unwrap_or(u16::MAX)).saturating_sub(below + 1);
    let all: usize = text.lines().map(rows).sum();
    let room = if all > room { room.saturating_sub(1) } else { room };
    let (mut lines, mut used, mut hidden) = (Vec::new(), 0, 0);
    for line in text.lines() {
        if hidden > 0 || used + rows(line) > room {
            hidden += 1;
        } else {
            used += rows(line);
            lines.push(line.to_owned());
        }
    }
    if hidden > 0 {
        lines.push(format!("… and {hidden} more lines"));
        used += 1;
    }
    lines.extend(footer.lines().map(str::to_owned));
    (lines, used + below)
}

/// Letters that are seen: escape sequences (`ESC [ … letter`) are not.
fn visible(line: &str) -> usize {
    let (mut count, mut escaped) = (0, false);
    for letter in line.chars() {
        match (escaped, letter) {
            (false, '\u{1b}') => escaped = true,
            (false, _) => count += 1,
            (true, letter) => escaped = !letter.is_ascii_alphabetic(),
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(text: &str, width: Option<u16>, height: Option<u16>) -> (Vec<String>, usize) {
        fitted(text, "f", Style { width, height, colour: false, terminal: true })
    }

    #[test]
    fn a_look_is_never_taller_than_the_screen() {
        assert_eq!(seen("a\nb\nc\nd\ne", None, Some(5)).0, ["a", "b", "… and 3 more lines", "f"]);
        assert_eq!(seen("a\nb", None, Some(24)), (vec!["a".to_owned(), "b".to_owned(), "f".to_owned()], 3));
        assert_eq!(seen("a\nb", None, None).1, 3);
    }

    #[test]
    fn a_line_that_the_terminal_breaks_counts_as_what_it_takes() {
        assert_eq!(seen("123456\n\n", Some(4), Some(24)).1, 4);
        assert_eq!(visible("\u{1b}[38;5;9mred\u{1b}[39m"), 3);
    }
}
