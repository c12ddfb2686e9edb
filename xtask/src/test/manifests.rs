//! What every crate's `Cargo.toml` must say: the workspace's lints, the workspace's versions.
//!
//! Cargo itself has no way to demand either. Without this check, one forgotten line switches all
//! lints off for a crate, and one version number brings a second copy of a dependency.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use super::Pass;
use crate::dev;

/// Every member obeys.
pub fn check() -> Result<Pass> {
    let root = dev::root();
    let workspace = fs::read_to_string(root.join("Cargo.toml"))?;
    let mut broken = Vec::new();
    for member in members(&workspace) {
        let path = root.join(&member).join("Cargo.toml");
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        broken.extend(faults(&text).into_iter().map(|fault| format!("{member}/Cargo.toml: {fault}")));
        for main in ["src/lib.rs", "src/main.rs"] {
            broken.extend(headless(&root, &format!("{member}/{main}")));
        }
    }
    if broken.is_empty() {
        return Ok(Pass::Whole);
    }
    bail!("{}", broken.join("\n"))
}

fn members(workspace: &str) -> Vec<String> {
    let list = workspace.split_once("members = [").and_then(|(_, rest)| rest.split_once(']'));
    let list = list.map(|(list, _)| list).unwrap_or_default();
    list.split(',').map(|item| item.trim().trim_matches('"').to_owned()).filter(|item| !item.is_empty()).collect()
}

fn faults(manifest: &str) -> Vec<String> {
    let mut faults = Vec::new();
    let (mut section, mut lints) = (String::new(), false);
    for line in manifest.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if let Some(name) = line.strip_prefix('[') {
            section = name.trim_matches(['[', ']']).to_owned();
            continue;
        }
        lints |= section == "lints" && line.replace(' ', "") == "workspace=true";
        let shared = line.contains(".workspace = true") || line.contains("workspace = true");
        if section.ends_with("dependencies") && !shared {
            faults.push(format!("`{line}` has its own source: put it into [workspace.dependencies]"));
        }
    }
    if !lints {
        faults.push("has no `[lints] workspace = true`".to_owned());
    }
    faults
}

/// A crate's root file without a header that says why.
fn headless(root: &Path, file: &str) -> Option<String> {
    let text = fs::read_to_string(root.join(file)).ok()?;
    (!text.trim_start().starts_with("//!") && !text.starts_with("#![doc"))
        .then(|| format!("{file} does not begin with a `//!` header"))
}

#[cfg(test)]
mod tests {
    use super::{faults, members};

    #[test]
    fn members_are_read_over_lines() {
        assert_eq!(members("[workspace]\nmembers = [\n  \"a\",\n  \"b/c\",\n]\n"), ["a", "b/c"]);
    }

    #[test]
    fn an_obedient_manifest_has_no_faults() {
        let text = "[package]\nversion.workspace = true\n[lints]\nworkspace = true\n[dependencies]\na.workspace = true\nb = { workspace = true, optional = true }\n";
        assert!(faults(text).is_empty());
    }

    #[test]
    fn own_versions_and_missing_lints_are_faults() {
        assert_eq!(faults("[dev-dependencies]\nserde = \"1\"\n").len(), 2);
    }
}
