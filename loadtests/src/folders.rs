//! Where things are: results in `.dev/bench/` of the work tree, the programs where `PATCHBAY_BIN_DIR` says.

use std::path::PathBuf;

use anyhow::{Context, Result};

/// The folder of the results and the programs' logs; made when missing. Relative: xtask runs us at the root.
pub fn results() -> Result<PathBuf> {
    let dir = PathBuf::from(".dev/bench");
    std::fs::create_dir_all(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
    Ok(dir)
}

/// An environment variable that xtask sets.
pub fn required(name: &str) -> Result<String> {
    std::env::var(name).with_context(|| format!("{name} is not set: run `cargo xtask bench`"))
}
