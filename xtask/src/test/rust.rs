//! The checks that cargo itself makes: format, lints, build, tests, doc tests.
//!
//! All of them select the whole workspace with the API's failpoints (chaos runs need them), so that features are the
//! same everywhere and each dependency is compiled once for checking and once for running. Nextest is used where it is
//! installed; it is not installed here, because `cargo test` proves the same on one machine.

use anyhow::{Context, Result, bail};

use super::Pass;
use crate::cargo::{cargo, output, tail};
use crate::dev;
use crate::loadtests::FAILPOINTS;
use crate::services::Services;
use crate::services::on_path;

/// rustfmt agrees with every file.
pub async fn format() -> Result<Pass> {
    output(cargo().args(["fmt", "--all", "--check"])).await.context("run `cargo fmt --all`")?;
    Ok(Pass::Whole)
}

/// No lint of the workspace, nor of the compiler.
pub async fn clippy() -> Result<Pass> {
    output(cargo().args([
        "clippy",
        "--workspace",
        "--all-targets",
        "--locked",
        "--features",
        FAILPOINTS,
        "--",
        "-D",
        "warnings",
    ]))
    .await?;
    Ok(Pass::Whole)
}

/// Everything compiles, programs included (later checks run them).
pub async fn build() -> Result<Pass> {
    output(cargo().args(["build", "--workspace", "--all-targets", "--locked", "--features", FAILPOINTS])).await?;
    Ok(Pass::Whole)
}

/// All tests, against real services.
pub async fn tests(services: &Services) -> Result<Pass> {
    let nextest = on_path("cargo-nextest");
    let mut command = cargo();
    if nextest {
        command.args(["nextest", "run", "--no-fail-fast"]);
    } else {
        command.args(["test", "--no-fail-fast"]);
    }
    command.args(["--workspace", "--all-targets", "--locked", "--features", FAILPOINTS]);
    command.env("DATABASE_URL", &services.postgres.url).env("REDIS_URL", &services.redis.url);
    let log = dev::sub("logs")?.join("tests.log");
    let out = command.output().await.context("cannot run cargo")?;
    let said = format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    std::fs::write(&log, &said)?;
    if !out.status.success() {
        bail!("{}\n\n{}\n  all of it: {}", failures(&said), tail(&said, 80), log.display());
    }
    Ok(Pass::Noted(summary(&said)))
}

/// The examples in the documentation.
pub async fn doc_tests(services: &Services) -> Result<Pass> {
    let mut command = cargo();
    command.args(["test", "--workspace", "--doc", "--locked", "--features", FAILPOINTS]);
    command.env("DATABASE_URL", &services.postgres.url).env("REDIS_URL", &services.redis.url);
    output(&mut command).await?;
    Ok(Pass::Whole)
}

/// The names of the tests that failed, as either runner prints them, and what each panicked with.
fn failures(said: &str) -> String {
    const ENDS: [&str; 4] = ["FAIL [", "TIMEOUT [", "SIGABRT [", "SIGSEGV ["];
    let mut found: Vec<&str> = Vec::new();
    let mut lines = said.lines().map(str::trim).peekable();
    while let Some(line) = lines.next() {
        let named = ENDS.iter().any(|end| line.starts_with(end)) || line.ends_with("... FAILED");
        if (named || line.contains("' panicked at ")) && !found.contains(&line) {
            found.push(line);
            found.extend(lines.next_if(|_| !named));
        }
    }
    found.join("\n")
}

/// Nextest's last line, or the sum of what libtest printed for each program.
fn summary(said: &str) -> String {
    if let Some(line) = said.lines().rev().find(|line| line.trim_start().starts_with("Summary")) {
        return line.split_once(']').map_or(line, |(_, rest)| rest).trim().to_owned();
    }
    let passed = |line: &str| -> Option<usize> {
        let rest = line.strip_prefix("test result: ok. ")?;
        rest.split(' ').next()?.parse().ok()
    };
    format!("{} tests run", said.lines().filter_map(passed).sum::<usize>())
}

#[cfg(test)]
mod tests {
    use super::{failures, summary};

    #[test]
    fn failed_tests_are_named_with_their_panics() {
        let nextest = "   FAIL [   0.5s] queue::engine a_test\nthread 'a_test' panicked at x.rs:1:2:\nleft is right\n\
                       stack\n   FAIL [   0.5s] queue::engine a_test\n     Summary [  1s] 2 tests run";
        let wanted = "FAIL [   0.5s] queue::engine a_test\nthread 'a_test' panicked at x.rs:1:2:\nleft is right";
        assert_eq!(failures(nextest), wanted);
        assert_eq!(failures("test a_test ... FAILED\ntest b ... ok"), "test a_test ... FAILED");
    }

    #[test]
    fn both_runners_are_summed_up() {
        let nextest = "noise\n     Summary [  12.3s] 41 tests run: 41 passed, 0 skipped\n";
        assert_eq!(summary(nextest), "41 tests run: 41 passed, 0 skipped");
        let libtest = "test result: ok. 3 passed; 0 failed\nx\ntest result: ok. 4 passed; 0 failed\n";
        assert_eq!(summary(libtest), "7 tests run");
    }
}
