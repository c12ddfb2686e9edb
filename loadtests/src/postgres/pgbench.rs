//! Runs pgbench with a script: the least that a transaction costs on this server.

use std::fs;

use anyhow::{Context, Result, ensure};
use tokio::process::Command;

use super::programs;
use crate::folders;

/// A script to be run by many clients.
pub struct Pgbench<'a> {
    /// The script.
    pub script: String,
    /// The database.
    pub url: &'a str,
    /// Connections.
    pub clients: usize,
    /// How long.
    pub seconds: usize,
}

impl Pgbench<'_> {
    /// Transactions a second, as the application's role; none where there is no pgbench.
    ///
    /// # Errors
    /// When pgbench fails, a refused transaction included.
    pub async fn run(&self) -> Result<Option<f64>> {
        let Some(program) = programs::pgbench() else { return Ok(None) };
        let file = folders::results()?.join("pgbench.sql");
        fs::write(&file, &self.script).with_context(|| format!("cannot write {}", file.display()))?;
        let out = Command::new(program)
            .args(["--no-vacuum", "--protocol=prepared", "--define=seq=0"])
            .arg(format!("--client={}", self.clients))
            .arg(format!("--time={}", self.seconds))
            .arg(format!("--file={}", file.display()))
            .arg(self.url)
            .env("PGOPTIONS", "-c role=patchbay_app")
            .kill_on_drop(true)
            .output()
            .await
            .context("cannot run pgbench")?;
        let said = String::from_utf8_lossy(&out.stdout);
        let failed = String::from_utf8_lossy(&out.stderr);
        ensure!(out.status.success() && !said.contains("Run was aborted"), "pgbench failed: {said}\n{failed}");
        tps(&said).map(Some).with_context(|| format!("pgbench names no rate: {said}"))
    }
}

fn tps(said: &str) -> Option<f64> {
    let line = said.lines().find_map(|line| line.strip_prefix("tps = "))?;
    line.split(' ').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::tps;

    #[test]
    fn the_rate_is_found() {
        let said = "latency average = 2.1 ms\ntps = 5678.912 (without initial connection time)\n";
        assert_eq!(tps(said), Some(5678.912));
        assert_eq!(tps("nothing"), None);
    }
}
