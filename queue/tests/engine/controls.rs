//! What the ledger says of pauses and limits comes to Redis by itself, within a second.

use std::time::{Duration, Instant};

use diesel_async::RunQueryDsl as _;
use patchbay_queue::lanes::{BreakerRule, Hours, Limit, Opening, PauseScope, Rate, Window};
use patchbay_queue::ledger::controls;
use patchbay_queue::*;
use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;
use uuid::Uuid;

use crate::bare::{key, most, rate, shared};
use crate::world::{Act, QUEUE, World};

/// A second that is as long as the machine's: ten looks of somebody who looks at both servers every tenth of one. On a
/// machine that does much else both that one and the keeper come later to their turn.
struct Looks {
    made: watch::Receiver<usize>,
    _looker: AbortOnDropHandle<()>,
}

const A_SECOND: usize = 10;

impl Looks {
    fn begin(world: &World) -> Self {
        let world = world.again();
        let (count, made) = watch::channel(0);
        let looker = tokio::spawn(async move {
            let mut conn = world.ledger.get().await.unwrap();
            loop {
                tokio::time::sleep(Duration::from_millis(100)).await;
                controls::changes(&mut conn).await.unwrap();
                world.lanes.time(QUEUE).await.unwrap();
                count.send_modify(|made| *made += 1);
            }
        });
        Self { made, _looker: AbortOnDropHandle::new(looker) }
    }

    /// How many are made meanwhile.
    async fn during(&self, act: impl Future<Output = ()>) -> usize {
        let before = *self.made.borrow();
        act.await;
        *self.made.borrow() - before
    }

    async fn wait_a_second(&self) {
        let mut made = self.made.clone();
        let until = *made.borrow() + A_SECOND;
        made.wait_for(|made| *made >= until).await.unwrap();
    }
}

/// Waits until as many as `wanted` jobs can be had.
async fn until_claimed(world: &World, wanted: usize) {
    let (begun, mut taken) = (Instant::now(), 0);
    while taken < wanted {
        taken +=
            world.lanes.claim(QUEUE, wanted - taken, Duration::from_secs(600), "by-hand").await.unwrap().jobs.len();
        assert!(begun.elapsed() < Duration::from_secs(20), "{taken} of {wanted}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Waits until the keeper knows the queue: it looks for new ones once a second.
async fn until_known(world: &World) {
    while world.lanes.known_queues().await.unwrap().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn all(conn: &mut diesel_async::AsyncPgConnection) -> Vec<Limit> {
    controls::limits(conn, QUEUE, None, &key(Uuid::nil(), ""), 100).await.unwrap()
}

async fn jobs(world: &World, tenant: Uuid, count: usize) {
    let jobs: Vec<NewJob> = (0..count).map(|_| world.job(tenant, Act::Succeed)).collect();
    world.enqueue(&jobs).await;
}

#[tokio::test]
async fn what_nobody_told_redis_is_in_force_within_a_second() {
    let world = World::new().await;
    let (_keeper, looks) = (world.keep(), Looks::begin(&world));
    let (paused, limited) = (Uuid::now_v7(), Uuid::now_v7());
    let mut conn = world.ledger.get().await.unwrap();
    let warm = Uuid::now_v7();
    jobs(&world, warm, 1).await;
    until_claimed(&world, 1).await;
    until_known(&world).await;

    controls::pause(&mut conn, "*", &PauseScope::Tenant(paused), None, "unpaid", "op").await.unwrap();
    let every = Limit { weight: Some(3.0), max_waiting: Some(9), ..Limit::new(key(limited, "")) };
    controls::set_limit(&mut conn, "*", &every).await.unwrap();
    controls::set_limit(&mut conn, QUEUE, &most(key(limited, ""), 2)).await.unwrap();
    looks.wait_a_second().await;
    jobs(&world, paused, 3).await;
    jobs(&world, limited, 3).await;
    until_claimed(&world, 2).await;
    assert_eq!(world.lanes.claim(QUEUE, 9, Duration::from_secs(600), "by-hand").await.unwrap().jobs.len(), 0);

    controls::resume(&mut conn, "*", &PauseScope::Tenant(paused)).await.unwrap();
    let took = looks.during(until_claimed(&world, 3)).await;
    assert!(took <= A_SECOND, "{took}");
    controls::set_limit(&mut conn, QUEUE, &Limit::new(key(limited, ""))).await.unwrap();
    let took = looks.during(until_claimed(&world, 1)).await;
    assert!(took <= A_SECOND, "{took}");
    let held = controls::all_limits(&mut conn, QUEUE).await.unwrap();
    assert_eq!(held, [every], "what holds in every queue stands");
    let begun = Instant::now();
    while !controls::changes(&mut conn).await.unwrap().is_empty() {
        assert!(begun.elapsed() < Duration::from_secs(5), "the word of what is copied goes away");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn another_plan_divides_the_shares_of_what_waits_already_within_a_second() {
    let world = World::new().await;
    let (_keeper, looks) = (world.keep(), Looks::begin(&world));
    let (pro, other) = (Uuid::now_v7(), Uuid::now_v7());
    let mut conn = world.ledger.get().await.unwrap();
    controls::set_plan(&mut conn, "pro", 1.0, None).await.unwrap();
    controls::assign_plan(&mut conn, pro, Some("pro")).await.unwrap();
    for tenant in [pro, other] {
        jobs(&world, tenant, 200).await;
    }
    until_claimed(&world, 20).await;
    until_known(&world).await;
    controls::set_plan(&mut conn, "pro", 4.0, None).await.unwrap();
    looks.wait_a_second().await;
    let mut share = 0;
    for _ in 0..100 {
        let taken = world.lanes.claim(QUEUE, 1, Duration::from_secs(600), "by-hand").await.unwrap().jobs;
        share += taken.iter().filter(|job| job.header.tenant == pro).count();
    }
    assert!((78..=82).contains(&share), "{share} of 100 where it is worth four of five");
}

#[tokio::test]
async fn a_limit_is_read_as_it_was_written() {
    let world = World::new().await;
    let mut conn = world.ledger.get().await.unwrap();
    let days = vec![chrono::Weekday::Mon, chrono::Weekday::Sat];
    let at = |hour| chrono::NaiveTime::from_hms_opt(hour, 30, 0).unwrap();
    let zone = "Europe/Berlin".parse().unwrap();
    let whole = Limit {
        rate: Some(Rate { per_second: 0.25, burst: 7 }),
        concurrency: Some(3),
        hours: Some(Hours { zone, openings: vec![Opening { days, opens: at(22), closes: at(6) }] }),
        breaker: Some(BreakerRule {
            failures: 5,
            within: Duration::from_secs(60),
            open_for: Duration::from_millis(1_500),
        }),
        ..Limit::new(shared("pa_1"))
    };
    whole.check(QUEUE).unwrap();
    controls::set_limit(&mut conn, QUEUE, &whole).await.unwrap();
    assert_eq!(controls::limit(&mut conn, QUEUE, &shared("pa_1")).await.unwrap().as_ref(), Some(&whole));
    controls::set_rate(&mut conn, QUEUE, &lanes::RateLimit { lane: shared("pa_1"), rate_per_second: 9.0, burst: 1 })
        .await
        .unwrap();
    let kept = Limit { rate: rate(shared("pa_1"), 9.0, 1).rate, ..whole };
    assert_eq!(all(&mut conn).await, [kept], "only the rate has changed");
    controls::set_limit(&mut conn, QUEUE, &Limit::new(shared("pa_1"))).await.unwrap();
    assert_eq!(all(&mut conn).await, []);
    // Neither may a limit be without anything, nor count what no two queues can count together.
    for refused in ["('q', NULL, NULL)", "('*', 1, 1)"] {
        let sql = format!(
            "INSERT INTO queue.limits (tenant_id, lane, queue, rate_per_second, burst)
             SELECT gen_random_uuid(), '', * FROM (VALUES {refused}) AS v (q, r, b)"
        );
        assert!(diesel::sql_query(sql).execute(&mut conn).await.is_err(), "{refused}");
    }
}

#[tokio::test]
async fn pauses_of_all_scopes_stand_beside_each_other() {
    let world = World::new().await;
    let mut conn = world.ledger.get().await.unwrap();
    let tenant = Uuid::now_v7();
    let scopes = [
        PauseScope::Queue,
        PauseScope::Kind("a".into()),
        PauseScope::Kind("b".into()),
        PauseScope::Tenant(tenant),
        PauseScope::Lane(key(tenant, "pa")),
        PauseScope::Lane(shared("pa")),
    ];
    for reason in ["first", "again"] {
        for scope in &scopes {
            controls::pause(&mut conn, QUEUE, scope, None, reason, "op").await.unwrap();
        }
    }
    let mut found: Vec<PauseScope> =
        controls::pauses(&mut conn, Some(QUEUE)).await.unwrap().iter().map(controls::Pause::scope).collect();
    found.sort();
    let mut all = scopes.to_vec();
    all.sort();
    assert_eq!(found, all);
    for scope in &scopes {
        assert!(controls::resume(&mut conn, QUEUE, scope).await.unwrap());
        assert!(!controls::resume(&mut conn, QUEUE, scope).await.unwrap());
    }
}

#[tokio::test]
async fn of_tenants_beyond_their_windows_the_one_with_more_in_the_ledger_is_deeper() {
    let mut world = World::new().await;
    world.window = Window { lane: 10, queue: 10_000 };
    // By id the shallow one would come first.
    let (shallow, deep) = (Uuid::now_v7(), Uuid::now_v7());
    jobs(&world, shallow, 40).await;
    jobs(&world, deep, 400).await;
    assert_eq!(world.lanes.depths(QUEUE, &[key(shallow, ""), key(deep, "")]).await.unwrap(), [10, 10]);
    let _keeper = world.keep();
    let begun = Instant::now();
    let ranked = loop {
        let ranked = world.lanes.top_tenants(QUEUE, 10).await.unwrap();
        if !ranked.is_empty() {
            break ranked;
        }
        assert!(begun.elapsed() < Duration::from_secs(20));
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    let ranked: Vec<_> = ranked.iter().map(|stats| (stats.tenant, stats.waiting)).collect();
    assert_eq!(ranked, [(deep, 400), (shallow, 40)]);
}

#[tokio::test]
async fn the_deepest_tenants_are_known_with_how_they_fare() {
    let world = World::new().await;
    let (deep, shallow) = (Uuid::now_v7(), Uuid::now_v7());
    jobs(&world, deep, 40).await;
    jobs(&world, shallow, 3).await;
    let mut conn = world.ledger.get().await.unwrap();
    controls::set_limit(&mut conn, QUEUE, &most(key(deep, ""), 5)).await.unwrap();
    world.keeper().sweep().await.unwrap();
    let _keeper = world.keep();
    let begun = Instant::now();
    let ranked = loop {
        let ranked = world.lanes.top_tenants(QUEUE, 10).await.unwrap();
        if ranked.len() == 2 {
            break ranked;
        }
        assert!(begun.elapsed() < Duration::from_secs(20));
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert_eq!(
        ranked.iter().map(|stats| (stats.tenant, stats.waiting)).collect::<Vec<_>>(),
        [(deep, 40), (shallow, 3)]
    );
    assert!(ranked[0].oldest_ms.is_some() && ranked[0].dwell_p50_ms.is_none());
    until_claimed(&world, 8).await;
    world.lanes.claim(QUEUE, 9, Duration::from_secs(600), "by-hand").await.unwrap();
    let fared = world.lanes.top_tenants(QUEUE, 1).await.unwrap().remove(0);
    assert!(fared.dwell_p50_ms.is_some() && fared.dwell_p99_ms >= fared.dwell_p50_ms);
    assert!(fared.throttled >= 1, "it was stopped by its limit");
}
