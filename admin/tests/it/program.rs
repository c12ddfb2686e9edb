//! The program itself, in an environment that holds nothing but what a test says.

use std::{
    ffi::OsStr,
    process::{Command, Stdio},
};

use serde_json::Value;

/// The program, not started.
pub struct Program(pub Command);

/// What came of it.
#[derive(Debug)]
pub struct Outcome {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Program {
    /// With these arguments, divided by spaces.
    pub fn new(arguments: &str) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_patchbay-admin"));
        command.args(arguments.split(' ').filter(|word| !word.is_empty())).env_clear().stdin(Stdio::null());
        Self(command)
    }

    /// With one more argument, as it is.
    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.0.arg(argument);
        self
    }

    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.0.env(name, value);
        self
    }

    /// Runs it to its end.
    pub fn run(mut self) -> Outcome {
        let output = self.0.output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Outcome { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }

    /// Runs it; it must succeed. What it printed.
    pub fn done(self) -> String {
        let outcome = self.run();
        assert_eq!(outcome.code, Some(0), "{outcome:?}");
        outcome.out
    }

    /// Runs it with `--json`; it must succeed.
    pub fn json(self) -> Value {
        let text = self.arg("--json").done();
        serde_json::from_str(&text).unwrap_or_else(|_| panic!("{text}"))
    }
}
