//! Reads one record after a checked mapping.
//!
//! Strict on purpose: a phone that cannot be read fails its row even where an e-mail is there, because a row is
//! either taken whole or handed back whole. Half a row taken is a contact whose number nobody misses until the
//! campaign is over.

use serde_json::{Map, Value};

use super::names::{self, LONGEST_TEXT};
use super::{RowError, consent};
use crate::contacts::{locale_tag, timezone_name};
use crate::countries::Country;
use crate::email::Email;
use crate::imports::file::Record;
use crate::imports::mapping::{Field, Mapping};
use crate::imports::options::{DefaultConsent, Options};
use crate::phone::E164;

/// The longest value of a free attribute, in bytes.
const LONGEST_ATTRIBUTE: usize = 16 * 1024;
/// The most bytes of one row's attributes together.
const MOST_ATTRIBUTES: usize = 64 * 1024;

/// Consent to text messages, as a row or the import's default has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SmsConsent {
    /// Nothing known.
    #[default]
    Unknown,
    /// Agreed.
    OptedIn,
    /// Declined.
    OptedOut,
}

/// A row that can be written.
#[derive(Debug, Clone, PartialEq, Default)]
#[expect(missing_docs, reason = "the fields are those of the record")]
pub struct NewRow {
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    pub job_title: Option<String>,
    pub company_name: Option<String>,
    pub country: Option<Country>,
    pub city: Option<String>,
    pub locale: Option<String>,
    pub timezone: Option<String>,
    pub source: Option<String>,
    pub phone: Option<E164>,
    pub email: Option<Email>,
    pub sms_consent: SmsConsent,
    pub attributes: Map<String, Value>,
}

impl SmsConsent {
    /// As the database holds it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::OptedIn => "opted_in",
            Self::OptedOut => "opted_out",
        }
    }
}

impl NewRow {
    /// The free attributes as JSON.
    #[must_use]
    pub fn attributes_json(&self) -> String {
        serde_json::to_string(&self.attributes).expect("texts under texts are JSON")
    }

    /// Takes over what `later` says and keeps what it leaves empty.
    pub fn overwrite_with(&mut self, later: Self) {
        fn set<T>(field: &mut Option<T>, value: Option<T>) {
            if value.is_some() {
                *field = value;
            }
        }
        set(&mut self.first_name, later.first_name);
        set(&mut self.last_name, later.last_name);
        set(&mut self.job_title, later.job_title);
        set(&mut self.company_name, later.company_name);
        set(&mut self.country, later.country);
        set(&mut self.city, later.city);
        set(&mut self.locale, later.locale);
        set(&mut self.timezone, later.timezone);
        set(&mut self.source, later.source);
        set(&mut self.phone, later.phone);
        set(&mut self.email, later.email);
        self.attributes.extend(later.attributes);
    }
}

/// Reads the rows of one import.
#[derive(Debug, Clone)]
pub struct RowReader {
    mapping: Mapping,
    country: Option<Country>,
    consent: SmsConsent,
    /// Country columns are read before phones, wherever they stand.
    country_column: Option<usize>,
}

impl RowReader {
    /// A reader with the import's choices; `tenant_country` is what is left when they name no country.
    #[must_use]
    pub fn new(mapping: Mapping, options: &Options, tenant_country: Option<Country>) -> Self {
        let country_column = mapping.columns().iter().position(|(_, field)| *field == Field::Country);
        let consent = match options.sms_consent {
            DefaultConsent::Unknown => SmsConsent::Unknown,
            DefaultConsent::OptedIn => SmsConsent::OptedIn,
        };
        Self { mapping, country: options.default_country.or(tenant_country), consent, country_column }
    }

    /// Reads `record`; none for a row of empty fields.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn read(&self, record: &Record<'_>) -> Result<Option<NewRow>, RowError> {
        let columns = self.mapping.columns();
        if record.iter().all(|cell| cell.trim().is_empty()) {
            return Ok(None);
        }
        if let Some(extra) = (columns.len()..record.len()).find(|at| !record.field(*at).trim().is_empty()) {
            let (header, row) = (columns.len(), extra + 1);
            return Err(RowError::row(
                "row_too_many_fields",
                format!("the header has {header} columns, this row has a value in field {row}"),
            ));
        }
        let mut row = NewRow { sms_consent: self.consent, ..NewRow::default() };
        if let Some(at) = self.country_column {
            row.country = country(&columns[at].0, record.field(at))?;
        }
        let mut full = None;
        let mut attribute_bytes = 0;
        for (at, (column, field)) in columns.iter().enumerate() {
            if *field == Field::Ignore || *field == Field::Country {
                continue;
            }
            let cell = record.field(at);
            if cell.trim().is_empty() {
                continue;
            }
            sound(column, cell)?;
            match field {
                Field::Attribute(name) => {
                    attribute_bytes += cell.len();
                    if cell.len() > LONGEST_ATTRIBUTE || attribute_bytes > MOST_ATTRIBUTES {
                        return Err(too_long(column, "16 KiB, or 64 KiB for all attributes of a row"));
                    }
                    row.attributes.insert(name.clone(), Value::String(names::unmarked(cell.trim()).to_owned()));
                }
                Field::Phone => {
                    let read = E164::parse(cell, row.country.or(self.country));
                    row.phone = Some(read.map_err(|error| RowError::column(column, error.code(), error.to_string()))?);
                }
                Field::Email => {
                    let read = Email::parse(names::unmarked(cell.trim()));
                    row.email = Some(read.map_err(|error| RowError::column(column, error.code(), error.to_string()))?);
                }
                field => {
                    let Some(text) = names::text(cell) else {
                        continue;
                    };
                    if text.chars().count() > LONGEST_TEXT {
                        return Err(too_long(column, "500 characters"));
                    }
                    plain(&mut row, &mut full, column, field, text)?;
                }
            }
        }
        if let Some(full) = full {
            let (first, last) = names::split(&full);
            if row.first_name.is_none() && row.last_name.is_none() {
                (row.first_name, row.last_name) = (first, last);
            } else {
                row.first_name = row.first_name.or(first);
                row.last_name = row.last_name.or(last);
            }
        }
        if row.phone.is_none() && row.email.is_none() {
            return Err(RowError::row(
                "row_without_address",
                "the row has neither a phone number nor an e-mail address",
            ));
        }
        Ok(Some(row))
    }
}

fn plain(
    row: &mut NewRow,
    full: &mut Option<String>,
    column: &str,
    field: &Field,
    text: String,
) -> Result<(), RowError> {
    match field {
        Field::FirstName => row.first_name = Some(text),
        Field::LastName => row.last_name = Some(text),
        Field::FullName => *full = Some(text),
        Field::CompanyName => row.company_name = Some(text),
        Field::JobTitle => row.job_title = Some(text),
        Field::City => row.city = Some(text),
        Field::Source => row.source = Some(text),
        Field::Locale => row.locale = Some(locale(column, &text)?),
        Field::Timezone => {
            let zone = timezone_name(&text).ok_or_else(|| {
                RowError::column(
                    column,
                    "timezone_unknown",
                    format!("{text:?} is no IANA time zone such as Europe/Berlin"),
                )
            })?;
            row.timezone = Some(zone.to_owned());
        }
        Field::SmsConsent => {
            let agreed = consent::read(&text).ok_or_else(|| {
                RowError::column(column, "consent_unreadable", format!("{text:?} says neither yes nor no"))
            })?;
            row.sms_consent = if agreed { SmsConsent::OptedIn } else { SmsConsent::OptedOut };
        }
        Field::Country | Field::Phone | Field::Email | Field::Attribute(_) | Field::Ignore => {}
    }
    Ok(())
}

fn country(column: &str, cell: &str) -> Result<Option<Country>, RowError> {
    let cell = cell.trim();
    if cell.is_empty() {
        return Ok(None);
    }
    let unknown =
        |_| RowError::column(column, "country_unknown", "the country is neither an ISO 3166 code nor a name we know");
    Country::parse(cell).map(Some).map_err(unknown)
}

fn locale(column: &str, text: &str) -> Result<String, RowError> {
    locale_tag(text).ok_or_else(|| {
        RowError::column(column, "locale_invalid", format!("{text:?} is no language tag such as en or pt-BR"))
    })
}

/// What PostgreSQL cannot store, and what the decoder could not read.
fn sound(column: &str, cell: &str) -> Result<(), RowError> {
    if cell.contains('\0') {
        return Err(RowError::column(column, "text_has_nul", "the field holds a NUL character"));
    }
    if cell.contains('\u{FFFD}') {
        return Err(RowError::column(
            column,
            "text_undecodable",
            "the field holds bytes that are no text in the file's encoding",
        ));
    }
    Ok(())
}

fn too_long(column: &str, limit: &str) -> RowError {
    RowError::column(column, "field_too_long", format!("the field is longer than allowed ({limit})"))
}
