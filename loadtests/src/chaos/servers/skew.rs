//! Programs whose wall clock is off: Redis, and the product's own.
//!
//! A process cannot be given a date of its own (Linux' time namespaces shift only clocks that have none), so its reading of
//! the clock is shadowed: `skew.c`, compiled by the linker's driver that Rust needs anyway, is loaded before the C library.
//! libfaketime was tried first; Redis hangs in it.

use std::path::PathBuf;
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use super::Ground;

const SOURCE: &str = include_str!("skew.c");

/// Makes clocks be off.
#[derive(Debug, Clone)]
pub struct Skew {
    library: PathBuf,
}

impl Skew {
    /// Compiles what does it.
    ///
    /// # Errors
    /// A C compiler that is not there, or fails.
    pub async fn build(ground: &Ground) -> Result<Self> {
        let library = ground.folder("skew")?.join("skew.so");
        let mut compiler = Command::new("cc");
        compiler.args(["-shared", "-fPIC", "-O2", "-Wall", "-Werror", "-x", "c", "-", "-o"]).arg(&library);
        let mut compiler = compiler
            .stdin(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .context("cannot run `cc`, which Rust links with")?;
        compiler.stdin.take().context("no way to the compiler")?.write_all(SOURCE.as_bytes()).await?;
        let ended = compiler.wait_with_output().await?;
        ensure!(ended.status.success(), "skew.c: {}", String::from_utf8_lossy(&ended.stderr));
        Ok(Self { library })
    }

    /// What a process must find in its environment for its clock to be off by so many seconds.
    pub fn environment(&self, off_by_s: i64) -> [(String, String); 2] {
        [
            ("LD_PRELOAD".to_owned(), self.library.to_string_lossy().into_owned()),
            ("SKEW_S".to_owned(), off_by_s.to_string()),
        ]
    }
}
