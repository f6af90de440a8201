//! What the process takes of the machine, under the names that every exporter gives it. Linux tells; elsewhere there is
//! nothing of it.

use std::sync::OnceLock;

use metrics::{counter, describe_counter, describe_gauge, gauge};

pub(super) const RESIDENT: &str = "process_resident_memory_bytes";
const VIRTUAL: &str = "process_virtual_memory_bytes";
const PROCESSOR: &str = "process_cpu_seconds_total";
const OPEN_FILES: &str = "process_open_fds";
const MOST_FILES: &str = "process_max_fds";
const STARTED: &str = "process_start_time_seconds";
const THREADS: &str = "process_threads";

/// Clock ticks a second, as Linux gives times to programs; the same on every architecture that it is built for.
const TICKS: f64 = 100.0;

pub(super) fn describe() {
    describe_gauge!(VIRTUAL, "Bytes of address space of the process.");
    describe_counter!(PROCESSOR, "Seconds of processors that the process has used.");
    describe_gauge!(OPEN_FILES, "Files and sockets that the process has open.");
    describe_gauge!(MOST_FILES, "Files and sockets that the process may have open.");
    describe_gauge!(STARTED, "When the process started, in seconds since 1970.");
    describe_gauge!(THREADS, "Threads of the process.");
}

/// Looks, which takes some microseconds.
pub(super) fn measure() {
    if let Ok(status) = std::fs::read_to_string("/proc/self/status") {
        let kilobytes = |name| field(&status, name).map(|kb| kb * 1_024.0);
        set(RESIDENT, kilobytes("VmRSS:"));
        set(VIRTUAL, kilobytes("VmSize:"));
        set(THREADS, field(&status, "Threads:"));
    }
    if let Ok(stat) = std::fs::read_to_string("/proc/self/stat") {
        // The name in parentheses may hold blanks.
        let fields: Vec<&str> = stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace().collect();
        let ticks = |at: usize| fields.get(at).and_then(|ticks| ticks.parse::<f64>().ok()).map(|ticks| ticks / TICKS);
        if let (Some(user), Some(system)) = (ticks(11), ticks(12)) {
            counter!(PROCESSOR).absolute((user + system) as u64);
        }
        set(STARTED, ticks(19).zip(booted()).map(|(since, booted)| booted + since));
    }
    if let Ok(files) = std::fs::read_dir("/proc/self/fd") {
        set(OPEN_FILES, Some(files.count() as f64));
    }
    if let Ok(limits) = std::fs::read_to_string("/proc/self/limits") {
        set(MOST_FILES, field(&limits, "Max open files"));
    }
}

/// When the machine was booted, which is looked up once: the file counts every interrupt.
fn booted() -> Option<f64> {
    static BOOTED: OnceLock<Option<f64>> = OnceLock::new();
    *BOOTED.get_or_init(|| field(&std::fs::read_to_string("/proc/stat").ok()?, "btime"))
}

fn set(name: &'static str, value: Option<f64>) {
    if let Some(value) = value {
        gauge!(name).set(value);
    }
}

/// The first number after a name at the start of a line.
fn field(text: &str, name: &str) -> Option<f64> {
    let rest = text.lines().find_map(|line| line.strip_prefix(name))?;
    rest.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_follow_their_names() {
        let limits = "Limit                     Soft Limit           Hard Limit\nMax open files            1024      4096 files\n";
        assert_eq!(field(limits, "Max open files"), Some(1024.0));
        assert_eq!(field("VmSize:\t  10 kB\nVmRSS:\t  512 kB\n", "VmRSS:"), Some(512.0));
        assert_eq!(field("Max open files  unlimited unlimited\n", "Max open files"), None);
    }
}
