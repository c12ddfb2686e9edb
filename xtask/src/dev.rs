//! Where things are: the work tree, `.dev/`, and small JSON state files in it.
//!
//! `.dev/` is the whole memory of xtask. Files are written beside their place and renamed, so
//! that a killed command leaves the old or the new state, never half of one; a state file that
//! does not parse counts as absent, because each reader verifies what it reads anyway.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Serialize, de::DeserializeOwned};

/// The root of the work tree: of the one cargo runs us in, should it have been moved since it was
/// built, else of the one we were built in.
pub fn root() -> PathBuf {
    let now = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let here = now.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")));
    here.parent().map_or_else(|| here.clone(), Path::to_path_buf)
}

/// `.dev/`, made when missing.
pub fn dir() -> Result<PathBuf> {
    made(root().join(".dev"))
}

/// A folder under `.dev/`, made when missing.
pub fn sub(name: &str) -> Result<PathBuf> {
    made(dir()?.join(name))
}

fn made(path: PathBuf) -> Result<PathBuf> {
    fs::create_dir_all(&path).with_context(|| format!("cannot create {}", path.display()))?;
    Ok(path)
}

/// Reads a JSON state file; absent or unreadable is `None`.
pub fn read_json<T: DeserializeOwned>(path: &Path) -> Option<T> {
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

/// Replaces a JSON state file in one step.
pub fn write_json<T: Serialize>(path: &Path, value: &T) -> Result<()> {
    let mut bytes = serde_json::to_vec_pretty(value)?;
    bytes.push(b'\n');
    let beside = path.with_extension(format!("tmp{}", std::process::id()));
    fs::write(&beside, bytes).with_context(|| format!("cannot write {}", beside.display()))?;
    fs::rename(&beside, path).with_context(|| format!("cannot write {}", path.display()))
}

/// Waits until no other xtask holds the lock `name`, and holds it until the file is dropped.
pub fn lock(name: &str) -> Result<File> {
    let path = dir()?.join(format!("{name}.lock"));
    let file = File::create(&path).with_context(|| format!("cannot open {}", path.display()))?;
    file.lock().with_context(|| format!("cannot lock {}", path.display()))?;
    Ok(file)
}
