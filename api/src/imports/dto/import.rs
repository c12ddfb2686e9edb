//! An import as it is read.

use patchbay_db::ids::{ImportId, JobId};
use patchbay_domain::countries::Country;
use patchbay_domain::imports as domain;
use patchbay_domain::imports::mapping::suggest;
use poem_openapi::{Object, types::Example};

use super::choices::{ImportMapping, ImportOptions};
use super::words::ImportState;
use crate::http::{Id, Time};

/// A column of the file, and what it probably fills.
#[derive(Debug, Object)]
#[oai(example)]
pub struct ImportColumn {
    /// Its name, unique in the file.
    pub name: String,
    /// Up to five different values, in the file's order.
    pub samples: Vec<String>,
    /// The field that it probably fills.
    pub suggested_field: String,
    /// How sure that is, from 0 to 1, in hundredths.
    pub confidence: f64,
}

impl Example for ImportColumn {
    fn example() -> Self {
        Self {
            name: "Mobile".to_owned(),
            samples: vec!["+1 415-555-0123".to_owned()],
            suggested_field: "phone".to_owned(),
            confidence: 1.0,
        }
    }
}

/// What became of the rows: total = created + updated + skipped + failed + pending.
#[derive(Debug, Object)]
#[oai(example)]
pub struct ImportCounts {
    /// Rows of the file; 0 until they are counted, when the run begins.
    pub total: i32,
    /// Rows that made a contact and a lead.
    pub created: i32,
    /// Rows that changed a contact.
    pub updated: i32,
    /// Rows that were right, and had nothing to do.
    pub skipped: i32,
    /// Rows that were wrong.
    pub failed: i32,
    /// Rows without an outcome so far.
    pub pending: i32,
}

impl From<domain::Counts> for ImportCounts {
    fn from(counts: domain::Counts) -> Self {
        let domain::Counts { total, created, updated, skipped, failed, done } = counts;
        Self { total, created, updated, skipped, failed, pending: (total - done).max(0) }
    }
}

impl Example for ImportCounts {
    fn example() -> Self {
        Self { total: 500, created: 480, updated: 10, skipped: 4, failed: 6, pending: 0 }
    }
}

/// Why an import failed.
#[derive(Debug, Object)]
#[oai(example)]
pub struct ImportFailure {
    /// A stable name.
    pub code: String,
    /// For a person.
    pub detail: String,
}

impl Example for ImportFailure {
    fn example() -> Self {
        Self { code: "file_empty".to_owned(), detail: "the file is empty".to_owned() }
    }
}

/// A file of leads, and what became of its rows.
#[derive(Debug, Object)]
#[oai(example)]
pub struct Import {
    /// Its id.
    pub id: Id<ImportId>,
    /// As the uploader's machine calls the file.
    pub filename: String,
    /// Where it stands.
    pub state: ImportState,
    /// Of the file.
    pub size_bytes: i64,
    /// The file's encoding, as the WHATWG Encoding Standard names it.
    pub encoding: Option<String>,
    /// What separates its fields.
    pub delimiter: Option<String>,
    /// Its columns, each with a suggestion for the mapping.
    pub columns: Vec<ImportColumn>,
    /// The mapping that was chosen last.
    pub mapping: Option<Vec<ImportMapping>>,
    /// The other choices.
    pub options: ImportOptions,
    /// Whether its last run writes no records.
    pub dry_run: bool,
    /// The job of its last run.
    pub job_id: Option<Id<JobId>>,
    /// What became of the rows of its last run.
    pub rows: ImportCounts,
    /// Why it failed.
    pub failure: Option<ImportFailure>,
    /// Where the rows that were not taken can be downloaded; null while there are none.
    pub errors_url: Option<String>,
    /// When the upload began.
    pub created_at: Time,
    /// When it was last changed.
    pub updated_at: Time,
    /// When its last run ended.
    pub finished_at: Option<Time>,
}

impl Import {
    /// The wire form; `country` is the tenant's default, for telling phone numbers among the samples.
    pub fn of(import: domain::Import, country: Option<Country>) -> Self {
        let (columns, options) = (import.columns(), import.options());
        let suggestions = suggest(&columns, options.default_country.or(country));
        let problems = import.counts.skipped + import.counts.failed > 0;
        let mapping = import.mapping().map(|lines| lines.into_iter().map(ImportMapping::from).collect());
        let column = |(column, suggestion): (domain::file::Column, domain::mapping::Suggestion)| ImportColumn {
            name: column.name,
            samples: column.samples,
            suggested_field: suggestion.field,
            confidence: (f64::from(suggestion.confidence) * 100.0).round() / 100.0,
        };
        Self {
            id: Id(import.id),
            filename: import.filename,
            state: import.state.into(),
            size_bytes: import.size_bytes,
            encoding: import.encoding,
            delimiter: import.delimiter,
            columns: columns.into_iter().zip(suggestions).map(column).collect(),
            mapping,
            options: options.into(),
            dry_run: import.dry_run,
            job_id: import.job_id.map(Id),
            rows: import.counts.into(),
            failure: import.failure_code.zip(import.failure).map(|(code, detail)| ImportFailure { code, detail }),
            errors_url: problems.then(|| format!("/v1/imports/{}/errors", import.id)),
            created_at: import.created_at.into(),
            updated_at: import.updated_at.into(),
            finished_at: import.finished_at.map(Time),
        }
    }
}

impl Example for Import {
    fn example() -> Self {
        Self {
            id: Id::example(),
            filename: "leads.csv".to_owned(),
            state: ImportState::Completed,
            size_bytes: 48_211,
            encoding: Some("UTF-8".to_owned()),
            delimiter: Some(",".to_owned()),
            columns: vec![ImportColumn::example()],
            mapping: Some(vec![ImportMapping::example()]),
            options: ImportOptions::example(),
            dry_run: false,
            job_id: Some(Id::example()),
            rows: ImportCounts::example(),
            failure: None,
            errors_url: Some(format!("/v1/imports/{}/errors", Id::<ImportId>::example().0)),
            created_at: Time::example(),
            updated_at: Time::example(),
            finished_at: Some(Time::example()),
        }
    }
}
