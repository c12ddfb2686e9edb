//! Finds server programs that really run, in a version that suffices.
//!
//! A name on PATH proves little: it may be a wrapper, half of an installation, or unreadable for
//! the user that PostgreSQL must run as. So each candidate folder is asked for the version of
//! every program needed, as that user, and only a folder that answers alike for all is taken.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::owner::Owner;

/// A folder of PostgreSQL programs.
pub struct Postgres {
    /// Holds `initdb`, `pg_ctl` and `postgres`.
    pub bin: PathBuf,
    /// Major version.
    pub major: u32,
}

/// The oldest PostgreSQL that the migrations are written for.
pub const POSTGRES_MIN: u32 = 14;
/// The oldest Redis whose commands the lane scripts use.
pub const REDIS_MIN: u32 = 7;

/// Names of the Redis server; Valkey speaks the same protocol, and is what some systems ship.
pub const REDIS: [&str; 2] = ["redis-server", "valkey-server"];

/// All usable PostgreSQL installations, newest first.
pub fn postgres(owner: &Owner) -> Vec<Postgres> {
    let mut found: Vec<Postgres> = folders()
        .into_iter()
        .filter_map(|bin| {
            let version = |name| major(&bin.join(name), owner);
            let major = version("postgres")?;
            let whole = version("initdb") == Some(major) && version("pg_ctl") == Some(major);
            (whole && major >= POSTGRES_MIN).then_some(Postgres { bin, major })
        })
        .collect();
    found.sort_by_key(|one| std::cmp::Reverse(one.major));
    found
}

/// A usable Redis server program.
pub fn redis() -> Option<PathBuf> {
    let me = Owner::myself();
    folders()
        .into_iter()
        .flat_map(|dir| REDIS.map(|name| dir.join(name)))
        .find(|program| major(program, &me).is_some_and(|major| major >= REDIS_MIN))
}

/// Whether a program of this name is on PATH.
pub fn on_path(name: &str) -> bool {
    std::env::var_os("PATH").is_some_and(|path| std::env::split_paths(&path).any(|dir| dir.join(name).is_file()))
}

/// Every folder worth asking: PATH, Debian's and Red Hat's versioned folders, Homebrew's.
fn folders() -> Vec<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut all: Vec<PathBuf> = std::env::split_paths(&path).collect();
    for parent in ["/usr/lib/postgresql", "/opt/homebrew/opt", "/usr/local/opt", "/usr"] {
        let mut versioned: Vec<PathBuf> = std::fs::read_dir(parent)
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| {
                let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
                name.is_some_and(|name| {
                    parent.ends_with("postgresql")
                        || name.starts_with("postgresql@")
                        || name.starts_with("pgsql-")
                        || name == "redis"
                })
            })
            .map(|path| path.join("bin"))
            .collect();
        versioned.sort();
        all.extend(versioned.into_iter().rev());
    }
    all.extend(["/usr/bin", "/usr/sbin", "/usr/local/bin"].map(PathBuf::from));
    let mut seen = BTreeSet::new();
    all.retain(|dir| dir.is_absolute() && dir.is_dir() && seen.insert(real(dir)));
    all
}

fn real(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_path_buf())
}

/// The major version a program answers with, run as `owner`.
fn major(program: &Path, owner: &Owner) -> Option<u32> {
    if !program.is_file() {
        return None;
    }
    let mut command = Command::new(program);
    let out = owner.own(command.arg("--version").current_dir("/")).output().ok()?;
    out.status.success().then(|| parse_major(&String::from_utf8_lossy(&out.stdout)))?
}

/// `postgres (PostgreSQL) 15.18 (Debian …)` → 15; `Redis server v=7.0.15 sha=…` → 7.
fn parse_major(answer: &str) -> Option<u32> {
    answer.split_whitespace().find_map(|word| {
        let digits = word.strip_prefix("v=").unwrap_or(word);
        let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
        digits[..end].parse().ok()
    })
}

#[cfg(test)]
mod tests {
    use super::parse_major;

    #[test]
    fn versions_are_read_from_what_servers_print() {
        assert_eq!(parse_major("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)"), Some(15));
        assert_eq!(parse_major("postgres (PostgreSQL) 18beta1"), Some(18));
        assert_eq!(parse_major("Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc"), Some(7));
        assert_eq!(parse_major("Valkey server v=8.1.1 sha=0"), Some(8));
        assert_eq!(parse_major("usage: frobnicate"), None);
    }
}
