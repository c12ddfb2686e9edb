//! An import as it is stored.

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Bool, Integer, Jsonb, Nullable, Text, Timestamptz, Uuid};
use patchbay_db::ids::{ImportId, JobId};
use serde_json::Value;

use super::file::Column;
use super::mapping::MappingEntry;
use super::options::Options;
use crate::words::words;

words! {
    /// Where an import stands.
    ImportState {
        /// The file is coming in. Stays so where the upload broke off, until the sweep.
        Uploading = "uploading",
        /// The file is whole and looked at; nothing was started.
        Uploaded = "uploaded",
        /// Its job waits or runs.
        Running = "running",
        /// Every row has its outcome. (Of a dry run too: it can be started again, for real.)
        Completed = "completed",
        /// It ended before every row had one; what was written stays.
        Failed = "failed",
        /// Somebody stopped it; what was written stays.
        Cancelled = "cancelled",
    }
}

/// What became of the rows. `created + updated + skipped + failed` is `done`, and never more than `total`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, QueryableByName)]
#[diesel(check_for_backend(diesel::pg::Pg))]
pub struct Counts {
    /// Rows of the file; 0 until they are counted, at the start of the run.
    #[diesel(sql_type = Integer, column_name = rows_total)]
    pub total: i32,
    /// Rows that made a contact and a lead.
    #[diesel(sql_type = Integer, column_name = rows_created)]
    pub created: i32,
    /// Rows that changed a contact.
    #[diesel(sql_type = Integer, column_name = rows_updated)]
    pub updated: i32,
    /// Rows that were right, and had nothing to do.
    #[diesel(sql_type = Integer, column_name = rows_skipped)]
    pub skipped: i32,
    /// Rows that were wrong.
    #[diesel(sql_type = Integer, column_name = rows_failed)]
    pub failed: i32,
    /// Where a repeated run goes on.
    #[diesel(sql_type = Integer, column_name = rows_done)]
    pub done: i32,
}

/// An import.
#[derive(Debug, Clone, QueryableByName)]
pub struct Import {
    /// Its id.
    #[diesel(sql_type = Uuid)]
    pub id: ImportId,
    /// As the uploader's machine calls the file.
    #[diesel(sql_type = Text)]
    pub filename: String,
    /// Where it stands.
    #[diesel(sql_type = Text)]
    pub state: ImportState,
    /// Of the file.
    #[diesel(sql_type = BigInt)]
    pub size_bytes: i64,
    /// The file's encoding, as in the WHATWG Encoding Standard; none until it is whole.
    #[diesel(sql_type = Nullable<Text>)]
    pub encoding: Option<String>,
    /// What separates its fields: one ASCII character.
    #[diesel(sql_type = Nullable<Text>)]
    pub delimiter: Option<String>,
    #[diesel(sql_type = Jsonb)]
    columns: Value,
    #[diesel(sql_type = Nullable<Jsonb>)]
    mapping: Option<Value>,
    #[diesel(sql_type = Jsonb)]
    options: Value,
    /// Whether its last run writes no records.
    #[diesel(sql_type = Bool)]
    pub dry_run: bool,
    /// Its last run.
    #[diesel(sql_type = Nullable<Uuid>)]
    pub job_id: Option<JobId>,
    /// Why it failed: stable and snake_case.
    #[diesel(sql_type = Nullable<Text>)]
    pub failure_code: Option<String>,
    /// Why it failed, for a person.
    #[diesel(sql_type = Nullable<Text>)]
    pub failure: Option<String>,
    /// What became of the rows.
    #[diesel(embed)]
    pub counts: Counts,
    /// When the upload began.
    #[diesel(sql_type = Timestamptz)]
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    #[diesel(sql_type = Timestamptz)]
    pub updated_at: DateTime<Utc>,
    /// When it ended.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub finished_at: Option<DateTime<Utc>>,
}

impl Import {
    /// The file's columns, in order.
    #[must_use]
    pub fn columns(&self) -> Vec<Column> {
        serde_json::from_value(self.columns.clone()).unwrap_or_default()
    }

    /// The mapping that was chosen last.
    #[must_use]
    pub fn mapping(&self) -> Option<Vec<MappingEntry>> {
        serde_json::from_value(self.mapping.clone()?).ok()
    }

    /// The options that were chosen last.
    #[must_use]
    pub fn options(&self) -> Options {
        serde_json::from_value(self.options.clone()).unwrap_or_default()
    }

    /// Whether a run can be started: the file is there, and nothing but a dry run was done with it.
    #[must_use]
    pub fn is_startable(&self) -> bool {
        self.state == ImportState::Uploaded || (self.state == ImportState::Completed && self.dry_run)
    }
}

/// The columns of an [`Import`].
macro_rules! import_columns {
    () => {
        "id, filename, state, size_bytes, encoding, delimiter, columns, mapping, options, dry_run, job_id, failure_code, failure,
         rows_total, rows_created, rows_updated, rows_skipped, rows_failed, rows_done, created_at, updated_at, finished_at"
    };
}
pub(super) use import_columns;
