//! On a terminal: as wide as it is, in colour, drawn over what was drawn, and asking.

use std::{
    fs::File,
    io::{Read as _, Write as _},
    process::{Child, Stdio},
    sync::mpsc::{Receiver, channel},
    time::Duration,
};

use nix::{
    pty::{Winsize, openpty},
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::{program::Program, server::Server};

/// A program on a terminal of 70 columns and 12 lines.
struct Session {
    child: Child,
    keyboard: File,
    screen: Receiver<String>,
    /// All that was drawn.
    seen: String,
}

impl Session {
    fn start(mut program: Program) -> Self {
        let size = Winsize { ws_row: 12, ws_col: 70, ws_xpixel: 0, ws_ypixel: 0 };
        let pty = openpty(Some(&size), None).unwrap();
        let end = || Stdio::from(pty.slave.try_clone().unwrap());
        let child = program.0.stdin(end()).stdout(end()).stderr(end()).spawn().unwrap();
        drop((program, pty.slave));
        let keyboard = File::from(pty.master);
        let mut master = keyboard.try_clone().unwrap();
        let (sender, screen) = channel();
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            // A terminal that nobody holds any more ends with an error.
            while let Ok(count @ 1..) = master.read(&mut bytes) {
                let _ = sender.send(String::from_utf8_lossy(&bytes[..count]).into_owned());
            }
        });
        Self { child, keyboard, screen, seen: String::new() }
    }

    /// Reads until `part` was drawn `times` times.
    fn until(&mut self, part: &str, times: usize) {
        while self.seen.matches(part).count() < times {
            let more = self.screen.recv_timeout(Duration::from_secs(20));
            self.seen.push_str(&more.unwrap_or_else(|_| panic!("{part} was not drawn: {}", self.seen)));
        }
    }

    /// Its exit code; everything was read then.
    fn ended(&mut self) -> Option<i32> {
        let status = self.child.wait().unwrap();
        while let Ok(more) = self.screen.recv_timeout(Duration::from_millis(500)) {
            self.seen.push_str(&more);
        }
        status.code()
    }
}

#[tokio::test]
async fn a_table_is_as_wide_as_the_terminal_and_in_colour_unless_told_not_to() {
    let server = Server::start().await;
    server.dead("a_very_long_code_of_an_error_that_needs_more_room_than_there_is").await;
    for colourless in ["", "1"] {
        let mut session = Session::start(server.admin("dead list").env("NO_COLOR", colourless));
        assert_eq!(session.ended(), Some(0));
        assert_eq!(session.seen.contains("\u{1b}[38;5;9m"), colourless.is_empty(), "{:?}", session.seen);
        assert!(session.seen.contains('…'), "{}", session.seen);
        if !colourless.is_empty() {
            assert!(session.seen.lines().all(|line| line.trim_end().chars().count() <= 70), "{}", session.seen);
        }
    }
}

#[tokio::test]
async fn a_watch_draws_over_itself_and_ends_with_ctrl_c() {
    let server = Server::start().await;
    let mut session = Session::start(server.admin("queues list --watch=0.1"));
    session.until("Ctrl-C ends", 3);
    kill(Pid::from_raw(session.child.id().try_into().unwrap()), Signal::SIGINT).unwrap();
    assert_eq!(session.ended(), Some(0));
    assert!(
        session.seen.contains("\u{1b}[?25l") && session.seen.trim_end().ends_with("\u{1b}[?25h"),
        "{:?}",
        session.seen
    );
    assert!(session.seen.matches("A\r\u{1b}[J").count() >= 2, "{:?}", session.seen);
}

#[tokio::test]
async fn a_watched_job_ends_the_watch_when_it_ends() {
    let server = Server::start().await;
    let id = server.job().await;
    let mut session = Session::start(server.admin(&format!("jobs watch {id} --watch=0.1")));
    session.until("status", 2);
    server.set(id, "state = 'cancelled', finished_at = now()").await;
    assert_eq!(session.ended(), Some(4), "{}", session.seen);
    assert!(session.seen.contains("cancelled"), "{}", session.seen);
}

#[tokio::test]
async fn it_asks_before_it_discards() {
    let server = Server::start().await;
    server.dead("a").await;
    for (answer, left) in [("n\n", 1), ("y\n", 0)] {
        let mut session = Session::start(server.admin("dead discard --all"));
        session.until("Discard for good 1 dead letter? [y/N]", 1);
        session.keyboard.write_all(answer.as_bytes()).unwrap();
        assert_eq!(session.ended(), Some(if left == 0 { 0 } else { 2 }), "{}", session.seen);
        assert_eq!(server.admin("dead list").json()["data"].as_array().unwrap().len(), left);
    }
}
