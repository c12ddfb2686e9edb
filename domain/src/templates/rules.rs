//! The language of templates: text, and `{{ name }}` for a variable. Nothing else has a meaning, and a single `{` is text.
//!
//! Rejected: a template engine. Conditions and loops in a text message hide what it will say, and filters need a
//! manual; a text that is only text and names can be checked whole when it is written.

use std::collections::{BTreeMap, BTreeSet};

/// A name may have so many characters.
const LONGEST_NAME: usize = 64;

/// Why a text is no template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateFault {
    /// `{{` and no `}}` after it.
    #[error("The {{{{ at character {at} is not closed with }}}}.")]
    Unclosed {
        /// The place, counted in characters from 1.
        at: usize,
    },
    /// What stands between is no name.
    #[error("{name:?} at character {at} is not the name of a variable: small letters, digits and _, a letter first.")]
    Name {
        /// What stands there, shortened.
        name: String,
        /// The place, counted in characters from 1.
        at: usize,
    },
}

/// Variables that are too few or too many for a template.
#[derive(Debug, Clone, PartialEq, Eq, Default, thiserror::Error)]
#[error("missing variables: {missing:?}, unknown variables: {unknown:?}")]
pub struct VariableFaults {
    /// In the template, but not given.
    pub missing: Vec<String>,
    /// Given, but not in the template.
    pub unknown: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part<'a> {
    Text(&'a str),
    Variable(&'a str),
}

/// A parsed template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateText<'a>(Vec<Part<'a>>);

impl<'a> TemplateText<'a> {
    /// Parses `text`.
    ///
    /// # Errors
    /// The first place at which it is no template.
    pub fn parse(text: &'a str) -> Result<Self, TemplateFault> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(start) = rest.find("{{") {
            let at = text[..text.len() - rest.len() + start].chars().count() + 1;
            let inside = &rest[start + 2..];
            let end = inside.find("}}").ok_or(TemplateFault::Unclosed { at })?;
            let name = inside[..end].trim();
            if !is_name(name) {
                return Err(TemplateFault::Name { name: name.chars().take(LONGEST_NAME).collect(), at });
            }
            if start > 0 {
                parts.push(Part::Text(&rest[..start]));
            }
            parts.push(Part::Variable(name));
            rest = &inside[end + 2..];
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest));
        }
        Ok(Self(parts))
    }

    /// The names of its variables, sorted, each once.
    #[must_use]
    pub fn variables(&self) -> Vec<String> {
        let names: BTreeSet<_> =
            self.0.iter().filter_map(|part| if let Part::Variable(name) = part { Some(*name) } else { None }).collect();
        names.into_iter().map(str::to_owned).collect()
    }

    /// The text with every variable's value in its place. Values are put in as they are: what looks like a variable in
    /// a value stays text.
    ///
    /// # Errors
    /// All variables that are missing and all that the template does not have.
    pub fn render(&self, values: &BTreeMap<String, String>) -> Result<String, VariableFaults> {
        let names = self.variables();
        let missing: Vec<_> = names.iter().filter(|name| !values.contains_key(*name)).cloned().collect();
        let unknown: Vec<_> = values.keys().filter(|name| !names.contains(name)).cloned().collect();
        if !missing.is_empty() || !unknown.is_empty() {
            return Err(VariableFaults { missing, unknown });
        }
        Ok(self.fill(values))
    }

    fn fill(&self, values: &BTreeMap<String, String>) -> String {
        let value = |name: &str| values.get(name).map_or("", String::as_str);
        self.0
            .iter()
            .map(|part| match part {
                Part::Text(text) => text,
                Part::Variable(name) => value(name),
            })
            .collect()
    }
}

fn is_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    name.len() <= LONGEST_NAME
        && bytes.next().is_some_and(|first| first.is_ascii_lowercase())
        && bytes.all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn variables_are_found_once_and_filled_everywhere() {
        let text = TemplateText::parse("Hi {{ name }}, {{name}}! Code {{code_2}}.").unwrap();
        assert_eq!(text.variables(), ["code_2", "name"]);
        assert_eq!(text.render(&values(&[("name", "Åsa"), ("code_2", "42")])).unwrap(), "Hi Åsa, Åsa! Code 42.");
    }

    #[test]
    fn single_braces_and_a_lone_close_are_text() {
        let text = TemplateText::parse("a { b } c }} d").unwrap();
        assert_eq!(text.render(&BTreeMap::new()).unwrap(), "a { b } c }} d");
    }

    #[test]
    fn a_value_is_not_parsed_again() {
        let text = TemplateText::parse("{{ a }}").unwrap();
        assert_eq!(text.render(&values(&[("a", "{{ b }}")])).unwrap(), "{{ b }}");
    }

    #[test]
    fn an_open_variable_is_refused_with_its_place() {
        assert_eq!(TemplateText::parse("é {{ name"), Err(TemplateFault::Unclosed { at: 3 }));
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for text in ["{{}}", "{{ First }}", "{{ a b }}", "{{ 1a }}", "{{ a.b }}", "{{{ a }}}"] {
            assert!(matches!(TemplateText::parse(text), Err(TemplateFault::Name { at: 1, .. })), "{text}");
        }
    }

    #[test]
    fn every_missing_and_unknown_variable_is_named() {
        let text = TemplateText::parse("{{ a }}{{ b }}{{ c }}").unwrap();
        let faults = text.render(&values(&[("b", ""), ("x", ""), ("y", "")])).unwrap_err();
        assert_eq!(faults.missing, ["a", "c"]);
        assert_eq!(faults.unknown, ["x", "y"]);
    }
}
