//! No setting is a dead letter: each key of `config.example.toml` is read by a program.
//!
//! rustc cannot tell, since the settings are public fields. So the sources are searched: beyond the files that declare
//! the settings, some file has to name the key as a field, and its section. That is a search of text and can be fooled,
//! but at its first run it found keys that had been settings of nothing for long.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Sections whose keys are read all at once: what names the section reads them.
const WHOLE: [&str; 1] = ["worker.queues"];

/// Fields that are made of several keys.
const MADE_OF: [(&str, &str); 4] = [
    ("limits.key_per_second", "key"),
    ("limits.key_burst", "key"),
    ("limits.tenant_per_second", "tenant"),
    ("limits.tenant_burst", "tenant"),
];

#[test]
fn every_key_of_the_example_is_read() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let example = fs::read_to_string(root.join("config.example.toml")).unwrap();
    let mut sources = Vec::new();
    for crate_folder in ["api", "providers", "schedules", "service", "workers"] {
        collect(&root.join(crate_folder).join("src"), &mut sources);
    }
    let unread: Vec<_> = keys(&example).into_iter().filter(|key| !is_read(key, &sources)).collect();
    assert!(unread.is_empty(), "nothing reads {unread:?}: wire them or remove them");
}

/// `section.key` of each line that sets one.
fn keys(example: &str) -> Vec<String> {
    let mut section = "";
    let mut keys = Vec::new();
    for line in example.lines() {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            section = name;
        } else if let Some((key, _)) = line.split_once(" = ").filter(|_| !line.starts_with('#')) {
            keys.push(format!("{section}.{key}"));
        }
    }
    assert!(keys.len() > 30, "the example was read: {keys:?}");
    keys
}

/// Every source but those that declare settings.
fn collect(folder: &Path, sources: &mut Vec<String>) {
    let mut entries: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() && !path.ends_with("service/src/config") {
            collect(&path, sources);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            sources.push(fs::read_to_string(path).unwrap());
        }
    }
}

fn is_read(key: &str, sources: &[String]) -> bool {
    let (section, name) = key.rsplit_once('.').unwrap();
    if WHOLE.contains(&section) {
        return sources.iter().any(|text| text.contains(&format!(".{section}")));
    }
    let field = MADE_OF.iter().find(|(made_of, _)| *made_of == key).map_or(name, |(_, field)| field);
    let last = section.rsplit('.').next().unwrap();
    let mut kind = last.to_owned();
    kind[..1].make_ascii_uppercase();
    sources.iter().any(|text| {
        // By its way from the whole (`config.redis.url`, `slices.sends`), or where the section is at hand.
        let section_at_hand = has(text, "config", last) || text.contains(&format!("{kind}Config"));
        has(text, last, field) || (section_at_hand && has(text, "", field))
    })
}

/// Whether `text` has the field `name` of `owner` (of anything, where that is empty), and not a longer one, nor a method.
fn has(text: &str, owner: &str, name: &str) -> bool {
    let access = format!("{owner}.{name}");
    let is_word = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    text.match_indices(&access).any(|(at, _)| {
        let bytes = text.as_bytes();
        let before = at.checked_sub(1).and_then(|at| bytes.get(at));
        let after = bytes.get(at + access.len());
        (owner.is_empty() || !is_word(before)) && !is_word(after) && after != Some(&b'(')
    })
}

#[test]
fn a_field_is_told_from_a_longer_one_and_from_a_method() {
    let text = "a.redis.url; b.redis.urls; c.credis.name; redis.len()";
    assert!(has(text, "redis", "url") && has(text, "", "name"));
    assert!(!has(text, "redis", "ur") && !has(text, "redis", "name") && !has(text, "redis", "len"));
}
