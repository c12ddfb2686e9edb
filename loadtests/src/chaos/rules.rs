//! The limits of a run as the outside knows them, and how often they were exceeded.
//!
//! Every beginning of a run is held against the rules that are in force then. What can be seen from outside has two
//! tolerances, and no more: a change takes effect within a second, so a limit that was in force during the last
//! second may still hold; and a run is seen to begin a little after the engine let it (the way to the worker and to
//! us), so that a rate may look fuller by what passes in that time. Where the way itself was troubled it may be later
//! ([`Lag`]), then and only then.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use uuid::Uuid;

use super::observer::Run;

/// Within this a change takes effect.
const PROMPT: Duration = Duration::from_secs(1);

/// Orders told beside a beginning that they forbade.
const TOLD_OF: usize = 4;

/// How much later than the engine we may see a run begin.
#[derive(Debug)]
pub struct Lag {
    usual: Duration,
    /// When the way from the engine to a worker was troubled, and how much later it may have been then.
    troubles: Vec<(Duration, Duration)>,
    troubled: Duration,
}

impl Lag {
    /// The same at all times.
    pub const fn of(usual: Duration) -> Self {
        Self { usual, troubles: Vec::new(), troubled: usual }
    }

    /// More, of what began during `troubles` or within the usual time of their ends.
    pub fn longer_in(self, troubles: &[(Duration, Duration)], troubled: Duration) -> Self {
        Self { troubles: troubles.to_vec(), troubled: self.usual + troubled, ..self }
    }

    /// At this instant.
    pub fn at(&self, begin: Duration) -> Duration {
        let is_late = self.troubles.iter().any(|(from, until)| (*from..=*until + self.usual).contains(&begin));
        if is_late { self.troubled } else { self.usual }
    }
}

/// What a rule covers: a tenant or one of its lanes, or a kind; with the nil tenant, all tenants together.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scope {
    /// Whose.
    pub tenant: Uuid,
    /// A lane, with all lanes below it; the whole tenant where empty.
    pub lane: String,
    /// Only jobs of this kind; all where empty.
    pub kind: String,
}

impl Scope {
    /// A tenant as a whole.
    pub const fn tenant(tenant: Uuid) -> Self {
        Self { tenant, lane: String::new(), kind: String::new() }
    }

    /// The whole queue.
    pub const fn queue() -> Self {
        Self::tenant(Uuid::nil())
    }

    /// Everybody's jobs of a kind.
    pub fn kind(kind: &str) -> Self {
        Self { kind: kind.to_owned(), ..Self::queue() }
    }

    /// A lane of all tenants together, and those below it.
    pub fn shared(lane: &str) -> Self {
        Self::lane(Uuid::nil(), lane)
    }

    /// A lane of a tenant, and those below it.
    pub fn lane(tenant: Uuid, lane: &str) -> Self {
        Self { lane: lane.to_owned(), ..Self::tenant(tenant) }
    }

    fn covers(&self, run: &Run) -> bool {
        let rest = run.lane.strip_prefix(self.lane.as_str());
        let whose = self.tenant.is_nil() || run.tenant == self.tenant;
        let of_kind = self.kind.is_empty() || run.kind == self.kind;
        whose && of_kind && (self.lane.is_empty() || rest.is_some_and(|r| r.is_empty() || r.starts_with('~')))
    }
}

/// What holds in a scope from some instant on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Rule {
    /// So many runs a second, and so many at once.
    Rate(f64, f64),
    /// So many runs at a time.
    AtOnce(usize),
    /// Paused (`true`) or resumed.
    Paused(bool),
    /// Something that forbids nothing.
    Other,
}

/// What was ordered when.
#[derive(Debug, Default)]
pub struct Rules {
    history: BTreeMap<Scope, Vec<(Duration, Rule)>>,
}

impl Rules {
    /// `rule` is ordered at `at`.
    pub fn order(&mut self, at: Duration, scope: Scope, rule: Rule) {
        self.history.entry(scope).or_default().push((at, rule));
    }

    /// Beginnings that no rule allowed, each told for people.
    pub fn exceeded(&self, runs: &[Run], lag: &Lag) -> Vec<String> {
        let over = |(scope, orders): (&Scope, &Vec<(Duration, Rule)>)| {
            let runs: Vec<&Run> = runs.iter().filter(|run| scope.covers(run)).collect();
            let rates =
                pick(orders, |rule| if let Rule::Rate(rate, burst) = rule { Some((rate, burst)) } else { None });
            let most = pick(orders, |rule| if let Rule::AtOnce(most) = rule { Some(most) } else { None });
            let pauses = pick(orders, |rule| if let Rule::Paused(paused) = rule { Some(paused) } else { None });
            let fast = told(too_fast(&runs, &rates, lag), "faster than", scope, &rates);
            let many = told(too_many(&runs, &most, lag), "beside as many as", scope, &most);
            let paused = told(while_paused(&runs, &pauses, lag), "in the pause of", scope, &pauses);
            [fast, many, paused].concat()
        };
        self.history.iter().flat_map(over).collect()
    }
}

/// `over` with the orders that were given to `scope` in the seconds before.
fn told<T: fmt::Debug>(over: Vec<&Run>, how: &str, scope: &Scope, orders: &[(Duration, T)]) -> Vec<String> {
    let tell = |run: &Run| {
        let given = orders.partition_point(|(at, _)| *at <= run.from);
        let last = &orders[given.saturating_sub(TOLD_OF)..given];
        let Run { job, lane, worker, from, until, .. } = run;
        format!("{job} in {lane} at {worker} ran from {from:?} to {until:?}, {how} {scope:?} lets: {last:?}")
    };
    over.into_iter().map(tell).collect()
}

fn pick<T>(orders: &[(Duration, Rule)], of: impl Fn(Rule) -> Option<T>) -> Vec<(Duration, T)> {
    orders.iter().filter_map(|(at, rule)| Some((*at, of(*rule)?))).collect()
}

/// The orders that may be in force at some instant of `[from, to]`: all given in it, and the last before it.
fn in_force<T: Copy>(orders: &[(Duration, T)], from: Duration, to: Duration) -> impl Iterator<Item = Option<T>> {
    let before = orders.iter().rev().find(|(at, _)| *at <= from).map(|(_, rule)| *rule);
    let within: Vec<Option<T>> =
        orders.iter().filter(|(at, _)| *at > from && *at <= to).map(|(_, rule)| Some(*rule)).collect();
    std::iter::once(before).chain(within)
}

/// A bucket that leaks at the highest rate that may hold and holds the largest burst that may: what overflows is too fast.
/// One that is made smaller is full then, and no fuller: what was let through before, it let through rightly.
/// What came late was let through before, when the bucket had room for it: it is no reason to find the next ones too fast.
fn too_fast<'a>(runs: &[&'a Run], orders: &[(Duration, (f64, f64))], lag: &Lag) -> Vec<&'a Run> {
    let (mut level, mut last, mut over) = (0.0_f64, Duration::ZERO, Vec::new());
    for run in runs {
        let jitter = lag.at(run.from);
        let since = last.saturating_sub(PROMPT + jitter);
        let mut limits = in_force(orders, since, run.from).map(|rule| rule.unwrap_or((f64::INFINITY, 1.0)));
        let (rate, burst) = limits.by_ref().fold((0.0_f64, 0.0_f64), |most, l| (most.0.max(l.0), most.1.max(l.1)));
        if rate.is_infinite() {
            level = 0.0;
        } else {
            let holds = burst + rate * jitter.as_secs_f64();
            level = level.min(holds) - rate * (run.from - last).as_secs_f64();
            if lag.at(last) > jitter {
                level = level.min(holds - 1.0);
            }
            level = level.max(0.0) + 1.0;
            if level > holds + 1e-6 {
                over.push(*run);
                level -= 1.0;
            }
        }
        last = run.from;
    }
    over
}

/// Beginnings that found as many others under way as may be.
fn too_many<'a>(runs: &[&'a Run], orders: &[(Duration, usize)], lag: &Lag) -> Vec<&'a Run> {
    let mut under_way: Vec<Duration> = Vec::new();
    let mut over = Vec::new();
    for run in runs {
        under_way.retain(|until| *until > run.from);
        under_way.push(run.until.unwrap_or(Duration::MAX));
        let since = run.from.saturating_sub(PROMPT + lag.at(run.from));
        let most = in_force(orders, since, run.from).map(|most| most.unwrap_or(usize::MAX)).max();
        if most.is_some_and(|most| under_way.len() > most) {
            over.push(*run);
        }
    }
    over
}

/// Beginnings although a pause had long been ordered.
fn while_paused<'a>(runs: &[&'a Run], orders: &[(Duration, bool)], lag: &Lag) -> Vec<&'a Run> {
    let barred = |run: &&'a Run| {
        let since = run.from.saturating_sub(PROMPT + lag.at(run.from));
        in_force(orders, since, run.from).all(|paused| paused == Some(true))
    };
    runs.iter().copied().filter(barred).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn runs(spans: impl IntoIterator<Item = (u32, u32)>) -> Vec<Run> {
        let run = |(from, until)| Run {
            job: Uuid::nil(),
            tenant: Uuid::from_u128(1),
            kind: "touch".to_owned(),
            lane: "pa~s1".to_owned(),
            worker: String::new(),
            from: MS * from,
            until: Some(MS * until),
        };
        spans.into_iter().map(run).collect()
    }

    fn exceeded(orders: &[(u32, Rule)], spans: impl IntoIterator<Item = (u32, u32)>) -> usize {
        exceeded_in(&Scope::shared("pa"), orders, spans)
    }

    fn exceeded_in(scope: &Scope, orders: &[(u32, Rule)], spans: impl IntoIterator<Item = (u32, u32)>) -> usize {
        let mut rules = Rules::default();
        for (at, rule) in orders {
            rules.order(MS * *at, scope.clone(), *rule);
        }
        rules.exceeded(&runs(spans), &Lag::of(MS * 100)).len()
    }

    #[test]
    fn a_rate_allows_its_burst_and_its_pace_and_no_more() {
        let rate = [(0, Rule::Rate(10.0, 2.0))];
        let paced = |step: u32| (0..50).map(move |n| (n * step, n * step));
        assert_eq!(exceeded(&rate, paced(100)), 0);
        assert!(exceeded(&rate, paced(80)) > 5, "an eighth too fast");
        assert_eq!(exceeded(&rate, [(0, 0), (0, 0), (1, 1)]), 0, "the burst, and one for the jitter");
        assert_eq!(exceeded(&rate, [(0, 0), (0, 0), (1, 1), (2, 2)]), 1);
    }

    #[test]
    fn a_higher_rate_counts_from_its_order_and_a_lower_one_a_second_later() {
        let twenty = |from: u32| (0..20).map(move |n| (from + n * 50, from + n * 50));
        let up = [(0, Rule::Rate(1.0, 1.0)), (1_000, Rule::Rate(20.0, 1.0))];
        assert_eq!(exceeded(&up, twenty(1_000)), 0);
        let down = [(0, Rule::Rate(20.0, 1.0)), (1_000, Rule::Rate(1.0, 1.0))];
        assert_eq!(exceeded(&down, twenty(1_000)), 0, "the old one may hold for a second");
        assert!(exceeded(&down, twenty(3_000)) > 10);
    }

    #[test]
    fn a_burst_that_was_used_up_before_it_was_lowered_is_no_reason_to_find_the_pace_too_fast() {
        let lowered = [(0, Rule::Rate(2.0, 5.0)), (1_000, Rule::Rate(2.0, 1.0))];
        let runs = |step: u32| (0..5).map(|n| (n, n)).chain((1..20).map(move |n| (n * step, n * step)));
        assert_eq!(exceeded(&lowered, runs(500)), 0);
        assert!(exceeded(&lowered, runs(400)) > 2, "a quarter too fast");
    }

    #[test]
    fn what_comes_late_out_of_trouble_is_not_too_fast_and_what_comes_after_it_is() {
        let mut rules = Rules::default();
        rules.order(Duration::ZERO, Scope::queue(), Rule::Rate(10.0, 1.0));
        let lag = Lag::of(MS * 100).longer_in(&[(MS * 1_000, MS * 3_000)], MS * 2_000);
        let late = (0..20).map(|n| (3_000 + n, 3_000 + n));
        let after = |step: u32| (0..50).map(move |n| (3_200 + n * step, 3_200 + n * step));
        assert_eq!(rules.exceeded(&runs(late.clone()), &lag).len(), 0);
        assert_eq!(rules.exceeded(&runs(late.clone().chain(after(100))), &lag).len(), 0, "at the rate");
        assert!(rules.exceeded(&runs(late.clone().chain(after(80))), &lag).len() > 5, "an eighth too fast");
        let elsewhere = Lag::of(MS * 100).longer_in(&[(MS * 9_000, MS * 9_100)], MS * 2_000);
        assert!(rules.exceeded(&runs(late), &elsewhere).len() > 10, "no trouble then");
    }

    #[test]
    fn beginnings_count_those_under_way() {
        let most = [(0, Rule::AtOnce(2))];
        assert_eq!(exceeded(&most, [(0, 10), (1, 10), (10, 20), (11, 20)]), 0);
        assert_eq!(exceeded(&most, [(0, 10), (1, 10), (9, 20)]), 1);
        let fewer = [(0, Rule::AtOnce(3)), (5_000, Rule::AtOnce(1))];
        let long = [(0, 9_000), (1, 9_000), (2, 9_000)];
        assert_eq!(exceeded(&fewer, long), 0, "what runs may go on");
        assert_eq!(exceeded(&fewer, long.into_iter().chain([(6_200, 9_000)])), 1);
    }

    #[test]
    fn a_pause_bars_after_a_second_and_until_it_is_lifted() {
        let pause = [(1_000, Rule::Paused(true)), (9_000, Rule::Paused(false))];
        assert_eq!(exceeded(&pause, [(500, 500), (1_900, 1_900), (9_001, 9_001)]), 0);
        assert_eq!(exceeded(&pause, [(2_200, 2_200), (8_999, 8_999)]), 2);
    }

    #[test]
    fn a_rule_covers_the_queue_a_kind_a_lane_or_what_all_share_and_nothing_else() {
        let (whose, another) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let covering = [
            Scope::queue(),
            Scope::kind("touch"),
            Scope::tenant(whose),
            Scope::lane(whose, "pa~s1"),
            Scope::shared("pa~s1"),
            Scope::shared("pa"),
        ];
        let other = [
            Scope::kind("unheard"),
            Scope::tenant(another),
            Scope::lane(another, "pa~s1"),
            Scope::lane(whose, "pa~s2"),
            Scope::shared("p"),
        ];
        let orders = [(0, Rule::Paused(true)), (0, Rule::AtOnce(1))];
        let spans = [(2_200, 2_300), (2_250, 2_300)];
        for (scopes, wanted) in [(&covering[..], 3), (&other[..], 0)] {
            for scope in scopes {
                assert_eq!(exceeded_in(scope, &orders, spans), wanted, "{scope:?}");
            }
        }
    }
}
