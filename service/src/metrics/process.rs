//! What the process is and uses: its version, memory, open files and age, measured when metrics are rendered.
//!
//! Memory and files come from `/proc`, so they are there on Linux only (proc(5)): elsewhere the series are absent, not 0.

use std::{fs, sync::OnceLock, time::Instant};

use metrics::{Unit, describe_gauge, gauge};

static STARTED: OnceLock<Instant> = OnceLock::new();

/// Describes the series and sets the one that never changes.
pub(super) fn describe(service: &str) {
    STARTED.get_or_init(Instant::now);
    describe_gauge!("patchbay_build_info", "1, with the program and its version as labels.");
    describe_gauge!("process_resident_memory_bytes", Unit::Bytes, "Resident memory.");
    describe_gauge!("process_open_fds", Unit::Count, "Open file descriptors.");
    describe_gauge!("process_uptime_seconds", Unit::Seconds, "Seconds since the program started to count.");
    gauge!("patchbay_build_info", "service" => service.to_owned(), "version" => env!("CARGO_PKG_VERSION")).set(1.0);
}

/// Brings the series up to date.
pub(super) fn measure() {
    if let Some(started) = STARTED.get() {
        gauge!("process_uptime_seconds").set(started.elapsed().as_secs_f64());
    }
    if let Some(kibibytes) = fs::read_to_string("/proc/self/status").ok().as_deref().and_then(resident_kibibytes) {
        gauge!("process_resident_memory_bytes").set(kibibytes * 1024.0);
    }
    if let Some(files) = fs::read_dir("/proc/self/fd").ok().and_then(|open| u32::try_from(open.count()).ok()) {
        gauge!("process_open_fds").set(f64::from(files));
    }
}

/// The line looks like `VmRSS:   12345 kB`, with tabs before the number.
fn resident_kibibytes(status: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resident_memory_is_read_from_its_line() {
        assert_eq!(resident_kibibytes("Name:\tx\nVmRSS:\t   12345 kB\nThreads:\t2\n"), Some(12_345.0));
        assert_eq!(resident_kibibytes("Name:\tx\n"), None);
    }
}
