//! Which requests are traced. It's decided once a trace, where the trace begins here; whatever follows in it, in this process
//! or in a worker, goes by that.

use std::num::NonZeroU32;
use std::sync::Arc;

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use opentelemetry::trace::{Link, SpanContext, SpanKind, TraceContextExt, TraceId, TraceState};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::{Sampler, SamplingDecision, SamplingResult, ShouldSample};

use crate::settings::{Sampled, Sampling};

/// The attribute of a span that is worth a trace whatever the rate is, under the name that other tracers know it by.
pub(super) const KEPT: &str = "sampling.priority";

/// Traces that may begin at once after a quiet time, in seconds of the rate: all that a person at the console does.
const BURST_SECONDS: u32 = 4;

/// The sampler of the settings.
#[derive(Debug, Clone)]
pub(super) struct Chosen {
    follows_clients: bool,
    by: By,
}

#[derive(Debug, Clone)]
enum By {
    /// Whatever is kept, and every job; of the rest so many a second.
    Rate(Arc<DefaultDirectRateLimiter>),
    Standard(Sampler),
}

impl Chosen {
    pub(super) fn new(sampling: Sampling) -> Self {
        let by = match sampling.sampled {
            Sampled::Rate(a_second) => By::Rate(Arc::new(RateLimiter::direct(quota(a_second)))),
            Sampled::All => By::Standard(Sampler::AlwaysOn),
            Sampled::None => By::Standard(Sampler::AlwaysOff),
            Sampled::Ratio(share) => By::Standard(Sampler::TraceIdRatioBased(share)),
        };
        Self { follows_clients: sampling.follows_clients, by }
    }
}

fn quota(a_second: NonZeroU32) -> Quota {
    let burst = a_second.saturating_mul(NonZeroU32::MIN.saturating_add(BURST_SECONDS - 1));
    Quota::per_second(a_second).allow_burst(burst)
}

impl ShouldSample for Chosen {
    fn should_sample(
        &self,
        parent: Option<&Context>,
        trace: TraceId,
        name: &str,
        kind: &SpanKind,
        attributes: &[KeyValue],
        links: &[Link],
    ) -> SamplingResult {
        let is_job = *kind == SpanKind::Consumer;
        let parent_span = parent.map(|context| context.span().span_context().clone());
        if let Some(parent) = parent_span.filter(SpanContext::is_valid) {
            // A job's parent is a request of this service, which was decided about, however far away that was.
            if self.follows_clients || is_job || !parent.is_remote() {
                return result(parent.is_sampled(), parent.trace_state().clone());
            }
        }
        match &self.by {
            By::Standard(sampler) => sampler.should_sample(parent, trace, name, kind, attributes, links),
            By::Rate(reads) => {
                let is_kept = is_job || attributes.iter().any(|attribute| attribute.key.as_str() == KEPT);
                result(is_kept || reads.check().is_ok(), TraceState::default())
            }
        }
    }
}

fn result(is_sampled: bool, trace_state: TraceState) -> SamplingResult {
    let decision = if is_sampled { SamplingDecision::RecordAndSample } else { SamplingDecision::Drop };
    SamplingResult { decision, attributes: Vec::new(), trace_state }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use opentelemetry::trace::{SpanId, TraceFlags};

    use super::*;

    const REQUEST: SpanKind = SpanKind::Server;

    fn chosen(sampled: Sampled, follows_clients: bool) -> Chosen {
        Chosen::new(Sampling { sampled, follows_clients })
    }

    fn rate(a_second: u32) -> Sampled {
        Sampled::Rate(NonZeroU32::new(a_second).expect("more than none"))
    }

    fn parent(is_sampled: bool, is_remote: bool) -> Context {
        let flags = TraceFlags::default().with_sampled(is_sampled);
        let (trace, span) = (TraceId::from(7_u128), SpanId::from(7_u64));
        Context::new().with_remote_span_context(SpanContext::new(trace, span, flags, is_remote, TraceState::default()))
    }

    fn samples(chosen: &Chosen, parent: Option<&Context>, kind: &SpanKind, attributes: &[KeyValue]) -> bool {
        let result = chosen.should_sample(parent, TraceId::from(7_u128), "a span", kind, attributes, &[]);
        result.decision == SamplingDecision::RecordAndSample
    }

    /// How many of as many reads in a row are traced.
    fn of_reads(chosen: &Chosen, count: usize) -> usize {
        (0..count).filter(|_| samples(chosen, None, &REQUEST, &[])).count()
    }

    #[test]
    fn after_a_quiet_time_all_is_traced_and_of_many_reads_those_that_the_rate_allows() {
        let chosen = chosen(rate(50), true);
        assert_eq!(of_reads(&chosen, 200), 200, "a quiet time");
        let more = of_reads(&chosen, 1_000);
        assert!(more < 20, "{more} of 1000 at once");
        std::thread::sleep(Duration::from_millis(200));
        let more = of_reads(&chosen, 1_000);
        assert!((9..200).contains(&more), "{more} after a fifth of a second, with 50 a second");
    }

    #[test]
    fn what_is_kept_and_every_job_is_traced_whatever_the_rate() {
        let chosen = chosen(rate(1), true);
        of_reads(&chosen, 100);
        let kept = [KeyValue::new("http.route", "/graphql"), KeyValue::new(KEPT, 1_i64)];
        for _ in 0..100 {
            assert!(samples(&chosen, None, &REQUEST, &kept));
            assert!(samples(&chosen, None, &SpanKind::Consumer, &[]));
        }
    }

    #[test]
    fn a_trace_is_whole_or_not_there() {
        for (sampled, kept) in
            [(rate(1), true), (Sampled::All, false), (Sampled::None, false), (Sampled::Ratio(0.5), false)]
        {
            for follows_clients in [true, false] {
                let chosen = chosen(sampled, follows_clients);
                of_reads(&chosen, 100);
                let attributes = if kept { vec![KeyValue::new(KEPT, 1_i64)] } else { Vec::new() };
                for is_sampled in [true, false] {
                    let within = samples(&chosen, Some(&parent(is_sampled, false)), &SpanKind::Internal, &attributes);
                    assert_eq!(within, is_sampled, "within a request, {sampled:?}");
                    let job = samples(&chosen, Some(&parent(is_sampled, true)), &SpanKind::Consumer, &attributes);
                    assert_eq!(job, is_sampled, "a request's job, {sampled:?}");
                }
            }
        }
    }

    #[test]
    fn a_client_s_wish_counts_where_the_settings_say_so() {
        for sampled in [rate(1), Sampled::All, Sampled::None, Sampled::Ratio(0.5)] {
            let follows = chosen(sampled, true);
            of_reads(&follows, 100);
            assert!(samples(&follows, Some(&parent(true, true)), &REQUEST, &[]), "{sampled:?}");
            assert!(!samples(&follows, Some(&parent(false, true)), &REQUEST, &[]), "{sampled:?}");
        }
        let own = chosen(rate(1), false);
        of_reads(&own, 100);
        assert!(!samples(&own, Some(&parent(true, true)), &REQUEST, &[]));
        assert!(samples(&own, Some(&parent(false, true)), &REQUEST, &[KeyValue::new(KEPT, 1_i64)]));
        assert!(samples(&chosen(Sampled::All, false), Some(&parent(false, true)), &REQUEST, &[]));
        assert!(!samples(&chosen(Sampled::None, false), Some(&parent(true, true)), &REQUEST, &[]));
    }
}
