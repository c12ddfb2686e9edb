//! A mapping to start from: what the columns are called, and what their first values look like.
//!
//! Content outweighs names where it is unmistakable (addresses), since columns called `Contact` hold phones in
//! one export and people in the next. Each field is offered once, to the column that is surest.

use std::collections::HashSet;

use super::headers;
use super::{Field, MappingEntry};
use crate::countries::Country;
use crate::email::Email;
use crate::imports::file::Column;
use crate::phone::{E164, PhoneError};

/// A line of a suggested mapping.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Suggestion {
    /// The column.
    pub column: String,
    /// The field it probably fills.
    pub field: String,
    /// From 0 (a guess) to 1 (name and content agree).
    pub confidence: f32,
}

impl From<&Suggestion> for MappingEntry {
    fn from(suggestion: &Suggestion) -> Self {
        Self { column: suggestion.column.clone(), field: suggestion.field.clone() }
    }
}

/// Suggests a field for every column, in the order of the file. `country` is what national numbers are read in.
#[must_use]
pub fn suggest(columns: &[Column], country: Option<Country>) -> Vec<Suggestion> {
    let guesses: Vec<(Field, f32)> = columns.iter().map(|column| guess(column, country)).collect();
    let mut order: Vec<usize> = (0..columns.len()).collect();
    order.sort_by(|a, b| guesses[*b].1.total_cmp(&guesses[*a].1));
    let mut taken = HashSet::new();
    let mut fields = vec![(Field::Ignore, 0.0); columns.len()];
    for at in order {
        let (field, confidence) = &guesses[at];
        fields[at] = if *field == Field::Ignore || taken.insert(field.clone()) {
            (field.clone(), *confidence)
        } else {
            (unused_attribute(&columns[at].name, &mut taken), 0.3)
        };
    }
    columns
        .iter()
        .zip(fields)
        .map(|(column, (field, confidence))| Suggestion {
            column: column.name.clone(),
            field: field.to_string(),
            confidence,
        })
        .collect()
}

fn guess(column: &Column, country: Option<Country>) -> (Field, f32) {
    let named = headers::field_of(&column.name);
    let seen = content(&column.samples, country);
    match (named, seen) {
        (Some((named, _)), Some((seen, share))) if named == seen => (named, 0.9 + share * 0.1),
        // What holds addresses is addresses, whatever it is called; what is called so and holds others is not.
        (_, Some((seen, share))) if share > 0.6 => (seen, 0.6 + share * 0.2),
        (Some((Field::Phone | Field::Email, confidence)), _) if !column.samples.is_empty() => {
            (Field::attribute_of(&column.name), confidence / 3.0)
        }
        (Some((named, confidence)), _) => (named, confidence),
        (None, Some((seen, share))) => (seen, share * 0.6),
        (None, None) if column.samples.is_empty() => (Field::Ignore, 0.2),
        (None, None) => (Field::attribute_of(&column.name), 0.3),
    }
}

/// The address that the values look like, and which share of them does.
fn content(samples: &[String], country: Option<Country>) -> Option<(Field, f32)> {
    let share = |is: &dyn Fn(&str) -> bool| {
        let matching = samples.iter().filter(|sample| is(sample)).count();
        f32::from(u16::try_from(matching).unwrap_or(u16::MAX))
            / f32::from(u16::try_from(samples.len()).unwrap_or(u16::MAX))
    };
    if samples.is_empty() {
        return None;
    }
    let email = share(&|sample| Email::parse(sample).is_ok());
    if email > 0.0 {
        return Some((Field::Email, email));
    }
    let phone = share(&|sample| is_phone(sample, country));
    (phone > 0.0).then_some((Field::Phone, phone))
}

/// A number without any country is a phone only if it is spelled like one: plain digits may be anything.
fn is_phone(sample: &str, country: Option<Country>) -> bool {
    match E164::parse(sample, country) {
        Ok(_) => sample.starts_with('+') || sample.len() >= 7,
        Err(PhoneError::NoCountry) => sample.starts_with('0') || sample.contains([' ', '-', '(']),
        Err(_) => false,
    }
}

fn unused_attribute(column: &str, taken: &mut HashSet<Field>) -> Field {
    let mut field = Field::attribute_of(column);
    let mut copy = 2;
    while !taken.insert(field.clone()) {
        field = Field::attribute_of(&format!("{column} {copy}"));
        copy += 1;
    }
    field
}

#[cfg(test)]
mod tests {
    use super::*;

    fn suggested(columns: &[(&str, &[&str])]) -> Vec<String> {
        let columns: Vec<Column> = columns
            .iter()
            .map(|(name, samples)| Column {
                name: (*name).into(),
                samples: samples.iter().map(|s| (*s).into()).collect(),
            })
            .collect();
        suggest(&columns, None).into_iter().map(|suggestion| suggestion.field).collect()
    }

    #[test]
    fn columns_are_known_by_name_in_several_languages() {
        let fields = suggested(&[
            ("Vorname", &["Anna"]),
            ("Apellido", &["López"]),
            ("رقم الهاتف", &["+971501234567"]),
            ("E-Mail-Adresse", &["a@b.de"]),
        ]);
        assert_eq!(fields, ["first_name", "last_name", "phone", "email"]);
    }

    #[test]
    fn content_decides_where_the_name_misleads() {
        assert_eq!(
            suggested(&[("Contact", &["+447911123456", "+447911123457"]), ("Phone", &["yes", "no"])]),
            ["phone", "attributes.phone"]
        );
    }

    #[test]
    fn a_field_is_offered_once_and_the_rest_is_kept_as_attributes() {
        let fields = suggested(&[
            ("Phone", &["+447911123456"]),
            ("Phone (2)", &["+447911123457"]),
            ("Budget (EUR)", &["1000"]),
            ("Empty", &[]),
        ]);
        assert_eq!(fields, ["phone", "attributes.phone_2", "attributes.budget_eur", "ignore"]);
    }

    #[test]
    fn a_suggestion_is_a_mapping_that_holds() {
        let columns = [
            Column { name: "Tel".into(), samples: vec!["+447911123456".into()] },
            Column { name: "x".into(), samples: vec!["y".into()] },
        ];
        let entries: Vec<MappingEntry> = suggest(&columns, None).iter().map(MappingEntry::from).collect();
        assert!(super::super::Mapping::check(["Tel", "x"], &entries).is_ok());
    }
}
