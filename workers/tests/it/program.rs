//! The real worker as a child process: its log is read as it is written, and it is killed with the test.

use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::Notify;

/// A running worker.
pub struct Program {
    child: Child,
    log: Arc<Log>,
}

#[derive(Default)]
struct Log {
    lines: Mutex<Vec<Value>>,
    new: Notify,
}

/// The program, not started, in an empty environment.
pub fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_patchbay-worker"));
    command.args(arguments).env_clear().stdin(Stdio::null()).kill_on_drop(true);
    command
}

impl Program {
    /// Starts it and waits until it is at work.
    pub async fn start(mut command: Command) -> Self {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let log = Arc::new(Log::default());
        let written = log.clone();
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                let line = serde_json::from_str(&line).unwrap_or(Value::String(line));
                written.lines.lock().unwrap().push(line);
                written.new.notify_waiters();
            }
        });
        let program = Self { child, log };
        program.says("at work").await;
        program
    }

    /// Waits for the line with this message.
    pub async fn says(&self, message: &str) -> Value {
        let found = async {
            loop {
                let new = self.log.new.notified();
                if let Some(line) = self.lines().into_iter().find(|line| line["message"] == message) {
                    return line;
                }
                new.await;
            }
        };
        match tokio::time::timeout(Duration::from_secs(30), found).await {
            Ok(line) => line,
            Err(_) => panic!("no line {message:?} in {:#?}", self.lines()),
        }
    }

    /// What it wrote so far.
    pub fn lines(&self) -> Vec<Value> {
        self.log.lines.lock().unwrap().clone()
    }

    /// Where it serves health and metrics.
    pub async fn url(&self) -> String {
        format!("http://{}", self.says("at work").await["listen"].as_str().unwrap())
    }

    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().unwrap().try_into().unwrap()), signal).unwrap();
    }

    /// Waits for its end; its exit code, or none where a signal ended it.
    pub async fn ended(&mut self) -> Option<i32> {
        self.ended_within(Duration::from_secs(30)).await
    }

    /// The same, where that takes long.
    pub async fn ended_within(&mut self, most: Duration) -> Option<i32> {
        let ended = tokio::time::timeout(most, self.child.wait()).await;
        ended.expect("the program ends").unwrap().code()
    }
}
