//! What stops a lane altogether: hours, breakers, pauses of all scopes; and whose word counts when two decide.

use std::time::{Duration, Instant};

use chrono::{TimeDelta, Utc};
use patchbay_queue::lanes::{BreakerRule, Hours, Limit, Opening, PauseScope, Renewed, Report, When};
use patchbay_queue::*;
use uuid::Uuid;

use crate::bare::{ALL, Bare, Q, key, most, shared};

#[tokio::test]
async fn hours_open_and_close() {
    let bare = Bare::new().await;
    let tenant = Uuid::now_v7();
    bare.fill(tenant, "s", 9).await;
    let now = Utc::now();
    let at = |ms| (now + TimeDelta::milliseconds(ms)).time();
    let days = vec![
        chrono::Weekday::Mon,
        chrono::Weekday::Tue,
        chrono::Weekday::Wed,
        chrono::Weekday::Thu,
        chrono::Weekday::Fri,
        chrono::Weekday::Sat,
        chrono::Weekday::Sun,
    ];
    let opening = Opening { days, opens: at(500), closes: at(1_000) };
    let hours = Hours { zone: chrono_tz::Tz::UTC, openings: vec![opening] };
    bare.limit(Limit { hours: Some(hours), ..Limit::new(key(tenant, "s")) }).await;
    let closed = bare.claim(1).await;
    assert!(closed.jobs.is_empty() && closed.next.unwrap() <= Duration::from_millis(500));
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert_eq!(bare.take(1).await.len(), 1, "open");
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(bare.take(1).await.len(), 0, "closed again");
}

fn broken(bare: &Bare, key: LaneName) -> impl Future<Output = ()> + '_ {
    let rule = BreakerRule { failures: 3, within: Duration::from_secs(5), open_for: Duration::from_millis(200) };
    bare.limit(Limit { breaker: Some(rule), ..Limit::new(key) })
}

#[tokio::test]
async fn a_breaker_opens_lets_one_try_and_closes() {
    let bare = Bare::new().await;
    let (tenant, other) = (Uuid::now_v7(), Uuid::now_v7());
    broken(&bare, shared("pa")).await;
    bare.fill(tenant, "pa~1", 9).await;
    bare.fill(other, "pa~2", 9).await;
    let report = async |went| bare.lanes.report(Q, &key(tenant, "pa"), went).await.unwrap();
    report(Report::Failure).await;
    report(Report::Failure).await;
    report(Report::Ok).await;
    assert_eq!((report(Report::Failure).await, report(Report::Failure).await), (None, None), "not in a row");
    let until = report(Report::Failure).await.expect("the third in a row");
    assert!(until > Utc::now().timestamp_millis());
    assert_eq!(bare.take(9).await.len(), 0, "nobody's");
    assert!(report(Report::Ok).await.is_some(), "what began before says nothing new");
    tokio::time::sleep(Duration::from_millis(250)).await;
    let probe = bare.take(9).await;
    assert_eq!((probe.len(), bare.take(9).await.len()), (1, 0), "one tries");
    let again = report(Report::Failure).await.expect("it failed");
    assert!(again - Utc::now().timestamp_millis() > 300, "twice as long");
    bare.ack(&probe).await;
    tokio::time::sleep(Duration::from_millis(450)).await;
    let probe = bare.take(9).await;
    assert_eq!(probe.len(), 1);
    let (job, lane) = (probe[0].id, key(probe[0].header.tenant, &probe[0].header.lane));
    assert_eq!(bare.lanes.take_tokens_as(Q, &lane, job, 3).await.unwrap().units, 3, "the one that tries may work");
    assert_eq!(bare.lanes.take_tokens_as(Q, &lane, Uuid::now_v7(), 3).await.unwrap().units, 0, "others may not");
    assert_eq!(report(Report::Ok).await, None);
    assert_eq!(bare.take(99).await.len(), 16, "closed");
}

#[tokio::test]
async fn a_probe_that_says_nothing_is_followed_by_another() {
    let bare = Bare::new().await;
    let tenant = Uuid::now_v7();
    broken(&bare, key(tenant, "pa")).await;
    bare.fill(tenant, "pa", 9).await;
    for _ in 0..3 {
        bare.lanes.report(Q, &key(tenant, "pa"), Report::Failure).await.unwrap();
    }
    tokio::time::sleep(Duration::from_millis(250)).await;
    let probe = bare.take(9).await;
    assert_eq!(probe.len(), 1);
    bare.ack(&probe).await;
    tokio::time::sleep(Duration::from_millis(1_050)).await;
    assert_eq!(bare.take(9).await.len(), 1);
}

#[tokio::test]
async fn jobs_of_a_paused_kind_are_handed_out_to_be_held() {
    let bare = Bare::new().await;
    let tenant = Uuid::now_v7();
    bare.limit(most(key(tenant, ""), 2)).await;
    for kind in ["good", "bad", "bad", "good", "bad"] {
        bare.fill_with(tenant, "", 1, 1, kind).await;
    }
    bare.lanes.pause(Q, &PauseScope::Kind("bad".into()), None).await.unwrap();
    let claimed = bare.claim(9).await;
    let kinds = |jobs: &[Envelope]| jobs.iter().map(|job| job.header.kind.clone()).collect::<Vec<_>>();
    assert_eq!(kinds(&claimed.jobs), ["good", "good"]);
    assert_eq!(kinds(&claimed.parked), ["bad", "bad", "bad"]);
    assert!(claimed.parked.iter().all(|job| job.token > 0));
    bare.fill_with(tenant, "", 1, 1, "bad").await;
    bare.ack(&claimed.parked).await;
    bare.lanes.resume(Q, &PauseScope::Kind("bad".into())).await.unwrap();
    bare.ack(&claimed.jobs).await;
    assert_eq!(kinds(&bare.take(9).await), ["bad"], "resumed");
}

#[tokio::test]
async fn a_pause_of_every_queue_and_one_of_this_are_lifted_apart() {
    let bare = Bare::new().await;
    let tenant = Uuid::now_v7();
    bare.lanes.know_queues(&[Q.to_owned()]).await.unwrap();
    bare.fill(tenant, "pa~1", 2).await;
    let scope = PauseScope::Tenant(tenant);
    bare.lanes.pause("*", &scope, None).await.unwrap();
    bare.lanes.pause(Q, &scope, None).await.unwrap();
    assert_eq!(bare.take(1).await.len(), 0);
    bare.lanes.resume("*", &scope).await.unwrap();
    assert_eq!(bare.take(1).await.len(), 0);
    bare.lanes.resume(Q, &scope).await.unwrap();
    assert_eq!(bare.take(1).await.len(), 1);
    bare.lanes.pause(Q, &PauseScope::Lane(shared("pa")), None).await.unwrap();
    assert_eq!(bare.take(1).await.len(), 0, "a prefix that all share");
    bare.lanes.resume(Q, &PauseScope::Lane(shared("pa"))).await.unwrap();
    assert_eq!(bare.take(1).await.len(), 1);
}

#[tokio::test]
async fn a_copy_made_before_a_decision_is_refused() {
    let bare = Bare::new().await;
    let tenant = Uuid::now_v7();
    bare.fill(tenant, "", 3).await;
    let (revision, now) = (bare.lanes.revision(Q).await.unwrap(), bare.lanes.time(Q).await.unwrap());
    bare.limit(most(key(tenant, ""), 1)).await;
    bare.lanes.pause(Q, &PauseScope::Tenant(tenant), None).await.unwrap();
    assert!(!bare.lanes.replace_limits(Q, revision, now, &[]).await.unwrap());
    assert!(!bare.lanes.replace_pauses(Q, revision, &[]).await.unwrap());
    assert_eq!(bare.take(3).await.len(), 0);
    let revision = bare.lanes.revision(Q).await.unwrap();
    assert!(bare.lanes.replace_pauses(Q, revision, &[]).await.unwrap());
    assert_eq!(bare.take(3).await.len(), 1);
}

#[tokio::test]
async fn a_wish_to_cancel_does_not_outlive_what_it_was_about() {
    let bare = Bare::new().await;
    let tenant = Uuid::now_v7();
    let job = bare.fill(tenant, "", 1).await.remove(0);
    let lane = key(tenant, "");
    let place = [(job.id, lane.clone())];
    let taken = bare.take(1).await;
    assert_eq!(bare.lanes.drop_or_cancel(Q, &place, When::BeforeCommit).await.unwrap(), [true], "its worker is asked");
    assert_eq!(bare.lanes.release(Q, &taken).await.unwrap(), 1, "and gives it back before it hears of that");
    assert_eq!(bare.lanes.withdraw(Q, &place).await.unwrap(), [false], "taken out while it waits");
    // Redriven, say: it is the same job, and nobody wants it cancelled.
    bare.lanes.push(Q, std::slice::from_ref(&job), ALL, Instant::now()).await.unwrap();
    let again = bare.take(1).await.remove(0);
    let lease = (again.id, again.token, lane.clone());
    assert_eq!(bare.lanes.renew(Q, "by-hand", &[lease], Duration::from_secs(9)).await.unwrap(), [Renewed::Held]);
}

#[tokio::test]
async fn a_push_that_was_under_way_does_not_bring_back_what_was_taken_out() {
    let bare = Bare::new().await;
    let tenant = Uuid::now_v7();
    let jobs = bare.fill(tenant, "", 4).await;
    // As of when a dispatcher's backlog knows the ledger, and a keeper's rows.
    let known = Instant::now();
    let place = |job: &Envelope| [(job.id, key(tenant, ""))];
    assert_eq!(bare.lanes.drop_or_cancel(Q, &place(&jobs[0]), When::BeforeCommit).await.unwrap(), [false]);
    assert_eq!(bare.lanes.drop_or_cancel(Q, &place(&jobs[1]), When::AfterCommit).await.unwrap(), [false]);
    assert_eq!(bare.lanes.hold_back(Q, &place(&jobs[2]), When::AfterCommit).await.unwrap(), [false]);
    assert_eq!(bare.lanes.push(Q, &jobs, ALL, known).await.unwrap(), 0);
    assert_eq!(bare.lanes.refill(Q, &jobs, ALL, known).await.unwrap(), 0);
    let left = bare.take(4).await;
    assert_eq!(left.iter().map(|job| job.id).collect::<Vec<_>>(), [jobs[3].id]);
}

#[tokio::test]
async fn what_was_taken_out_comes_back_by_whoever_knows_the_ledger_as_of_later() {
    let bare = Bare::new().await;
    let tenant = Uuid::now_v7();
    let job = bare.fill(tenant, "", 1).await.remove(0);
    bare.lanes.hold_back(Q, &[(job.id, key(tenant, ""))], When::BeforeCommit).await.unwrap();
    assert_eq!(bare.lanes.push(Q, std::slice::from_ref(&job), ALL, Instant::now()).await.unwrap(), 0, "who knows?");
    bare.lanes.hold_back(Q, &[(job.id, key(tenant, ""))], When::AfterCommit).await.unwrap();
    tokio::time::sleep(Duration::from_millis(20)).await;
    // It is held no more.
    assert_eq!(bare.lanes.push(Q, std::slice::from_ref(&job), ALL, Instant::now()).await.unwrap(), 1);
    assert_eq!(bare.take(1).await.len(), 1);
}

#[tokio::test]
async fn a_push_that_was_under_way_for_long_is_read_again_by_a_refill() {
    let bare = Bare::new().await;
    let tenant = Uuid::now_v7();
    let jobs = bare.fill(tenant, "", 2).await;
    bare.ack(&bare.take(2).await).await;
    // By now these are over, by whatever brought them here meanwhile.
    let known = Instant::now();
    tokio::time::sleep(Duration::from_millis(5_100)).await;
    assert_eq!(bare.lanes.push(Q, &jobs, ALL, known).await.unwrap(), 0);
    assert!(bare.take(2).await.is_empty());
    assert_eq!(bare.lanes.full_lanes(Q, 9).await.unwrap().lanes, [key(tenant, "")]);
}

#[tokio::test]
async fn only_the_latest_that_were_taken_out_are_remembered() {
    let bare = Bare::new().await;
    let tenant = Uuid::now_v7();
    let out: Vec<_> = (0..100_500).map(|_| (Uuid::now_v7(), key(tenant, ""))).collect();
    bare.lanes.drop_or_cancel(Q, &out, When::AfterCommit).await.unwrap();
    let mut redis = bare.redis().await;
    let kept: usize = redis::cmd("ZCARD").arg(bare.key("dropped")).query_async(&mut redis).await.unwrap();
    let ends_in: i64 = redis::cmd("PTTL").arg(bare.key("dropped")).query_async(&mut redis).await.unwrap();
    assert!(kept == 100_000 && ends_in > 0, "{kept}, {ends_in}");
}
