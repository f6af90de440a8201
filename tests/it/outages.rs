//! What the service does while a part of it fails, and after: the database cut off, restarted, full; clocks apart.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use sea_orm::ConnectionTrait as _;
use serde_json::{Value, json};

use crate::binary::Server;
use crate::harness::postgres::Cluster;
use crate::harness::proxy::Proxy;
use crate::harness::{ADMIN_TOKEN, Answer, Client, Database, Provider, TestApp, day, fresh_database, provider};
use crate::on_each_database;
use crate::subscriptions::{JOB, connect_to, receive, subscribe};

/// How long after an outage every follower has heard the end.
const PATIENCE: Duration = Duration::from_mins(1);

fn payload(ticker: &str) -> String {
    provider::daily(ticker, &[(day(0), ["1.0", "2.0", "0.5", "1.5"], "7")])
}

/// Follows a job over a WebSocket until the stream completes; answers with the states told.
async fn followed_by_socket(url: String, id: String) -> Vec<String> {
    let mut socket = connect_to(&url, json!({})).await;
    receive(&mut socket).await;
    subscribe(&mut socket, "1", JOB, json!({"id": id})).await;
    let mut states = Vec::new();
    loop {
        let message = tokio::time::timeout(PATIENCE, async {
            loop {
                // The helper has a shorter patience of its own; a ping of ours keeps nobody from being silent.
                if let Some(message) = receive(&mut socket).await {
                    return message;
                }
            }
        });
        let message = message.await.expect("in time");
        match message["type"].as_str() {
            Some("next") => {
                assert!(message["payload"]["errors"].is_null(), "{message}");
                states.push(message["payload"]["data"]["jobUpdated"]["state"].as_str().unwrap_or_default().to_owned());
            }
            Some("complete") => return states,
            _ => {}
        }
    }
}

/// Follows a job over server-sent events until the stream completes; answers with the states told.
async fn followed_by_events(url: String, id: String) -> Vec<String> {
    let response = reqwest::Client::builder()
        .no_proxy()
        .build()
        .expect("a client")
        .post(format!("{url}/graphql"))
        .header("accept", "text/event-stream")
        .json(&json!({"query": JOB, "variables": {"id": id}}));
    let text = tokio::time::timeout(PATIENCE, async { response.send().await.expect("an answer").text().await });
    let text = text.await.expect("in time").expect("a stream that ends");
    assert!(text.contains("event: complete"), "{text}");
    let data = text
        .lines()
        .filter_map(|line| line.strip_prefix("data:"))
        .filter_map(|d| serde_json::from_str::<Value>(d).ok());
    data.filter_map(|d| d["data"]["jobUpdated"]["state"].as_str().map(str::to_owned)).collect()
}

fn assert_one_end(states: &[String]) {
    assert_eq!(states.last().map(String::as_str), Some("SUCCEEDED"), "{states:?}");
    assert_eq!(states.iter().filter(|state| *state == "SUCCEEDED").count(), 1, "{states:?}");
}

async fn until_running(client: &Client, id: &str) {
    let query = "query($id: ID!) { node(id: $id) { ... on Job { state } } }";
    while client.data(query, json!({"id": id})).await["node"]["state"] != "RUNNING" {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// An API that reaches PostgreSQL through a proxy, and a worker that doesn't need it.
struct Apart {
    app: TestApp,
    proxy: Proxy,
    url: String,
    _replica: crate::harness::Replica,
}

impl Apart {
    async fn start() -> Self {
        let app = TestApp::start_with(Database::Postgres, &[("PROVIDER_TIMEOUT_SECONDS", "10")]).await;
        let database = app.app.settings.database_url.to_string();
        let (before, after) = database.split_once("127.0.0.1:").expect("a port");
        let (port, path) = after.split_once('/').expect("a path");
        let proxy = Proxy::to(port.parse().expect("a port")).await;
        let replica = app.replica_at(&format!("{before}127.0.0.1:{}/{path}", proxy.port)).await;
        Self { url: replica.url.clone(), app, proxy, _replica: replica }
    }

    /// A job that runs for so long, and its followers at the API.
    async fn follow(&self, runs: Duration) -> (String, [tokio::task::JoinHandle<Vec<String>>; 2]) {
        self.app.provider.answer("ACME", Answer::Late(runs, payload("ACME")));
        let id = self.app.operator.add_symbol("ACME").await;
        until_running(&self.app.operator, &id).await;
        let socket = tokio::spawn(followed_by_socket(self.url.clone(), id.clone()));
        let events = tokio::spawn(followed_by_events(self.url.clone(), id.clone()));
        (id, [socket, events])
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(has_postgres), ignore = "PostgreSQL's server is not installed")]
async fn followers_hear_an_end_that_fell_into_a_cut() {
    let apart = Apart::start().await;
    let (id, followers) = apart.follow(Duration::from_millis(1_500)).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    apart.proxy.cut();
    apart.app.settled(&id).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    apart.proxy.mend();
    for follower in followers {
        assert_one_end(&follower.await.expect("a follower"));
    }
    // What comes after is heard as before.
    let (_, followers) = apart_again(&apart).await;
    for follower in followers {
        assert_one_end(&follower.await.expect("a follower"));
    }
}

async fn apart_again(apart: &Apart) -> (String, [tokio::task::JoinHandle<Vec<String>>; 2]) {
    apart.app.provider.answer("BETA", Answer::Late(Duration::from_millis(800), payload("BETA")));
    let id = apart.app.operator.add_symbol("BETA").await;
    let socket = tokio::spawn(followed_by_socket(apart.url.clone(), id.clone()));
    let events = tokio::spawn(followed_by_events(apart.url.clone(), id.clone()));
    (id, [socket, events])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(has_postgres), ignore = "PostgreSQL's server is not installed")]
async fn who_begins_to_follow_during_a_cut_hears_what_ended_in_it() {
    let apart = Apart::start().await;
    apart.proxy.cut();
    let mut socket = connect_to(&apart.url, json!({})).await;
    receive(&mut socket).await;
    subscribe(&mut socket, "1", "subscription { refreshCompleted { job { id } } }", json!({})).await;
    // Following has begun once something else on the socket is answered.
    subscribe(&mut socket, "2", "{ __typename }", json!({})).await;
    while receive(&mut socket).await.expect("an answer")["type"] != "complete" {}
    apart.app.provider.answer("ACME", Answer::Body(payload("ACME")));
    let id = apart.app.operator.add_symbol("ACME").await;
    apart.app.settled(&id).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    apart.proxy.mend();
    let told = tokio::time::timeout(PATIENCE, receive(&mut socket)).await.expect("in time").expect("a message");
    assert_eq!(told["payload"]["data"]["refreshCompleted"]["job"]["id"], json!(id), "{told}");
    // An answer says so at once where there is no database to ask.
    apart.proxy.cut();
    let (status, answer) =
        Client::new(&apart.url, None).post("/graphql", json!({"query": "{ symbols { totalCount } }"})).await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "OVERLOADED", "{status} {answer}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(has_postgres), ignore = "PostgreSQL's server is not installed")]
async fn followers_hear_an_end_though_the_connections_fell_silent() {
    let apart = Apart::start().await;
    let (id, followers) = apart.follow(Duration::from_millis(1_500)).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    apart.proxy.silence();
    apart.app.settled(&id).await;
    for follower in followers {
        assert_one_end(&follower.await.expect("a follower"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(has_postgres), ignore = "PostgreSQL's server is not installed")]
async fn a_server_that_restarts_ends_no_job_and_silences_no_follower() {
    let cluster = tokio::task::spawn_blocking(Cluster::own).await.expect("a cluster");
    let provider = Provider::start().await;
    let database = Cluster::database_at(cluster.port);
    let server = Server::start(&database, &provider.url(), &[], &[]);
    let client = Client::new(&server.url, Some(ADMIN_TOKEN));
    provider.answer("ACME", Answer::Late(Duration::from_secs(2), payload("ACME")));
    let id = client.add_symbol("ACME").await;
    until_running(&client, &id).await;
    let socket = tokio::spawn(followed_by_socket(server.url.clone(), id.clone()));
    let events = tokio::spawn(followed_by_events(server.url.clone(), id.clone()));
    tokio::time::sleep(Duration::from_secs(1)).await;
    cluster.crash();
    for follower in [socket, events] {
        assert_one_end(&follower.await.expect("a follower"));
    }
}

/// Ends with the test.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(all(has_postgres, has_faketime)), ignore = "PostgreSQL's server or faketime is not installed")]
async fn workers_whose_clocks_are_a_minute_apart_take_nothing_from_each_other() {
    let folder = tempfile::tempdir().expect("a folder");
    let provider = Provider::start().await;
    let database = fresh_database(Database::Postgres, &folder);
    let settings = [("PROVIDER_TIMEOUT_SECONDS", "30"), ("WORKER_CONCURRENCY", "2")];
    let server = Server::start(&database, &provider.url(), &["--no-worker"], &settings);
    let worker = |offset: &str| {
        let mut command = Command::new("faketime");
        command
            .args(["-f", offset, env!("CARGO_BIN_EXE_prospectus"), "worker"])
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .envs([("DATABASE_URL", database.as_str()), ("ALPHA_VANTAGE_BASE_URL", &provider.url())])
            .envs([("ALPHA_VANTAGE_PER_SECOND", "0"), ("ALPHA_VANTAGE_PER_DAY", "0"), ("IPO_SCHEDULE", "off")])
            .envs([("PRICE_SCHEDULE", "off")])
            .envs(settings)
            .current_dir(std::env::temp_dir())
            .stderr(Stdio::null());
        Killed(command.spawn().expect("a worker"))
    };
    let _workers = [worker("+0s"), worker("+60s")];
    let client = Client::new(&server.url, Some(ADMIN_TOKEN));
    let mut jobs = Vec::new();
    for n in 0..4 {
        let ticker = format!("S{n}");
        // Longer than a lease.
        provider.answer(&ticker, Answer::Late(Duration::from_secs(11), payload(&ticker)));
        jobs.push(client.add_symbol(&ticker).await);
    }
    let query = "query($ids: [ID!]!) { nodes(ids: $ids) { ... on Job { state attempts } } }";
    let deadline = Instant::now() + PATIENCE;
    let ended = loop {
        let nodes = client.data(query, json!({"ids": jobs})).await["nodes"].clone();
        let all = nodes.as_array().expect("jobs");
        if all.iter().all(|job| job["state"] == "SUCCEEDED") || Instant::now() > deadline {
            break nodes;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    };
    assert_eq!(
        ended,
        json!([{"state": "SUCCEEDED", "attempts": 1}, {"state": "SUCCEEDED", "attempts": 1},
                             {"state": "SUCCEEDED", "attempts": 1}, {"state": "SUCCEEDED", "attempts": 1}])
    );
}

/// A limit on the length of files stands in for a full disk: writes beyond it fail, and it can be lifted.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(has_prlimit), ignore = "prlimit is not installed")]
async fn a_full_disk_is_said_and_everything_goes_on_once_there_is_space() {
    let folder = tempfile::tempdir().expect("a folder");
    let provider = Provider::start().await;
    let days: Vec<_> = (0..3_000).map(|n| (day(n), ["10.0", "11.0", "9.0", "10.5"], "7")).collect();
    let database = fresh_database(Database::Sqlite, &folder);
    // Without the signal that a write beyond the limit would end the process with.
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_prospectus")]);
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default()).current_dir(folder.path());
    let server = Server::start_by(command, &database, &provider.url(), &[], &[]);
    let client = Client::new(&server.url, Some(ADMIN_TOKEN));
    let limit = |bytes: &str| {
        let pid = server.id().to_string();
        let status = Command::new("prlimit").args(["--pid", &pid, &format!("--fsize={bytes}:unlimited")]).status();
        assert!(status.expect("prlimit runs").success());
    };
    limit("2000000");
    let add = "mutation($t: String!) { addSymbol(input: { ticker: $t }) { job { id } userErrors { message } } }";
    let full = async |n: usize| {
        let ticker = format!("S{n}");
        provider.answer(&ticker, Answer::Body(provider::daily(&ticker, &days)));
        let asked = Instant::now();
        let (_, answer) = client.post("/graphql", json!({"query": add, "variables": {"t": ticker}})).await;
        assert!(asked.elapsed() < Duration::from_secs(2), "a clear answer comes soon: {answer}");
        let code = answer["errors"][0]["extensions"]["code"].as_str().map(str::to_owned);
        assert!(code.as_deref().is_none_or(|code| code == "STORAGE_FULL"), "{answer}");
        code.is_some()
    };
    let mut asked = 0;
    while !full(asked).await {
        asked += 1;
        assert!(asked < 400, "the disk is full at some time");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let (status, body) = client.get("/readyz").await;
    assert_eq!(status, 503);
    assert!(body.as_str().is_some_and(|body| body.contains("full")), "{body}");
    assert_eq!(client.get("/healthz").await.0, 200);
    let (status, body) = client.post("/financial_data/add", json!({"symbol": "REST"})).await;
    assert_eq!((status, &body["error"]["code"]), (503, &json!("STORAGE_FULL")));

    limit("unlimited");
    let freed = Instant::now();
    while client.get("/readyz").await.0 != 200 {
        assert!(freed.elapsed() < Duration::from_secs(10), "it is ready again soon");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(!full(asked + 1).await, "there is space");
    let left = "{ jobs(filter: { state: [QUEUED, RUNNING, RETRYING, FAILED] }) { nodes { state message } } }";
    loop {
        let jobs = client.data(left, json!({})).await["jobs"]["nodes"].clone();
        if jobs == json!([]) {
            break;
        }
        assert!(freed.elapsed() < Duration::from_secs(20), "every job ends well: {jobs}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

on_each_database! {
    async fn readiness_only_reads(app: TestApp) {
        assert_eq!(app.anonymous.get("/readyz").await.0, 200);
        let transaction = app.app.store.begin().await.expect("a transaction");
        transaction.execute_unprepared("DROP TABLE seaql_migrations").await.expect("a table less");
        transaction.commit().await.expect("a commit");
        assert_eq!(app.anonymous.get("/readyz").await.0, 503);
        let transaction = app.app.store.begin().await.expect("a transaction");
        let there = transaction.execute_unprepared("SELECT 1 FROM seaql_migrations").await;
        assert!(there.is_err(), "it has not been made again");
    }
}
