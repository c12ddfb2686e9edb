//! Starting: everything that is wrong is said at once, and help needs no configuration.

use crate::program::command;

#[tokio::test]
async fn a_bad_start_names_every_problem_and_ends_with_2() {
    let mut start = command(&["--queues", "sedns,imports=none"]);
    start
        .env("DATABASE_URL", "mysql://hunter2@h/d")
        .env("PATCHBAY__WORKER__LEASE", "20m")
        .env("PATCHBAY__REDIS__URI", "x");
    let output = start.output().await.unwrap();
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8(output.stderr).unwrap();
    let parts =
        ["\"sedns\"", "\"imports=none\"", "database.url", "redis.url", "secrets.key", "worker.lease", "redis.uri"];
    for part in parts {
        assert!(text.contains(part), "{part} is not in:\n{text}");
    }
    assert!(!text.contains("hunter2"), "{text}");
}

#[tokio::test]
async fn help_tells_the_arguments_signals_and_exit_codes() {
    let output = command(&["--help"]).output().await.unwrap();
    assert_eq!(output.status.code(), Some(0));
    let text = String::from_utf8(output.stdout).unwrap();
    for part in ["--queues", "--concurrency", "PATCHBAY_CONFIG", "SIGTERM", "Exit codes"] {
        assert!(text.contains(part), "{part} is not in:\n{text}");
    }
}
