//! `Prefer: wait=10`: holds the answer to accepted work until its job has ended, or the time is up (RFC 7240).
//!
//! The work is committed before the wait begins, so a caller who hangs up loses nothing. The wait asks the ledger, with
//! growing pauses: it is for people at a prompt and for tests, while programs listen to the job's events.

use std::time::Duration;

use async_trait::async_trait;
use patchbay_db::{Db, DbResult, TypedId, ids::JobId, ids::TenantId};
use patchbay_queue::ledger::view;
use poem::http::HeaderMap;
use tokio::time::{Instant, sleep};

/// The longest wait.
pub const LONGEST: Duration = Duration::from_secs(30);

const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

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

/// Tells when a job has ended.
#[async_trait]
pub trait JobWatch: Send + Sync {
    /// Waits until the job has ended, at most `within`. Whether it has.
    async fn ended(&self, tenant: TenantId, job: JobId, within: Duration) -> DbResult<bool>;
}

/// Asks the ledger.
#[derive(Debug, Clone)]
pub struct LedgerWatch(pub Db);

#[async_trait]
impl JobWatch for LedgerWatch {
    async fn ended(&self, tenant: TenantId, job: JobId, within: Duration) -> DbResult<bool> {
        let deadline = Instant::now() + within;
        let mut pause = FIRST_PAUSE;
        loop {
            let mut tx = self.0.begin_read(tenant).await?;
            let job = view::get(&mut tx, tenant.uuid(), job.uuid()).await?;
            let ended = job.is_none_or(|job| job.is_over());
            tx.commit().await?;
            let left = deadline.saturating_duration_since(Instant::now());
            if ended || left.is_zero() {
                return Ok(ended);
            }
            sleep(pause.min(left)).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
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
