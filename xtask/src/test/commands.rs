//! The commands that our documents tell people to type exist.
//!
//! Every line of every `sh` block in `CONTRIBUTING.md`, `docs/` and each folder's `README.md` is
//! taken apart: a `cargo xtask` line is parsed by this very program's arguments, another cargo
//! line by asking that subcommand for its help. Running them would prove more, but documents also
//! show commands that stop things.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::CommandFactory;

use super::Pass;
use crate::cargo::{cargo, output};
use crate::dev;

/// Programs other than cargo that a document may call.
const KNOWN: [&str; 13] = [
    "cd",
    "curl",
    "export",
    "git",
    "jq",
    "kill",
    "openssl",
    "patchbay-admin",
    "patchbay-api",
    "patchbay-scheduler",
    "patchbay-simulator",
    "patchbay-worker",
    "psql",
];

/// Each command is one that we have.
pub async fn check() -> Result<Pass> {
    let mut broken = Vec::new();
    let mut subcommands = BTreeSet::new();
    let mut count = 0;
    for file in documents() {
        let text = fs::read_to_string(&file)?;
        for line in commands(&text) {
            count += 1;
            match fault(&line) {
                Ok(Some(subcommand)) => drop(subcommands.insert(subcommand)),
                Ok(None) => {}
                Err(why) => broken.push(format!("{}: `{line}`: {why}", file.display())),
            }
        }
    }
    for subcommand in subcommands {
        if output(cargo().args([subcommand.as_str(), "--help"])).await.is_err() {
            broken.push(format!("cargo has no subcommand `{subcommand}`"));
        }
    }
    if broken.is_empty() {
        return Ok(Pass::Noted(format!("{count} commands")));
    }
    bail!("{}", broken.join("\n"))
}

fn documents() -> Vec<PathBuf> {
    let root = dev::root();
    let inside =
        |folder: &str| fs::read_dir(root.join(folder)).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut files = vec![root.join("README.md"), root.join("CONTRIBUTING.md")];
    files.extend(inside("docs").filter(|path| path.extension().is_some_and(|end| end == "md")));
    files.extend(inside("").map(|path| path.join("README.md")));
    files.retain(|file| file.is_file());
    files
}

/// The command lines in the `sh` blocks of a document, without comments and prompts.
fn commands(text: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut inside = false;
    let mut joined = String::new();
    for line in text.lines() {
        if let Some(kind) = line.trim_start().strip_prefix("```") {
            inside = !inside && kind.trim() == "sh";
            continue;
        }
        let line = line.split(" #").next().unwrap_or_default().trim();
        if !inside || line.is_empty() || line.starts_with('#') {
            continue;
        }
        joined.push_str(line.strip_suffix('\\').unwrap_or(line));
        if !line.ends_with('\\') {
            lines.push(std::mem::take(&mut joined));
        }
    }
    lines
}

/// What is wrong with a command; or, if it is cargo's, the subcommand that must exist.
fn fault(line: &str) -> Result<Option<String>, String> {
    let words: Vec<&str> = line.split_whitespace().skip_while(|word| is_assignment(word)).collect();
    match words.as_slice() {
        ["cargo", "xtask", rest @ ..] => {
            let arguments = std::iter::once("cargo xtask").chain(rest.iter().copied());
            match crate::Cli::command().try_get_matches_from(arguments) {
                Err(error) if error.use_stderr() => {
                    Err(error.to_string().lines().next().unwrap_or_default().to_owned())
                }
                _ => Ok(None),
            }
        }
        ["cargo", subcommand, ..] => Ok(Some((*subcommand).to_owned())),
        [program, ..] if KNOWN.contains(program) => Ok(None),
        [program, ..] if program.starts_with("./") || program.starts_with(".ci/") => {
            if dev::root().join(program).is_file() { Ok(None) } else { Err("no such file".to_owned()) }
        }
        [program, ..] => Err(format!("{program} is not a program that our documents use")),
        [] => Ok(None),
    }
}

fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| name.chars().all(|c| c.is_ascii_uppercase() || c == '_'))
}

#[cfg(test)]
mod tests {
    use super::{commands, fault};

    #[test]
    fn only_sh_blocks_count_and_long_lines_are_joined() {
        let text = "```sh\ncargo xtask demo # first\n\ncurl -s \\\n  http://x\n```\n```text\nnope\n```\n";
        assert_eq!(commands(text), ["cargo xtask demo", "curl -s http://x"]);
    }

    #[test]
    fn our_own_commands_are_parsed() {
        assert_eq!(fault("cargo xtask services up --json"), Ok(None));
        assert!(fault("cargo xtask services sideways").is_err());
        assert_eq!(fault("RUST_LOG=debug cargo nextest run"), Ok(Some("nextest".to_owned())));
        assert!(fault("frobnicate now").is_err());
    }
}
