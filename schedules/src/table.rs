//! The schedules: name, rule, zone, job.
//!
//! Names are for ever: the last tick is remembered under them. A period of the configuration becomes a cron rule, so
//! that ticks fall on the clock (every scheduler computes the same ones) and not on some process's start. Cron counts
//! within an hour or a day, so a period that does not divide it becomes the next shorter one that does: things are
//! done at least as often as asked for.

use std::time::Duration;

use chrono_tz::Tz;
use patchbay_jobs::maintenance::{MakePartitions, ReconcileAll, Retain, SweepImports};
use patchbay_queue::schedule::{CatchUp, Declared, Rule};
use patchbay_queue::{Job, JobRequest, NewJob, SYSTEM_TENANT};
use patchbay_service::config::SchedulerConfig;
use uuid::Uuid;

/// A rule and the job that it makes.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Its name, rule and way to catch up.
    pub declared: Declared,
    job: fn(Uuid) -> NewJob,
}

impl Entry {
    /// A rule that makes a job of kind `J` in the system's name. A downtime is made up for by one tick.
    ///
    /// # Panics
    /// When `cron` is no cron rule with seconds: a mistake in the program.
    #[must_use]
    pub fn new<J: Job + Default>(name: &'static str, cron: &str, zone: Tz) -> Self {
        let rule = Rule::in_zone(cron, zone).expect("the table's rules are cron rules: a test reads them all");
        Self {
            declared: Declared { name, rule, catch_up: CatchUp::Last },
            job: |id| JobRequest::new(id, SYSTEM_TENANT, J::default()).into(),
        }
    }

    /// The job of a tick, under the id `id`.
    #[must_use]
    pub fn job(&self, id: Uuid) -> NewJob {
        (self.job)(id)
    }
}

/// All schedules. Adding one is a line here.
#[must_use]
pub fn table(config: &SchedulerConfig) -> Vec<Entry> {
    vec![
        Entry::new::<ReconcileAll>("reconcile", &cron_of(config.reconcile_every), Tz::UTC),
        Entry::new::<Retain>("retention", &cron_of(config.retention_every), Tz::UTC),
        // An upload that broke off is noticed within minutes.
        Entry::new::<SweepImports>("imports", "30 */5 * * * *", Tz::UTC),
        Entry::new::<MakePartitions>("partitions", "0 10 * * * *", Tz::UTC),
    ]
}

/// The cron rule of a period.
fn cron_of(period: Duration) -> String {
    /// The largest divisor of `whole` that is at most `wish`.
    fn divisor(whole: u64, wish: u64) -> u64 {
        (1..=wish.max(1)).rev().find(|n| whole.is_multiple_of(*n)).unwrap_or(1)
    }
    let seconds = period.as_secs();
    match seconds {
        0..60 => format!("*/{} * * * * *", divisor(60, seconds)),
        60..3_600 => format!("0 */{} * * * *", divisor(60, seconds / 60)),
        3_600..86_400 => format!("0 0 */{} * * *", divisor(24, seconds / 3_600)),
        86_400..604_800 => "0 0 0 * * *".to_owned(),
        _ => "0 0 0 * * Sun".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use chrono::{DateTime, Utc};
    use patchbay_jobs::registry::{Owner, find};
    use patchbay_service::config::Config;
    use patchbay_service::{Process, Sources};

    use super::*;

    fn defaults() -> SchedulerConfig {
        let sources = Sources::default().with_env("DATABASE_URL", "postgres://h/d").with_env("REDIS_URL", "redis://h");
        Config::from_sources(Process::Scheduler, &sources).unwrap().scheduler
    }

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn a_period_is_kept_or_shortened_never_lengthened() {
        for seconds in [1, 7, 15, 45, 60, 90, 900, 1_500, 3_600, 5_000, 25_200, 43_200, 86_400, 200_000, 604_800] {
            let rule = Rule::in_zone(&cron_of(Duration::from_secs(seconds)), Tz::UTC).unwrap();
            let ticks: Vec<_> = rule.ticks(at("2026-03-01T00:00:00Z")).take(300).collect();
            let longest = ticks.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap();
            assert!(longest.num_seconds().unsigned_abs() <= seconds, "{seconds} s became {longest}");
        }
    }

    #[test]
    fn the_usual_periods_are_kept_exactly() {
        assert_eq!(cron_of(Duration::from_secs(15)), "*/15 * * * * *");
        assert_eq!(cron_of(Duration::from_secs(900)), "0 */15 * * * *");
        assert_eq!(cron_of(Duration::from_secs(3_600)), "0 0 */1 * * *");
        assert_eq!(cron_of(Duration::from_secs(86_400)), "0 0 0 * * *");
    }

    #[test]
    fn each_schedule_has_its_name_and_makes_a_registered_job_of_the_system() {
        let table = table(&defaults());
        let names: BTreeSet<&str> = table.iter().map(|entry| entry.declared.name).collect();
        assert_eq!(names.len(), table.len());
        for entry in &table {
            let job = entry.job(Uuid::nil());
            let kind = find(&job.kind).unwrap_or_else(|| panic!("{} is not in the catalogue", job.kind));
            assert_eq!((kind.owner, job.tenant_id), (Owner::System, SYSTEM_TENANT), "{}", job.kind);
            assert!(job.unique_key.is_some(), "{} would pile up while nobody works", job.kind);
        }
    }
}
