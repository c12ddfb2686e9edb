//! Finds `pgbench`: beside the server's programs, which are often not on PATH.

use std::path::PathBuf;

/// The newest `pgbench` of this machine.
pub fn pgbench() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = Vec::new();
    for parent in ["/usr/lib/postgresql", "/opt/homebrew/opt", "/usr/local/opt", "/usr"] {
        let entries = std::fs::read_dir(parent).into_iter().flatten().flatten();
        folders.extend(entries.map(|entry| entry.path().join("bin")));
    }
    folders.sort();
    folders.reverse();
    let mut all = folders.into_iter().chain(std::env::split_paths(&path));
    all.find_map(|folder| Some(folder.join("pgbench")).filter(|program| program.is_file()))
}
