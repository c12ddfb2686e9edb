//! One line about the machine, so that a figure found later can still be read.

/// Cores, their make, memory and system; what cannot be found out is left out.
pub fn describe() -> String {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let mut parts = vec![format!("{cores} cores")];
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let field = |text: &str, name: &str| {
        text.lines().find(|line| line.starts_with(name))?.split_once(':').map(|(_, value)| value.trim().to_owned())
    };
    parts.extend(field(&read("/proc/cpuinfo"), "model name"));
    let kilobytes = field(&read("/proc/meminfo"), "MemTotal");
    let memory = kilobytes.and_then(|text| text.split_whitespace().next()?.parse::<u64>().ok());
    parts.extend(memory.map(|kb| format!("{} GB", kb.div_ceil(1024 * 1024))));
    parts.push(format!("{} {}", std::env::consts::OS, std::env::consts::ARCH));
    let load = read("/proc/loadavg");
    parts.extend(load.split_whitespace().next().map(|load| format!("load {load} at the start")));
    parts.join(", ")
}
