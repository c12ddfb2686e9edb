//! The scripts against a model of them: whatever happens in whatever order, nothing is lost, nothing is handed out
//! twice, no limit is exceeded, no place under one leaks, a lane keeps its order, and what may run is not left waiting.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use patchbay_queue::lanes::{Limit, PauseScope};
use patchbay_queue::*;
use proptest::prelude::*;
use uuid::Uuid;

use crate::bare::{ALL, Bare, Q, envelope, key, rate, shared};

const TENANTS: [Uuid; 3] = [Uuid::from_u128(1 << 64 | 1), Uuid::from_u128(1 << 64 | 2), SYSTEM_TENANT];
const LANES: [&str; 5] = ["", "a", "a~x", "a~y", "b"];
const PREFIXES: [&str; 6] = ["", "a", "a~x", "a~y", "b", ""];

#[derive(Debug, Clone)]
enum Step {
    Push {
        tenant: usize,
        lane: usize,
        jobs: usize,
        priority: i16,
    },
    PushAgain {
        nth: usize,
    },
    Claim {
        want: usize,
    },
    Ack {
        nth: usize,
        late: bool,
    },
    Release {
        nth: usize,
    },
    /// A worker takes jobs and dies; repair takes them back or finds them ended.
    Die {
        want: usize,
        ended: bool,
    },
    Drop {
        nth: usize,
    },
    Pause {
        key: usize,
    },
    Resume {
        key: usize,
    },
    Limit {
        key: usize,
        most: i32,
    },
    Rate {
        key: usize,
    },
    Lift {
        key: usize,
    },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let key = 0..TENANTS.len() * PREFIXES.len();
    let step = prop_oneof![
        6 => (0..TENANTS.len(), 0..LANES.len(), 1..6_usize, 0..3_i16)
            .prop_map(|(tenant, lane, jobs, priority)| Step::Push { tenant, lane, jobs, priority }),
        1 => (0..99_usize).prop_map(|nth| Step::PushAgain { nth }),
        6 => (1..12_usize).prop_map(|want| Step::Claim { want }),
        5 => (0..99_usize, prop::bool::weighted(0.2)).prop_map(|(nth, late)| Step::Ack { nth, late }),
        2 => (0..99_usize).prop_map(|nth| Step::Release { nth }),
        1 => (1..4_usize, any::<bool>()).prop_map(|(want, ended)| Step::Die { want, ended }),
        1 => (0..99_usize).prop_map(|nth| Step::Drop { nth }),
        1 => key.clone().prop_map(|key| Step::Pause { key }),
        2 => key.clone().prop_map(|key| Step::Resume { key }),
        3 => (key.clone(), 1..5_i32).prop_map(|(key, most)| Step::Limit { key, most }),
        1 => key.clone().prop_map(|key| Step::Rate { key }),
        2 => key.prop_map(|key| Step::Lift { key }),
    ];
    prop::collection::vec(step, 1..80)
}

fn key_of(nth: usize) -> LaneName {
    key(TENANTS[nth / PREFIXES.len()], PREFIXES[nth % PREFIXES.len()])
}

/// Units of a bucket of the model, which never fills again.
const BURST: i32 = 6;

#[derive(Default)]
struct Model {
    /// By lane: score and id of what waits, with the job.
    waiting: BTreeMap<LaneName, BTreeMap<(i64, String), Envelope>>,
    running: BTreeMap<Uuid, Envelope>,
    /// Tokens that hold no more.
    late: Vec<(Uuid, i64)>,
    paused: BTreeSet<LaneName>,
    limits: BTreeMap<LaneName, i32>,
    /// Units that are left.
    rates: BTreeMap<LaneName, i32>,
}

fn lane_of(job: &Envelope) -> LaneName {
    key(job.header.tenant, &job.header.lane)
}

impl Model {
    fn wait(&mut self, job: Envelope) {
        self.waiting.entry(lane_of(&job)).or_default().insert((job.score(), job.id.to_string()), job);
    }

    fn nth_running(&self, nth: usize) -> Option<Envelope> {
        (!self.running.is_empty()).then(|| self.running.values().nth(nth % self.running.len()).unwrap().clone())
    }

    fn nth_waiting(&self, nth: usize) -> Option<Envelope> {
        let all: Vec<&Envelope> = self.waiting.values().flat_map(BTreeMap::values).collect();
        (!all.is_empty()).then(|| all[nth % all.len()].clone())
    }

    fn end(&mut self, job: &Envelope) -> Envelope {
        self.late.push((job.id, job.token));
        self.running.remove(&job.id).unwrap()
    }

    fn running_under(&self, limited: &LaneName) -> i32 {
        let under = self.running.values().filter(|job| keys_of(&lane_of(job)).contains(limited));
        i32::try_from(under.count()).unwrap()
    }

    /// Whether a job of this lane may start.
    fn is_open(&self, lane: &LaneName) -> bool {
        let keys = keys_of(lane);
        !keys.iter().any(|key| {
            self.paused.contains(key)
                || self.limits.get(key).is_some_and(|most| self.running_under(key) >= *most)
                || self.rates.get(key).is_some_and(|left| *left <= 0)
        })
    }

    /// Takes note of a job that was handed out.
    fn take(&mut self, job: &Envelope) {
        let lane = lane_of(job);
        assert!(self.is_open(&lane), "{lane:?} is shut");
        let jobs = self.waiting.get_mut(&lane).expect("something waits");
        let (_, first) = jobs.pop_first().expect("something waits");
        assert_eq!(first.id, job.id, "the first of its lane");
        for key in keys_of(&lane) {
            if let Some(left) = self.rates.get_mut(&key) {
                *left -= 1;
            }
        }
        assert!(self.running.insert(job.id, job.clone()).is_none(), "nobody runs it");
    }
}

/// The keys of a lane, said another way than the scripts say it.
fn keys_of(lane: &LaneName) -> BTreeSet<LaneName> {
    let mut keys = BTreeSet::from([shared(""), key(lane.tenant, "")]);
    let mut prefix = String::new();
    for segment in lane.lane.split('~').filter(|segment| !segment.is_empty()) {
        prefix = if prefix.is_empty() { segment.to_owned() } else { format!("{prefix}~{segment}") };
        keys.extend([key(lane.tenant, &prefix), shared(&prefix)]);
    }
    keys
}

/// Claims until there is nothing to be had now, and checks that the model thinks so too.
async fn claim(bare: &Bare, model: &mut Model, want: usize, lease: Duration) -> Vec<Envelope> {
    let mut all = Vec::new();
    loop {
        let claimed = bare.lanes.claim(Q, want - all.len(), lease, "model").await.unwrap();
        assert!(claimed.garbled.is_empty() && claimed.parked.is_empty());
        for job in &claimed.jobs {
            model.take(job);
        }
        let nothing = claimed.jobs.is_empty();
        all.extend(claimed.jobs);
        if all.len() >= want {
            return all;
        }
        if nothing && claimed.next.is_none_or(|next| next > Duration::from_millis(1)) {
            break;
        }
    }
    let left: Vec<&LaneName> = model
        .waiting
        .iter()
        .filter(|(lane, jobs)| !jobs.is_empty() && model.is_open(lane))
        .map(|(lane, _)| lane)
        .collect();
    assert!(left.is_empty(), "{left:?} may run and do not");
    all
}

const LONG: Duration = Duration::from_secs(600);

async fn set(bare: &Bare, model: &Model, key: &LaneName) {
    let mut limit = Limit::new(key.clone());
    limit.concurrency = model.limits.get(key).copied();
    if model.rates.contains_key(key) {
        // One unit in a day: it does not fill while the model looks.
        limit.rate = rate(key.clone(), 1.0 / 86_400.0, BURST).rate;
    }
    bare.limit(limit).await;
}

async fn step(bare: &Bare, model: &mut Model, step: Step) {
    match step {
        Step::Push { tenant, lane, jobs, priority } => {
            let mut jobs: Vec<Envelope> =
                (0..jobs).map(|_| envelope(Uuid::now_v7(), TENANTS[tenant], LANES[lane], 1, "k")).collect();
            jobs.iter_mut().for_each(|job| job.header.priority = priority);
            assert_eq!(bare.lanes.push(Q, &jobs, ALL, false).await.unwrap(), jobs.len());
            jobs.into_iter().for_each(|job| model.wait(job));
        }
        Step::PushAgain { nth } => {
            for job in model.nth_running(nth).into_iter().chain(model.nth_waiting(nth)) {
                assert_eq!(bare.lanes.push(Q, &[job], ALL, true).await.unwrap(), 0);
            }
        }
        Step::Claim { want } => drop(claim(bare, model, want, LONG).await),
        Step::Ack { nth, late: true } => {
            if let Some(lease) = model.late.get(nth % model.late.len().max(1)) {
                assert_eq!(bare.lanes.ack(Q, &[*lease]).await.unwrap(), 0);
            }
        }
        Step::Ack { nth, late: false } => {
            if let Some(job) = model.nth_running(nth) {
                bare.ack(std::slice::from_ref(&job)).await;
                model.end(&job);
            }
        }
        Step::Release { nth } => {
            if let Some(job) = model.nth_running(nth) {
                assert_eq!(bare.lanes.release(Q, std::slice::from_ref(&job)).await.unwrap(), 1);
                let job = model.end(&job);
                model.wait(job);
            }
        }
        Step::Die { want, ended } => {
            let taken = claim(bare, model, want, Duration::ZERO).await;
            tokio::time::sleep(Duration::from_millis(2)).await;
            let expired = bare.lanes.expire(Q, 99, LONG, "keeper").await.unwrap();
            assert_eq!(expired.len(), taken.len());
            for lease in expired {
                let job = model.end(&model.running[&lease.id].clone());
                let job = Envelope { token: lease.token, ..job };
                if ended {
                    bare.ack(std::slice::from_ref(&job)).await;
                } else {
                    assert_eq!(bare.lanes.release(Q, std::slice::from_ref(&job)).await.unwrap(), 1);
                    model.wait(job);
                }
            }
        }
        Step::Drop { nth } => {
            if let Some(job) = model.nth_waiting(nth) {
                let lane = lane_of(&job);
                assert_eq!(bare.lanes.drop_or_cancel(Q, &[(job.id, lane.clone())]).await.unwrap(), [false]);
                model.waiting.get_mut(&lane).unwrap().remove(&(job.score(), job.id.to_string()));
            }
        }
        Step::Pause { key } => {
            model.paused.insert(key_of(key));
            bare.lanes.pause(Q, &PauseScope::Lane(key_of(key)), None).await.unwrap();
        }
        Step::Resume { key } => {
            model.paused.remove(&key_of(key));
            bare.lanes.resume(Q, &PauseScope::Lane(key_of(key))).await.unwrap();
        }
        Step::Limit { key, most } => {
            model.limits.insert(key_of(key), most);
            set(bare, model, &key_of(key)).await;
        }
        Step::Rate { key } => {
            // What a bucket has lent it still has when it is set again: only a new one is full.
            model.rates.entry(key_of(key)).or_insert(BURST);
            set(bare, model, &key_of(key)).await;
        }
        Step::Lift { key } => {
            model.limits.remove(&key_of(key));
            set(bare, model, &key_of(key)).await;
        }
    }
}

/// Lifts everything, runs everything, and looks behind the lanes' back for what is left.
async fn finish(bare: &Bare, mut model: Model) {
    for key in std::mem::take(&mut model.paused) {
        bare.lanes.resume(Q, &PauseScope::Lane(key)).await.unwrap();
    }
    model.limits.clear();
    let rates = std::mem::take(&mut model.rates);
    for nth in 0..TENANTS.len() * PREFIXES.len() {
        set(bare, &model, &key_of(nth)).await;
    }
    drop(rates);
    claim(bare, &mut model, 100_000, LONG).await;
    assert!(model.waiting.values().all(BTreeMap::is_empty), "nothing is lost");
    let running: Vec<Envelope> = model.running.into_values().collect();
    bare.ack(&running).await;
    assert!(bare.take(9).await.is_empty(), "nothing runs twice");
    let mut redis = bare.redis().await;
    let keys: Vec<String> = redis::cmd("KEYS").arg(bare.key("*")).query_async(&mut redis).await.unwrap();
    let left: Vec<&str> = keys
        .iter()
        .filter_map(|key| key.rsplit_once("}:").map(|(_, name)| name))
        .filter(|name| !["meta", "bell", "tag", "flow"].contains(name) && !name.starts_with("debt:"))
        .collect();
    assert!(left.is_empty(), "{left:?} are left");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, max_shrink_iters: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_the_lanes_keep_their_promises(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let bare = Bare::new().await;
            let mut model = Model::default();
            for one in steps {
                step(&bare, &mut model, one).await;
            }
            finish(&bare, model).await;
        });
    }
}

#[tokio::test]
async fn the_model_can_tell_a_limit_that_is_exceeded() {
    let bare = Bare::new().await;
    let mut model = Model::default();
    step(&bare, &mut model, Step::Push { tenant: 0, lane: 1, jobs: 5, priority: 0 }).await;
    model.limits.insert(shared("a"), 2);
    let broken = tokio::spawn(async move { claim(&bare, &mut model, 5, LONG).await }).await;
    assert!(broken.is_err(), "Redis was not told of the limit");
}
