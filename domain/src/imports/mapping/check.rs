//! A mapping is checked whole before an import starts: a wrong one found at row 90,000 has already done harm.

use std::collections::{HashMap, HashSet};

use super::Field;

/// One line of a mapping: a column and the field it fills.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct MappingEntry {
    /// The column's name, as the import lists it.
    pub column: String,
    /// The field's name.
    pub field: String,
}

/// What is wrong with one line, or with the whole where there is no line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MappingError {
    /// The line, from 0.
    pub index: Option<usize>,
    /// What is wrong.
    pub fault: MappingFault,
}

/// The ways in which a mapping is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MappingFault {
    /// The file has no such column.
    #[error("the file has no column {0:?}")]
    UnknownColumn(String),
    /// There is no such field.
    #[error(transparent)]
    UnknownField(#[from] super::UnknownField),
    /// The column stands in an earlier line already.
    #[error("the column {0:?} is mapped twice")]
    ColumnTwice(String),
    /// An earlier line fills the field already.
    #[error("the field {0:?} is filled by two columns")]
    FieldTwice(String),
    /// Nobody could be reached.
    #[error("no column is mapped to phone or to email, so that none of the contacts could be reached or told apart")]
    NoAddress,
}

impl MappingFault {
    /// The stable name of the fault.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::UnknownColumn(_) => "mapping_unknown_column",
            Self::UnknownField(_) => "mapping_unknown_field",
            Self::ColumnTwice(_) => "mapping_column_twice",
            Self::FieldTwice(_) => "mapping_field_twice",
            Self::NoAddress => "mapping_without_address",
        }
    }
}

/// A mapping that holds: each column's name and target, in the order of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    columns: Vec<(String, Field)>,
}

impl Mapping {
    /// Checks `entries` against the columns of a file; columns without a line are ignored.
    ///
    /// # Errors
    /// Every fault, not only the first.
    pub fn check<'c>(
        columns: impl IntoIterator<Item = &'c str>,
        entries: &[MappingEntry],
    ) -> Result<Self, Vec<MappingError>> {
        let mut columns: Vec<(String, Field)> =
            columns.into_iter().map(|name| (name.to_owned(), Field::Ignore)).collect();
        let place: HashMap<String, usize> =
            columns.iter().enumerate().map(|(at, (name, _))| (name.clone(), at)).collect();
        let (mut errors, mut mapped, mut filled) = (Vec::new(), HashSet::new(), HashSet::new());
        for (index, entry) in entries.iter().enumerate() {
            let mut fault = |fault| {
                errors.push(MappingError { index: Some(index), fault });
            };
            let at = place.get(&entry.column);
            if at.is_none() {
                fault(MappingFault::UnknownColumn(entry.column.clone()));
            } else if !mapped.insert(&entry.column) {
                fault(MappingFault::ColumnTwice(entry.column.clone()));
            }
            match entry.field.parse::<Field>() {
                Err(unknown) => fault(unknown.into()),
                Ok(Field::Ignore) => {}
                Ok(field) if !filled.insert(field.clone()) => fault(MappingFault::FieldTwice(entry.field.clone())),
                Ok(field) => at.into_iter().for_each(|at| columns[*at].1 = field.clone()),
            }
        }
        let address = [Field::Phone, Field::Email];
        if !address.iter().any(|field| filled.contains(field)) {
            errors.push(MappingError { index: None, fault: MappingFault::NoAddress });
        }
        if errors.is_empty() { Ok(Self { columns }) } else { Err(errors) }
    }

    /// Each column's name and target, in the order of the file.
    #[must_use]
    pub fn columns(&self) -> &[(String, Field)] {
        &self.columns
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(entries: &[(&str, &str)]) -> Result<Mapping, Vec<(Option<usize>, &'static str)>> {
        let entries: Vec<MappingEntry> = entries
            .iter()
            .map(|(column, field)| MappingEntry { column: (*column).into(), field: (*field).into() })
            .collect();
        Mapping::check(["Name", "Mobile", "Mail"], &entries)
            .map_err(|errors| errors.iter().map(|error| (error.index, error.fault.code())).collect())
    }

    #[test]
    fn a_column_without_a_line_is_ignored() {
        let mapping = check(&[("Mobile", "phone"), ("Name", "attributes.nick name")]).unwrap();
        let fields: Vec<String> = mapping.columns().iter().map(|(_, field)| field.to_string()).collect();
        assert_eq!(fields, ["attributes.nick name", "phone", "ignore"]);
    }

    #[test]
    fn a_column_or_a_field_mapped_twice_is_refused() {
        assert_eq!(
            check(&[("Mobile", "phone"), ("Mobile", "attributes.x")]),
            Err(vec![(Some(1), "mapping_column_twice")])
        );
        assert_eq!(check(&[("Mobile", "phone"), ("Mail", "phone")]), Err(vec![(Some(1), "mapping_field_twice")]));
    }

    #[test]
    fn all_faults_are_told_at_once() {
        let faults = check(&[("Fax", "phone"), ("Name", "attributes."), ("Mail", "surname")]).unwrap_err();
        let expected = [
            (Some(0), "mapping_unknown_column"),
            (Some(1), "mapping_unknown_field"),
            (Some(2), "mapping_unknown_field"),
        ];
        assert_eq!(faults, expected);
    }

    #[test]
    fn a_mapping_without_phone_and_email_is_refused() {
        assert_eq!(check(&[("Name", "full_name")]), Err(vec![(None, "mapping_without_address")]));
    }
}
