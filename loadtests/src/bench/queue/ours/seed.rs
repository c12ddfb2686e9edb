//! Millions of waiting jobs in one statement a tenant: what a client could only enqueue in minutes.
//!
//! The rows are those that the engine writes, under ids that are UUIDv7 in order, from an hour ago on. Statistics are taken
//! afterwards, as the scheduler does it in a running installation.

use anyhow::Result;
use patchbay_db::ids::TenantId;
use patchbay_queue::NewJob;
use uuid::Uuid;

use super::job::QUEUE;
use super::world::World;

// 12 hex digits of milliseconds, the version, 12 bits, the variant and 15 digits that tell rows of a millisecond apart.
const SEED: &str = "
INSERT INTO queue.jobs (tenant_id, id, queue, kind, version, lane, payload, run_at, max_attempts,
    state, error_class, finished_at)
SELECT t.id, (lpad(to_hex(b.ms + n / 1000), 12, '0') || '70008'
        || lpad(to_hex(($8 + t.place) * 100000000 + n), 15, '0'))::uuid,
    $2, $3, $4, '', $5, now(), $6, $9, CASE $9 WHEN 'dead' THEN 'permanent' END,
    CASE $9 WHEN 'dead' THEN now() END
FROM unnest($1::text[]::uuid[]) WITH ORDINALITY AS t (id, place)
    CROSS JOIN (SELECT (1000 * extract(epoch FROM greatest(now() - interval '1 hour',
        date_trunc('day', now(), 'UTC'))))::bigint AS ms) b
    CROSS JOIN LATERAL generate_series(0, $7::bigint - 1 + 0 * t.place) AS n";

/// Puts `each` jobs of every one of `tenants` into the ledger, that wait or are dead letters; Redis is not told, its keeper
/// finds out.
pub async fn backlog(world: &World, tenants: &[TenantId], each: usize, state: &str) -> Result<()> {
    let NewJob { kind, version, payload, max_attempts, .. } = world.job(world.tenant(), "");
    let client = world.place.database.connect().await?;
    // As the owner, whom row-level security binds unless it is a superuser.
    client.batch_execute("SET ROLE patchbay_system").await?;
    let ids: Vec<String> = tenants.iter().map(|tenant| Uuid::from(*tenant).to_string()).collect();
    let each = i64::try_from(each)?;
    for (n, part) in ids.chunks(100).enumerate() {
        let (first, part) = (i64::try_from(n * 100)?, part.to_vec());
        client.execute(SEED, &[&part, &QUEUE, &kind, &version, &payload, &max_attempts, &each, &first, &state]).await?;
    }
    client.batch_execute("RESET ROLE; ANALYZE queue.jobs").await?;
    world.place.database.checkpoint().await;
    Ok(())
}
