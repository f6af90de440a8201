//! The demo, and what the README says of it: every example that names an answer is asked, and gives that answer.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};

use crate::binary::{Server, prospectus};
use crate::harness::{ADMIN_TOKEN, Client};

const README: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md"));

fn demo(database: &Path) -> std::process::Output {
    let mut command = prospectus();
    // The demo leaves it alone.
    command.env("DATABASE_URL", "postgres://nobody@127.0.0.1:1/none").env("LISTEN", "127.0.0.1:0");
    command.args(["demo", "--exit", "--database"]).arg(database).output().expect("it runs")
}

#[test]
fn the_demo_replaces_its_own_database_and_no_other() {
    let folder = tempfile::tempdir().expect("a folder");
    let serving = folder.path().join("mine.db");
    let url = format!("sqlite://{}", serving.display());
    assert!(prospectus().arg("migrate").env("DATABASE_URL", &url).status().expect("it runs").success());
    let notes = folder.path().join("notes.txt");
    std::fs::write(&notes, "what I have thought").expect("a file");
    for mine in [&serving, &notes] {
        let before = std::fs::read(mine).expect("a file");
        let output = demo(mine);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            !output.status.success() && said.contains("isn't a demo's database") && said.contains("--database"),
            "{said}"
        );
        assert_eq!(std::fs::read(mine).expect("a file"), before, "{mine:?}");
    }
    let own = folder.path().join("new/demo.db");
    for run in 1..=2 {
        let output = demo(&own);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success() && said.contains("12154 bars stored"), "{run}: {said}");
        assert!(said.contains(&own.display().to_string()), "it says where its database is: {said}");
    }
}

/// The README's queries that are followed by an answer.
fn examples() -> Vec<(Value, Value)> {
    let mut found = Vec::new();
    for (at, _) in README.match_indices("```json\n") {
        let answer = README[at + 8..].split("```").next().unwrap_or_default();
        let asked = README[..at].rsplit("```sh\n").next().unwrap_or_default();
        let body = asked.split("-d '").nth(1).and_then(|rest| rest.split("}'").next()).unwrap_or_default();
        let body = format!("{}}}", body.replace('\n', " "));
        let body = serde_json::from_str(&body).unwrap_or_else(|e| panic!("{e}: {body}"));
        found.push((body, serde_json::from_str(answer).unwrap_or_else(|e| panic!("{e}: {answer}"))));
    }
    found
}

/// Whether an answer has what is shown; `…` at a text's end stands for more of it, and what isn't shown doesn't matter.
fn shows(shown: &Value, answer: &Value, path: &str) {
    match (shown, answer) {
        (Value::Object(shown), Value::Object(answer)) => {
            for (name, value) in shown {
                shows(value, answer.get(name).unwrap_or(&Value::Null), &format!("{path}.{name}"));
            }
        }
        (Value::Array(shown), Value::Array(answer)) => {
            assert_eq!(shown.len(), answer.len(), "{path}");
            shown.iter().zip(answer).enumerate().for_each(|(i, (s, a))| shows(s, a, &format!("{path}[{i}]")));
        }
        (Value::String(shown), Value::String(answer)) if shown.ends_with('…') => {
            assert!(answer.starts_with(shown.trim_end_matches('…')), "{path}: {answer}");
        }
        _ => assert_eq!(shown, answer, "{path}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_answer_in_the_readme_is_what_the_demo_answers() {
    let folder = tempfile::tempdir().expect("a folder");
    let database = folder.path().join("demo.db");
    let path = database.clone();
    let output = tokio::task::spawn_blocking(move || demo(&path)).await.expect("it runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let url = format!("sqlite://{}", database.display());
    let server = tokio::task::spawn_blocking(move || Server::start(&url, "http://127.0.0.1:1", &[], &[]))
        .await
        .expect("it starts");
    let admin = Client::new(&server.url, Some(ADMIN_TOKEN));
    let examples = examples();
    assert!(examples.len() >= 3, "the README has examples with answers");
    for (body, expected) in examples {
        let answer = admin.graphql(body["query"].as_str().expect("a query"), json!({})).await;
        shows(&expected, &answer, "");
    }
    every_figure_is_the_one_that_fractions_give(&admin).await;
}

/// All figures of the README's backtest, as `tools/make_backtest_reference.py` counts them bar by bar.
async fn every_figure_is_the_one_that_fractions_give(admin: &Client) {
    let reference: BTreeMap<String, f64> = serde_json::from_str(include_str!("../fixtures/goog.json")).expect("JSON");
    let names = reference.keys().cloned().collect::<Vec<_>>().join(" ");
    let run = format!(
        "mutation {{ runBacktest(input: {{ ticker: \"GOOG\", adjustment: NONE, execution: {{ commission: 0.002 }},
           strategy: {{ buy: {{ priceBelowSma: 50 }}, sell: {{ priceAboveSma: 200 }} }} }}) {{ backtest {{ metrics {{ {names} }} }} }} }}"
    );
    let ran = admin.data(&run, json!({})).await;
    for (name, expected) in &reference {
        let found = ran["runBacktest"]["backtest"]["metrics"][name].as_f64().expect("a figure");
        assert!((found - expected).abs() <= 1e-9 * expected.abs().max(1.0), "{name}: {found}, in fractions {expected}");
    }
    let kind = admin.data("{ __type(name: \"BacktestMetrics\") { fields { name } } }", json!({})).await;
    assert_eq!(kind["__type"]["fields"].as_array().map(Vec::len), Some(reference.len()), "a figure has no reference");
}
