//! A throwaway PostgreSQL cluster for the whole test run, from the installed binaries.

use std::io::Write;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// A running server of its own.
pub struct Cluster {
    pub port: u16,
    /// While this is open the cluster lives; the process's end closes it.
    _lifeline: std::process::ChildStdin,
}

static CLUSTER: OnceLock<Cluster> = OnceLock::new();

/// The address of a new, empty database.
pub fn fresh_database(number: usize) -> String {
    let cluster = CLUSTER.get_or_init(start);
    let admin = format!("postgres://tests@127.0.0.1:{}/postgres", cluster.port);
    let name = format!("test_{number}");
    let output = Command::new(binary("psql")).args([&admin, "-qc", &format!("CREATE DATABASE {name}")]).output();
    let output = output.expect("psql runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    format!("postgres://tests@127.0.0.1:{}/{name}", cluster.port)
}

impl Cluster {
    /// A cluster that a test may break.
    pub fn own() -> Self {
        start()
    }

    /// The address of its one database, as reached at a port.
    pub fn database_at(port: u16) -> String {
        format!("postgres://tests@127.0.0.1:{port}/postgres")
    }

    /// Kills one of the server's processes: the server ends every connection, recovers, and takes new ones.
    pub fn crash(&self) {
        let sql = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'walwriter'";
        let output = Command::new(binary("psql")).args([&Self::database_at(self.port), "-qAtc", sql]).output();
        let pid = String::from_utf8_lossy(&output.expect("psql runs").stdout).trim().to_owned();
        let killed = Command::new("kill").args(["-9", &pid]).status();
        assert!(killed.expect("kill runs").success(), "the process {pid:?} was there");
    }
}

fn binary(name: &str) -> PathBuf {
    PathBuf::from(option_env!("POSTGRES_BIN").unwrap_or_default()).join(name)
}

fn start() -> Cluster {
    let folder = tempfile::Builder::new().prefix("prospectus-pg-").tempdir().expect("a folder").keep();
    let port = free_port();
    let script = folder.join("run.sh");
    // Lives until its input ends, then takes the cluster with it, however the tests ended.
    let text = format!(
        "#!/bin/sh\nset -e\n{initdb} -D {data} -U tests -A trust -E UTF8 --no-sync >/dev/null\n\
         {postgres} -D {data} -p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off \
         -c max_connections=400 -c logging_collector=off >{folder}/log 2>&1 </dev/null &\n\
         cat >/dev/null\nkill -INT %1 2>/dev/null || kill -INT $!\nwait\nrm -rf {data} {folder}/log\n",
        initdb = binary("initdb").display(),
        postgres = binary("postgres").display(),
        data = folder.join("data").display(),
        folder = folder.display(),
    );
    std::fs::File::create(&script).and_then(|mut f| f.write_all(text.as_bytes())).expect("a script");
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o755)).expect("permissions");
    let mut command = if is_root() {
        // The server refuses to run as root.
        let (uid, gid) = unprivileged();
        chown(&folder, Some(uid), Some(gid)).expect("the folder is given away");
        let mut command = Command::new("setpriv");
        command.args([format!("--reuid={uid}"), format!("--regid={gid}"), "--clear-groups".into(), "sh".into()]);
        command
    } else {
        Command::new("sh")
    };
    let mut child = command
        .arg(&script)
        .current_dir(&folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the cluster starts");
    let lifeline = child.stdin.take().expect("an open input");
    // The process outlives the tests by the moment that the cluster needs to stop.
    std::thread::spawn(move || child.wait());
    wait_for(port);
    Cluster { port, _lifeline: lifeline }
}

/// A port that nobody has. It is not of those that the system gives to connections: one of them might have it before the
/// cluster is made.
fn free_port() -> u16 {
    let first = 20_000 + u16::try_from(std::process::id() % 10_000).expect("four digits");
    let free = |port: &u16| std::net::TcpListener::bind(("127.0.0.1", *port)).is_ok();
    (first..32_768).find(free).expect("a free port")
}

fn wait_for(port: u16) {
    let deadline = Instant::now() + Duration::from_mins(1);
    let ready = || {
        let address = format!("postgres://tests@127.0.0.1:{port}/postgres");
        Command::new(binary("psql")).args([&address, "-qc", "SELECT 1"]).output().is_ok_and(|o| o.status.success())
    };
    while !ready() {
        assert!(Instant::now() < deadline, "PostgreSQL has not started");
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|o| o.stdout.starts_with(b"0"))
}

/// The user `postgres`, or `nobody`.
fn unprivileged() -> (u32, u32) {
    let id = |flag: &str| {
        let output = Command::new("id").args([flag, "postgres"]).output().ok()?;
        String::from_utf8_lossy(&output.stdout).trim().parse().ok()
    };
    (id("-u").unwrap_or(65_534), id("-g").unwrap_or(65_534))
}
