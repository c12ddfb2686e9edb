//! Tables without lines, one line a row.
//!
//! Where there is not room for everything, the widest columns are cut, and those that one would copy (ids) never are.
//! comfy-table does the arithmetic, with the width of wide letters.

use comfy_table::{
    Attribute, Cell as Drawn, CellAlignment, ColumnConstraint, ContentArrangement, Row, Table as Draft, presets,
};

use super::style::{Style, Tone};

/// What is in a column.
#[derive(Debug, Clone, Copy)]
pub enum Column {
    /// Words; may be cut.
    Text(&'static str),
    /// Something to copy; never cut.
    Id(&'static str),
    /// A number, to the right; never cut.
    Number(&'static str),
}

/// What is in a row's column.
#[derive(Debug, Clone)]
pub struct Cell {
    text: String,
    tone: Tone,
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self { text: text.into(), tone: Tone::Plain }
    }
}

impl Cell {
    /// With a meaning.
    pub fn toned(text: impl Into<String>, tone: Tone) -> Self {
        Self { text: text.into(), tone }
    }
}

/// A table that is being filled.
#[derive(Debug)]
pub struct Table {
    style: Style,
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    /// An empty table.
    pub fn new(style: Style, columns: &[Column]) -> Self {
        Self { style, columns: columns.to_vec(), rows: Vec::new() }
    }

    /// Adds a row, with a cell for each column.
    pub fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// The table, or `nothing` where it has no rows.
    pub fn drawn(self, nothing: &str) -> String {
        if self.rows.is_empty() {
            return nothing.to_owned();
        }
        let mut draft = Draft::new();
        draft.load_preset(presets::NOTHING).set_truncation_indicator("…").force_no_tty();
        if self.style.colour {
            draft.enforce_styling();
        }
        if let Some(width) = self.style.width {
            draft.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
        }
        draft.set_header(self.columns.iter().map(Column::header));
        for cells in self.rows {
            let mut row = Row::from(self.columns.iter().zip(cells).map(|(column, cell)| column.cell(&cell)));
            row.max_height(1);
            draft.add_row(row);
        }
        let last = self.columns.len().saturating_sub(1);
        for (at, (column, drawn)) in self.columns.iter().zip(draft.column_iter_mut()).enumerate() {
            drawn.set_padding((0, if at == last { 0 } else { 2 }));
            if !matches!(column, Column::Text(_)) {
                drawn.set_constraint(ColumnConstraint::ContentWidth);
            }
        }
        draft.trim_fmt()
    }
}

impl Column {
    fn header(&self) -> Drawn {
        let (Self::Text(name) | Self::Id(name) | Self::Number(name)) = *self;
        self.aligned(Drawn::new(name).add_attribute(Attribute::Bold))
    }

    fn cell(&self, cell: &Cell) -> Drawn {
        // A line break would make a second line, and a tab or an escape sequence would move what follows.
        let text: String = cell.text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
        let drawn = self.aligned(Drawn::new(text));
        match cell.tone.color() {
            Some(color) => drawn.fg(color),
            None => drawn,
        }
    }

    fn aligned(&self, drawn: Drawn) -> Drawn {
        if matches!(self, Self::Number(_)) { drawn.set_alignment(CellAlignment::Right) } else { drawn }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn style(width: Option<u16>, colour: bool) -> Style {
        Style { width, height: None, colour, terminal: false }
    }

    fn drawn(width: Option<u16>, colour: bool) -> String {
        let columns = [Column::Id("ID"), Column::Text("DETAIL"), Column::Number("COUNT")];
        let mut table = Table::new(style(width, colour), &columns);
        table.row(["job_01h455vb4pex5vsknk084sn02q".into(), "a detail that\nis rather long".into(), "7".into()]);
        table.row(["b".into(), Cell::toned("short", Tone::Bad), "1,200".into()]);
        table.drawn("none")
    }

    #[test]
    fn it_is_as_wide_as_what_is_in_it_where_nobody_looks() {
        let expected = "ID                              DETAIL                        COUNT\n\
                        job_01h455vb4pex5vsknk084sn02q  a detail that is rather long      7\n\
                        b                               short                         1,200";
        assert_eq!(drawn(None, false), expected);
    }

    #[test]
    fn the_widest_words_are_cut_and_ids_and_numbers_are_not() {
        let text = drawn(Some(56), false);
        assert!(text.lines().all(|line| line.chars().count() <= 56), "{text}");
        assert!(text.contains("job_01h455vb4pex5vsknk084sn02q") && text.contains("1,200"), "{text}");
        assert!(text.contains('…') && text.lines().count() == 3, "{text}");
    }

    #[test]
    fn colours_are_there_only_when_wanted() {
        assert!(drawn(Some(80), true).contains("\u{1b}["));
        assert!(!drawn(Some(80), false).contains("\u{1b}["));
    }

    #[test]
    fn an_empty_table_says_so() {
        assert_eq!(Table::new(style(None, false), &[Column::Id("ID")]).drawn("No jobs."), "No jobs.");
    }
}
