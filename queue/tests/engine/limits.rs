//! Limits on several keys at once, on what runs and on rates; changed while jobs wait and run.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use patchbay_queue::lanes::{Limit, PauseScope, Rate};
use patchbay_queue::*;
use uuid::Uuid;

use crate::bare::{ALL, Bare, Q, envelope, key, most, rate, shared};

fn by_lane(jobs: &[Envelope]) -> HashMap<String, usize> {
    let mut counts = HashMap::new();
    for job in jobs {
        *counts.entry(job.header.lane.clone()).or_default() += 1;
    }
    counts
}

fn of(jobs: &[Envelope], tenant: Uuid) -> usize {
    jobs.iter().filter(|job| job.header.tenant == tenant).count()
}

#[tokio::test]
async fn a_lane_keeps_to_the_limits_of_all_its_keys() {
    let bare = Bare::new().await;
    let (a, b) = (Uuid::now_v7(), Uuid::now_v7());
    for limit in [
        most(shared(""), 9),
        most(key(a, ""), 6),
        most(key(a, "pa~1"), 2),
        most(shared("pa"), 7),
        Limit { concurrency: Some(4), ..rate(key(b, "pa"), 0.001, 3) },
    ] {
        bare.limit(limit).await;
    }
    for (tenant, lane) in [(a, "pa~1"), (a, "pa~2"), (a, "free"), (b, "pa~1"), (b, "pa~2"), (b, "free")] {
        bare.fill(tenant, lane, 20).await;
    }
    let mut all = Vec::new();
    for _ in 0..20 {
        all.extend(bare.take(5).await);
    }
    let lanes = |tenant| by_lane(&all.iter().filter(|job| job.header.tenant == tenant).cloned().collect::<Vec<_>>());
    assert_eq!(all.len(), 9, "the queue's");
    assert!(of(&all, a) <= 6, "the tenant's");
    assert!(lanes(a).get("pa~1").copied().unwrap_or(0) <= 2, "the lane's own");
    let sum = |tenant| lanes(tenant).iter().filter(|(lane, _)| lane.starts_with("pa")).map(|(_, n)| n).sum::<usize>();
    assert!(sum(a) + sum(b) <= 7, "shared by all");
    assert!(sum(b) <= 3, "the tenant's share: its rate and its concurrency");
}

#[tokio::test]
async fn what_ends_makes_room_for_what_waits() {
    let bare = Bare::new().await;
    let tenants: Vec<Uuid> = (0..30).map(|_| Uuid::now_v7()).collect();
    bare.limit(most(shared("pa"), 3)).await;
    for tenant in &tenants {
        bare.fill(*tenant, "pa", 2).await;
    }
    let mut running = bare.take(10).await;
    let mut served = Vec::new();
    while !running.is_empty() {
        assert_eq!(running.len(), 3.min(60 - served.len()), "after {}", served.len());
        bare.ack(&running).await;
        served.append(&mut running);
        running = bare.take(10).await;
    }
    assert_eq!(served.len(), 60);
    // In turn: nobody is served twice before all were once.
    let mut first: Vec<Uuid> = served[..30].iter().map(|job| job.header.tenant).collect();
    first.sort_unstable();
    assert_eq!(first, tenants);
}

#[tokio::test]
async fn every_way_out_gives_the_place_back() {
    let bare = Bare::new().await;
    let tenant = Uuid::now_v7();
    bare.limit(most(key(tenant, ""), 1)).await;
    bare.fill(tenant, "a", 3).await;
    let one = bare.take(5).await;
    assert_eq!((one.len(), bare.take(5).await.len()), (1, 0));
    assert_eq!(bare.lanes.release(Q, &one).await.unwrap(), 1);
    let again = bare.lanes.claim(Q, 5, Duration::from_millis(1), "dies").await.unwrap().jobs;
    assert_eq!(again.len(), 1, "given back");
    tokio::time::sleep(Duration::from_millis(5)).await;
    assert_eq!(bare.take(5).await.len(), 0, "a lease that ran out holds its place until somebody takes the job back");
    let expired = bare.lanes.expire(Q, 9, Duration::from_secs(9), "keeper").await.unwrap();
    let back: Vec<Envelope> = expired.iter().map(|lease| Envelope { token: lease.token, ..again[0].clone() }).collect();
    assert_eq!(bare.lanes.release(Q, &back).await.unwrap(), 1);
    assert_eq!(bare.take(5).await.len(), 1, "taken back");
}

#[tokio::test]
async fn a_leak_heals_itself() {
    let bare = Bare::new().await;
    let tenant = Uuid::now_v7();
    bare.limit(most(key(tenant, ""), 2)).await;
    bare.fill(tenant, "", 5).await;
    let running = bare.take(1).await;
    let mut redis = bare.redis().await;
    let leak = redis::cmd("HINCRBY").arg(bare.key("live")).arg(tenant.to_string()).arg(1).to_owned();
    let () = leak.query_async(&mut redis).await.unwrap();
    assert_eq!(bare.take(5).await.len(), 0);
    bare.lanes.recount(Q).await.unwrap();
    let (begun, mut taken) = (Instant::now(), 0);
    while taken == 0 {
        taken = bare.take(5).await.len();
        assert!(begun.elapsed() < Duration::from_secs(3), "the place comes back within a second");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!((taken, bare.take(5).await.len()), (1, 0), "the leaked place, not the taken one");
    bare.ack(&running).await;
}

#[tokio::test]
async fn a_new_limit_counts_what_runs_already() {
    let bare = Bare::new().await;
    let tenant = Uuid::now_v7();
    bare.fill(tenant, "pa~1", 700).await;
    let mut running = bare.take(250).await;
    running.extend(bare.take(250).await);
    assert_eq!(running.len(), 500);
    bare.limit(most(shared("pa"), 400)).await;
    assert_eq!(bare.take(9).await.len(), 0);
    bare.ack(&running[..101]).await;
    assert_eq!(bare.take(9).await.len(), 1);
    bare.limit(most(shared("pa"), 402)).await;
    assert_eq!(bare.take(9).await.len(), 2);
    bare.limit(Limit::new(shared("pa"))).await;
    assert_eq!(bare.take(9).await.len(), 9, "lifted");
}

#[tokio::test]
async fn no_change_of_a_rate_gives_anything_twice() {
    let bare = Bare::new().await;
    let tenant = Uuid::now_v7();
    bare.fill(tenant, "s", 900).await;
    let set = |per_second, burst| bare.limit(rate(key(tenant, "s"), per_second, burst));
    set(100.0, 50).await;
    let begun = Instant::now();
    let mut taken = bare.take(200).await.len();
    assert!((50..60).contains(&taken), "{taken}");
    for round in 0..60 {
        match round % 5 {
            0 => set(0.1, 50).await,
            3 => {
                set(100.0, 1).await;
                tokio::time::sleep(Duration::from_millis(30)).await;
            }
            1 => bare.limit(Limit::new(key(tenant, "s"))).await,
            _ => set(100.0, 50).await,
        }
        // While it is lifted nothing is asked for.
        if round % 5 != 1 {
            taken += bare.take(200).await.len();
        }
    }
    let allowed = 50.0 + begun.elapsed().as_secs_f64() * 100.0 + 1.0;
    assert!((taken as f64) <= allowed, "{taken} of {allowed}");
}

#[tokio::test]
async fn a_lowered_rate_begins_with_an_empty_bucket_of_its_own() {
    let bare = Bare::new().await;
    let tenant = Uuid::now_v7();
    bare.fill(tenant, "s", 99).await;
    bare.limit(rate(key(tenant, "s"), 1.0, 40)).await;
    assert_eq!(bare.take(40).await.len(), 40);
    bare.limit(rate(key(tenant, "s"), 20.0, 2)).await;
    assert!(bare.take(9).await.len() <= 1, "it begins empty");
    let begun = Instant::now();
    while bare.take(9).await.is_empty() {
        assert!(begun.elapsed() < Duration::from_secs(1), "40 at 20 a second are two seconds");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_rate_that_was_known_at_the_opening_and_is_lowered_owes_no_more_than_its_new_bucket() {
    let bare = Bare::new().await;
    let tenant = Uuid::now_v7();
    bare.lanes.forget(Q).await.unwrap();
    bare.limit(rate(key(tenant, "s"), 10_000.0, 10_000)).await;
    bare.lanes.open(Q, false).await.unwrap();
    bare.fill(tenant, "s", 9).await;
    bare.limit(rate(key(tenant, "s"), 20.0, 1)).await;
    let begun = Instant::now();
    while bare.take(9).await.is_empty() {
        assert!(begun.elapsed() < Duration::from_secs(5), "10,000 at 20 a second are eight minutes");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn what_one_dear_job_took_beyond_the_bucket_is_owed_under_any_new_rate() {
    let bare = Bare::new().await;
    let tenant = Uuid::now_v7();
    bare.fill_with(tenant, "s", 2, 100, "k").await;
    bare.limit(rate(key(tenant, "s"), 0.01, 10)).await;
    assert_eq!(bare.take(2).await.len(), 1, "a full bucket lets one pass that is dearer");
    bare.limit(rate(key(tenant, "s"), 20.0, 11)).await;
    tokio::time::sleep(Duration::from_millis(700)).await;
    assert_eq!(bare.take(2).await.len(), 0, "90 beyond an empty bucket: five seconds");
}

#[tokio::test]
async fn tokens_are_taken_from_every_bucket_of_the_lane() {
    let bare = Bare::new().await;
    let (a, b) = (Uuid::now_v7(), Uuid::now_v7());
    for limit in [rate(key(a, "pa"), 0.001, 6), rate(shared("pa"), 0.001, 10), rate(shared("pa~1"), 0.001, 20)] {
        bare.limit(limit).await;
    }
    let take = async |tenant, lane: &str| bare.lanes.take_tokens(Q, &key(tenant, lane), 100).await.unwrap().units;
    assert_eq!(take(a, "pa~1").await, 6);
    assert_eq!(take(b, "pa~1").await, 4, "what the first left of what all share");
    assert_eq!(take(b, "pa~2").await, 0);
    assert_eq!(take(b, "px").await, 100);
}

#[tokio::test]
async fn after_a_flush_nothing_starts_under_a_limit_before_workers_said_what_they_run() {
    let bare = Bare::new().await;
    let tenant = Uuid::now_v7();
    bare.fill(tenant, "s", 3).await;
    let running = bare.take(2).await;
    bare.lanes.forget(Q).await.unwrap();
    bare.limit(most(key(tenant, "s"), 2)).await;
    let copy = bare.lanes.begin_copy(Q).await.unwrap();
    bare.lanes.open_after(Q, copy, false, Duration::from_millis(400)).await.unwrap();
    bare.fill(tenant, "s", 5).await;
    assert_eq!(bare.take(9).await.len(), 0, "nobody knows what runs");
    let leases: Vec<_> = running.iter().map(|job| (job.id, job.token, key(tenant, "s"))).collect();
    bare.lanes.renew(Q, "by-hand", &leases, Duration::from_secs(9)).await.unwrap();
    tokio::time::sleep(Duration::from_millis(450)).await;
    assert_eq!(bare.take(9).await.len(), 0, "two run");
    bare.ack(&running[..1]).await;
    assert_eq!(bare.take(9).await.len(), 1);
}

#[tokio::test]
async fn a_dear_job_is_not_overtaken_for_ever_under_a_shared_rate() {
    let bare = Bare::new().await;
    let (dear, cheap) = (Uuid::now_v7(), Uuid::now_v7());
    bare.limit(rate(shared("pa"), 200.0, 20)).await;
    bare.fill(cheap, "pa", 20).await;
    assert_eq!(bare.take(20).await.len(), 20, "the bucket is empty");
    bare.fill_with(dear, "pa", 1, 20, "k").await;
    let begun = Instant::now();
    loop {
        bare.fill(cheap, "pa", 5).await;
        if of(&bare.take(5).await, dear) == 1 {
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(2), "it waits for the bucket to be full, which takes 100 ms");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_newcomer_to_a_shared_limit_takes_turns_with_a_backlog() {
    let bare = Bare::new().await;
    let (noisy, quiet) = (Uuid::now_v7(), Uuid::now_v7());
    bare.limit(most(shared("pa"), 1)).await;
    bare.fill(noisy, "pa", 50).await;
    for _ in 0..5 {
        let job = bare.take(1).await;
        bare.ack(&job).await;
    }
    let job = bare.take(1).await;
    let jobs: Vec<Envelope> = (0..3).map(|_| envelope(Uuid::now_v7(), quiet, "pa", 1, "k")).collect();
    bare.lanes.push(Q, &jobs, ALL, Instant::now()).await.unwrap();
    bare.ack(&job).await;
    let mut next = Vec::new();
    for _ in 0..4 {
        let job = bare.take(1).await;
        bare.ack(&job).await;
        next.extend(job);
    }
    assert!(of(&next, quiet) >= 2, "{:?}", next.iter().map(|job| job.header.tenant == quiet).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_changes_under_load_exceed_nothing() {
    let bare = Bare::new().await;
    let tenants: Vec<Uuid> = (0..5).map(|_| Uuid::now_v7()).collect();
    for tenant in &tenants {
        for lane in ["pa~1", "pa~2"] {
            bare.fill(*tenant, lane, 2_000).await;
        }
    }
    // However often they change: never more than eight of all at once, and at most five of the first tenant.
    bare.limit(most(shared("pa"), 8)).await;
    bare.limit(most(key(tenants[0], ""), 5)).await;
    let decide = async {
        for round in 0..1_000_usize {
            let tenant = tenants[round % 5];
            let few = i32::try_from(round % 5).unwrap() + 1;
            match round % 7 {
                0 => bare.limit(most(shared("pa"), few)).await,
                1 => bare.limit(most(shared("pa"), 8)).await,
                2 => bare.limit(most(key(tenants[0], ""), few)).await,
                3 => bare.lanes.pause(Q, &PauseScope::Tenant(tenant), None).await.unwrap(),
                4 => bare.lanes.resume(Q, &PauseScope::Tenant(tenants[(round - 1) % 5])).await.unwrap(),
                5 => bare.lanes.set_weight(Q, tenant, f64::from(few)).await.unwrap(),
                _ => {
                    let rate = Some(Rate { per_second: 1_000.0 * f64::from(few), burst: 50 });
                    bare.limit(Limit { rate, ..most(key(tenant, "pa~1"), few) }).await;
                }
            }
        }
        for tenant in &tenants {
            bare.lanes.resume(Q, &PauseScope::Tenant(*tenant)).await.unwrap();
        }
        bare.limit(most(shared("pa"), 8)).await;
    };
    let work = async {
        let mut running: Vec<Envelope> = Vec::new();
        let mut done = 0;
        for round in 0.. {
            let before = running.len();
            running.extend(bare.take(4).await);
            assert!(running.len() <= 8, "{} run", running.len());
            assert!(of(&running, tenants[0]) <= 5);
            let ends = running.len().min(1 + round % 6);
            if ends > 0 {
                let ended: Vec<Envelope> = running.drain(..ends).collect();
                bare.ack(&ended).await;
                done += ends;
            }
            if done >= 3_000 {
                return done;
            }
            if running.len() == before {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
        done
    };
    let ((), done) = tokio::join!(decide, tokio::time::timeout(Duration::from_secs(60), work));
    assert!(done.unwrap() >= 3_000, "and nothing is stuck");
}

#[tokio::test]
async fn a_restarted_redis_starts_nothing_before_it_is_opened_again() {
    let bare = Bare::new().await;
    let tenant = Uuid::now_v7();
    bare.limit(rate(key(tenant, "s"), 0.001, 5)).await;
    bare.fill(tenant, "s", 9).await;
    assert_eq!(bare.take(2).await.len(), 2);
    // Another Redis has this state, as after a restart from its log: with its last second missing.
    let mut redis = bare.redis().await;
    let () = redis::cmd("HSET").arg(bare.key("meta")).arg("run").arg("another").query_async(&mut redis).await.unwrap();
    assert_eq!(bare.take(2).await.len(), 0);
    assert_eq!(bare.lanes.take_tokens(Q, &key(tenant, "s"), 1).await.unwrap().units, 0);
    assert!(bare.lanes.is_closed(Q).await.unwrap());
    bare.lanes.open(Q, false).await.unwrap();
    assert!(!bare.lanes.is_closed(Q).await.unwrap());
    assert_eq!(bare.take(2).await.len(), 0, "nobody knows what its bucket had lent");
}

#[tokio::test]
async fn what_an_older_engine_laid_out_is_built_anew() {
    let bare = Bare::new().await;
    let tenant = Uuid::now_v7();
    bare.fill(tenant, "", 1).await;
    let mut redis = bare.redis().await;
    let run: String = redis::cmd("HGET").arg(bare.key("meta")).arg("run").query_async(&mut redis).await.unwrap();
    let (server, _) = run.split_once('/').unwrap();
    let older = [("layout", "2".to_owned()), ("run", format!("{server}/2"))];
    let () = redis::cmd("HSET").arg(bare.key("meta")).arg(&older).query_async(&mut redis).await.unwrap();
    assert_eq!(bare.take(5).await.len(), 0, "nobody starts from lanes that may be misread");
    assert!(bare.lanes.is_closed(Q).await.unwrap());
    bare.lanes.open(Q, false).await.unwrap();
    assert_eq!(bare.lanes.queue_stats(Q).await.unwrap().waiting, 0, "emptied, to be filled from the ledger");
    bare.lanes.open(Q, false).await.unwrap();
    bare.fill(tenant, "", 1).await;
    assert_eq!(bare.take(5).await.len(), 1);
}

#[tokio::test]
async fn a_queue_that_is_emptied_while_its_limits_are_copied_is_not_opened_by_that_copy() {
    let bare = Bare::closed();
    let copy = bare.lanes.begin_copy(Q).await.unwrap();
    bare.lanes.forget(Q).await.unwrap();
    bare.lanes.open_after(Q, copy, false, Duration::ZERO).await.unwrap();
    assert!(bare.lanes.is_closed(Q).await.unwrap());
    let copy = bare.lanes.begin_copy(Q).await.unwrap();
    bare.lanes.open_after(Q, copy, false, Duration::ZERO).await.unwrap();
    assert!(!bare.lanes.is_closed(Q).await.unwrap());
}
