//! The least that the same rows cost: COPY into equal tables of the same database, in one transaction.
//!
//! Every record that the import left is read back and copied into a table with the same columns, checks and indexes:
//! once without foreign keys, which are most of a COPY's time, and once with them. Neither row-level security nor
//! deduplication, consent or validation is in it. The median of three each: a single COPY may meet a checkpoint.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use bytes::{Bytes, BytesMut};
use futures_util::{SinkExt, TryStreamExt};
use tokio_postgres::Client;

use crate::postgres::Database;

/// What an import writes, parents first.
const TABLES: [&str; 5] = ["contacts", "contact_channels", "leads", "consent_events", "suppressions"];

/// Bytes of one piece of a COPY: small pieces would measure the client.
const PIECE: usize = 64 * 1024;

/// COPYs that are done, each from BEGIN to the commit's answer.
pub struct Copied {
    /// Into tables with the same indexes.
    pub indexes: Duration,
    /// Into tables with the same indexes and foreign keys.
    pub foreign_keys: Duration,
    /// What was copied, for a person.
    pub told: String,
}

/// Copies what is in the tables of `database` into equal ones.
pub async fn measure(database: &Database) -> Result<Copied> {
    let mut client = database.connect().await?;
    let mut told = Vec::new();
    let mut all = Vec::new();
    make_tables(&client).await?;
    let observer = database.observe().await?;
    for table in TABLES {
        let rows = read(&observer, table).await?;
        let count: i64 = observer.query_one(&format!("SELECT count(*) FROM public.{table}"), &[]).await?.get(0);
        told.push(format!("{table} {count} rows, {:.1} MB", megabytes(rows.len())));
        all.push((table, pieces(&rows)));
    }
    let indexes = median(&mut client, &all).await?;
    truncate(&client).await?;
    add_foreign_keys(&client).await?;
    let foreign_keys = median(&mut client, &all).await?;
    Ok(Copied { indexes, foreign_keys, told: told.join("; ") })
}

async fn median(client: &mut Client, all: &[(&str, Vec<Bytes>)]) -> Result<Duration> {
    let mut times = Vec::new();
    for _ in 0..3 {
        truncate(client).await?;
        times.push(copy(client, all).await?);
    }
    times.sort_unstable();
    Ok(times[1])
}

async fn truncate(client: &Client) -> Result<()> {
    let tables = TABLES.map(|table| format!("bare.{table}")).join(", ");
    Ok(client.batch_execute(&format!("TRUNCATE {tables}")).await?)
}

/// Tables equal to ours in a schema of their own. LIKE brings all but foreign keys.
async fn make_tables(client: &Client) -> Result<()> {
    // With an empty path PostgreSQL names every schema in the definitions that it gives.
    client.batch_execute("CREATE SCHEMA bare; SET search_path = ''").await?;
    for table in TABLES {
        client.batch_execute(&format!("CREATE TABLE bare.{table} (LIKE public.{table} INCLUDING ALL)")).await?;
    }
    Ok(())
}

async fn add_foreign_keys(client: &Client) -> Result<()> {
    for table in TABLES {
        let keys = client
            .query("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE contype = 'f' AND conrelid = $1::text::regclass", &[
                &format!("public.{table}"),
            ])
            .await?;
        for key in keys.iter().map(|row| row.get::<_, String>(0)) {
            let key = TABLES
                .iter()
                .fold(key, |key, parent| key.replace(&format!("public.{parent}("), &format!("bare.{parent}(")));
            client.batch_execute(&format!("ALTER TABLE bare.{table} ADD {key}")).await?;
        }
    }
    Ok(())
}

async fn read(client: &Client, table: &str) -> Result<Bytes> {
    let rows = client.copy_out(&format!("COPY public.{table} TO STDOUT")).await?;
    let fold = |mut all: BytesMut, row: Bytes| async move {
        all.extend_from_slice(&row);
        Ok(all)
    };
    let all = rows.try_fold(BytesMut::new(), fold).await.with_context(|| format!("cannot read {table}"))?;
    Ok(all.freeze())
}

fn pieces(rows: &Bytes) -> Vec<Bytes> {
    (0..rows.len()).step_by(PIECE).map(|from| rows.slice(from..rows.len().min(from + PIECE))).collect()
}

async fn copy(client: &mut Client, all: &[(&str, Vec<Bytes>)]) -> Result<Duration> {
    let start = Instant::now();
    let tx = client.transaction().await?;
    for (table, pieces) in all {
        let mut sink = Box::pin(tx.copy_in::<_, Bytes>(&format!("COPY bare.{table} FROM STDIN")).await?);
        for piece in pieces {
            sink.feed(piece.clone()).await?;
        }
        sink.as_mut().finish().await.with_context(|| format!("cannot copy {table}"))?;
    }
    tx.commit().await?;
    Ok(start.elapsed())
}

fn megabytes(bytes: usize) -> f64 {
    f64::from(u32::try_from(bytes / 1000).unwrap_or(u32::MAX)) / 1000.0
}
