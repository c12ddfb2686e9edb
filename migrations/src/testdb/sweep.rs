//! Taking away what tests made: one's own, and what those left that were killed.

use std::time::Duration;

use tokio_postgres::Client;

use super::keeper::NAME;

type SweepResult = Result<(), Box<dyn std::error::Error + Send + Sync>>;

/// Removes the databases of tests whose process is gone. Not our `own`: its lock would be given to us again.
pub(super) async fn orphans(client: &Client, redis: &str, own: &str) -> SweepResult {
    let names = client
        .query("SELECT datname::text FROM pg_database WHERE starts_with(datname, $1) AND datname <> $2", &[&NAME, &own])
        .await?;
    for name in names.iter().map(|row| row.get::<_, String>(0)) {
        let orphan = client.query_one("SELECT pg_try_advisory_lock(hashtextextended($1, 0))", &[&name]).await?;
        if orphan.get(0) {
            remove(client, redis, &name).await?;
            client.execute("SELECT pg_advisory_unlock(hashtextextended($1, 0))", &[&name]).await?;
        }
    }
    Ok(())
}

/// Removes a test's database and its keys in Redis.
pub(super) async fn remove(client: &Client, redis: &str, name: &str) -> SweepResult {
    end_sessions(client, name).await?;
    client.batch_execute(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await?;
    forget(redis, name).await
}

/// `WITH (FORCE)` would do this too, but looks only every 100 ms whether the sessions have ended.
async fn end_sessions(client: &Client, name: &str) -> SweepResult {
    for _ in 0..50 {
        let left = client
            .execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", &[&name])
            .await?;
        if left == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    Ok(())
}

async fn forget(redis: &str, namespace: &str) -> SweepResult {
    let mut conn = redis::Client::open(redis)?.get_multiplexed_async_connection().await?;
    let mut cursor = 0_u64;
    loop {
        let (next, keys): (u64, Vec<String>) = redis::cmd("SCAN")
            .arg(cursor)
            .arg("MATCH")
            .arg(format!("{namespace}:*"))
            .arg("COUNT")
            .arg(1_000)
            .query_async(&mut conn)
            .await?;
        if !keys.is_empty() {
            let () = redis::cmd("UNLINK").arg(keys).query_async(&mut conn).await?;
        }
        if next == 0 {
            return Ok(());
        }
        cursor = next;
    }
}
