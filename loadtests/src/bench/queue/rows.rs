//! From standings to rows of the report.

use super::field::{Entrant, Store};
use super::race::{Figure, Standings};
use crate::report::{Bar, Report};

/// Our rate beside the best peer of each kind that a bar is about, then everybody's by itself.
pub fn rate(report: &mut Report, name: &str, figure: Figure, standings: &Standings, bars: &[(Option<Store>, f64)]) {
    let Some(ours) = standings.of(Entrant::Ours, figure) else { return };
    for (store, bar) in bars {
        let against = match store {
            Some(Store::Postgres) => "best PostgreSQL-durable peer",
            Some(Store::Redis) => "best Redis-only peer",
            None => "best peer",
        };
        match standings.best_peer(figure, *store) {
            Some((peer, value)) => {
                let against = format!("{against}: {}", peer.name());
                report.compared(name, ours, "jobs/s", (&against, value), Some(Bar::AtLeast(*bar)));
            }
            None => {
                report.figure(name, ours, "jobs/s", None);
                report.remark(format!("{name}: no {against} took part"));
            }
        }
    }
    peers(report, name, figure, "jobs/s", standings);
}

/// The peers' figures, for the scale.
pub fn peers(report: &mut Report, name: &str, figure: Figure, unit: &str, standings: &Standings) {
    for entrant in Entrant::ALL.iter().filter(|entrant| **entrant != Entrant::Ours) {
        if let Some(value) = standings.of(*entrant, figure) {
            report.figure(&format!("{name}: {}", entrant.name()), value, unit, None);
        }
    }
}
