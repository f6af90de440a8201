use std::cell::RefCell;
use std::collections::BTreeSet;

use super::*;

fn read(values: &[(&'static str, &str)]) -> Result<Settings, String> {
    let source = |name: &'static str| values.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned());
    Settings::read(&source).map_err(|e| e.to_string())
}

#[test]
fn nothing_needs_setting() {
    let settings = read(&[]).expect("defaults");
    assert_eq!(&*settings.database_url, "sqlite://data/prospectus.db");
    assert_eq!(settings.database_pool, 16);
    assert_eq!(settings.public_url.as_str(), "http://127.0.0.1:8000/");
    assert_eq!((settings.alpha_vantage.per_second, settings.alpha_vantage.per_day), (1.0, 25));
    assert!(settings.alpha_vantage.api_key.is_none());
    assert_eq!((settings.models_dir.to_str(), settings.onnx_runtime), (Some("models"), None));
}

#[test]
fn each_setting_is_in_the_readme_and_can_be_given_to_compose() {
    let asked = RefCell::new(BTreeSet::new());
    let source = |name: &'static str| {
        asked.borrow_mut().insert(name);
        None
    };
    Settings::read(&source).expect("defaults");
    let asked = asked.into_inner();
    assert!(asked.len() > 30, "{asked:?}");
    let (readme, compose) = (include_str!("../../README.md"), include_str!("../../compose.yaml"));
    for name in asked {
        assert!(readme.contains(&format!("\n| `{name}` | ")), "{name} is not in the README");
        assert!(compose.contains(&format!(" {name}: ")), "{name} is not in compose.yaml");
    }
}

#[test]
fn a_wrong_value_is_named_with_what_it_takes() {
    for (name, value) in [
        ("DATABASE_URL", "mysql://x"),
        ("LISTEN", "8000"),
        ("PUBLIC_URL", "example.org"),
        ("ADMIN_TOKEN", "short"),
        ("REQUIRE_TOKEN_TO_READ", "perhaps"),
        ("ALPHA_VANTAGE_BASE_URL", "ftp://x"),
        ("ALPHA_VANTAGE_PER_SECOND", "-1"),
        ("ALPHA_VANTAGE_PER_DAY", "many"),
        ("PRICE_SCHEDULE", "at noon"),
        ("IPO_SCHEDULE", "daily"),
        ("NSE_BASE_URL", "nseindia.com"),
        ("NSE_PROXY", "proxy:3128"),
        ("WORKER_CONCURRENCY", "0"),
        ("LOG_FORMAT", "xml"),
        ("RUST_LOG", "prospectus=nonsense"),
        ("TRUSTED_DOCUMENTS", "/no/such/folder"),
        ("TRUSTED_DOCUMENTS", "Cargo.toml"),
        ("ORT_DYLIB_PATH", "/no/such/library.so"),
        ("METRICS_LISTEN", "9464"),
        ("KEEP_JOBS_DAYS", "0"),
        ("KEEP_SWEEPS_DAYS", "for ever"),
        ("TIDY_SCHEDULE", "at night"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318"),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "grpc://collector:4317"),
        ("OTEL_TRACES_SAMPLER", "jaeger_remote"),
        ("OTEL_TRACES_SAMPLER", "parentbased_"),
        ("OTEL_TRACES_SAMPLER_ARG", "0"),
        ("DATABASE_POOL", "1"),
        ("CORS_ORIGINS", "example.org"),
        ("CORS_ORIGINS", "https://a.example/path"),
        ("RATE_LIMIT", "0"),
        ("TRUSTED_PROXIES", "-1"),
        ("MAX_CONNECTIONS", "1"),
        ("DRAIN_SECONDS", "soon"),
        ("INTROSPECTION", "maybe"),
    ] {
        let error = read(&[(name, value)]).expect_err(name);
        assert!(error.starts_with(name) && error.contains("takes") && !error.contains('\n'), "{error}");
    }
    assert_eq!(
        read(&[("ALPHA_VANTAGE_PER_DAY", "many")]).expect_err("not a number"),
        "ALPHA_VANTAGE_PER_DAY is \"many\", but it takes requests a day, such as 25; 0 sets no limit"
    );
}

#[test]
fn the_pool_leaves_room_beside_the_jobs() {
    let postgres = ("DATABASE_URL", "postgres://localhost/p");
    let pool = |values: &[(&'static str, &str)]| read(values).map(|settings| settings.database_pool);
    assert_eq!(pool(&[postgres, ("WORKER_CONCURRENCY", "64")]), Ok(68));
    assert_eq!(pool(&[postgres, ("WORKER_CONCURRENCY", "8"), ("DATABASE_POOL", "12")]), Ok(12));
    let error = pool(&[postgres, ("WORKER_CONCURRENCY", "8"), ("DATABASE_POOL", "11")]).expect_err("too few");
    assert!(error.starts_with("DATABASE_POOL is \"11\"") && error.contains("WORKER_CONCURRENCY"), "{error}");
    assert_eq!(pool(&[("WORKER_CONCURRENCY", "8"), ("DATABASE_POOL", "2")]), Ok(2), "SQLite has its own");
}

#[test]
fn traces_go_where_opentelemetry_says() {
    let traces = |values: &[(&'static str, &str)]| {
        let traces = read(values).expect("settings").telemetry.traces;
        traces.map(|address| address.as_str().to_owned())
    };
    assert_eq!(traces(&[]), None);
    let shared = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318/");
    assert_eq!(traces(&[shared]).as_deref(), Some("http://collector:4318/v1/traces"));
    let own = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "https://other/in");
    assert_eq!(traces(&[shared, own]).as_deref(), Some("https://other/in"));
}

#[test]
fn what_is_traced_is_said_in_opentelemetry_s_words() {
    let sampling = |values: &[(&'static str, &str)]| read(values).map(|settings| settings.telemetry.sampling);
    let (sampler, argument) = ("OTEL_TRACES_SAMPLER", "OTEL_TRACES_SAMPLER_ARG");
    let rate = |a_second| Sampled::Rate(std::num::NonZeroU32::new(a_second).expect("more than none"));
    for (values, sampled, follows_clients) in [
        (vec![], rate(5), true),
        (vec![(sampler, ""), (argument, " ")], rate(5), true),
        (vec![(argument, "50")], rate(50), true),
        (vec![(sampler, "rate"), (argument, "1")], rate(1), false),
        (vec![(sampler, "always_on")], Sampled::All, false),
        (vec![(sampler, "always_off"), (argument, "whatever")], Sampled::None, false),
        (vec![(sampler, "parentbased_always_on")], Sampled::All, true),
        (vec![(sampler, "parentbased_always_off")], Sampled::None, true),
        (vec![(sampler, "traceidratio")], Sampled::Ratio(1.0), false),
        (vec![(sampler, "parentbased_traceidratio"), (argument, "0.25")], Sampled::Ratio(0.25), true),
    ] {
        assert_eq!(sampling(&values), Ok(Sampling { sampled, follows_clients }), "{values:?}");
    }
    for (name, wrong) in [("rate", "0"), ("rate", "0.5"), ("traceidratio", "1.5"), ("traceidratio", "NaN")] {
        let error = sampling(&[(sampler, name), (argument, wrong)]).expect_err(wrong);
        assert!(error.starts_with(argument) && error.contains(name), "{error}");
    }
}

#[test]
fn secrets_are_not_printed() {
    let settings = read(&[
        ("ADMIN_TOKEN", "hush-hush-hush-hush"),
        ("ALPHA_VANTAGE_API_KEY", "SECRETKEY"),
        ("DATABASE_URL", "postgres://me:hush@db.example:5432/p?sslmode=require&password=hush"),
        ("NSE_PROXY", "http://me:hush@proxy.example:3128"),
        ("NSE_BASE_URL", "http://me:hush@nse.example"),
        ("ALPHA_VANTAGE_BASE_URL", "http://me:hush@av.example"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://me:hush@collector.example"),
    ]);
    let printed = format!("{:?}", settings.expect("settings"));
    assert!(!printed.contains("hush") && !printed.contains("SECRETKEY"), "{printed}");
    assert!(printed.contains("@db.example:5432/p") && printed.contains("@proxy.example:3128"), "{printed}");
}

#[test]
fn nor_are_those_of_malformed_addresses() {
    for (name, value) in [
        ("NSE_PROXY", "socks5://me:hush@proxy:3128"),
        ("NSE_PROXY", "me:hush@proxy:3128"),
        ("NSE_PROXY", "http://me:hu@sh@proxy:port"),
        ("PUBLIC_URL", "ftp://me:hush@example.org"),
        ("ALPHA_VANTAGE_BASE_URL", "ftp://example.org?apikey=hush"),
        ("DATABASE_URL", "mysql://me:hush@db/p"),
        ("DATABASE_URL", "me:hush@db/p"),
        ("DATABASE_URL", "postgres://me:hush@[::bad/p"),
        ("DATABASE_URL", "postgres://me:hush@db:port/p"),
        ("CORS_ORIGINS", "http://me:hush@example.org/path"),
    ] {
        let error = read(&[(name, value)]).expect_err(name);
        assert!(error.starts_with(name) && !error.contains("hu"), "{error}");
    }
}
