//! The scripts against a model of them: whatever happens in whatever order, nothing is lost, nothing is handed out
//! twice, no limit is exceeded, no place under one leaks, a lane keeps its order, and what may run is not left waiting.
//!
//! The model knows every job and every key, and counts time in whole hours, which pass at a word (`clock`). What Redis
//! holds of a long lane it does not know: the test refills it as the keeper does (`repair`), and what waits is served in
//! the lane's order all the same.

mod claims;
mod clock;
mod finish;
mod gates;
mod leases;
mod model;
mod repair;
mod run;
mod steps;

use patchbay_queue::lanes::Window;
use patchbay_queue::*;
use proptest::test_runner::{Config, TestRunner};
use redis::aio::MultiplexedConnection;
use uuid::Uuid;

use self::clock::{Clock, HOUR};
use self::model::Model;
use self::steps::{Step, steps};
use crate::bare::{ALL, Bare, Q, key, shared};

const TENANTS: [Uuid; 3] = [Uuid::from_u128(1 << 64 | 1), Uuid::from_u128(1 << 64 | 2), SYSTEM_TENANT];
const LANES: [&str; 5] = ["", "a", "a~x", "a~y", "b"];
const PREFIXES: [&str; 5] = LANES;
const KEYS: usize = TENANTS.len() * PREFIXES.len();

/// Of the Redis that the tests share.
const DATABASE: u8 = 9;

fn key_of(nth: usize) -> LaneName {
    key(TENANTS[nth / PREFIXES.len()], PREFIXES[nth % PREFIXES.len()])
}

/// Lanes, and what the model says of them.
struct Case {
    bare: Bare,
    /// What looks behind the lanes' back.
    redis: MultiplexedConnection,
    clock: Clock,
    model: Model,
    window: Window,
    /// How far Redis' clock is taken to be ahead.
    ahead_ms: i64,
    /// Jobs so far.
    made: u32,
}

impl Case {
    async fn new(window: Window, ahead_ms: i64) -> Self {
        // A database of its own: to look through all keys, as passing time does, costs little there.
        let url = format!("{}/{DATABASE}", std::env::var("REDIS_URL").expect("REDIS_URL").trim_end_matches('/'));
        let bare = Bare::at(&url);
        bare.lanes.correct(Q, ahead_ms, 1).await.unwrap();
        bare.lanes.open(Q, false).await.unwrap();
        let redis = redis::Client::open(url).unwrap().get_multiplexed_async_connection().await.unwrap();
        let clock = Clock::new(&bare).await;
        Self { bare, redis, clock, model: Model::default(), window, ahead_ms, made: 0 }
    }

    fn is_bounded(&self) -> bool {
        self.window != ALL
    }
}

fn check(window: Window, ahead_ms: i64) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(48);
    let config = Config { cases, max_shrink_iters: 2_000, failure_persistence: None, ..Config::default() };
    TestRunner::new(config)
        .run(&steps(), |steps| {
            runtime.block_on(async {
                let mut case = Case::new(window, ahead_ms).await;
                for one in steps {
                    case.step(one).await;
                }
                case.finish().await;
            });
            Ok(())
        })
        .unwrap_or_else(|failed| panic!("{failed}"));
}

#[test]
fn whatever_happens_the_lanes_keep_their_promises() {
    check(ALL, 0);
}

#[test]
fn whatever_happens_a_window_over_a_ledger_keeps_them_too() {
    check(Window { lane: 6, queue: 40 }, 0);
}

#[test]
fn they_keep_them_by_a_redis_whose_clock_is_hours_ahead() {
    check(Window { lane: 12, queue: 60 }, 3 * HOUR);
}

#[tokio::test]
async fn the_model_can_tell_a_limit_that_is_exceeded() {
    let mut case = Case::new(ALL, 0).await;
    case.step(Step::Push { tenant: 0, lane: 1, costs: vec![1; 5], priority: 0, late: false }).await;
    case.model.gate(&shared("a")).most = Some(2);
    let broken = tokio::spawn(async move { case.claim(5, 1, true).await }).await;
    let told = broken.expect_err("Redis was not told of the limit").into_panic();
    let told = told.downcast_ref::<String>().expect("a claim that breaks a rule says which");
    assert!(told.contains("is shut"), "{told}");
}
