//! Fairness as a property: whatever the tenants are (how many, what they are worth, in how many lanes, at what cost and
//! priority their jobs are, how many at a time workers ask for), the *cost* that each is served is its weight's share,
//! while its backlog lasts; also where all of them share one ceiling.
//!
//! How near the claim comes (`lanes/scripts/claim.lua`): it always visits the tenant whose virtual time is the least, and
//! moves it on by the cost of the visit over its weight. So no tenant is ever further than its own last visit beyond the
//! one that is furthest behind: with `v` a visit's cost, `W` what was served and `w` the weight,
//! `m <= W / w <= m + v / w` for one `m` that all have in common. Of a share `F = w / sum(w) * sum(W)` that leaves
//! `-(w / sum(w)) * sum(v) <= W - F <= v`: a tenant is at most one visit ahead of its share, and behind by no more than its
//! part of the visits by which the others are ahead.
//! A visit takes `QUANTUM` jobs (16) or an eighth of the claim if that is less; where tenants are few, so many that one round
//! fills the claim. What it costs is at most that many of the tenant's dearest jobs.
//! The lanes of a tenant take turns in the same way, with equal weights and the same visits. Under a ceiling each lane waits
//! by itself, where its tenant stood when it was stopped: a tenant may be ahead by a visit for each of its lanes.

use std::collections::HashMap;

use patchbay_queue::*;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use uuid::Uuid;

use crate::bare::{ALL, Bare, Q, most, rate, shared};
use crate::world::{Act, Work};

/// As in the script.
const QUANTUM: usize = 16;
/// Of its share, where that is more than the visits.
const WITHIN: f64 = 0.02;
const JAIN: f64 = 0.98;
/// A backlog is filled up when a lane holds fewer jobs than any claim asks for.
const LOW: usize = 48;
const PORTION: usize = 240;

#[derive(Debug, Clone)]
struct Tenant {
    weight: f64,
    lanes: usize,
    /// Costs and priorities of its jobs, over and over.
    jobs: Vec<(i32, i16)>,
}

impl Tenant {
    fn dearest(&self) -> f64 {
        f64::from(self.jobs.iter().map(|(cost, _)| *cost).max().unwrap())
    }
}

/// What all tenants share.
#[derive(Debug, Clone, Copy)]
enum Ceiling {
    None,
    /// So many at a time.
    AtOnce(i32),
    /// So much a second, and at once.
    Rate(f64, i32),
}

fn tenants() -> impl Strategy<Value = Vec<Tenant>> {
    let job = (1..=4_i32, -2..=2_i16);
    let tenant = (2..=12_u8, 1..=3_usize, prop::collection::vec(job, 1..6)).prop_map(|(weight, lanes, jobs)| Tenant {
        weight: f64::from(weight) / 2.0,
        lanes,
        jobs,
    });
    prop::collection::vec(tenant, 2..=12)
}

fn wants() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(1..LOW, 1..8)
}

/// Tenants with a backlog, and what they were served.
struct Case<'a> {
    bare: Bare,
    tenants: &'a [Tenant],
    ids: Vec<Uuid>,
    /// Jobs made and left, by tenant and lane.
    made: usize,
    left: HashMap<(usize, String), usize>,
    served: HashMap<(usize, String), f64>,
}

impl<'a> Case<'a> {
    async fn new(tenants: &'a [Tenant]) -> Self {
        let (bare, ids) = (Bare::new().await, tenants.iter().map(|_| Uuid::now_v7()).collect());
        let mut case = Self { bare, tenants, ids, made: 0, left: HashMap::new(), served: HashMap::new() };
        for (n, tenant) in tenants.iter().enumerate() {
            case.bare.lanes.set_weight(Q, case.ids[n], tenant.weight).await.unwrap();
            case.left.extend((0..tenant.lanes).map(|lane| ((n, format!("pa~{lane}")), 0)));
        }
        case.served = case.left.keys().map(|lane| (lane.clone(), 0.0)).collect();
        case.fill_up().await;
        case
    }

    async fn fill_up(&mut self) {
        let mut jobs = Vec::new();
        for ((n, lane), left) in self.left.iter_mut().filter(|(_, left)| **left < LOW) {
            for _ in 0..PORTION {
                let (cost, priority) = self.tenants[*n].jobs[self.made % self.tenants[*n].jobs.len()];
                let request = JobRequest::new(Uuid::now_v7(), self.ids[*n], Work { act: Act::Succeed });
                let job = NewJob { priority, ..request.lane(lane.as_str()).cost(cost).into() };
                jobs.push(Envelope::from(&job));
                self.made += 1;
            }
            *left += PORTION;
        }
        if !jobs.is_empty() {
            self.bare.lanes.push(Q, &jobs, ALL, std::time::Instant::now()).await.unwrap();
        }
    }

    /// Claims until so much cost was served.
    async fn serve(&mut self, wants: &[usize], total: f64) {
        let mut sum = 0.0;
        for want in wants.iter().cycle() {
            let claimed = self.bare.claim(*want).await;
            for job in &claimed.jobs {
                let n = self.ids.iter().position(|id| *id == job.header.tenant).unwrap();
                let lane = (n, job.header.lane.clone());
                *self.left.get_mut(&lane).unwrap() -= 1;
                *self.served.get_mut(&lane).unwrap() += f64::from(job.cost);
                sum += f64::from(job.cost);
            }
            self.bare.ack(&claimed.jobs).await;
            if sum >= total {
                return;
            }
            if claimed.jobs.is_empty() {
                tokio::time::sleep(std::time::Duration::from_millis(2)).await;
            }
            self.fill_up().await;
        }
    }

    fn of_tenant(&self, n: usize) -> f64 {
        self.served.iter().filter(|((of, _), _)| *of == n).map(|(_, served)| served).sum()
    }
}

/// The most jobs that one visit takes.
fn visit(tenants: usize, wants: &[usize]) -> f64 {
    let of = |want: &usize| (want / 8).min(QUANTUM).max(want / tenants).max(1);
    wants.iter().map(of).max().unwrap() as f64
}

fn jain(values: &[f64]) -> f64 {
    let (sum, squares) = values.iter().fold((0.0, 0.0), |(sum, squares), x| (sum + x, squares + x * x));
    sum * sum / (values.len() as f64 * squares)
}

/// Serves so much that visits weigh little beside it, and holds what everybody got against its share.
async fn check(tenants: &[Tenant], wants: &[usize], ceiling: Ceiling) -> Result<(), TestCaseError> {
    let mut case = Case::new(tenants).await;
    match ceiling {
        Ceiling::None => {}
        Ceiling::AtOnce(jobs) => case.bare.limit(most(shared("pa"), jobs)).await,
        Ceiling::Rate(per_second, burst) => case.bare.limit(rate(shared("pa"), per_second, burst)).await,
    }
    let jobs = visit(tenants.len(), wants);
    let weights: f64 = tenants.iter().map(|tenant| tenant.weight).sum();
    let lanes = |tenant: &Tenant| if matches!(ceiling, Ceiling::None) { 1 } else { tenant.lanes };
    let visits: Vec<f64> = tenants.iter().map(|tenant| jobs * tenant.dearest() * lanes(tenant) as f64).collect();
    let behind: f64 = visits.iter().sum();
    // Nobody's last visit is more than a sixth of what it got: Jain's index can ask no less.
    let least = tenants.iter().zip(&visits).map(|(tenant, visit)| 6.0 * visit * weights / tenant.weight);
    case.serve(wants, least.fold(behind / WITHIN, f64::max)).await;

    let got: Vec<f64> = (0..tenants.len()).map(|n| case.of_tenant(n)).collect();
    let all: f64 = got.iter().sum();
    for (n, tenant) in tenants.iter().enumerate() {
        let (part, off) = (tenant.weight / weights, got[n] - all * tenant.weight / weights);
        let ahead = visits[n].max(WITHIN * part * all);
        let behind = (part * behind).max(WITHIN * part * all);
        prop_assert!((-behind..=ahead).contains(&off), "tenant {n}: {off} off its share of {all}, served {got:?}");
        if matches!(ceiling, Ceiling::None) {
            for lane in 0..tenant.lanes {
                let off = case.served[&(n, format!("pa~{lane}"))] - got[n] / tenant.lanes as f64;
                prop_assert!(off.abs() <= visits[n], "lane {lane} of tenant {n}: {off} off, {:?}", case.served);
            }
        }
    }
    let each: Vec<f64> = tenants.iter().zip(&got).map(|(tenant, got)| got / tenant.weight).collect();
    prop_assert!(jain(&each) >= JAIN, "{} of {each:?}", jain(&each));
    Ok(())
}

fn hold(cases: u32, ceilings: impl Strategy<Value = Ceiling>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(cases);
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 40, ..Config::default() };
    TestRunner::new(config)
        .run(&(tenants(), wants(), ceilings), |(tenants, wants, ceiling)| {
            runtime.block_on(check(&tenants, &wants, ceiling))
        })
        .unwrap_or_else(|failed| panic!("{failed}"));
}

#[test]
fn everybody_is_served_its_weights_share_of_the_cost() {
    hold(12, Just(Ceiling::None));
}

#[test]
fn under_a_ceiling_on_what_runs_shares_are_the_weights_too() {
    hold(8, (3..40_i32).prop_map(Ceiling::AtOnce));
}

#[test]
fn under_a_rate_that_all_share_shares_are_the_weights_too() {
    hold(4, (8..60_i32).prop_map(|burst| Ceiling::Rate(4_000.0, burst)));
}
