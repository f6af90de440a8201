//! The binary itself: settings, starting, stopping, being killed.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::harness::{ADMIN_TOKEN, Answer, Client, Database, Provider, day, fresh_database, provider, state};

pub fn prospectus() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_prospectus"));
    // Nothing of the developer's own settings reaches a test.
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default()).current_dir(std::env::temp_dir());
    command
}

/// A running `serve` with what it logs.
pub struct Server {
    child: Child,
    pub url: String,
    log: Arc<Mutex<Vec<String>>>,
}

impl Server {
    pub fn start(database: &str, provider: &str, arguments: &[&str], settings: &[(&str, &str)]) -> Self {
        Self::start_by(prospectus(), database, provider, arguments, settings)
    }

    /// Started by a command of one's own.
    pub fn start_by(
        mut command: Command,
        database: &str,
        provider: &str,
        arguments: &[&str],
        settings: &[(&str, &str)],
    ) -> Self {
        command
            .arg("serve")
            .args(arguments)
            .envs([("DATABASE_URL", database), ("LISTEN", "127.0.0.1:0"), ("ADMIN_TOKEN", ADMIN_TOKEN)])
            .envs([
                ("ALPHA_VANTAGE_BASE_URL", provider),
                ("ALPHA_VANTAGE_PER_SECOND", "0"),
                ("ALPHA_VANTAGE_PER_DAY", "0"),
            ])
            .env("IPO_SCHEDULE", "off")
            .envs(settings.iter().copied())
            .stderr(Stdio::piped());
        let mut child = command.spawn().expect("the binary starts");
        let lines = BufReader::new(child.stderr.take().expect("a log")).lines();
        let log: Arc<Mutex<Vec<String>>> = Arc::default();
        let (kept, (address, found)) = (log.clone(), std::sync::mpsc::channel());
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let found = line.split_once("address=127.0.0.1:").or(line.split_once("\"address\":\"127.0.0.1:"));
                if let Some((_, rest)) = found {
                    let port: String = rest.chars().take_while(char::is_ascii_digit).collect();
                    let _ = address.send(format!("http://127.0.0.1:{port}"));
                }
                kept.lock().expect("a log").push(line);
            }
        });
        let url = found.recv_timeout(Duration::from_secs(30)).expect("the server says where it serves");
        Self { child, url, log }
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The address that stands after some text in the log, once it does.
    pub fn logged(&self, before: &str) -> String {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let found = self.log().lines().find_map(|line| {
                let port: String = line.split_once(before)?.1.chars().take_while(char::is_ascii_digit).collect();
                Some(format!("http://127.0.0.1:{port}"))
            });
            if let Some(address) = found {
                return address;
            }
            assert!(Instant::now() < deadline, "nothing in the log has {before}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// What was logged so far.
    pub fn log(&self) -> String {
        self.log.lock().expect("a log").join("\n")
    }

    fn signal(&self, name: &str) {
        let status = Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status();
        assert!(status.expect("kill runs").success());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_start_that_waits_for_the_database_says_so() {
    let nowhere = std::net::TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a free port");
    let mut child = prospectus()
        .arg("serve")
        .envs([
            ("DATABASE_URL", format!("postgres://me:a-hidden-word@{nowhere}/p")),
            ("LISTEN", "127.0.0.1:0".to_owned()),
        ])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let line = BufReader::new(child.stderr.take().expect("a log")).lines().map_while(Result::ok).next();
    child.kill().and_then(|()| child.wait()).expect("it ends");
    let line = line.expect("a line");
    assert!(line.contains("WARN") && line.contains("waiting for it") && !line.contains("a-hidden-word"), "{line}");
}

#[test]
#[cfg(target_os = "linux")]
fn large_blocks_go_back_to_the_system_at_once_unless_somebody_says_otherwise() {
    let folder = tempfile::tempdir().expect("a folder");
    let of = |given: &[(&str, &str)]| {
        let server = Server::start(&fresh_database(Database::Sqlite, &folder), "http://127.0.0.1:9", &[], given);
        let began = std::fs::read(format!("/proc/{}/environ", server.id())).expect("an environment");
        let found = began.split(|byte| *byte == 0).filter_map(|line| std::str::from_utf8(line).ok());
        let mut found: Vec<_> = found.filter(|line| line.contains("MALLOC_")).map(str::to_owned).collect();
        found.sort_unstable();
        found
    };
    assert_eq!(of(&[]), ["MALLOC_ARENA_MAX=2", "MIMALLOC_ARENA_MAX_OBJECT_SIZE=1M"]);
    let own = "MIMALLOC_ARENA_MAX_OBJECT_SIZE";
    assert_eq!(of(&[(own, "8M")]), ["MALLOC_ARENA_MAX=2", "MIMALLOC_ARENA_MAX_OBJECT_SIZE=8M"]);
}

#[test]
fn a_reader_that_goes_ends_no_command() {
    let mut child =
        prospectus().arg("schema").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    // The schema is longer than a pipe holds.
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.is_empty(), "{said}");
}

#[test]
fn the_committed_schema_is_the_one_the_binary_prints() {
    let output = prospectus().arg("schema").output().expect("it runs");
    let committed = include_str!("../../schema.graphql");
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(printed == committed, "run `prospectus schema > schema.graphql`");
}

#[test]
fn a_wrong_setting_stops_the_start_with_one_line_that_names_it() {
    for (name, value) in [("LISTEN", "here"), ("ALPHA_VANTAGE_PER_DAY", "many"), ("PRICE_SCHEDULE", "noon")] {
        let output = prospectus().arg("serve").env(name, value).output().expect("it runs");
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success());
        assert_eq!(text.lines().count(), 1, "{text}");
        assert!(text.contains(name) && text.contains(value) && text.contains("it takes"), "{text}");
    }
}

#[test]
fn the_demo_brings_every_sample_in_and_ends() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = prospectus()
        .args(["demo", "--exit", "--database"])
        .arg(folder.path().join("demo.db"))
        .env("LISTEN", "127.0.0.1:0")
        .output()
        .expect("it runs");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && text.contains("12154 bars stored"),
        "{text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn a_file_is_imported_from_the_command_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("prices.csv");
    std::fs::write(&file, "date,open,high,low,close,volume\n2024-01-02,1,2,0.5,1.5,7\n2024-01-03,1,2,3,1.5,7\n")
        .expect("a file");
    let import = |path: &Path| {
        let database = format!("sqlite://{}", folder.path().join("test.db").display());
        prospectus().args(["import", "acme"]).arg(path).env("DATABASE_URL", database).output().expect("it runs")
    };
    let first = import(&file);
    assert_eq!(String::from_utf8_lossy(&first.stdout), "ACME: 1 added, 0 changed, 0 unchanged, 1 flagged\n");
    let missing = import(&folder.path().join("none.csv"));
    assert!(!missing.status.success() && String::from_utf8_lossy(&missing.stderr).contains("can't be read"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_is_made_while_jobs_write_and_put_back_when_nothing_serves() {
    let folder = tempfile::tempdir().expect("a folder");
    let provider = Provider::start().await;
    for n in 0..30 {
        let bars: Vec<_> = (0..200).map(|d| (day(d), ["1.0", "2.0", "0.5", "1.5"], "7")).collect();
        provider.daily(&format!("S{n}"), &bars);
    }
    let database = fresh_database(Database::Sqlite, &folder);
    let command = |name: &str, file: &Path| {
        prospectus().arg(name).arg(file).env("DATABASE_URL", &database).output().expect("it runs")
    };
    let (copy, other) = (folder.path().join("copy.db"), folder.path().join("other.db"));
    let server = Server::start(&database, &provider.url(), &[], &[]);
    let client = Client::new(&server.url, Some(ADMIN_TOKEN));
    let add = "mutation($t: String!) { addSymbol(input: { ticker: $t }) { userErrors { message } } }";
    for n in 0..30 {
        client.data(add, json!({"t": format!("S{n}")})).await;
        if n == 15 {
            assert!(command("backup", &copy).status.success());
        }
    }
    let told = |output: &std::process::Output| String::from_utf8_lossy(&output.stderr).into_owned();
    let again = command("backup", &copy);
    assert!(!again.status.success() && told(&again).contains("already"), "{}", told(&again));
    let served = command("restore", &copy);
    assert!(!served.status.success() && told(&served).contains("in use"), "{}", told(&served));
    std::fs::write(&other, "not a database").expect("a file");
    let foreign = command("restore", &other);
    assert!(!foreign.status.success() && told(&foreign).contains("not a whole database"), "{}", told(&foreign));
    let symbols = "{ symbols(first: 500) { totalCount nodes { barCount prices { totalCount } } } }";
    assert_eq!(client.data(symbols, json!({})).await["symbols"]["totalCount"], 30);
    drop(server);

    let put_back = command("restore", &copy);
    assert!(put_back.status.success(), "{}", told(&put_back));
    let server = Server::start(&database, &provider.url(), &["--no-worker"], &[]);
    let then = Client::new(&server.url, None).data(symbols, json!({})).await;
    assert_eq!(then["symbols"]["totalCount"], 16);
    for symbol in then["symbols"]["nodes"].as_array().expect("symbols") {
        assert_eq!(symbol["barCount"], symbol["prices"]["totalCount"], "no batch by half");
        assert!([json!(0), json!(200)].contains(&symbol["barCount"]), "{symbol}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopped_server_finishes_what_runs_and_leaves_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let provider = Provider::start().await;
    let payload = provider::daily("ACME", &[(day(0), ["1.0", "2.0", "0.5", "1.5"], "7")]);
    provider.answer("ACME", Answer::Late(Duration::from_millis(1_500), payload));
    let database = fresh_database(Database::Sqlite, &folder);
    let mut server = Server::start(&database, &provider.url(), &[], &[]);
    let client = Client::new(&server.url, Some(ADMIN_TOKEN));
    let job = client.add_symbol("ACME").await;
    client.job_when(&job, |job| state(job) == "RUNNING").await;
    server.signal("TERM");
    let asked = Instant::now();
    assert!(server.child.wait().expect("an end").success());
    assert!(asked.elapsed() < Duration::from_secs(9), "it left after {:?}", asked.elapsed());

    let server = Server::start(&database, &provider.url(), &["--no-worker"], &[]);
    let jobs = Client::new(&server.url, None).data("{ jobs { nodes { state } } }", json!({})).await;
    assert_eq!(jobs["jobs"]["nodes"], json!([{"state": "SUCCEEDED"}]));
}

/// How often the server is killed, unless `KILLS` in the environment says otherwise.
const KILLS: u64 = 8;
const SYMBOLS: usize = 12;
const DAYS: usize = 200;

async fn killed_again_and_again(database: Database) {
    let folder = tempfile::tempdir().expect("a folder");
    let provider = Provider::start().await;
    for n in 0..SYMBOLS {
        let days: Vec<_> = (0..DAYS).map(|n| (day(n), ["10.0", "11.0", "9.0", "10.5"], "7")).collect();
        let ticker = format!("S{n}");
        provider.answer(&ticker, Answer::Late(Duration::from_millis(150), provider::daily(&ticker, &days)));
    }
    let database = fresh_database(database, &folder);
    let mut accepted = BTreeSet::new();
    let kills = std::env::var("KILLS").map_or(KILLS, |kills| kills.parse().expect("a number"));
    for kill in 0..kills {
        let server = Server::start(&database, &provider.url(), &[], &[]);
        let client = Client::new(&server.url, Some(ADMIN_TOKEN));
        if kill == 0 {
            for n in 0..SYMBOLS {
                accepted.insert(client.add_symbol(&format!("S{n}")).await);
            }
        } else {
            // What has ended begins anew, so that each kill meets work.
            let asked = client.data("mutation { refreshSymbols(input: {}) { jobs { id } } }", json!({})).await;
            let jobs = asked["refreshSymbols"]["jobs"].as_array().expect("jobs");
            accepted.extend(jobs.iter().filter_map(|job| job["id"].as_str().map(str::to_owned)));
        }
        // Spread over the time that a round takes.
        tokio::time::sleep(Duration::from_millis(40 + kill * 137 % 600)).await;
        server.signal("KILL");
    }
    let server = Server::start(&database, &provider.url(), &[], &[]);
    let client = Client::new(&server.url, None);
    assert!(accepted.len() > SYMBOLS, "later kills met work, too");
    for job in accepted {
        let ended = client.settled(&job).await;
        assert_eq!(state(&ended), "SUCCEEDED", "{ended}");
    }
    let jobs = client.data("{ jobs(first: 500) { nodes { attempts } } }", json!({})).await;
    let jobs = jobs["jobs"]["nodes"].as_array().expect("jobs").clone();
    assert!(jobs.iter().any(|job| job["attempts"].as_u64() > Some(1)), "no kill met a job that ran: {jobs:?}");
    let query = "{ symbols { nodes { ticker barCount prices(first: 500) { nodes { date } } } } }";
    let symbols = client.data(query, json!({})).await;
    let symbols = symbols["symbols"]["nodes"].as_array().expect("symbols");
    assert_eq!(symbols.len(), SYMBOLS);
    let wanted: Vec<String> = (0..DAYS).map(day).collect();
    for symbol in symbols {
        let dates: Vec<&str> =
            symbol["prices"]["nodes"].as_array().expect("bars").iter().filter_map(|b| b["date"].as_str()).collect();
        assert_eq!(
            (symbol["barCount"].as_u64(), &dates),
            (Some(DAYS as u64), &wanted.iter().map(String::as_str).collect())
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kill_9_loses_no_job_and_doubles_no_bar_on_sqlite() {
    killed_again_and_again(Database::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(has_postgres), ignore = "PostgreSQL's server is not installed")]
async fn kill_9_loses_no_job_and_doubles_no_bar_on_postgres() {
    killed_again_and_again(Database::Postgres).await;
}

#[test]
fn a_command_that_only_reads_changes_no_database() {
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!("sqlite://{}/a.db", folder.path().display());
    let run = |arguments: &[&str]| {
        let output = prospectus().args(arguments).env("DATABASE_URL", &url).output().expect("it runs");
        (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let reading = [&["token", "list"][..], &["export", "--format", "csv"]];
    for arguments in reading {
        let (done, error) = run(arguments);
        assert!(!done && error.contains("prospectus migrate"), "{arguments:?}: {error}");
    }
    assert!(run(&["migrate"]).0);
    for arguments in reading {
        assert!(run(arguments).0, "{arguments:?}");
    }
}
