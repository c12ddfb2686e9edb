//! Holds `config.example.toml` and the code together: a key that one has and the other lacks, or another default,
//! fails here. That is why the file can be trusted as the reference.

use std::{collections::BTreeMap, fmt::Write};

use super::{Config, Process, Sources, reader::Reader, settings};

const EXAMPLE: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../config.example.toml"));

fn defaults() -> BTreeMap<String, String> {
    let mut reader = Reader::new(Process::Api, settings::Settings::new(), Vec::new());
    Config::read(&mut reader);
    reader.declared.into_iter().map(|(key, default)| (key, default.to_owned())).collect()
}

#[test]
fn the_example_lists_every_key_with_its_default_and_nothing_else() {
    let example: BTreeMap<_, _> = settings::parse_toml(EXAMPLE).unwrap().into_iter().collect();
    let mut wrong = String::new();
    let code = defaults();
    for (key, default) in &code {
        match example.get(key) {
            None => writeln!(wrong, "{key} is missing (default {default:?})").unwrap(),
            Some(value) if value != default => {
                writeln!(wrong, "{key} is {value:?}, not {default:?}").unwrap();
            }
            Some(_) => {}
        }
    }
    for key in example.keys().filter(|key| !code.contains_key(*key)) {
        writeln!(wrong, "{key} is unknown to the code").unwrap();
    }
    assert!(wrong.is_empty(), "config.example.toml:\n{wrong}");
}

#[test]
fn every_key_of_the_example_has_a_comment_above_it() {
    let lines: Vec<_> = EXAMPLE.lines().collect();
    for pair in lines.windows(2) {
        let is_key = pair[1].contains(" = ") && !pair[1].starts_with('#');
        assert!(!is_key || pair[0].starts_with("# "), "no comment above: {}", pair[1]);
    }
}

#[test]
fn the_example_loads_once_the_required_secrets_are_given() {
    let sources = Sources::default()
        .with_toml(EXAMPLE)
        .with_env("DATABASE_URL", "postgres://localhost/patchbay")
        .with_env("REDIS_URL", "redis://localhost")
        .with_env("PATCHBAY__SECRETS__KEY", &"ab".repeat(32))
        .with_env("PATCHBAY__API__SYSTEM_KEY", "pb_sys_0123456789abcdef01234567");
    let config = Config::from_sources(Process::Api, &sources).unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(config.worker.queues["sends"], 64);
}

#[test]
fn no_key_is_declared_twice() {
    let mut reader = Reader::new(Process::Api, settings::Settings::new(), Vec::new());
    Config::read(&mut reader);
    assert_eq!(reader.declared.len(), defaults().len());
}
