//! Time that passes at a word.
//!
//! The ledger asks PostgreSQL for the time, and nobody can set its clock. So the clock stays, and each instant that a job or
//! a key has yet to come to is taken back by as much as shall have passed. A case takes far less than one of its hours, and
//! the little that truly passes only ever makes what was due a little more due: so the hours of the model are exact.

use chrono::{DateTime, TimeDelta, Utc};

use super::Case;

/// As PostgreSQL keeps it.
pub fn whole_micros(at: DateTime<Utc>) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(at.timestamp_micros()).unwrap()
}

impl Case<'_> {
    /// How the ledger tells an hour of the model.
    pub fn instant(&self, hour: i64) -> DateTime<Utc> {
        self.begun + TimeDelta::hours(hour - self.model.hour)
    }

    /// The hour of the model in which an instant of the ledger lies.
    pub fn hour_of(&self, at: DateTime<Utc>) -> i64 {
        (at - self.begun).num_microseconds().unwrap().div_euclid(3_600_000_000) + self.model.hour
    }

    pub async fn pass(&mut self, hours: u8) {
        let tenant = self.tenant;
        for (table, instant) in [("jobs", "run_at"), ("unique_keys", "expires_at")] {
            let back = format!("SET {instant} = {instant} - interval '{hours} hours' WHERE tenant_id = '{tenant}'");
            self.world.sql(&format!("UPDATE queue.{table} {back}")).await;
        }
        self.model.hour += i64::from(hours);
    }
}
