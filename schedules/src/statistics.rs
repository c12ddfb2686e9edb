//! Asks once a second that tables which grew fast be analysed; why, says `patchbay_db::statistics`.
//!
//! Any number of schedulers may ask: one at a time does it.

use std::time::Duration;

use patchbay_db::{Db, DbResult};
use tokio_util::sync::CancellationToken;

/// PostgreSQL's counters of changes are a second old in any case.
const EVERY: Duration = Duration::from_secs(1);
/// The pause after a failure of the database.
const WEATHER: Duration = Duration::from_secs(5);

/// Has grown tables analysed, until `stop`. Trouble with the database is waited out.
pub async fn keep(db: Db, stop: CancellationToken) {
    let mut pause = EVERY;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
        pause = EVERY;
        if let Err(error) = look(&db).await {
            tracing::warn!(%error, "the planner's statistics wait for the database");
            pause = WEATHER;
        }
    }
}

async fn look(db: &Db) -> DbResult<()> {
    let mut tx = db.system("schedules: statistics of grown tables").await?;
    let tables = tx.analyze_grown().await?;
    tx.commit().await?;
    if !tables.is_empty() {
        tracing::debug!(tables = tables.join(" "), "analysed");
    }
    Ok(())
}
