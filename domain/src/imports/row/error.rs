//! What became of a row that was not taken, with the words that its owner needs to repair it.

/// Why a row is not a contact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowError {
    /// The column at fault; none where it is the row as a whole.
    pub column: Option<String>,
    /// Stable and snake_case.
    pub code: &'static str,
    /// For a person.
    pub detail: String,
}

impl RowError {
    /// An error of one column.
    pub fn column(column: &str, code: &'static str, detail: impl Into<String>) -> Self {
        Self { column: Some(column.to_owned()), code, detail: detail.into() }
    }

    /// An error of the row.
    pub fn row(code: &'static str, detail: impl Into<String>) -> Self {
        Self { column: None, code, detail: detail.into() }
    }
}

/// How a row that was not taken is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowOutcome {
    /// It is wrong.
    Failed,
    /// It is right, and nothing was to be done.
    Skipped,
}

impl RowOutcome {
    /// As the database holds it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        }
    }
}

/// A row that was not taken, with its texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowProblem {
    /// The header is row 1.
    pub row_number: i32,
    /// Failed or skipped.
    pub outcome: RowOutcome,
    /// Why.
    pub error: RowError,
    /// A JSON array of its fields, cut where they are very long.
    pub fields: String,
}
