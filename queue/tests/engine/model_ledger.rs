//! The ledger against a simple model: everything that may happen to jobs, in any order, and after each step every row is
//! what the model says. At last everything is driven to its end: a job that cannot get there was lost.
//!
//! Time passes at a word, in whole hours (`clock`).

mod acts;
mod clock;
mod insert;
mod keys;
mod model;
mod steps;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use diesel::sql_types::{Int2, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl as _;
use patchbay_queue::ledger::{groups, promote};
use patchbay_queue::sql::statement;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use uuid::Uuid;

use self::model::{Model, ModelJob};
use self::steps::{Ending, Step, steps};
use crate::world::World;

const GROUPS: usize = 2;
const KEYS: usize = 2;

struct Case<'a> {
    world: &'a World,
    tenant: Uuid,
    group_ids: [Uuid; GROUPS],
    begun: DateTime<Utc>,
    model: Model,
}

#[derive(diesel::QueryableByName, Debug)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    state: String,
    #[diesel(sql_type = Nullable<Text>)]
    held_by: Option<String>,
    #[diesel(sql_type = Int2)]
    errors: i16,
    #[diesel(sql_type = Int2)]
    crashes: i16,
    #[diesel(sql_type = Timestamptz)]
    run_at: DateTime<Utc>,
}

impl<'a> Case<'a> {
    fn new(world: &'a World, group_ids: [Uuid; GROUPS]) -> Self {
        let begun = clock::whole_micros(Utc::now());
        Self { world, tenant: Uuid::now_v7(), group_ids, begun, model: Model::default() }
    }
}

impl Case<'_> {
    async fn conn(&self) -> impl std::ops::DerefMut<Target = diesel_async::AsyncPgConnection> {
        self.world.ledger.get().await.unwrap()
    }

    async fn follow(&mut self) {
        self.world.follow().await;
        promote::promote(&mut *self.conn().await, 1_000).await.unwrap();
        self.model.follow();
    }

    async fn rows(&self) -> BTreeMap<Uuid, Row> {
        let rows: Vec<Row> =
            statement("SELECT id, state, held_by, errors, crashes, run_at FROM queue.jobs WHERE tenant_id = $1")
                .bind::<SqlUuid, _>(self.tenant)
                .load(&mut *self.conn().await)
                .await
                .unwrap();
        rows.into_iter().map(|row| (row.id, row)).collect()
    }

    async fn compare(&self) -> Result<(), TestCaseError> {
        let rows = self.rows().await;
        prop_assert_eq!(rows.len(), self.model.jobs.len());
        for (n, job) in self.model.jobs.iter().enumerate() {
            let row = &rows[&job.id];
            let by = row.held_by.as_deref().filter(|_| row.state == "held");
            prop_assert_eq!((n, row.state.as_str(), by), (n, job.state, job.by));
            prop_assert_eq!((n, row.errors, row.crashes), (n, job.errors, job.crashes));
            if job.pending() {
                prop_assert_eq!((n, self.hour_of(row.run_at)), (n, job.at.div_euclid(2)));
            }
        }
        for (n, id) in self.group_ids.iter().enumerate() {
            let Some(view) = groups::get(&mut *self.conn().await, self.tenant, *id).await.unwrap() else {
                prop_assert!(!self.model.jobs.iter().any(|job| job.group == Some(n)));
                continue;
            };
            let count = |state: &str| {
                let members = self.model.jobs.iter().filter(|job| job.group == Some(n));
                i64::try_from(members.filter(|job| state.is_empty() || job.state == state).count()).unwrap()
            };
            let counts = (view.total, view.succeeded, view.failed, view.cancelled, view.discarded);
            let wanted = (count(""), count("succeeded"), count("dead"), count("cancelled"), count("discarded"));
            prop_assert_eq!((n, counts, view.ended_at.is_some()), (n, wanted, self.model.groups[n].ended));
        }
        Ok(())
    }

    /// Everything comes to an end.
    async fn finish(&mut self) -> Result<(), TestCaseError> {
        for n in 0..GROUPS {
            self.step(&Step::Seal(n)).await;
        }
        for round in 0..200 {
            self.follow().await;
            self.compare().await?;
            if self.model.jobs.iter().all(|job| !job.pending() && job.state != "dead") {
                return Ok(());
            }
            if self.model.jobs.iter().any(|job| job.state == "scheduled") {
                self.step(&Step::Pass(1)).await;
            }
            for n in 0..self.model.jobs.len() {
                self.step(&Step::Start(n)).await;
                self.step(&Step::End(n, Ending::Well)).await;
                self.step(&Step::Release(n)).await;
                self.step(&Step::Discard(n)).await;
            }
            // Jobs that wait for each other in a circle (through a group, say) wait for ever: the model agrees that they
            // are tied, and somebody cuts the knot.
            let stuck = |job: &ModelJob| !job.pending() || job.by == Some("dependency");
            if self.model.jobs.iter().all(stuck) {
                let knot = self.model.jobs.iter().position(ModelJob::pending).unwrap_or(0);
                self.step(&Step::Cancel(knot)).await;
            }
            prop_assert!(round < 199, "not over: {:#?}", self.rows().await);
        }
        Ok(())
    }
}

#[test]
fn whatever_happens_in_whatever_order_the_ledger_is_as_the_model_says() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let world = runtime.block_on(World::new());
    let cases = std::env::var("MODEL_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(24);
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 300, ..Config::default() };
    TestRunner::new(config)
        .run(&steps(), |steps| {
            runtime.block_on(async {
                let group_ids = [Uuid::now_v7(), Uuid::now_v7()];
                let mut case = Case::new(&world, group_ids);
                for (step, lazy) in &steps {
                    case.step(step).await;
                    if *lazy && !matches!(step, Step::End(..) | Step::Late(_)) {
                        continue;
                    }
                    case.follow().await;
                    case.compare().await?;
                }
                case.finish().await
            })
        })
        .unwrap_or_else(|failed| panic!("{failed}"));
}
