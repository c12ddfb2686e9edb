//! Metrics: code counts through the `metrics` facade, and this recorder renders what was counted for Prometheus.
//!
//! The exporter's own listener is not used: `/metrics` stands on the listener that each program has anyway.
//! Every histogram has buckets, by the suffix of its name, because summaries of several processes cannot be added up:
//! name a duration `…_seconds`, and it gets buckets from 1 ms to 5 min.
//! It is broken by a label with unbounded values (a tenant, an id): each value is a series kept for ever.

mod process;

use std::{sync::OnceLock, time::Duration};

use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};

/// Upper bounds for durations, in seconds. Dense below 100 ms, where the promises about latency are.
pub const LATENCY_BUCKETS: [f64; 20] = [
    0.001, 0.0025, 0.005, 0.0075, 0.01, 0.015, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0,
    120.0, 300.0,
];

/// Upper bounds for everything else that is spread: sizes of batches, bytes, counts.
pub const SIZE_BUCKETS: [f64; 14] =
    [1.0, 2.0, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1_000.0, 10_000.0, 100_000.0, 1_000_000.0, 10_000_000.0];

/// How often [`upkeep`] drains the samples of histograms.
const UPKEEP_EVERY: Duration = Duration::from_secs(5);

static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();

/// Makes this the process's recorder. Calling it again changes nothing.
///
/// # Errors
/// Another recorder was installed before.
pub fn install(service: &str) -> Result<(), BuildError> {
    if HANDLE.get().is_some() {
        return Ok(());
    }
    let handle = PrometheusBuilder::new()
        .set_buckets(&SIZE_BUCKETS)?
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &LATENCY_BUCKETS)?
        .install_recorder();
    match handle {
        Ok(handle) => {
            HANDLE.get_or_init(|| handle);
            process::describe(service);
            Ok(())
        }
        // Two threads that install at once: one wins, and the other finds its handle here.
        Err(_) if HANDLE.get().is_some() => Ok(()),
        Err(error) => Err(error),
    }
}

/// Everything counted so far, in Prometheus' text format; empty before [`install`].
#[must_use]
pub fn render() -> String {
    HANDLE.get().map_or_else(String::new, |handle| {
        process::measure();
        handle.render()
    })
}

/// Drains the samples of histograms for as long as it is polled: without it, they grow in memory until a scrape.
pub async fn upkeep() {
    let mut ticks = tokio::time::interval(UPKEEP_EVERY);
    loop {
        ticks.tick().await;
        if let Some(handle) = HANDLE.get() {
            handle.run_upkeep();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_rendered_with_latency_buckets() {
        install("t").unwrap();
        install("t").unwrap();
        metrics::histogram!("metrics_test_seconds").record(0.002);
        metrics::histogram!("metrics_test_rows").record(3.0);
        let text = render();
        for line in [
            "metrics_test_seconds_bucket{le=\"0.001\"} 0",
            "metrics_test_seconds_bucket{le=\"0.0025\"} 1",
            "metrics_test_rows_bucket{le=\"5\"} 1",
            "patchbay_build_info{service=\"t\",version=\"",
        ] {
            assert!(text.contains(line), "{line} is not in:\n{text}");
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn the_process_measures_itself() {
        install("t").unwrap();
        let text = render();
        let value = |name: &str| -> f64 {
            let line = text.lines().find(|line| line.starts_with(&format!("{name} "))).unwrap();
            line.rsplit(' ').next().unwrap().parse().unwrap()
        };
        assert!(value("process_resident_memory_bytes") > 1e6);
        assert!(value("process_open_fds") >= 3.0);
        assert!(value("process_uptime_seconds") >= 0.0);
    }

    #[test]
    fn buckets_rise() {
        assert!(LATENCY_BUCKETS.is_sorted() && SIZE_BUCKETS.is_sorted());
    }
}
