//! One forecast with its evaluation, and one training. `cargo bench --bench forecast`

mod samples;

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use prospectus::forecast::{Artifact, ForecastModel, Training, forecast, train};
use prospectus::market::Columns;

/// Real prices of 2000 to 2013, again and again where more are wanted.
fn bars(count: usize) -> Columns {
    samples::longer(&samples::columns(include_str!("../samples/alpha_vantage/IBM.json")), count)
}

fn forecasting(c: &mut Criterion) {
    let text = include_str!("../models/pooled-linear.json");
    let (key, artifact) = Artifact::read(text).expect("the model that ships");
    let volatility = artifact.volatility.clone().expect("its volatility");
    let conformal = artifact.conformal.clone().expect("its quantiles");
    let pooled = artifact.into_model(key, None).expect("a model");
    for count in [1_000, 5_000] {
        let columns = bars(count);
        for model in [&pooled, &ForecastModel::drift()] {
            c.bench_function(&format!("forecast/{}/{count} bars", model.name), |b| {
                b.iter(|| forecast(black_box(&columns), model, &volatility, &conformal, 30));
            });
        }
    }
}

fn training(c: &mut Criterion) {
    let symbols = ["A", "B"].map(|name| (name.to_owned(), bars(3_000))).to_vec();
    let training = Training { name: "bench".to_owned(), symbols };
    let mut group = c.benchmark_group("train");
    group.sample_size(10);
    group.bench_function("2 × 3,000 bars", |b| b.iter(|| train(black_box(&training), &mut |_| true)));
    group.finish();
}

criterion_group!(benches, forecasting, training);
criterion_main!(benches);
