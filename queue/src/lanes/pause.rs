//! Pauses and penalties: what somebody, or a provider, stopped.
//!
//! The ledger holds what people decided (`queue.pauses`); this is the copy that a claim reads. A pause stops what would
//! start; what runs comes to its end. A penalty (a provider's `Retry-After`) is told only
//! here; the keeper notes it in the ledger, in case this is forgotten ([`Stop`](super::Stop)).

use std::collections::HashMap;
use std::sync::LazyLock;

use redis::Script;
use uuid::Uuid;

use super::limit::EVERY_QUEUE;
use super::script::script;
use super::{LaneName, Lanes};

static PAUSES: LazyLock<Script> = script!("parts/keys", "pauses");
static PENALISE: LazyLock<Script> = script!("parts/keys", "penalise");

/// Fields of one call.
const CHUNK: usize = 100;

/// What a pause covers.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PauseScope {
    /// Everybody's jobs in the queue.
    Queue,
    /// Jobs of one kind in the queue. They are handed to a worker to be held in the ledger.
    Kind(String),
    /// One tenant's.
    Tenant(Uuid),
    /// Those of one lane, or of all lanes whose path begins with it; of all tenants, for the nil tenant.
    Lane(LaneName),
}

impl PauseScope {
    /// The hash and the field of it that hold such a pause.
    fn place(&self) -> (&'static str, String) {
        match self {
            Self::Queue => ("pause", "*".into()),
            Self::Kind(kind) => ("kinds", kind.clone()),
            Self::Tenant(tenant) => ("pause", LaneName { tenant: *tenant, lane: String::new() }.field()),
            Self::Lane(lane) => ("pause", lane.field()),
        }
    }
}

/// The pauses of a scope: the queue's own and the one that holds in every queue, as ends in Unix milliseconds (0: until
/// somebody resumes).
type Ends = [Option<i64>; 2];

fn told(end: Option<i64>) -> String {
    end.map_or_else(|| "-".to_owned(), |end| end.to_string())
}

impl Lanes {
    /// Stops serving `scope` until a Unix millisecond, or (`None`) until it is resumed; in every queue that Redis knows,
    /// for [`EVERY_QUEUE`].
    ///
    /// # Errors
    /// Redis's.
    pub async fn pause(&self, queue: &str, scope: &PauseScope, until_ms: Option<i64>) -> redis::RedisResult<()> {
        self.decide(queue, scope, &until_ms.unwrap_or(0).to_string()).await
    }

    /// Serves `scope` again, at once.
    ///
    /// # Errors
    /// Redis's.
    pub async fn resume(&self, queue: &str, scope: &PauseScope) -> redis::RedisResult<()> {
        self.decide(queue, scope, "-").await
    }

    async fn decide(&self, queue: &str, scope: &PauseScope, end: &str) -> redis::RedisResult<()> {
        let (hash, field) = scope.place();
        let every = queue == EVERY_QUEUE;
        let queues = if every { self.known_queues().await? } else { vec![queue.to_owned()] };
        let ends = if every { ["=", end] } else { [end, "="] };
        for queue in queues {
            let mut call = PAUSES.key(self.prefix(&queue));
            call.arg("").arg(hash).arg(&field).arg(&ends);
            call.invoke_async::<i64>(&mut self.conn()).await?;
        }
        Ok(())
    }

    /// Replaces all pauses of a queue by what the ledger said at `revision` (see [`Lanes::revision`]): those of the queue
    /// (`false`) and those of every queue (`true`). `false`: somebody decided meanwhile; read the ledger again.
    ///
    /// # Errors
    /// Redis's.
    pub async fn replace_pauses(
        &self,
        queue: &str,
        revision: u64,
        pauses: &[(PauseScope, bool, Option<i64>)],
    ) -> redis::RedisResult<bool> {
        let mut wanted: HashMap<(&str, String), Ends> = HashMap::new();
        for (scope, every, until_ms) in pauses {
            wanted.entry(scope.place()).or_default()[usize::from(*every)] = Some(until_ms.unwrap_or(0));
        }
        let mut changed: Vec<(&str, String, Ends)> = Vec::new();
        for hash in ["pause", "kinds"] {
            for (field, value) in self.scan(queue, hash).await? {
                let ends = wanted.remove(&(hash, field.clone())).unwrap_or_default();
                if value != format!("{} {}", told(ends[0]), told(ends[1])) {
                    changed.push((hash, field, ends));
                }
            }
        }
        changed.extend(wanted.into_iter().map(|((hash, field), ends)| (hash, field, ends)));
        for chunk in changed.chunks(CHUNK) {
            let mut call = PAUSES.key(self.prefix(queue));
            call.arg(revision);
            for (hash, field, ends) in chunk {
                call.arg(*hash).arg(field).arg(told(ends[0])).arg(told(ends[1]));
            }
            if call.invoke_async::<i64>(&mut self.conn()).await? == 0 {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Lets nothing under a key start before a Unix millisecond. Of two penalties the longer one stands.
    ///
    /// # Errors
    /// Redis's.
    pub async fn penalise(&self, queue: &str, key: &LaneName, until_ms: i64) -> redis::RedisResult<()> {
        PENALISE.key(self.prefix(queue)).arg(key.field()).arg(until_ms).invoke_async(&mut self.conn()).await
    }
}
