//! `Prefer: wait=10`: holds the answer to accepted work until its job has ended, or the time is up (RFC 7240).
//!
//! The work is committed before the wait begins, so a caller who hangs up loses nothing. Who waits shares the one poll
//! of those who follow a job's events (`jobs/watch.rs`).

use std::time::Duration;

use poem::http::HeaderMap;

/// The longest wait.
pub const LONGEST: Duration = Duration::from_secs(30);

/// What a caller asked for with `Prefer`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Preference {
    /// How long to wait for the job's end; zero where the caller did not ask.
    pub wait: Duration,
}

impl Preference {
    /// Reads every `Prefer` header; what is not understood is ignored, as RFC 7240 says.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Self {
        let values = headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok());
        let seconds = values.flat_map(|value| value.split([',', ';'])).find_map(|preference| {
            let (name, value) = preference.split_once('=')?;
            let seconds =
                name.trim().eq_ignore_ascii_case("wait").then(|| value.trim().trim_matches('"').parse::<u64>())?;
            seconds.ok()
        });
        Self { wait: Duration::from_secs(seconds.unwrap_or(0)).min(LONGEST) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait(header: &str) -> Duration {
        let mut headers = HeaderMap::new();
        headers.insert("prefer", header.parse().unwrap());
        Preference::of(&headers).wait
    }

    #[test]
    fn wait_is_read_and_bounded() {
        assert_eq!(wait("wait=10"), Duration::from_secs(10));
        assert_eq!(wait("respond-async, Wait=\"5\""), Duration::from_secs(5));
        assert_eq!(wait("wait=3600"), LONGEST);
    }

    #[test]
    fn what_is_not_understood_is_ignored() {
        for header in ["wait", "wait=", "wait=soon", "wait=-1", "return=minimal"] {
            assert_eq!(wait(header), Duration::ZERO, "{header}");
        }
    }
}
