//! `[retention]`: how long finished things are kept before the scheduler removes them.

use std::time::Duration;

use super::reader::Reader;

/// Ages at which things are removed.
#[derive(Debug, Clone)]
pub struct RetentionConfig {
    /// Ended jobs.
    pub jobs: Duration,
    /// Dead letters that nobody redrove or discarded.
    pub dead_letters: Duration,
    /// Uploaded files that nobody starts; the files of ended imports, and their rows that were not taken.
    pub import_files: Duration,
    /// Stored answers for idempotency keys.
    pub idempotency_keys: Duration,
}

impl RetentionConfig {
    pub(super) fn read(reader: &mut Reader) -> Self {
        let mut section = reader.section("retention");
        let days = |from: u64, to: u64| Duration::from_secs(from * 86_400)..=Duration::from_secs(to * 86_400);
        Self {
            jobs: section.within("jobs", "30d", days(1, 3_650)),
            dead_letters: section.within("dead_letters", "90d", days(1, 3_650)),
            import_files: section.within("import_files", "7d", days(1, 365)),
            idempotency_keys: section.within("idempotency_keys", "24h", days(1, 30)),
        }
    }
}
