//! `docs/metrics.md` against the programs: each metric that the code counts is described, and none that it does not.
//!
//! Read from the sources, because some are only counted when something breaks: no scrape would show them all. So names
//! must be written where they are counted.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The crates whose code runs in the deployables.
const CRATES: [&str; 9] =
    ["api", "domain", "jobs", "migrations", "providers", "queue", "schedules", "service", "workers"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            sources(&entry, found);
        } else if entry.extension().is_some_and(|end| end == "rs") {
            found.push(entry);
        }
    }
}

/// Every metric of the code, and its type.
fn counted() -> BTreeMap<String, &'static str> {
    let mut files = Vec::new();
    CRATES.iter().for_each(|name| sources(&root().join(name).join("src"), &mut files));
    let mut metrics = BTreeMap::new();
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap();
        for kind in ["counter", "gauge", "histogram"] {
            let call = format!("{kind}!(");
            for (at, _) in code.match_indices(&call).filter(|(at, _)| !code[..*at].ends_with('_')) {
                let name =
                    code[at + call.len()..].trim_start().strip_prefix('"').and_then(|rest| rest.split('"').next());
                let name = name.unwrap_or_else(|| panic!("{}: a {kind} without its name beside it", file.display()));
                let before = metrics.insert(name.to_owned(), kind);
                assert!(before.is_none_or(|before| before == kind), "{name} is a {kind} and a {before:?}");
            }
        }
    }
    metrics
}

/// Every metric of the page, and its type.
fn described() -> BTreeMap<String, &'static str> {
    let page = fs::read_to_string(root().join("docs/metrics.md")).unwrap();
    let mut metrics = BTreeMap::new();
    for line in page.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let [_, name, kind, _labels, meaning, alert, _] = cells[..] else { panic!("not five cells: {line}") };
        let kind = ["counter", "gauge", "histogram"].into_iter().find(|known| *known == kind).expect("a type");
        assert!(!meaning.is_empty() && !alert.is_empty(), "{line}");
        assert!(metrics.insert(name.trim_matches('`').to_owned(), kind).is_none(), "{name} stands twice");
    }
    metrics
}

#[test]
fn the_page_and_the_programs_have_the_same_metrics() {
    let (counted, described) = (counted(), described());
    assert!(counted.contains_key("http_requests_total") && counted.contains_key("queue_ready"), "the code was read");
    assert_eq!(described, counted);
}
