//! Merges the sources into one flat set of `section.key` = text, each with the place that set it.
//!
//! The `config` crate parses TOML and lays the environment over it; what comes out is flattened to text, so that one
//! parser per kind of value serves both (`value.rs`). Its own errors are not shown whole: a TOML error quotes the
//! line it is about, and that line may hold a password.

use std::collections::{BTreeMap, HashMap};

use ::config::{Environment, FileFormat, Source, Value, ValueKind};

use super::{problem::Problem, sources::Sources};

/// The variables that have a short name of their own, because platforms and Rust programs use it everywhere.
const ALIASES: [(&str, &str); 3] =
    [("DATABASE_URL", "database.url"), ("REDIS_URL", "redis.url"), ("RUST_LOG", "log.filter")];

/// A value before its kind is known.
pub(super) struct Setting {
    /// The text; a list is its items joined by commas.
    pub(super) text: String,
    /// The variable or file that set it, for errors.
    pub(super) set_by: String,
}

/// The settings by their full key.
pub(super) type Settings = BTreeMap<String, Setting>;

/// File below environment; within the environment, `PATCHBAY__…` over the short names. Empty variables count as unset.
pub(super) fn merge(sources: &Sources) -> (Settings, Vec<Problem>) {
    let mut problems = Vec::new();
    let mut settings = Settings::new();
    for (key, text) in file(sources, &mut problems) {
        let set_by = sources.file.as_ref().map_or_else(String::new, |file| file.path.clone());
        settings.insert(key, Setting { text, set_by });
    }
    for (variable, key) in ALIASES {
        if let Some(text) = sources.environment.get(variable).filter(|text| !text.is_empty()) {
            settings.insert(key.to_owned(), Setting { text: text.clone(), set_by: variable.to_owned() });
        }
    }
    for (key, text) in environment(&sources.environment) {
        let set_by = long_name(&key);
        settings.insert(key, Setting { text, set_by });
    }
    (settings, problems)
}

/// The environment variable to set `key` with: the short name where there is one.
pub(super) fn variable(key: &str) -> String {
    let alias = ALIASES.iter().find(|(_, aliased)| *aliased == key);
    alias.map_or_else(|| long_name(key), |(name, _)| (*name).to_owned())
}

fn long_name(key: &str) -> String {
    format!("PATCHBAY__{}", key.to_uppercase().replace('.', "__"))
}

fn file(sources: &Sources, problems: &mut Vec<Problem>) -> Vec<(String, String)> {
    let Some(file) = &sources.file else {
        return Vec::new();
    };
    let mut refuse = |wrong: String, fix: &str| {
        let set_by = Some(file.path.clone());
        problems.push(Problem { key: "PATCHBAY_CONFIG".to_owned(), set_by, wrong, fix: fix.to_owned() });
        Vec::new()
    };
    match &file.text {
        Err(why) => {
            refuse(format!("cannot be read: {why}"), "name a TOML file that this program may read, or unset it")
        }
        Ok(text) => match parse_toml(text) {
            Ok(values) => values,
            Err(place) => refuse(format!("is not valid TOML: {place}"), "compare it with config.example.toml"),
        },
    }
}

/// Parses a whole file; the error is the place only, such as `TOML parse error at line 3, column 7`.
pub(super) fn parse_toml(text: &str) -> Result<Vec<(String, String)>, String> {
    let values = ::config::File::from_str(text, FileFormat::Toml)
        .collect()
        .map_err(|error| error.to_string().lines().next().unwrap_or_default().to_owned())?;
    let mut flat = Vec::new();
    for (key, value) in values {
        flatten(key, value, &mut flat);
    }
    Ok(flat)
}

fn environment(variables: &HashMap<String, String>) -> Vec<(String, String)> {
    let source = Environment::with_prefix("PATCHBAY")
        .prefix_separator("__")
        .separator("__")
        .ignore_empty(true)
        .source(Some(variables.clone()));
    let values = source.collect().expect("a map of strings holds nothing that is not Unicode");
    let mut flat = Vec::new();
    for (key, value) in values {
        flatten(key, value, &mut flat);
    }
    flat
}

fn flatten(key: String, value: Value, flat: &mut Vec<(String, String)>) {
    match value.kind {
        ValueKind::Table(table) => {
            for (name, inner) in table {
                flatten(format!("{key}.{name}"), inner, flat);
            }
        }
        ValueKind::Array(items) => {
            let items: Vec<_> = items.into_iter().map(|item| item.to_string()).collect();
            flat.push((key, items.join(",")));
        }
        _ => flat.push((key, value.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text<'a>(settings: &'a Settings, key: &str) -> (&'a str, &'a str) {
        let setting = &settings[key];
        (&setting.text, &setting.set_by)
    }

    #[test]
    fn the_environment_is_laid_over_the_file() {
        let sources = Sources::default()
            .with_toml("[api]\nlisten = \"127.0.0.1:1\"\ntrust_forwarded = true\n[database]\nurl = \"postgres://file\"")
            .with_env("DATABASE_URL", "postgres://short")
            .with_env("PATCHBAY__API__LISTEN", "127.0.0.1:2")
            .with_env("PATCHBAY__API__TRUST_FORWARDED", "");
        let (settings, problems) = merge(&sources);
        assert_eq!(problems, []);
        assert_eq!(text(&settings, "api.listen"), ("127.0.0.1:2", "PATCHBAY__API__LISTEN"));
        assert_eq!(text(&settings, "api.trust_forwarded"), ("true", "patchbay.toml"));
        assert_eq!(text(&settings, "database.url"), ("postgres://short", "DATABASE_URL"));
    }

    #[test]
    fn a_toml_error_gives_the_place_and_not_the_line() {
        let error = parse_toml("[database]\nurl = \"postgres://u:hunter2@h").unwrap_err();
        assert!(error.contains("line 2"), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
    }

    #[test]
    fn a_list_is_its_items_joined_by_commas() {
        assert_eq!(parse_toml("[a]\nb = [\"x\", \"y\"]\nc = []").unwrap().len(), 2);
        let flat: BTreeMap<_, _> = parse_toml("[a]\nb = [\"x\", \"y\"]\nc = []").unwrap().into_iter().collect();
        assert_eq!((flat["a.b"].as_str(), flat["a.c"].as_str()), ("x,y", ""));
    }
}
