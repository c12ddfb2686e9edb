//! Everything that is wrong with a configuration is said at once, with key, reason and remedy, and without secrets.

use patchbay_service::{Config, Process, Sources};

fn good() -> Sources {
    Sources::default()
        .with_env("DATABASE_URL", "postgres://app:hunter2@localhost/patchbay")
        .with_env("REDIS_URL", "redis://:hunter2@localhost")
        .with_env("PATCHBAY__SECRETS__KEY", &"5e".repeat(32))
        .with_env("PATCHBAY__API__SYSTEM_KEY", "pb_sys_hunter2hunter2hunter2hunter2")
}

#[expect(clippy::unwrap_used, reason = "tests")]
fn errors(process: Process, sources: &Sources) -> String {
    Config::from_sources(process, sources).unwrap_err().to_string()
}

#[test]
fn two_wrong_values_are_reported_at_once() {
    let sources = good().with_env("PATCHBAY__API__LISTEN", "everywhere").with_toml("[worker]\nlease = \"60s\"");
    assert_eq!(
        errors(Process::Api, &sources),
        "the configuration has 2 problems:\
        \n  - api.listen (from PATCHBAY__API__LISTEN): \"everywhere\" is not an address to listen on; \
        write an IP address and a port, such as \"127.0.0.1:8080\" (port 0 takes a free one)\
        \n  - worker.lease (from patchbay.toml): 60s is out of range; set it from 2s to 15s"
    );
}

#[test]
fn each_program_asks_for_what_it_needs_only() {
    let missing = |process| {
        let errors = Config::from_sources(process, &Sources::default()).unwrap_err();
        errors.problems().iter().map(|problem| problem.key.clone()).collect::<Vec<_>>()
    };
    assert_eq!(missing(Process::Api), ["api.system_key", "database.url", "redis.url", "secrets.key"]);
    assert_eq!(missing(Process::Worker), ["database.url", "redis.url", "secrets.key"]);
    assert_eq!(missing(Process::Scheduler), ["database.url", "redis.url"]);
    assert_eq!(missing(Process::Migrate), ["database.url"]);
}

#[test]
fn a_missing_secret_says_which_variable_to_set() {
    let text = errors(Process::Migrate, &Sources::default());
    assert!(text.starts_with("the configuration has 1 problem:"), "{text}");
    assert!(
        text.contains("database.url: is not set, and patchbay-api migrate needs it; set DATABASE_URL to"),
        "{text}"
    );
}

#[test]
fn unknown_keys_are_errors_in_the_file_and_in_the_environment() {
    let sources = good()
        .with_toml("[api]\nlisten_on = \"127.0.0.1:1\"\n[apy]\nx = 1")
        .with_env("PATCHBAY__WORKER__QUEUES__SEND", "3");
    let text = errors(Process::Api, &sources);
    assert!(text.contains("api.listen_on (from patchbay.toml): is not a key that Patchbay knows"), "{text}");
    assert!(text.contains("use one of [api]: "), "{text}");
    assert!(text.contains("apy.x (from patchbay.toml)"), "{text}");
    assert!(text.contains("worker.queues.send (from PATCHBAY__WORKER__QUEUES__SEND)"), "{text}");
}

#[test]
fn a_file_that_is_no_toml_is_reported_beside_the_rest() {
    let sources = Sources::default().with_toml("[database]\nurl = \"postgres://u:hunter2@h");
    let text = errors(Process::Migrate, &sources);
    assert!(text.contains("PATCHBAY_CONFIG (from patchbay.toml): is not valid TOML: "), "{text}");
    assert!(text.contains("database.url: is not set"), "{text}");
    assert!(!text.contains("hunter2"), "{text}");
}

#[test]
fn a_wrong_secret_is_named_but_not_shown() {
    let sources = good()
        .with_env("DATABASE_URL", "mysql://hunter2@h")
        .with_env("REDIS_URL", "hunter2")
        .with_env("PATCHBAY__SECRETS__KEY", "hunter2")
        .with_env("PATCHBAY__SECRETS__PREVIOUS_KEYS", "hunter2,hunter2")
        .with_env("PATCHBAY__API__SYSTEM_KEY", "hunter2");
    let errors = Config::from_sources(Process::Api, &sources).unwrap_err();
    assert_eq!(errors.problems().len(), 5, "{errors}");
    assert!(!format!("{errors} {errors:?}").contains("hunter2"), "{errors}");
}

#[test]
fn rules_across_keys_are_checked() {
    let sources = good()
        .with_env("PATCHBAY__LIMITS__KEY_BURST", "1")
        .with_env("PATCHBAY__API__BATCH_BODY_MAX", "64 KiB")
        .with_env("PATCHBAY__LOG__FILTER", "info,=,=");
    let errors = Config::from_sources(Process::Api, &sources).unwrap_err();
    let keys: Vec<_> = errors.problems().iter().map(|problem| problem.key.as_str()).collect();
    assert_eq!(keys, ["api.batch_body_max", "limits.key_burst", "log.filter"], "{errors}");
}

#[test]
fn debug_of_a_loaded_configuration_shows_no_secret() {
    let sources = good()
        .with_env("PATCHBAY__SECRETS__PREVIOUS_KEYS", &format!("{},{}", "6f".repeat(32), "7a".repeat(32)))
        .with_env("PATCHBAY__DATABASE__APP_URL", "postgres://app:hunter2@localhost/patchbay");
    let config = Config::from_sources(Process::Api, &sources).unwrap();
    assert_eq!(config.secrets.previous_keys.len(), 2);
    let shown = format!("{config:?} {sources:?}");
    for secret in ["hunter2", "5e5e", "6f6f", "7a7a", "94, 94"] {
        assert!(!shown.contains(secret), "{secret} is in {shown}");
    }
}

#[test]
fn a_file_that_is_not_there_is_reported_with_its_path() {
    let path = "/nonexistent/patchbay.toml";
    let sources = Sources::from_variables([("PATCHBAY_CONFIG".to_owned(), path.to_owned())]);
    let text = errors(Process::Migrate, &sources);
    assert!(text.contains(&format!("PATCHBAY_CONFIG (from {path}): cannot be read: ")), "{text}");
}

#[test]
fn the_file_that_patchbay_config_names_is_read() {
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/../config.example.toml");
    let variables = [("PATCHBAY_CONFIG", example), ("DATABASE_URL", "postgres://localhost/x"), ("RUST_LOG", "debug")];
    let sources = Sources::from_variables(variables.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let config = Config::from_sources(Process::Migrate, &sources).unwrap();
    assert_eq!(config.log.filter, "debug");
    assert_eq!(config.api.json_body_max.bytes(), 1024 * 1024);
}
