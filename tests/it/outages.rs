//! What the service does while a part of it fails, and after: the database cut off, restarted, full; clocks apart.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use sea_orm::ConnectionTrait as _;
use serde_json::{Value, json};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::binary::Server;
use crate::harness::postgres::Cluster;
use crate::harness::proxy::Proxy;
use crate::harness::{ADMIN_TOKEN, Answer, Client, Database, Provider, TestApp, day, fresh_database, provider, state};
use crate::on_each_database;
use crate::subscriptions::{JOB, connect_to, receive, subscribe};

/// How long after an outage every follower has heard the end.
const PATIENCE: Duration = Duration::from_mins(1);

fn payload(ticker: &str) -> String {
    provider::daily(ticker, &[(day(0), ["1.0", "2.0", "0.5", "1.5"], "7")])
}

/// Somebody who follows a job until the stream completes.
struct Follower {
    /// The first state has come.
    begun: oneshot::Receiver<()>,
    /// All of them, in the end.
    states: JoinHandle<Vec<String>>,
}

impl Follower {
    /// One by a WebSocket and one by server-sent events, once both have begun.
    async fn both(url: &str, id: &str) -> [Self; 2] {
        let (by_socket, by_events) = (oneshot::channel(), oneshot::channel());
        let socket = tokio::spawn(followed_by_socket(url.to_owned(), id.to_owned(), by_socket.0));
        let events = tokio::spawn(followed_by_events(url.to_owned(), id.to_owned(), by_events.0));
        let mut both = [Self { begun: by_socket.1, states: socket }, Self { begun: by_events.1, states: events }];
        for follower in &mut both {
            (&mut follower.begun).await.expect("a first state");
        }
        both
    }
}

async fn assert_one_end(followers: [Follower; 2]) {
    for follower in followers {
        let states = follower.states.await.expect("a follower");
        assert_eq!(states.last().map(String::as_str), Some("SUCCEEDED"), "{states:?}");
        assert_eq!(states.iter().filter(|state| *state == "SUCCEEDED").count(), 1, "{states:?}");
    }
}

async fn followed_by_socket(url: String, id: String, begin: oneshot::Sender<()>) -> Vec<String> {
    let mut socket = connect_to(&url, json!({})).await;
    receive(&mut socket).await;
    subscribe(&mut socket, "1", JOB, json!({"id": id})).await;
    let (mut begin, mut states) = (Some(begin), Vec::new());
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
                if let Some(begin) = begin.take() {
                    let _ = begin.send(());
                }
            }
            Some("complete") => return states,
            _ => {}
        }
    }
}

async fn followed_by_events(url: String, id: String, begin: oneshot::Sender<()>) -> Vec<String> {
    let request = crate::harness::http()
        .post(format!("{url}/graphql"))
        .header("accept", "text/event-stream")
        .json(&json!({"query": JOB, "variables": {"id": id}}));
    let mut response = request.send().await.expect("an answer");
    let (mut begin, mut text) = (Some(begin), String::new());
    while let Some(chunk) = tokio::time::timeout(PATIENCE, response.chunk()).await.expect("in time").expect("a stream")
    {
        text += &String::from_utf8_lossy(&chunk);
        if text.contains("data:")
            && let Some(begin) = begin.take()
        {
            let _ = begin.send(());
        }
    }
    assert!(text.contains("event: complete"), "{text}");
    let data = text
        .lines()
        .filter_map(|line| line.strip_prefix("data:"))
        .filter_map(|d| serde_json::from_str::<Value>(d).ok());
    data.filter_map(|d| d["data"]["jobUpdated"]["state"].as_str().map(str::to_owned)).collect()
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
    async fn follow(&self, ticker: &str, runs: Duration) -> (String, [Follower; 2]) {
        self.app.provider.answer(ticker, Answer::Late(runs, payload(ticker)));
        let id = self.app.operator.add_symbol(ticker).await;
        self.app.job_when(&id, |job| state(job) == "RUNNING").await;
        let followers = Follower::both(&self.url, &id).await;
        (id, followers)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(has_postgres), ignore = "PostgreSQL's server is not installed")]
async fn followers_hear_an_end_that_fell_into_a_cut() {
    let apart = Apart::start().await;
    let (id, followers) = apart.follow("ACME", Duration::from_millis(1_500)).await;
    apart.proxy.cut();
    apart.app.settled(&id).await;
    apart.proxy.has_refused().await;
    apart.proxy.mend();
    assert_one_end(followers).await;
    // What comes after is heard as before.
    let (_, followers) = apart.follow("BETA", Duration::from_millis(800)).await;
    assert_one_end(followers).await;
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
    apart.proxy.has_refused().await;
    apart.proxy.mend();
    let heard = tokio::time::timeout(PATIENCE, receive(&mut socket)).await.expect("in time").expect("a message");
    assert_eq!(heard["payload"]["data"]["refreshCompleted"]["job"]["id"], json!(id), "{heard}");
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
    let (id, followers) = apart.follow("ACME", Duration::from_millis(1_500)).await;
    apart.proxy.silence();
    apart.app.settled(&id).await;
    assert_one_end(followers).await;
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
    client.job_when(&id, |job| state(job) == "RUNNING").await;
    let followers = Follower::both(&server.url, &id).await;
    cluster.crash();
    assert_one_end(followers).await;
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
    for job in jobs {
        let ended = client.settled(&job).await;
        assert_eq!((state(&ended), &ended["attempts"]), ("SUCCEEDED", &json!(1)), "{ended}");
    }
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
