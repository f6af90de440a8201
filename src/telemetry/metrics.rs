//! Every metric: its name, what it says, and the one function that tells it. Labels have few values, none of which input
//! can make up: what isn't known beforehand counts as "other".

use std::sync::OnceLock;
use std::time::Duration;

use metrics::{
    Counter, Histogram, Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram,
};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};

use super::handles::Handles;
use super::process;

const HTTP_REQUESTS: &str = "prospectus_http_requests_total";
const HTTP_DURATION: &str = "prospectus_http_request_duration_seconds";
const RATE_LIMITED: &str = "prospectus_rate_limited_total";
const OPERATIONS: &str = "prospectus_graphql_operations_total";
const OPERATION_DURATION: &str = "prospectus_graphql_operation_duration_seconds";
const OPERATION_COST: &str = "prospectus_graphql_operation_cost";
const PHASE_DURATION: &str = "prospectus_graphql_phase_duration_seconds";
const SUBSCRIPTIONS: &str = "prospectus_subscriptions";
const WEBSOCKETS: &str = "prospectus_websockets";
const EVENT_LAG: &str = "prospectus_event_lag_total";
const STATEMENT_DURATION: &str = "prospectus_database_statement_duration_seconds";
const DATABASE_UP: &str = "prospectus_database_up";
const POOL: &str = "prospectus_database_pool_connections";
const POOL_MOST: &str = "prospectus_database_pool_max_connections";
const POOL_WAIT: &str = "prospectus_database_pool_wait_seconds";
const JOBS: &str = "prospectus_jobs";
const JOB_AGE: &str = "prospectus_job_age_seconds";
const QUEUE_AGE: &str = "prospectus_job_queue_age_seconds";
const JOB_DURATION: &str = "prospectus_job_duration_seconds";
const JOB_WAIT: &str = "prospectus_job_wait_seconds";
const PROVIDER_CALLS: &str = "prospectus_provider_calls_total";
const PROVIDER_DURATION: &str = "prospectus_provider_call_duration_seconds";
const BUDGET_LEFT: &str = "prospectus_provider_budget_left";
const CACHE_HITS: &str = "prospectus_cache_hits_total";
const CACHE_MISSES: &str = "prospectus_cache_misses_total";
const RENDERS: &str = "prospectus_renders_total";
const RENDER_DURATION: &str = "prospectus_render_duration_seconds";
const RENDER_QUEUE: &str = "prospectus_render_queue_length";
const RENDERING: &str = "prospectus_renders_in_progress";
const BUILD: &str = "prospectus_build_info";

const COUNTERS: [(&str, &str); 8] = [
    (HTTP_REQUESTS, "Requests answered, by route, method and status."),
    (RATE_LIMITED, "Requests turned away for their rate, by reason: cost, or guesses at tokens."),
    (OPERATIONS, "GraphQL operations, by type, name and outcome: ok, or the code of the first error."),
    (EVENT_LAG, "Times that a follower, or the feed of all, was too slow for the events and missed some."),
    (PROVIDER_CALLS, "Requests to providers, by outcome."),
    (CACHE_HITS, "Look-ups that a cache answered."),
    (CACHE_MISSES, "Look-ups that a cache could not answer."),
    (RENDERS, "Reports and charts asked for, by kind and outcome: rendered, cached, refused or failed."),
];

const GAUGES: [(&str, &str); 14] = [
    (SUBSCRIPTIONS, "Subscriptions that are followed now."),
    (WEBSOCKETS, "WebSockets that are open now."),
    (DATABASE_UP, "1 if the database answered this scrape."),
    (POOL, "Connections to the database, by pool and state: in_use or idle."),
    (POOL_MOST, "Connections that a pool may have."),
    (POOL_WAIT, "How long this scrape waited for a connection, which is what a request waits now."),
    (JOBS, "Jobs that haven't ended, by kind and state."),
    (JOB_AGE, "Age of the oldest job of a kind and state that hasn't ended, counted from when it was recorded."),
    (QUEUE_AGE, "How long the job that has been due for the longest has waited for a worker."),
    (BUDGET_LEFT, "Requests that may still be sent to a provider today."),
    (RENDER_QUEUE, "Reports and charts that wait to be rendered."),
    (RENDERING, "Reports and charts that are being rendered now."),
    (BUILD, "The version that runs; always 1."),
    (process::RESIDENT, "Bytes of memory that the process holds."),
];

/// Upper bounds of buckets: from a request that the cache answers to one that runs into its deadline.
const SECONDS: [f64; 14] = [0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0];
/// Jobs wait for providers, or compute for minutes.
const LONG_SECONDS: [f64; 12] = [0.05, 0.25, 1.0, 2.5, 10.0, 30.0, 60.0, 180.0, 600.0, 1_800.0, 3_600.0, 14_400.0];
const COSTS: [f64; 10] = [10.0, 30.0, 100.0, 300.0, 1_000.0, 3_000.0, 10_000.0, 30_000.0, 100_000.0, 1_000_000.0];

const HISTOGRAMS: [(&str, &[f64], &str); 9] = [
    (HTTP_DURATION, &SECONDS, "Time from a request's head to its answer's head, by route."),
    (
        OPERATION_DURATION,
        &SECONDS,
        "Time of GraphQL operations that ran, by type and name, the wait for a permit included.",
    ),
    (OPERATION_COST, &COSTS, "Cost of GraphQL operations, in the units of RATE_LIMIT."),
    (PHASE_DURATION, &SECONDS, "Time that operations spend in a phase: wait for a permit, resolve, write the answer."),
    (STATEMENT_DURATION, &SECONDS, "Time of SQL statements, the wait for a connection included, by verb and outcome."),
    (JOB_DURATION, &LONG_SECONDS, "Time of runs of jobs, by kind and outcome."),
    (JOB_WAIT, &LONG_SECONDS, "Time from when a job was due to when a worker took it."),
    (PROVIDER_DURATION, &SECONDS, "Time of requests to providers."),
    (RENDER_DURATION, &SECONDS, "Time of rendering a report or a chart, the wait for a permit not counted."),
];

static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();

/// Begins to count. Without this, telling a metric does nothing.
///
/// # Errors
/// When somebody else's recorder is there already.
pub fn install(role: &'static str) -> Result<(), BuildError> {
    let mut builder = PrometheusBuilder::new();
    for (name, buckets, _) in HISTOGRAMS {
        builder = builder.set_buckets_for_metric(Matcher::Full(name.to_owned()), buckets)?;
    }
    let handle = builder.install_recorder()?;
    for (name, help) in COUNTERS {
        describe_counter!(name, Unit::Count, help);
    }
    for (name, help) in GAUGES {
        describe_gauge!(name, help);
    }
    for (name, _, help) in HISTOGRAMS {
        describe_histogram!(name, help);
    }
    process::describe();
    gauge!(BUILD, "version" => env!("CARGO_PKG_VERSION"), "role" => role).set(1.0);
    // Counters without labels are there from the start, so that their first increase is seen as one.
    counter!(EVENT_LAG).absolute(0);
    for name in [SUBSCRIPTIONS, WEBSOCKETS, RENDER_QUEUE, RENDERING] {
        gauge!(name).set(0.0);
    }
    let _ = HANDLE.set(handle);
    Ok(())
}

/// Everything counted so far, in Prometheus' text format; nothing if nothing is counted.
#[must_use]
pub fn render() -> Option<String> {
    let handle = HANDLE.get()?;
    process::measure();
    Some(handle.render())
}

/// Folds the samples of histograms. To be called every few seconds, or samples pile up.
pub fn tidy() {
    if let Some(handle) = HANDLE.get() {
        handle.run_upkeep();
    }
}

pub fn http_request(method: &'static str, route: &str, status: u16, took: Duration) {
    static TOOK: Handles<(), Histogram> = Handles::new();
    static ANSWERED: Handles<(&str, u16), Counter> = Handles::new();
    TOOK.get(route, (), || histogram!(HTTP_DURATION, "route" => route.to_owned())).record(took);
    let answered = || {
        let (route, status) = (route.to_owned(), status.to_string());
        counter!(HTTP_REQUESTS, "method" => method, "route" => route, "status" => status)
    };
    ANSWERED.get(route, (method, status), answered).increment(1);
}

/// Why a request is turned away for its rate.
#[derive(Debug, Clone, Copy)]
pub enum Rate {
    Cost,
    Guesses,
}

pub fn rate_limited(reason: Rate) {
    let reason = match reason {
        Rate::Cost => "cost",
        Rate::Guesses => "guesses",
    };
    counter!(RATE_LIMITED, "reason" => reason).increment(1);
}

/// An operation's type and name as labels have them.
#[derive(Debug, Clone)]
pub struct Operation {
    pub kind: &'static str,
    /// The name of an operation that is known beforehand, or "other".
    pub name: String,
}

/// An operation that was not let in, or has ended. `outcome` is a code of the service's own.
pub fn operation(operation: &Operation, outcome: &'static str) {
    static ENDED: Handles<(&str, &str), Counter> = Handles::new();
    let ended = || {
        let Operation { kind, name } = operation.clone();
        counter!(OPERATIONS, "operation_type" => kind, "operation" => name, "outcome" => outcome)
    };
    ENDED.get(&operation.name, (operation.kind, outcome), ended).increment(1);
}

pub fn operation_cost(kind: &'static str, cost: u64) {
    static COST: Handles<(), Histogram> = Handles::new();
    COST.get(kind, (), || histogram!(OPERATION_COST, "operation_type" => kind)).record(cost as f64);
}

pub fn operation_took(operation: &Operation, took: Duration) {
    static TOOK: Handles<&str, Histogram> = Handles::new();
    let new = || {
        let Operation { kind, name } = operation.clone();
        histogram!(OPERATION_DURATION, "operation_type" => kind, "operation" => name)
    };
    TOOK.get(&operation.name, operation.kind, new).record(took);
}

/// What an operation does after it is let in.
#[derive(Debug, Clone, Copy)]
pub enum Phase {
    Wait,
    Resolve,
    Write,
}

pub fn phase(phase: Phase, took: Duration) {
    static TOOK: Handles<(), Histogram> = Handles::new();
    let phase = match phase {
        Phase::Wait => "wait",
        Phase::Resolve => "resolve",
        Phase::Write => "write",
    };
    TOOK.get(phase, (), || histogram!(PHASE_DURATION, "phase" => phase)).record(took);
}

/// Something that lasts and is counted meanwhile.
pub struct Present(&'static str);

impl Present {
    fn new(name: &'static str) -> Self {
        gauge!(name).increment(1.0);
        Self(name)
    }

    #[must_use]
    pub fn subscription() -> Self {
        Self::new(SUBSCRIPTIONS)
    }

    #[must_use]
    pub fn websocket() -> Self {
        Self::new(WEBSOCKETS)
    }

    #[must_use]
    pub fn waiting_to_render() -> Self {
        Self::new(RENDER_QUEUE)
    }

    #[must_use]
    pub fn rendering() -> Self {
        Self::new(RENDERING)
    }
}

impl Drop for Present {
    fn drop(&mut self) {
        gauge!(self.0).decrement(1.0);
    }
}

pub fn event_lag() {
    counter!(EVENT_LAG).increment(1);
}

pub fn statement(verb: &'static str, failed: bool, took: Duration) {
    static TOOK: Handles<&str, Histogram> = Handles::new();
    let outcome = if failed { "error" } else { "ok" };
    TOOK.get(verb, outcome, || histogram!(STATEMENT_DURATION, "statement" => verb, "outcome" => outcome)).record(took);
}

pub fn database_up(is_up: bool) {
    gauge!(DATABASE_UP).set(f64::from(u8::from(is_up)));
}

pub fn pool(name: &'static str, in_use: u32, idle: u32, most: u32) {
    gauge!(POOL, "pool" => name, "state" => "in_use").set(in_use);
    gauge!(POOL, "pool" => name, "state" => "idle").set(idle);
    gauge!(POOL_MOST, "pool" => name).set(most);
}

pub fn pool_wait(took: Duration) {
    gauge!(POOL_WAIT).set(took);
}

pub fn jobs(kind: String, state: String, count: u64, oldest: Duration) {
    gauge!(JOBS, "kind" => kind.clone(), "state" => state.clone()).set(count as f64);
    gauge!(JOB_AGE, "kind" => kind, "state" => state).set(oldest);
}

pub fn queue_age(age: Duration) {
    gauge!(QUEUE_AGE).set(age);
}

pub fn job_ran(kind: String, outcome: &'static str, took: Duration) {
    histogram!(JOB_DURATION, "kind" => kind, "outcome" => outcome).record(took);
}

pub fn job_waited(kind: String, waited: Duration) {
    histogram!(JOB_WAIT, "kind" => kind).record(waited);
}

pub fn provider_called(provider: &'static str, outcome: &'static str, took: Duration) {
    counter!(PROVIDER_CALLS, "provider" => provider, "outcome" => outcome).increment(1);
    histogram!(PROVIDER_DURATION, "provider" => provider).record(took);
}

pub fn budget_left(provider: &'static str, left: u32) {
    gauge!(BUDGET_LEFT, "provider" => provider).set(left);
}

pub fn cache_looked_up(cache: &'static str, hits: u64, misses: u64) {
    static HITS: Handles<(), Counter> = Handles::new();
    static MISSES: Handles<(), Counter> = Handles::new();
    HITS.get(cache, (), || counter!(CACHE_HITS, "cache" => cache)).increment(hits);
    MISSES.get(cache, (), || counter!(CACHE_MISSES, "cache" => cache)).increment(misses);
}

/// What became of a report or a chart that was asked for.
#[derive(Debug, Clone, Copy)]
pub enum Render {
    Rendered,
    Cached,
    Refused,
    Failed,
}

pub fn render_ended(kind: &'static str, outcome: Render) {
    let outcome = match outcome {
        Render::Rendered => "rendered",
        Render::Cached => "cached",
        Render::Refused => "refused",
        Render::Failed => "failed",
    };
    counter!(RENDERS, "kind" => kind, "outcome" => outcome).increment(1);
}

pub fn render_took(kind: &'static str, took: Duration) {
    histogram!(RENDER_DURATION, "kind" => kind).record(took);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names of metrics in a text.
    fn names(text: &str) -> impl Iterator<Item = &str> {
        text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').filter(|word| word.starts_with("prospectus_"))
    }

    #[test]
    fn what_ships_asks_for_metrics_that_there_are() {
        let files = [
            ("alerts", include_str!("../../deploy/prometheus/alerts.yaml")),
            ("dashboard", include_str!("../../deploy/grafana/dashboard.json")),
            ("AWS", include_str!("../../deploy/aws/service.yaml")),
            ("AWS' scaling", include_str!("../../deploy/aws/scaling.yaml")),
            ("AWS' alarms", include_str!("../../deploy/aws/watch.yaml")),
            ("the guide", include_str!("../../docs/operations.md")),
        ];
        let mut plain: Vec<&str> = COUNTERS.iter().map(|(name, _)| *name).collect();
        plain.extend(GAUGES.iter().map(|(name, _)| *name));
        let is_known = |name: &str| {
            let of_histogram = ["_bucket", "_count", "_sum"].iter().find_map(|end| name.strip_suffix(end));
            plain.contains(&name)
                || HISTOGRAMS.iter().any(|(histogram, ..)| Some(*histogram) == of_histogram || *histogram == name)
        };
        for (file, text) in files {
            assert!(names(text).count() > 0, "{file} names none");
            let unknown: Vec<&str> = names(text).filter(|name| !is_known(name)).collect();
            assert_eq!(unknown, Vec::<&str>::new(), "{file}");
        }
        let guide = include_str!("../../docs/operations.md");
        let untold: Vec<&str> = plain.into_iter().filter(|name| !guide.contains(name)).collect();
        assert_eq!(untold, Vec::<&str>::new(), "the guide doesn't explain these");
    }

    #[test]
    fn nothing_is_told_twice() {
        let mut names: Vec<&str> = COUNTERS.iter().chain(&GAUGES).map(|(name, _)| *name).collect();
        names.extend(HISTOGRAMS.iter().map(|(name, ..)| *name));
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all);
    }
}
