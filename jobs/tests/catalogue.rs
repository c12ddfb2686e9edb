//! The catalogue against the files: nothing is forgotten, nothing changes unseen, every old payload still decodes.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use patchbay_jobs::registry::{KINDS, Kind, Owner};
use patchbay_queue::job::DecodeError;

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Names in a folder, without directories.
fn files(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).unwrap().map(Result::unwrap);
    entries.filter(|entry| entry.path().is_file()).map(|entry| entry.file_name().into_string().unwrap()).collect()
}

fn example(kind: &Kind, version: i16) -> Vec<u8> {
    let name = format!("payloads/{}.v{version}.json", kind.name);
    fs::read(here(&name)).unwrap_or_else(|_| panic!("{name} is missing: add an example of this payload"))
}

#[test]
fn every_file_of_a_job_is_registered_under_its_name() {
    let registered: BTreeSet<&str> = KINDS.iter().map(|kind| kind.name).collect();
    let mut on_disk = BTreeSet::new();
    for area in fs::read_dir(here("src")).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()) {
        let area_name = area.file_name().unwrap().to_str().unwrap().to_owned();
        for file in files(&area).iter().filter(|file| *file != "mod.rs") {
            let stem = file.strip_suffix(".rs").unwrap_or_else(|| panic!("src/{area_name}/{file} is no job"));
            on_disk.insert(format!("{area_name}.{stem}"));
        }
    }
    for name in &on_disk {
        assert!(registered.contains(name.as_str()), "src/{}.rs is not in registry::KINDS", name.replace('.', "/"));
    }
    assert_eq!(registered.len(), on_disk.len(), "a kind without a file of its name: {registered:?} / {on_disk:?}");
    assert_eq!(registered.len(), KINDS.len(), "a name twice");
    assert!(KINDS.is_sorted_by_key(|kind| kind.name), "the list is in order of names");
}

#[test]
fn every_version_of_every_payload_has_an_example_that_decodes() {
    let mut known = BTreeSet::new();
    for kind in KINDS {
        for version in 1..=kind.version {
            let read = kind.check(version, &example(kind, version));
            assert!(read.is_ok(), "{} v{version}: {read:?}", kind.name);
            known.insert(format!("{}.v{version}.json", kind.name));
        }
    }
    assert_eq!(files(&here("payloads")), known, "an example of a version or kind that is not registered");
}

#[test]
fn a_payload_of_a_newer_version_is_left_to_newer_code() {
    for kind in KINDS {
        let read = kind.check(kind.version + 1, &example(kind, kind.version));
        assert!(matches!(read, Err(DecodeError::Newer { .. })), "{}: {read:?}", kind.name);
    }
}

#[test]
fn a_payload_that_is_none_is_malformed() {
    for kind in KINDS {
        let read = kind.check(kind.version, b"[");
        assert!(matches!(read, Err(DecodeError::Malformed(_))), "{}: {read:?}", kind.name);
    }
}

#[test]
fn the_contract_of_each_kind_is_the_reviewed_one() {
    let mut contract = String::new();
    for kind in KINDS {
        let policy = kind.policy;
        let unique = kind.check(kind.version, &example(kind, kind.version)).unwrap();
        let owner = if kind.owner == Owner::System { "the system" } else { "a tenant" };
        writeln!(contract, "{} v{}", kind.name, kind.version).unwrap();
        writeln!(contract, "  queue {}, priority {}, of {owner}", kind.queue, policy.priority).unwrap();
        let (from, to) = (policy.backoff, policy.backoff_max);
        writeln!(contract, "  {} errors, {from:?} to {to:?} apart; {:?} a run", policy.max_attempts, policy.timeout)
            .unwrap();
        writeln!(contract, "  unique by {}", unique.as_deref().unwrap_or("nothing")).unwrap();
    }
    insta::assert_snapshot!("contract", contract);
}
