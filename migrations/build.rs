//! Tells cargo what the embedded SQL depends on, and gives it a fingerprint.
//!
//! `embed_migrations!` notices a changed file but not a new folder, so a new migration would be left out of an
//! incremental build without this. The fingerprint names the template database of the tests: both sets of SQL
//! are in it, so that a template is rebuilt when, and only when, a migration changes.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

fn main() -> std::io::Result<()> {
    let here = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    // Its keys are fixed: the same SQL has the same fingerprint on every build of one toolchain.
    let mut hasher = DefaultHasher::new();
    for set in ["sql", "../queue/sql"] {
        add(&here.join(set), &mut hasher)?;
    }
    println!("cargo::rustc-env=PATCHBAY_SQL_FINGERPRINT={:016x}", hasher.finish());
    Ok(())
}

fn add(path: &Path, hasher: &mut DefaultHasher) -> std::io::Result<()> {
    println!("cargo::rerun-if-changed={}", path.display());
    if path.is_dir() {
        let mut entries = std::fs::read_dir(path)?.collect::<Result<Vec<_>, _>>()?;
        entries.sort_by_key(std::fs::DirEntry::file_name);
        entries.iter().try_for_each(|entry| add(&entry.path(), hasher))
    } else {
        path.file_name().hash(hasher);
        std::fs::read(path)?.hash(hasher);
        Ok(())
    }
}
