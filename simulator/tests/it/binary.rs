//! The program: starts by its flags, and ends well on SIGTERM.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

fn simulator() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_patchbay-simulator"));
    command.env_remove("RUST_LOG").env("PATCHBAY__LOG__FORMAT", "json");
    command
}

#[test]
fn it_serves_until_sigterm_and_exits_0() {
    let mut child = simulator().args(["--listen", "127.0.0.1:0"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let url = lines
        .find_map(|line| {
            let line: serde_json::Value = serde_json::from_str(&line).unwrap();
            line["fields"]["url"].as_str().map(str::to_owned)
        })
        .unwrap();
    assert!(url.starts_with("http://127.0.0.1:") && !url.ends_with(":0"));
    let kill = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    assert!(kill.success());
    assert!(child.wait().unwrap().success());
    assert!(lines.any(|line| line.contains("has stopped")));
}

#[test]
fn help_names_every_setting() {
    let output = simulator().arg("--help").output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    for flag in ["--listen", "--sent-after-ms", "--keep-messages", "--callback-concurrency", "--segments-per-second"] {
        assert!(help.contains(flag), "{flag}");
    }
}

#[test]
fn an_address_that_is_taken_is_said_plainly() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let at = taken.local_addr().unwrap().to_string();
    let output = simulator().args(["--listen", &at]).output().unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8(output.stderr).unwrap().contains(&format!("cannot listen on {at}")));
}
