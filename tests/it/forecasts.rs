//! Predictions as stored objects, and models of every make.

use std::path::Path;

use sea_orm::ConnectionTrait;
use serde_json::{Value, json};

use crate::harness::{Client, Database, TestApp, state};
use crate::on_each_database;

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/models");

const PREDICT: &str = "mutation($input: PredictInput!) { predict(input: $input) {
    prediction { id asOf close horizon dataVersion stale verdict independentOrigins skillRange { low high } evaluationByDay { day mae maeNaive coverage80 coverage95 } model { id name kind version isDefault }
        symbol { ticker latestPrediction { id } }
        points { date value lower80 upper80 lower95 upper95 actual } outcome { days mae coverage95 }
        evaluation { origins horizon mae maeNaive skill coverage80 coverage95 } }
    userErrors { code field message } } }";

const MODELS: &str = "{ models { id name version kind features trainedOn trainedAt isDefault available
    unavailableReason evaluation { origins skill } } }";

/// Real bars, in the public domain, that the fixtures' models were fitted to.
fn bars() -> String {
    std::fs::read_to_string(Path::new(FIXTURES).join("bars.csv")).expect("the fixture")
}

fn first(csv: &str, count: usize) -> String {
    csv.split_inclusive('\n').take(count + 1).collect()
}

async fn import(app: &TestApp, ticker: &str, csv: &str) {
    let job = app.operator.import(ticker, csv).await["job"]["id"].as_str().expect("a job").to_owned();
    assert_eq!(state(&app.settled(&job).await), "SUCCEEDED");
}

async fn predict(app: &TestApp, input: Value) -> Value {
    let answer = app.operator.data(PREDICT, json!({"input": input})).await["predict"].clone();
    assert_eq!(answer["userErrors"], json!([]), "{answer}");
    answer["prediction"].clone()
}

async fn refused(app: &TestApp, input: Value) -> (String, String) {
    let answer = app.operator.data(PREDICT, json!({"input": input})).await["predict"].clone();
    assert_eq!(answer["prediction"], Value::Null, "{answer}");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    (text(&answer["userErrors"][0]["code"]), text(&answer["userErrors"][0]["message"]))
}

async fn models(app: &TestApp) -> Vec<Value> {
    app.anonymous.data(MODELS, json!({})).await["models"].as_array().expect("models").clone()
}

fn named<'a>(models: &'a [Value], name: &str) -> &'a Value {
    models.iter().find(|model| model["name"] == name).unwrap_or_else(|| panic!("no model {name} in {models:?}"))
}

fn numbers(prediction: &Value, field: &str) -> Vec<f64> {
    prediction["points"].as_array().expect("points").iter().filter_map(|point| point[field].as_f64()).collect()
}

on_each_database! {
    async fn a_prediction_is_stored_and_meets_what_happens(app: TestApp) {
        let csv = bars();
        import(&app, "ACME", &first(&csv, 400)).await;
        let made = predict(&app, json!({"ticker": "acme"})).await;
        assert_eq!((&made["horizon"], &made["stale"], &made["outcome"]), (&json!(30), &json!(false), &Value::Null));
        assert_eq!(made["symbol"]["latestPrediction"]["id"], made["id"]);
        assert_eq!((&made["model"]["name"], &made["model"]["isDefault"]), (&json!("Pooled linear"), &json!(true)));
        let (value, lower95, lower80) = (numbers(&made, "value"), numbers(&made, "lower95"), numbers(&made, "lower80"));
        let (upper80, upper95) = (numbers(&made, "upper80"), numbers(&made, "upper95"));
        assert_eq!(value.len(), 30);
        for day in 0..30 {
            let band = [0.0, lower95[day], lower80[day], value[day], upper80[day], upper95[day]];
            assert!(band.is_sorted_by(|a, b| a < b), "{band:?}");
        }
        assert!(upper95[29] - lower95[29] > 2.0 * (upper95[0] - lower95[0]), "the band widens");
        assert_eq!(numbers(&made, "actual"), Vec::<f64>::new());
        assert!(made["evaluation"]["origins"].as_u64() >= Some(30) && made["evaluation"]["horizon"] == 30);
        let verdict = made["verdict"].as_str().expect("a verdict");
        assert!(verdict.contains("\"no change\"") && verdict.contains("past forecasts of 30 days"), "{verdict}");

        // A day ahead each: their mean is the whole, and the error grows with the days.
        let days = made["evaluationByDay"].as_array().expect("days");
        let mean = |name: &str| days.iter().filter_map(|d| d[name].as_f64()).sum::<f64>() / days.len() as f64;
        assert_eq!((days.len(), &days[29]["day"]), (30, &json!(30)));
        for name in ["mae", "maeNaive", "coverage80", "coverage95"] {
            let whole = made["evaluation"][name].as_f64().expect("a figure");
            assert!((mean(name) - whole).abs() < 1e-9, "{name}: {} {whole}", mean(name));
        }
        assert!(days[29]["mae"].as_f64() > days[0]["mae"].as_f64());
        let origins = made["evaluation"]["origins"].as_u64().expect("a number");
        assert_eq!(made["independentOrigins"].as_u64(), Some(origins.div_ceil(3)), "thirty days, ten bars apart");
        let (low, skill, high) = (&made["skillRange"]["low"], &made["evaluation"]["skill"], &made["skillRange"]["high"]);
        assert!(low.as_f64() < skill.as_f64() && skill.as_f64() < high.as_f64(), "{low} {skill} {high}");
        assert!(verdict.starts_with("Too few past forecasts"), "{verdict}");

        // The same data and the same model: the same bytes.
        let again = predict(&app, json!({"ticker": "ACME"})).await;
        assert_eq!((&again["points"], &again["evaluation"]), (&made["points"], &made["evaluation"]));

        import(&app, "ACME", &first(&csv, 410)).await;
        let asked = app.anonymous.data(
            "query($id: ID!) { node(id: $id) { ... on Prediction { stale points { date actual value }
                outcome { days mae maeNaive skill coverage80 coverage95 } } } }",
            json!({"id": made["id"]}),
        ).await;
        let later = &asked["node"];
        assert_eq!((&later["stale"], &later["outcome"]["days"]), (&json!(true), &json!(10)));
        assert_eq!(numbers(later, "value"), value, "what was predicted stays");
        let closes: Vec<f64> = csv.lines().skip(401).take(10)
            .map(|line| line.split(',').nth(4).expect("a close").parse().expect("a number")).collect();
        assert_eq!(numbers(later, "actual"), closes);
        let mae = closes.iter().zip(&value).map(|(a, v)| (a - v).abs()).sum::<f64>() / 10.0 / made["close"].as_f64().expect("a close");
        assert!((later["outcome"]["mae"].as_f64().expect("an error") - mae).abs() < 1e-12);

        let list = app.anonymous.data(
            "{ predictions(first: 1, filter: {ticker: \"acme\"}) { totalCount pageInfo { hasNextPage } nodes { id } } }",
            json!({}),
        ).await;
        assert_eq!((&list["predictions"]["totalCount"], &list["predictions"]["nodes"][0]["id"]), (&json!(2), &again["id"]));
    }

    async fn wrong_input_says_what_to_do(app: TestApp) {
        import(&app, "SHORT", &first(&bars(), 99)).await;
        import(&app, "ENOUGH", &first(&bars(), 100)).await;
        let (code, message) = refused(&app, json!({"ticker": "SHORT"})).await;
        assert_eq!((code.as_str(), message.contains("99 bars") && message.contains("100")), ("INSUFFICIENT_DATA", true), "{message}");
        assert_eq!(refused(&app, json!({"ticker": "NOBODY"})).await.0, "NOT_FOUND");
        for horizon in [0, -1, 31] {
            assert_eq!(refused(&app, json!({"ticker": "ENOUGH", "horizon": horizon})).await.0, "INVALID");
        }
        assert_eq!(refused(&app, json!({"ticker": "ENOUGH", "modelId": "nonsense"})).await.0, "NOT_FOUND");
        assert_eq!(predict(&app, json!({"ticker": "ENOUGH", "horizon": 1})).await["points"].as_array().map(Vec::len), Some(1));
        let denied = app.reader.graphql(PREDICT, json!({"input": {"ticker": "ENOUGH"}})).await;
        assert_eq!(denied["errors"][0]["extensions"]["code"], "FORBIDDEN");
    }

    async fn a_trained_model_is_used_by_every_replica_from_then_on(app: TestApp) {
        // Twice the fixture's length, so that there's enough to fit, choose and test on.
        let csv = long_history();
        import(&app, "ONE", &csv).await;
        import(&app, "TWO", &csv).await;
        let replica = app.replica().await;
        let train = "mutation($input: TrainModelInput!) { trainModel(input: $input) { job { id kind } userErrors { code field } } }";
        let queued = app.operator.data(train, json!({"input": {"name": "Ours", "tickers": ["one", "TWO"]}})).await;
        let job = app.settled(queued["trainModel"]["job"]["id"].as_str().expect("a job")).await;
        assert_eq!((state(&job), &job["done"], &job["total"]), ("SUCCEEDED", &json!(3), &json!(3)), "{job}");
        let message = job["message"].as_str().expect("a message");
        assert!(message.contains("\"no change\""), "{message}");

        for models in [models(&app).await, Client::new(&replica.url, None).data(MODELS, json!({})).await["models"].as_array().expect("models").clone()] {
            let ours = named(&models, "Ours");
            let lost = ours["evaluation"]["skill"].as_f64().expect("a skill") < 0.0;
            assert_eq!((ours["isDefault"].as_bool(), message.contains("default")), (Some(false), !lost), "by choice only: {message}");
            assert!(ours["trainedAt"].is_string() && ours["evaluation"]["origins"].as_u64() > Some(10));
            assert_eq!(models.iter().filter(|model| model["isDefault"] == true).count(), 1);
        }
        // Chosen, renamed and deleted, by those who may, and on every replica.
        let id = named(&models(&app).await, "Ours")["id"].clone();
        let choose = "mutation($id: ID!) { setDefaultModel(input: { id: $id }) { model { name isDefault } userErrors { code field } } }";
        let rename = "mutation($id: ID!, $name: String!) { renameModel(input: { id: $id, name: $name }) { model { name isDefault } userErrors { code field } } }";
        let delete = "mutation($id: ID!) { deleteModel(input: { id: $id }) { deletedModelId userErrors { code message } } }";
        for (client, query, code) in [(&app.operator, choose, "FORBIDDEN"), (&app.reader, rename, "FORBIDDEN"), (&app.reader, delete, "FORBIDDEN"), (&app.anonymous, delete, "UNAUTHENTICATED")] {
            let answer = client.graphql(query, json!({"id": id, "name": "x"})).await;
            assert_eq!(answer["errors"][0]["extensions"]["code"], code, "{query}");
        }
        let chosen = app.admin.data(choose, json!({"id": id})).await["setDefaultModel"].clone();
        assert_eq!(chosen, json!({"model": {"name": "Ours", "isDefault": true}, "userErrors": []}));
        let renamed = app.operator.data(rename, json!({"id": id, "name": " Ours,\u{7} renamed "})).await["renameModel"].clone();
        assert_eq!(renamed, json!({"model": {"name": "Ours, renamed", "isDefault": true}, "userErrors": []}));
        let elsewhere = Client::new(&replica.url, None).data(MODELS, json!({})).await["models"].as_array().expect("models").clone();
        assert_eq!((&elsewhere[0]["name"], &elsewhere[0]["isDefault"]), (&json!("Ours, renamed"), &json!(true)));
        let sources = app.anonymous.data("{ models { name source } }", json!({})).await["models"].as_array().expect("models").clone();
        let of = |name: &str| named(&sources, name)["source"].clone();
        assert_eq!((of("Ours, renamed"), of("No change"), of("Drift")), (json!("TRAINED"), json!("SHIPPED"), json!("SHIPPED")));
        let kept = app.operator.data(delete, json!({"id": id})).await["deleteModel"].clone();
        assert_eq!((&kept["deletedModelId"], &kept["userErrors"][0]["code"]), (&Value::Null, &json!("CONFLICT")), "the default stays");
        let predict = "mutation { predict(input: { ticker: \"ONE\" }) { prediction { id model { name } } userErrors { message } } }";
        let made = app.operator.data(predict, json!({})).await["predict"].clone();
        assert_eq!(made["prediction"]["model"]["name"], "Ours, renamed", "{made}");
        let naive = named(&models(&app).await, "No change")["id"].clone();
        for (query, code) in [(rename, "INVALID"), (delete, "INVALID")] {
            let answer = app.operator.data(query, json!({"id": naive, "name": "x"})).await;
            let errors = answer.get("renameModel").or(answer.get("deleteModel")).expect("a payload")["userErrors"].clone();
            assert_eq!(errors[0]["code"], code, "the baselines aren't anybody's to change");
        }
        assert_eq!(app.admin.data(choose, json!({"id": naive})).await["setDefaultModel"]["model"]["isDefault"], true);
        let deleted = app.operator.data(delete, json!({"id": id})).await["deleteModel"].clone();
        assert_eq!(deleted, json!({"deletedModelId": id, "userErrors": []}));
        assert!(models(&app).await.iter().all(|model| model["id"] != id));
        let kept = app.anonymous.data("query($id: ID!) { node(id: $id) { ... on Prediction { model { name source } } } }", json!({"id": made["prediction"]["id"]})).await;
        assert_eq!(kept["node"]["model"], json!({"name": "Ours, renamed", "source": null}), "what it made stays");
        let again = app.operator.data(delete, json!({"id": id})).await["deleteModel"].clone();
        assert_eq!(again["userErrors"][0]["code"], "NOT_FOUND");

        // Training again on the same data makes the same model.
        let again = app.operator.data(train, json!({"input": {"name": "Ours", "tickers": ["TWO", "ONE"]}})).await;
        app.settled(again["trainModel"]["job"]["id"].as_str().expect("a job")).await;
        assert_eq!(models(&app).await.iter().filter(|model| model["name"] == "Ours").count(), 1);

        let transaction = app.app.store.begin().await.expect("a transaction");
        let sql = "INSERT INTO symbols (ticker, exchange, currency, source, bar_count, data_version, splits, created_at)
            VALUES ('LONG', 'BSE', 'INR', 'CSV', 1000000, 1, '[]', 0)";
        transaction.execute_unprepared(sql).await.expect("a symbol");
        transaction.commit().await.expect("an end");
        for (name, tickers, code) in [
            ("", vec!["ONE"], "INVALID"),
            ("x", vec![], "INVALID"),
            ("x", vec!["NOBODY"], "NOT_FOUND"),
            ("x", vec!["ONE", "LONG"], "LIMIT_EXCEEDED"),
        ] {
            let answer = app.operator.data(train, json!({"input": {"name": name, "tickers": tickers}})).await;
            assert_eq!(answer["trainModel"]["userErrors"][0]["code"], code);
        }
    }
}

/// The fixture's closes over five times as many days: enough to fit, choose and test on.
pub fn long_history() -> String {
    let csv = bars();
    let rows: Vec<&str> = csv.lines().skip(1).collect();
    let start = chrono::NaiveDate::from_ymd_opt(2004, 1, 5).expect("a date");
    let mut text = "date,open,high,low,close,volume\n".to_owned();
    for n in 0..rows.len() * 3 {
        let date = start + chrono::Days::new((n / 5 * 7 + n % 5) as u64);
        let prices = rows[n % rows.len()].split_once(',').expect("prices").1;
        text += &format!("{date},{prices}\n");
    }
    text
}

#[tokio::test]
async fn the_baselines_are_models_like_the_others() {
    let app = TestApp::start(Database::Sqlite).await;
    import(&app, "ACME", &first(&bars(), 300)).await;
    let list = models(&app).await;
    let id = |name: &str| named(&list, name)["id"].clone();
    let naive = predict(&app, json!({"ticker": "ACME", "modelId": id("No change"), "horizon": 5})).await;
    assert!(numbers(&naive, "value").iter().all(|v| (v - naive["close"].as_f64().expect("a close")).abs() < 1e-9));
    assert_eq!((&naive["evaluation"]["skill"], &naive["model"]["kind"]), (&json!(0.0), &json!("NAIVE")));
    let drift = predict(&app, json!({"ticker": "ACME", "modelId": id("Drift"), "horizon": 5})).await;
    let csv = first(&bars(), 300);
    let closes: Vec<f64> =
        csv.lines().skip(1).map(|l| l.split(',').nth(4).expect("a close").parse().expect("a number")).collect();
    let daily = (closes[299] / closes[0]).ln() / 299.0;
    for (day, value) in numbers(&drift, "value").into_iter().enumerate() {
        assert!((value - closes[299] * (daily * (day + 1) as f64).exp()).abs() < 1e-9);
    }
    let node = app
        .anonymous
        .data("query($id: ID!) { node(id: $id) { ... on Model { name } } }", json!({"id": id("Drift")}))
        .await;
    assert_eq!(node["node"]["name"], "Drift");
}

#[tokio::test]
async fn later_bars_never_change_what_a_past_evaluation_saw() {
    let app = TestApp::start(Database::Sqlite).await;
    let csv = bars();
    import(&app, "SHORTER", &first(&csv, 300)).await;
    import(&app, "LONGER", &first(&csv, 310)).await;
    let (shorter, longer) =
        (predict(&app, json!({"ticker": "SHORTER"})).await, predict(&app, json!({"ticker": "LONGER"})).await);
    let sum = |made: &Value, field: &str| {
        let evaluation = &made["evaluation"];
        evaluation[field].as_f64().expect("a figure") * evaluation["origins"].as_f64().expect("a count") * 30.0
    };
    // Ten bars more are one origin more; everything that was counted before counts the same.
    assert_eq!(longer["evaluation"]["origins"].as_u64(), shorter["evaluation"]["origins"].as_u64().map(|n| n + 1));
    let rows: Vec<f64> =
        csv.lines().skip(1).map(|l| l.split(',').nth(4).expect("a close").parse().expect("a number")).collect();
    // Origins are every tenth bar from the sixtieth on; the longer history's last one is at bar 270.
    let added: f64 = (1..=30).map(|h| (rows[270 + h] / rows[270] - 1.0).abs()).sum();
    assert!((sum(&longer, "maeNaive") - sum(&shorter, "maeNaive") - added).abs() < 1e-9);
    let within = sum(&longer, "coverage95") - sum(&shorter, "coverage95");
    assert!((within - within.round()).abs() < 1e-6 && (0.0..=30.0).contains(&within.round()), "{within}");
}

/// What scikit-learn itself predicts, by the model's name.
fn expected() -> Vec<(String, Vec<f64>)> {
    let text = std::fs::read_to_string(Path::new(FIXTURES).join("expected.txt")).expect("the fixture");
    text.lines()
        .map(|line| {
            let (name, values) = line.split_once(": ").expect("a name");
            (name.to_owned(), values.split(' ').map(|v| v.parse().expect("a number")).collect())
        })
        .collect()
}

async fn predicts_as_scikit_learn(app: &TestApp, maker: &str) {
    import(app, "ACME", &bars()).await;
    let list = models(app).await;
    let expected: Vec<_> = expected().into_iter().filter(|(name, _)| name.starts_with(maker)).collect();
    assert_eq!(expected.len(), 2, "models of {maker}");
    for (name, returns) in expected {
        let model = named(&list, &name);
        assert_eq!((&model["available"], &model["unavailableReason"]), (&json!(true), &Value::Null), "{model}");
        let made = predict(app, json!({"ticker": "ACME", "modelId": model["id"]})).await;
        let (close, values) = (made["close"].as_f64().expect("a close"), numbers(&made, "value"));
        assert_eq!(values.len(), returns.len(), "{name}");
        for (value, log_return) in values.into_iter().zip(returns) {
            assert!(((value / close).ln() - log_return).abs() < 1e-5, "{name}: {} {log_return}", (value / close).ln());
        }
    }
}

#[tokio::test]
async fn a_pickled_regression_predicts_what_scikit_learn_predicts() {
    let app = TestApp::start_with(Database::Sqlite, &[("MODELS_DIR", FIXTURES)]).await;
    predicts_as_scikit_learn(&app, "sklearn").await;
}

#[tokio::test]
#[cfg_attr(not(has_onnx_runtime), ignore = "ONNX Runtime is not installed; ORT_DYLIB_PATH leads to it")]
async fn an_onnx_file_predicts_what_scikit_learn_predicts() {
    let library = std::env::var("ORT_DYLIB_PATH").expect("the library's path");
    let app = TestApp::start_with(Database::Sqlite, &[("MODELS_DIR", FIXTURES), ("ORT_DYLIB_PATH", &library)]).await;
    predicts_as_scikit_learn(&app, "onnx").await;
}

#[tokio::test]
async fn files_that_cannot_be_used_say_why_and_the_others_can() {
    let folder = tempfile::tempdir().expect("a folder");
    let sound = std::fs::read(Path::new(FIXTURES).join("ridge.json")).expect("the fixture");
    let write = |name: &str, content: &[u8]| std::fs::write(folder.path().join(name), content).expect("a file");
    write("sound.json", &sound);
    write("truncated.json", &sound[..sound.len() / 2]);
    let mut flipped = sound.clone();
    flipped[3_000] ^= 1;
    write("flipped.json", &flipped);
    let newer = String::from_utf8(sound).expect("text").replacen("\"version\":1", "\"version\":9", 1);
    write("newer.json", newer.as_bytes());
    write("foreign.json", b"{\"coefficients\": [1, 2]}");
    write("alone.onnx", b"not a model");
    let path = folder.path().to_str().expect("a path");
    let app = TestApp::start_with(Database::Sqlite, &[("MODELS_DIR", path)]).await;
    let list = models(&app).await;
    for (file, why) in [
        ("truncated.json", "cut short"),
        ("flipped.json", "damaged"),
        ("newer.json", "version 9"),
        ("foreign.json", "isn't a model file"),
        ("alone.onnx", "sidecar"),
    ] {
        let model = named(&list, file);
        let reason = model["unavailableReason"].as_str().expect("a reason");
        assert!(model["available"] == false && reason.contains(why), "{file}: {reason}");
    }
    import(&app, "ACME", &bars()).await;
    predict(&app, json!({"ticker": "ACME"})).await;
    predict(&app, json!({"ticker": "ACME", "modelId": named(&list, "sklearn ridge")["id"]})).await;
    let (code, message) = refused(&app, json!({"ticker": "ACME", "modelId": named(&list, "flipped.json")["id"]})).await;
    assert!(code == "INVALID" && message.contains("damaged"), "{message}");
}

#[tokio::test]
async fn without_the_library_an_onnx_model_is_listed_with_the_reason() {
    let app = TestApp::start_with(Database::Sqlite, &[("MODELS_DIR", FIXTURES)]).await;
    let list = models(&app).await;
    let reason = named(&list, "onnx_forest.onnx")["unavailableReason"].as_str().expect("a reason").to_owned();
    assert!(reason.contains("ORT_DYLIB_PATH"), "{reason}");
}

#[tokio::test]
async fn the_rest_route_predicts_and_stores() {
    let app = TestApp::start(Database::Sqlite).await;
    import(&app, "ACME", &first(&bars(), 200)).await;
    let (status, answer) = app.operator.get("/ai_prediction?symbol=acme").await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(answer["prediction"]["points"].as_array().map(Vec::len), Some(30));
    assert_eq!(answer["prediction"]["symbol"]["symbol"], "ACME");
    let stored = app.anonymous.data("{ predictions { totalCount } }", json!({})).await;
    assert_eq!(stored["predictions"]["totalCount"], 1);
    for (path, status) in [
        ("/ai_prediction", 400),
        ("/ai_prediction?symbol=NOBODY", 404),
        ("/ai_prediction?symbol=ACME&horizon=x", 400),
        ("/ai_prediction?symbol=ACME&horizon=99", 400),
    ] {
        assert_eq!(app.operator.get(path).await.0, status, "{path}");
    }
    assert_eq!(app.anonymous.get("/ai_prediction?symbol=ACME").await.0, 401);
}
