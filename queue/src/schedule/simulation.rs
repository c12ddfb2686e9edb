//! Rules against a model, around every shift of many zones' clocks.
//!
//! The model walks real time minute by minute, notes what the clocks show, and decides from that alone; it shares
//! nothing with the rule but the zone's offsets. Rules are generated as sets of values, which the model matches by itself.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use chrono::{DateTime, Datelike as _, NaiveDateTime, TimeDelta, TimeZone as _, Timelike as _, Utc};
use chrono_tz::Tz;
use proptest::prelude::*;
use proptest::sample::{Index, subsequence};

use super::{CatchUp, Rule};

/// Among them gaps of half an hour, two and three hours and a day, gaps at midnight, summers in the south, summers that pause
/// for a month, and zones that gave shifts up.
const ZONES: [Tz; 16] = [
    Tz::Africa__Cairo,
    Tz::Africa__Casablanca,
    Tz::America__Havana,
    Tz::America__New_York,
    Tz::America__Santiago,
    Tz::America__Sao_Paulo,
    Tz::America__St_Johns,
    Tz::Antarctica__Casey,
    Tz::Antarctica__Troll,
    Tz::Asia__Beirut,
    Tz::Asia__Gaza,
    Tz::Asia__Tehran,
    Tz::Australia__Lord_Howe,
    Tz::Europe__Berlin,
    Tz::Europe__London,
    Tz::Pacific__Apia,
];

/// All shifts of the zones from 2005 to 2035, each with its zone; to the minute.
static SHIFTS: LazyLock<Vec<(Tz, DateTime<Utc>)>> = LazyLock::new(|| {
    let (from, to) = (at("2005-01-01T00:00:00Z"), at("2036-01-01T00:00:00Z"));
    let even = |zone, from, span| wall(zone, from + span) - wall(zone, from) == span;
    let mut shifts = Vec::new();
    for zone in ZONES {
        let mut day = from;
        while day < to {
            if !even(zone, day, TimeDelta::days(1)) {
                let minute = TimeDelta::minutes(1);
                let mut last = day;
                while even(zone, last, minute) {
                    last += minute;
                }
                shifts.push((zone, last + minute));
            }
            day += TimeDelta::days(1);
        }
    }
    shifts
});

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn wall(zone: Tz, at: DateTime<Utc>) -> NaiveDateTime {
    zone.from_utc_datetime(&at.naive_utc()).naive_local()
}

/// A rule as sets; empty means all.
#[derive(Debug, Clone)]
struct Sets {
    seconds: Vec<u32>,
    minutes: Vec<u32>,
    hours: Vec<u32>,
    days: Vec<u32>,
    weekdays: Vec<&'static str>,
}

const WEEKDAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

impl Sets {
    fn cron(&self) -> String {
        fn field<T: ToString>(set: &[T]) -> String {
            let values: Vec<String> = set.iter().map(T::to_string).collect();
            if values.is_empty() { "*".to_owned() } else { values.join(",") }
        }
        let Self { seconds, minutes, hours, days, weekdays } = self;
        format!("{} {} {} {} * {}", field(seconds), field(minutes), field(hours), field(days), field(weekdays))
    }

    /// Whether the minute of `wall` is one of the rule's.
    fn has(&self, wall: NaiveDateTime) -> bool {
        let fits = |set: &[u32], value| set.is_empty() || set.contains(&value);
        let weekday = WEEKDAYS[usize::try_from(wall.weekday().num_days_from_monday()).unwrap()];
        fits(&self.minutes, wall.minute())
            && fits(&self.hours, wall.hour())
            && fits(&self.days, wall.day())
            && (self.weekdays.is_empty() || self.weekdays.contains(&weekday))
    }

    fn seconds(&self) -> Vec<TimeDelta> {
        let seconds: Vec<u32> = if self.seconds.is_empty() { (0..60).collect() } else { self.seconds.clone() };
        seconds.into_iter().map(|second| TimeDelta::seconds(second.into())).collect()
    }

    /// The ticks in `[from, to)`.
    fn ticks(&self, zone: Tz, from: DateTime<Utc>, to: DateTime<Utc>) -> BTreeSet<DateTime<Utc>> {
        let day = TimeDelta::hours(36);
        let minute = TimeDelta::minutes(1);
        // What the clocks show, minute by minute, each reading with its first instant; and the skipped readings, each with
        // the instant after the gap and the one at which it would have come.
        let mut shown: BTreeMap<NaiveDateTime, DateTime<Utc>> = BTreeMap::new();
        let mut skipped = Vec::new();
        let mut ticks = BTreeSet::new();
        let mut now = from - day;
        let mut before = wall(zone, now) - minute;
        let real = self.hours.is_empty() || self.hours.len() == 24;
        while now < to + day {
            let reading = wall(zone, now);
            let mut missing = before + minute;
            while missing < reading {
                skipped.push((missing, now, now + (missing - (before + minute))));
                missing += minute;
            }
            shown.entry(reading).or_insert(now);
            if real && self.has(reading) {
                ticks.extend(self.seconds().into_iter().map(|second| now + second));
            }
            before = reading;
            now += minute;
        }
        for (_, end, would_be) in skipped.into_iter().filter(|(reading, _, _)| self.has(*reading)) {
            match real {
                true => ticks.extend(self.seconds().into_iter().map(|second| would_be + second)),
                false => ticks.extend([end]),
            }
        }
        if !real {
            for (_, first) in shown.into_iter().filter(|(reading, _)| self.has(*reading)) {
                ticks.extend(self.seconds().into_iter().map(|second| first + second));
            }
        }
        ticks.retain(|tick| (from..to).contains(tick));
        ticks
    }
}

fn some_of(values: Vec<u32>, most: usize) -> impl Strategy<Value = Vec<u32>> {
    subsequence(values, 1..=most)
}

fn sets() -> impl Strategy<Value = Sets> {
    let seconds = prop_oneof![6 => Just(vec![0]), 2 => some_of((0..60).collect(), 3), 1 => Just(vec![])];
    let minutes = prop_oneof![
        2 => Just(vec![0]),
        2 => Just(vec![30]),
        1 => Just(vec![0, 15, 30, 45]),
        1 => Just(vec![]),
        3 => some_of((0..60).collect(), 4),
    ];
    // Shifts are at night.
    let hours = prop_oneof![
        2 => Just(vec![]),
        4 => some_of((0..5).collect(), 3),
        2 => some_of((0..24).collect(), 6),
        1 => Just((0..24).step_by(2).collect()),
    ];
    let days = prop_oneof![5 => Just(vec![]), 1 => some_of((1..=31).collect(), 20)];
    let weekdays = prop_oneof![5 => Just(vec![]), 2 => subsequence(WEEKDAYS.to_vec(), 1..=5)];
    (seconds, minutes, hours, days, weekdays).prop_map(|(seconds, minutes, hours, days, weekdays)| Sets {
        seconds,
        minutes,
        hours,
        days,
        weekdays,
    })
}

/// A rule around a shift: its ticks are the model's, whether they are read one after the other or asked for from any of
/// `looks`, from the shift, or from anywhere near a tick.
fn compare(sets: &Sets, zone: Tz, shift: DateTime<Utc>, looks: &[(i64, i64)]) {
    let rule = Rule::in_zone(&sets.cron(), zone).unwrap();
    let (from, to) = (shift - TimeDelta::hours(36), shift + TimeDelta::hours(36));
    let model: Vec<_> = sets.ticks(zone, from, to).into_iter().collect();
    let found: Vec<_> = rule.ticks(from - TimeDelta::nanoseconds(1)).take_while(|tick| *tick < to).collect();
    assert_eq!(found, model, "{} in {zone} around {shift}", sets.cron());
    assert!(found.is_sorted_by(|a, b| a < b));

    let near = |at: DateTime<Utc>| [at - TimeDelta::nanoseconds(1), at, at + TimeDelta::nanoseconds(1)];
    let moment = |(second, nano): &(i64, i64)| from + TimeDelta::seconds(*second) + TimeDelta::nanoseconds(*nano);
    let mut instants: Vec<_> = looks.iter().map(moment).collect();
    instants.extend(near(shift));
    let middle = found.partition_point(|tick| *tick < shift);
    instants.extend(found.iter().skip(middle.saturating_sub(15)).take(30).flat_map(|tick| near(*tick)));
    instants.sort_unstable();
    for instant in &instants {
        let next = rule.next(*instant).filter(|tick| *tick < to);
        let wanted = model.iter().copied().find(|tick| tick > instant);
        assert_eq!(next, wanted, "{} in {zone} after {instant}", sets.cron());
    }
    for pair in instants.windows(2).step_by(3) {
        let wanted = model.iter().copied().rfind(|tick| *tick > pair[0] && *tick <= pair[1]);
        assert_eq!(rule.latest(pair[0], pair[1]), wanted, "{} in {zone} in {pair:?}", sets.cron());
    }
}

/// Only here does a skipped time of a rule for every hour come when the rule would not tick anyway.
#[test]
fn half_an_hour_skipped_or_repeated_for_each_minute_of_the_hour() {
    let shifts = SHIFTS.iter().filter(|(zone, _)| *zone == Tz::Australia__Lord_Howe).take(4);
    for ((zone, shift), minute) in shifts.flat_map(|shift| (0..60).map(move |minute| (shift, minute))) {
        let sets = Sets { seconds: vec![0], minutes: vec![minute], hours: vec![], days: vec![], weekdays: vec![] };
        compare(&sets, *zone, *shift, &[]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_rule_ticks_as_the_model_does_and_wherever_one_starts_to_look(
        sets in sets(), shift in any::<Index>(), looks in prop::collection::vec((0_i64..259_200, 0_i64..1_000_000_000), 12),
    ) {
        let (zone, shift) = *shift.get(&SHIFTS);
        compare(&sets, zone, shift, &looks);
    }

    #[test]
    fn looks_at_any_instants_take_all_ticks_once_or_the_last_of_each_span(
        sets in sets(), shift in any::<Index>(), steps in prop::collection::vec(1_i64..20_000, 1..40), most in 1_usize..50,
    ) {
        let (zone, shift) = *shift.get(&SHIFTS);
        let rule = Rule::in_zone(&sets.cron(), zone).unwrap();
        let from = shift - TimeDelta::hours(36);
        let Some(first) = rule.from(from) else { return Ok(()) };
        let mut now = from;
        let mut nexts = CatchUp::ALL.map(|_| first);
        let mut taken: [Vec<DateTime<Utc>>; 3] = Default::default();
        let mut spans = Vec::new();
        for step in steps {
            let before = now;
            now += TimeDelta::seconds(step);
            spans.push((before, now));
            for (place, catch_up) in CatchUp::ALL.into_iter().enumerate() {
                // As a scheduler does: it looks again while more is due.
                while nexts[place] <= now {
                    let due = catch_up.due(&rule, nexts[place], now, most);
                    prop_assert!(due.ticks.len() <= most);
                    taken[place].extend(due.ticks);
                    nexts[place] = due.next.unwrap_or(DateTime::<Utc>::MAX_UTC);
                }
            }
        }
        let all: Vec<_> = sets.ticks(zone, from, now + TimeDelta::nanoseconds(1)).into_iter().collect();
        let last_of = |(a, b): &(DateTime<Utc>, DateTime<Utc>)| {
            all.iter().copied().rfind(|tick| (*tick > *a || *tick == from && *a == from) && tick <= b)
        };
        let last: Vec<_> = spans.iter().filter_map(last_of).collect();
        let on_time: Vec<_> = spans
            .iter()
            .filter_map(|span| last_of(span).filter(|tick| span.1 - *tick <= TimeDelta::seconds(60)))
            .collect();
        prop_assert_eq!(&taken, &[on_time, last, all], "{} in {} around {}", sets.cron(), zone, shift);
    }
}

/// Zones and years whole, with the rules that people write: nothing is drawn here.
#[test]
fn a_daily_tick_happens_once_a_local_day_in_every_zone_for_many_years() {
    for zone in ZONES {
        for time in ["0 0 0", "0 30 0", "0 30 1", "0 0 2", "59 59 2"] {
            let rule = Rule::in_zone(&format!("{time} * * *"), zone).unwrap();
            let mut days: BTreeMap<_, u32> = BTreeMap::new();
            let end = at("2027-01-01T00:00:00Z");
            for tick in rule.ticks(at("2011-01-02T00:00:00Z")).take_while(|tick| *tick < end) {
                *days.entry(wall(zone, tick).date()).or_default() += 1;
            }
            let (first, last) = (*days.first_key_value().unwrap().0, *days.last_key_value().unwrap().0);
            for day in first.iter_days().take_while(|day| *day <= last) {
                let ticks = days.get(&day).copied().unwrap_or_default();
                // Samoa left a day out: its tick is that day's and comes with the next day's.
                let wanted = match (zone, day.to_string().as_str()) {
                    (Tz::Pacific__Apia, "2011-12-30") => 0,
                    (Tz::Pacific__Apia, "2011-12-31") if time != "0 0 0" => 2,
                    _ => 1,
                };
                assert_eq!(ticks, wanted, "{time} in {zone} on {day}");
            }
        }
    }
}

#[test]
fn a_tick_every_quarter_of_an_hour_comes_every_quarter_of_a_real_hour() {
    for (zone, shift) in SHIFTS.iter() {
        let rule = Rule::in_zone("0 */15 * * * *", *zone).unwrap();
        let from = shift.with_minute(0).unwrap() - TimeDelta::hours(12);
        let ticks: Vec<_> = rule.ticks(from).take(100).collect();
        assert!(
            ticks.windows(2).all(|pair| pair[1] - pair[0] == TimeDelta::minutes(15)),
            "{zone} at {shift}: {ticks:?}"
        );
    }
}
