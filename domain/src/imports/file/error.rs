//! Why a file as a whole cannot be imported; what is wrong with a single row is a `RowError`.

/// The file cannot be read as a table.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    /// No bytes, or nothing but blank lines.
    #[error("the file is empty")]
    Empty,
    /// The first row holds data.
    #[error("the first row looks like data ({0:?}); the first row must hold the names of the columns")]
    NoHeader(String),
    /// A header and nothing under it.
    #[error("the file has a header, but no rows under it")]
    NoRows,
    /// A ZIP container: xlsx, ods, numbers.
    #[error("this is a spreadsheet or an archive, not a CSV file; export it as CSV and upload that")]
    Spreadsheet,
    /// Bytes that are text in no encoding we know.
    #[error("the file is not text in any known encoding; save it as CSV in UTF-8")]
    NotText,
    /// More than 1,000 columns.
    #[error("the file has {0} columns; at most 1,000 can be imported")]
    TooManyColumns(usize),
    /// The header row does not end within the head of the file.
    #[error("the header row does not end: it is too long, or a quote is opened there and not closed")]
    HeaderUnreadable,
}

impl FileError {
    /// The stable name of the cause.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Empty => "file_empty",
            Self::NoHeader(_) => "file_header_missing",
            Self::NoRows => "file_has_no_rows",
            Self::Spreadsheet => "file_is_a_spreadsheet",
            Self::NotText => "file_not_text",
            Self::TooManyColumns(_) => "file_too_many_columns",
            Self::HeaderUnreadable => "file_header_unreadable",
        }
    }
}
