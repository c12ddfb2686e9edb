//! The connection that measures what is asked of Redis: how long answers take, and what kept them away.
//!
//! Here and not at each command, so that none can be forgotten: `Lanes::conn` gives out nothing else. The bell's own
//! connection is left out, because waiting is what it is for. A script that Redis does not know yet is no trouble: the
//! client loads it and asks again.
//! Whatever cuts the connection may have been a restart: it also makes the lanes ask again which Redis they talk to.

use std::sync::{Arc, Mutex};
use std::time::Instant;

use redis::aio::{ConnectionLike, ConnectionManager};
use redis::{Cmd, ErrorKind, Pipeline, RedisError, RedisFuture, ServerErrorKind, Value};

/// Which Redis answered last (its `run_id`); nobody knows after the connection was cut.
pub(super) type Run = Arc<Mutex<Option<Arc<str>>>>;

/// The shared connection, measured.
pub(super) struct Measured(pub(super) ConnectionManager, pub(super) Run);

impl ConnectionLike for Measured {
    fn req_packed_command<'a>(&'a mut self, cmd: &'a Cmd) -> RedisFuture<'a, Value> {
        Box::pin(async move {
            let since = Instant::now();
            let answer = self.0.send_packed_command(cmd).await;
            self.record(since, answer.as_ref().err());
            answer
        })
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        cmd: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        Box::pin(async move {
            let since = Instant::now();
            let answers = self.0.send_packed_commands(cmd, offset, count).await;
            self.record(since, answers.as_ref().err());
            answers
        })
    }

    fn get_db(&self) -> i64 {
        self.0.get_db()
    }
}

impl Measured {
    fn record(&self, since: Instant, error: Option<&RedisError>) {
        metrics::histogram!("queue_redis_seconds").record(since.elapsed().as_secs_f64());
        if let Some(kind) = error.and_then(trouble) {
            metrics::counter!("queue_redis_errors_total", "kind" => kind).increment(1);
            if kind != "answer" {
                *self.1.lock().expect("no holder of this lock can panic") = None;
            }
        }
    }
}

/// The label of an error; nothing for what is none.
fn trouble(error: &RedisError) -> Option<&'static str> {
    if error.is_timeout() {
        Some("timeout")
    } else if error.is_io_error() || error.is_connection_dropped() {
        Some("connection")
    } else if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) {
        None
    } else {
        Some("answer")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_told_apart_and_a_script_to_be_loaded_is_none() {
        let of = |kind: std::io::ErrorKind| RedisError::from(std::io::Error::from(kind));
        assert_eq!(trouble(&of(std::io::ErrorKind::TimedOut)), Some("timeout"));
        assert_eq!(trouble(&of(std::io::ErrorKind::ConnectionRefused)), Some("connection"));
        let server = |kind| RedisError::from((ErrorKind::Server(kind), "as Redis says it"));
        assert_eq!(trouble(&server(ServerErrorKind::NoScript)), None);
        assert_eq!(trouble(&server(ServerErrorKind::ReadOnly)), Some("answer"));
    }
}
