//! What a person decides about an import.

use patchbay_domain::countries::Country;
use patchbay_domain::imports::mapping::MappingEntry;
use patchbay_domain::imports::options::Options;
use poem_openapi::{Object, types::Example};

use super::words::{ImportDedupe, ImportSmsConsent};
use crate::http::Problem;

/// One line of a mapping.
#[derive(Debug, Clone, Object)]
#[oai(example)]
pub struct ImportMapping {
    /// The column's name, as the import lists it.
    pub column: String,
    /// What it fills: `first_name`, `last_name`, `full_name`, `phone`, `email`, `company_name`, `job_title`, `country`,
    /// `city`, `locale`, `timezone`, `source`, `sms_consent`, `attributes.<name>`, or `ignore`.
    pub field: String,
}

impl From<ImportMapping> for MappingEntry {
    fn from(line: ImportMapping) -> Self {
        Self { column: line.column, field: line.field }
    }
}

impl From<MappingEntry> for ImportMapping {
    fn from(line: MappingEntry) -> Self {
        Self { column: line.column, field: line.field }
    }
}

impl Example for ImportMapping {
    fn example() -> Self {
        Self { column: "Mobile".to_owned(), field: "phone".to_owned() }
    }
}

/// Consent that everybody in a file has given.
#[derive(Debug, Clone, Object)]
#[oai(example)]
pub struct ImportConsent {
    /// Consent to text messages where a row says nothing about it.
    pub sms: ImportSmsConsent,
    /// Where it was given; kept as evidence with each address.
    #[oai(validator(min_length = 1, max_length = 200))]
    pub source: Option<String>,
}

impl Example for ImportConsent {
    fn example() -> Self {
        Self { sms: ImportSmsConsent::OptedIn, source: Some("web form 2026-03".to_owned()) }
    }
}

/// The choices of an import besides the mapping.
#[derive(Debug, Clone, Object)]
#[oai(example)]
pub struct ImportOptions {
    /// The country (ISO 3166-1 alpha-2) in which phone numbers without a country code are read; the row's country and
    /// then this; the tenant's default where both are left out.
    #[oai(validator(max_length = 100))]
    pub default_country: Option<String>,
    /// What happens to duplicates; `skip` where it is left out.
    pub dedupe: Option<ImportDedupe>,
    /// Consent where rows say nothing; unknown where it is left out. A file never undoes an opt-out.
    pub consent: Option<ImportConsent>,
}

impl ImportOptions {
    /// What the domain takes. `pointer` is where the options stand in the request.
    ///
    /// # Errors
    /// 422 for a country that is none.
    pub fn into_domain(self, pointer: &str) -> Result<Options, Problem> {
        let unknown = |_| {
            Problem::refused(
                format!("{pointer}/default_country"),
                "country_unknown",
                "There is no country with this code.",
            )
        };
        let default_country = self.default_country.map(|text| Country::parse(&text)).transpose().map_err(unknown)?;
        let (sms_consent, consent_source) =
            self.consent.map_or((ImportSmsConsent::Unknown, None), |consent| (consent.sms, consent.source));
        Ok(Options {
            default_country,
            dedupe: self.dedupe.map(Into::into).unwrap_or_default(),
            sms_consent: sms_consent.into(),
            consent_source,
        })
    }
}

impl From<Options> for ImportOptions {
    fn from(options: Options) -> Self {
        Self {
            default_country: options.default_country.map(|country| country.as_str().to_owned()),
            dedupe: Some(options.dedupe.into()),
            consent: Some(ImportConsent { sms: options.sms_consent.into(), source: options.consent_source }),
        }
    }
}

impl Example for ImportOptions {
    fn example() -> Self {
        Self {
            default_country: Some("US".to_owned()),
            dedupe: Some(ImportDedupe::Update),
            consent: Some(ImportConsent::example()),
        }
    }
}

/// What to start an import with.
#[derive(Debug, Object)]
#[oai(example)]
pub struct ImportStart {
    /// Which column fills what; columns that are not named are ignored. Where it is left out, the mapping of the upload
    /// or of the dry run before.
    #[oai(validator(max_items = 1000))]
    pub mapping: Option<Vec<ImportMapping>>,
    /// The other choices; where they are left out, those of the upload or of the dry run before.
    pub options: Option<ImportOptions>,
    /// Whether to count and check only, and write no records.
    #[oai(default)]
    pub dry_run: bool,
}

impl Example for ImportStart {
    fn example() -> Self {
        Self { mapping: Some(vec![ImportMapping::example()]), options: Some(ImportOptions::example()), dry_run: false }
    }
}

/// The part `options` of an upload.
#[derive(Debug, Default, Object)]
#[oai(example)]
pub struct ImportUploadOptions {
    /// Which column fills what, if that is known already.
    #[oai(validator(max_items = 1000))]
    pub mapping: Option<Vec<ImportMapping>>,
    /// The country in which phone numbers without a country code are read.
    #[oai(validator(max_length = 100))]
    pub default_country: Option<String>,
    /// What happens to duplicates.
    pub dedupe: Option<ImportDedupe>,
    /// Consent where rows say nothing.
    pub consent: Option<ImportConsent>,
    /// Whether to count and check only; has a meaning with `start`.
    #[oai(default)]
    pub dry_run: bool,
    /// Whether to start at once; needs a mapping.
    #[oai(default)]
    pub start: bool,
}

impl Example for ImportUploadOptions {
    fn example() -> Self {
        Self {
            mapping: Some(vec![ImportMapping::example()]),
            default_country: Some("US".to_owned()),
            dedupe: Some(ImportDedupe::Update),
            consent: Some(ImportConsent::example()),
            dry_run: false,
            start: true,
        }
    }
}
