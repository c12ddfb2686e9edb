//! Dependencies point one way (`architecture.md`), proven with `cargo tree`.
//!
//! The rules are a table of what may never be reached from a crate, directly or through others,
//! in what is shipped: tests may use more (the API's tests talk to the simulator).

use std::collections::BTreeSet;

use anyhow::{Result, bail};

use super::Pass;
use crate::cargo::{cargo, output};

/// Crate, and what it must never reach. A trailing `*` stands for any rest of the name.
const RULES: [(&str, &[&str]); 10] = [
    ("patchbay-queue", &["patchbay-*", "poem*"]),
    ("patchbay-db", &["poem*", "reqwest", "patchbay-jobs", "patchbay-domain", "patchbay-providers", "patchbay-api"]),
    ("patchbay-jobs", &["poem*", "reqwest", "patchbay-domain", "patchbay-providers", "patchbay-api"]),
    ("patchbay-domain", &["poem*", "reqwest", "patchbay-providers", "patchbay-api", "patchbay-workers"]),
    ("patchbay-providers", &["diesel*", "tokio-postgres", "redis", "patchbay-db", "patchbay-domain", "patchbay-queue"]),
    ("patchbay-api", &["patchbay-simulator", "patchbay-loadtests", "patchbay-workers", "patchbay-schedules"]),
    ("patchbay-workers", &["patchbay-simulator", "patchbay-loadtests", "patchbay-api", "patchbay-schedules"]),
    ("patchbay-schedules", &["patchbay-simulator", "patchbay-loadtests", "patchbay-api", "patchbay-workers"]),
    ("patchbay-admin", &["patchbay-*", "diesel*", "redis", "poem*"]),
    ("patchbay-simulator", &["diesel*", "patchbay-db", "patchbay-domain", "patchbay-queue", "patchbay-jobs"]),
];

/// No rule is broken.
pub async fn check() -> Result<Pass> {
    let mut broken = Vec::new();
    for (package, forbidden) in RULES {
        let tree = output(cargo().args([
            "tree",
            "--locked",
            "--edges",
            "normal,build",
            "--prefix",
            "none",
            "--format",
            "{p}",
            "-p",
            package,
        ]))
        .await?;
        for name in reached(&tree, package) {
            if forbidden.iter().any(|rule| matches(rule, &name)) {
                broken.push(format!(
                    "{package} must not depend on {name}: `cargo tree -p {package} -e normal -i {name}`"
                ));
            }
        }
    }
    if broken.is_empty() {
        return Ok(Pass::Whole);
    }
    bail!("{}", broken.join("\n"))
}

/// The packages in cargo's flat listing (`name v1.2.3 (…)`), without the one asked for.
fn reached(tree: &str, package: &str) -> BTreeSet<String> {
    let names = tree.lines().filter_map(|line| line.split(' ').next());
    names.filter(|name| !name.is_empty() && *name != package).map(str::to_owned).collect()
}

fn matches(rule: &str, name: &str) -> bool {
    rule.strip_suffix('*').map_or(rule == name, |start| name.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::{matches, reached};

    #[test]
    fn a_rule_names_one_crate_or_a_family() {
        assert!(matches("diesel*", "diesel-async"));
        assert!(matches("redis", "redis"));
        assert!(!matches("redis", "redis-test"));
    }

    #[test]
    fn the_tree_is_read_without_its_root() {
        let tree = "patchbay-queue v0.1.0 (/x/queue)\nserde v1.0.229\nserde v1.0.229 (*)\n";
        assert_eq!(reached(tree, "patchbay-queue").into_iter().collect::<Vec<_>>(), ["serde"]);
    }
}
