//! What an account must be configured with, as data: one table gives the check, the JSON Schema and the secrets.
//!
//! A hand-written JSON Schema beside a hand-written check was rejected: they drift, and the field that drifts is the
//! secret one. Shapes are named rather than regular expressions, so that the check and the schema cannot disagree.

use serde_json::{Map, Value, json};

/// The form of a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// A provider's id: this prefix and 32 hexadecimal digits.
    Sid(&'static str),
    /// One line of visible ASCII without spaces, at most this many characters.
    Token(usize),
}

impl Shape {
    /// Whether the value has this form.
    #[must_use]
    pub fn fits(self, value: &str) -> bool {
        match self {
            Self::Sid(prefix) => value
                .strip_prefix(prefix)
                .is_some_and(|rest| rest.len() == 32 && rest.bytes().all(|b| b.is_ascii_hexdigit())),
            Self::Token(max) => (1..=max).contains(&value.len()) && value.bytes().all(|b| b.is_ascii_graphic()),
        }
    }

    /// The same form as a regular expression for JSON Schema.
    #[must_use]
    pub fn pattern(self) -> String {
        match self {
            Self::Sid(prefix) => format!("^{prefix}[0-9a-fA-F]{{32}}$"),
            Self::Token(max) => format!("^[!-~]{{1,{max}}}$"),
        }
    }

    fn describe(self) -> String {
        match self {
            Self::Sid(prefix) => format!("must be {prefix} followed by 32 hexadecimal digits"),
            Self::Token(max) => format!("must be 1 to {max} visible characters without spaces"),
        }
    }
}

/// One setting of a provider account.
#[derive(Debug, Clone, Copy)]
pub struct ConfigField {
    /// Its key in the settings object.
    pub name: &'static str,
    /// What a form calls it.
    pub title: &'static str,
    /// Where to find it and what it is for.
    pub description: &'static str,
    /// Whether it must be sealed at rest and never shown again.
    pub secret: bool,
    /// Whether an account cannot work without it.
    pub required: bool,
    /// Its form.
    pub shape: Shape,
}

/// All settings of one provider's accounts.
#[derive(Debug, Clone, Copy)]
pub struct ConfigSchema {
    /// The provider's name as people write it.
    pub title: &'static str,
    /// The settings.
    pub fields: &'static [ConfigField],
    /// Pairs of settings of which neither makes sense without the other.
    pub pairs: &'static [(&'static str, &'static str)],
}

/// One thing wrong with an account's settings. Never contains the value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigIssue {
    /// JSON pointer to the setting.
    pub pointer: String,
    /// `required`, `invalid`, `unknown_field` or `not_an_object`.
    pub code: &'static str,
    /// A sentence for a person.
    pub detail: String,
}

impl ConfigSchema {
    /// Whether a setting must be sealed. Unknown names count as secret.
    #[must_use]
    pub fn is_secret(&self, name: &str) -> bool {
        self.field(name).is_none_or(|field| field.secret)
    }

    /// Names of the settings that must be sealed.
    pub fn secrets(&self) -> impl Iterator<Item = &'static str> {
        self.fields.iter().filter(|field| field.secret).map(|field| field.name)
    }

    fn field(&self, name: &str) -> Option<&'static ConfigField> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// Checks settings as a person gave them.
    ///
    /// # Errors
    /// Everything that is wrong, at once.
    pub fn check(&self, settings: &Value) -> Result<(), Vec<ConfigIssue>> {
        let Some(settings) = settings.as_object() else {
            return Err(vec![issue("", "not_an_object", "must be an object".to_owned())]);
        };
        let given = |name: &str| settings.get(name).is_some_and(|value| !value.is_null());
        let mut issues = Vec::new();
        for field in self.fields.iter().filter(|field| field.required && !given(field.name)) {
            issues.push(issue(field.name, "required", format!("{} is required", field.title)));
        }
        for (a, b) in self.pairs.iter().flat_map(|(a, b)| [(a, b), (b, a)]) {
            if given(a) && !given(b) {
                issues.push(issue(b, "required", format!("required together with {a}")));
            }
        }
        for (name, value) in settings.iter().filter(|(_, value)| !value.is_null()) {
            match self.field(name) {
                None => issues.push(issue(name, "unknown_field", "is not a setting of this provider".to_owned())),
                Some(field) if !value.as_str().is_some_and(|text| field.shape.fits(text)) => {
                    issues.push(issue(name, "invalid", format!("{} {}", field.title, field.shape.describe())));
                }
                Some(_) => {}
            }
        }
        if issues.is_empty() { Ok(()) } else { Err(issues) }
    }

    /// The settings as a JSON Schema (2020-12); secret ones are `writeOnly`.
    #[must_use]
    pub fn to_json_schema(&self) -> Value {
        let properties: Map<_, _> = self
            .fields
            .iter()
            .map(|field| {
                let mut property = json!({
                    "type": "string",
                    "title": field.title,
                    "description": field.description,
                    "pattern": field.shape.pattern(),
                });
                if field.secret {
                    property["writeOnly"] = json!(true);
                    property["format"] = json!("password");
                }
                (field.name.to_owned(), property)
            })
            .collect();
        let required: Vec<_> = self.fields.iter().filter(|field| field.required).map(|field| field.name).collect();
        let dependent: Map<_, _> = self
            .pairs
            .iter()
            .flat_map(|(a, b)| [((*a).to_owned(), json!([b])), ((*b).to_owned(), json!([a]))])
            .collect();
        json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": self.title,
            "type": "object",
            "properties": properties,
            "required": required,
            "dependentRequired": dependent,
            "additionalProperties": false,
        })
    }
}

fn issue(name: &str, code: &'static str, detail: String) -> ConfigIssue {
    let pointer =
        if name.is_empty() { String::new() } else { format!("/{}", name.replace('~', "~0").replace('/', "~1")) };
    ConfigIssue { pointer, code, detail }
}
