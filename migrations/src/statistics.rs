//! The planner's statistics of tables that grow fast.
//!
//! A connection keeps the plans that it made while a table was empty until that table is analysed, and autovacuum looks
//! once a minute: a fresh install would take its first import and its first campaign on plans made for no rows
//! (measured: an import three times slower, sending twenty times). So the scheduler asks once a second.
//! Rejected: `plan_cache_mode = force_custom_plan`, which costs every small statement a quarter of its speed;
//! autovacuum's settings, which cannot go below its nap time and are not ours on a managed server.

use diesel::sql_types::Text;
use diesel::{QueryableByName, sql_query};
use diesel_async::RunQueryDsl as _;

use crate::error::DbResult;
use crate::system::SystemTx;

#[derive(QueryableByName)]
struct Analyzed {
    #[diesel(sql_type = Text)]
    name: String,
}

impl SystemTx {
    /// Analyses the tables that have changed much since they last were; answers which. What that means is decided in the
    /// SQL function of this name. Nothing, while another transaction does it.
    ///
    /// # Errors
    /// The database's.
    pub async fn analyze_grown(&mut self) -> DbResult<Vec<String>> {
        let query = sql_query("SELECT analyze_grown AS name FROM public.analyze_grown()");
        let analyzed: Vec<Analyzed> = query.load(&mut **self).await?;
        Ok(analyzed.into_iter().map(|table| table.name).collect())
    }
}
