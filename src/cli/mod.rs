//! The commands of the one binary.

/// Tells a line to whoever reads the standard output. A reader that has gone, as `head` does, ends no command.
macro_rules! say {
    ($($line:tt)*) => {{
        use std::io::Write as _;
        let _ = writeln!(std::io::stdout().lock(), $($line)*);
    }};
}

mod demo;
mod errors;
mod export;
mod import;
mod import_market;
mod prepare;
mod runtime;
mod samples;
mod serve;
mod token;
mod train;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};

use prepare::prepared;

use crate::graphql;
use crate::settings::{Environment, Settings};
use crate::store::{self, Store};
use crate::telemetry;

pub use errors::CommandError;

/// IPOs, daily prices, backtests and forecasts behind one GraphQL endpoint.
#[derive(Debug, Parser)]
#[command(name = "prospectus", version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the API, run jobs and keep the schedule.
    Serve {
        /// Leave the jobs and the schedule to `prospectus worker`.
        #[arg(long)]
        no_worker: bool,
    },
    /// Run jobs and keep the schedule, without the API.
    Worker,
    /// Bring the database's schema up to date, or take migrations back.
    Migrate {
        /// Take back this many migrations, with the data they hold.
        #[arg(long, value_name = "STEPS")]
        down: Option<u32>,
    },
    /// Fill a fresh database with real sample prices, show the way around, and serve it.
    Demo(demo::DemoArguments),
    /// Read a file of one symbol's prices, or files of a whole market, into the database.
    Import(import::ImportArguments),
    /// Write prices, IPOs, backtests or sweeps to a file, for notebooks and spreadsheets.
    Export(export::ExportArguments),
    /// Fit a forecasting model to stored symbols.
    Train(train::TrainArguments),
    /// Write a copy of the SQLite database, while it serves.
    Backup {
        /// A file that isn't there yet.
        file: PathBuf,
    },
    /// Put a copy back in the SQLite database's place, while nothing serves.
    Restore {
        /// What `backup` has written.
        file: PathBuf,
    },
    /// Print the GraphQL schema.
    Schema,
    /// Ask a running service whether it can serve; fails if it can't. Containers check their health with it.
    Health {
        /// Where the service is; this machine at the port of LISTEN unless said.
        url: Option<String>,
        /// Ask a worker, where its metrics are served.
        #[arg(long, conflicts_with = "url")]
        worker: bool,
    },
    /// Make, list and revoke tokens.
    #[command(subcommand)]
    Token(token::TokenCommand),
}

/// How long what still computes may go on once the command is over. Nobody waits for its result.
const LAST_WORK: Duration = Duration::from_secs(1);

/// Runs the command that the arguments name.
#[must_use]
pub fn main() -> ExitCode {
    // Only where there's no such variable yet: the environment goes before the file.
    dotenvy::dotenv().ok();
    let arguments = Arguments::parse();
    // Fails only if a provider is there already, which serves as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let (runtime, _lookout) = match runtime::build() {
        Ok(built) => built,
        Err(error) => return complain(&CommandError::Failed(format!("no threads to run on: {error}"))),
    };
    let ended = runtime.block_on(run(arguments.command));
    runtime.shutdown_timeout(LAST_WORK);
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => complain(&error),
    }
}

fn complain(error: &CommandError) -> ExitCode {
    eprintln!("prospectus: {error}");
    ExitCode::FAILURE
}

async fn run(command: Command) -> Result<(), CommandError> {
    if matches!(command, Command::Schema) {
        // What doesn't fit into a pipe whose reader has gone is nobody's.
        let _ = std::io::stdout().write_all(graphql::sdl().as_bytes());
        return Ok(());
    }
    let settings = Settings::read(&Environment)?;
    let (role, level) = match &command {
        Command::Serve { .. } => (Some("serve"), "info"),
        Command::Worker => (Some("worker"), "info"),
        // The screen belongs to the progress display.
        Command::Demo(_) => (Some("demo"), "warn"),
        Command::Migrate { .. } => (None, "info"),
        _ => (None, "warn"),
    };
    let traces = telemetry::start(&settings.telemetry, level, role, store::QUIET, store::STATEMENTS)?;
    let ended = Box::pin(obey(command, settings)).await;
    if let Some(traces) = traces {
        traces.end().await;
    }
    ended
}

async fn obey(command: Command, settings: Settings) -> Result<(), CommandError> {
    match command {
        Command::Serve { no_worker } => Box::pin(serve::serve(settings, !no_worker)).await,
        Command::Worker => Box::pin(serve::work(settings)).await,
        Command::Migrate { down } => Box::pin(migrate(settings, down)).await,
        Command::Demo(arguments) => Box::pin(demo::run(settings, arguments)).await,
        Command::Import(arguments) => Box::pin(import::run(settings, arguments)).await,
        Command::Export(arguments) => Box::pin(export::run(settings, arguments)).await,
        Command::Token(command) => token::run(settings, command).await,
        Command::Train(arguments) => Box::pin(train::run(settings, arguments)).await,
        Command::Backup { file } => {
            store::backup(&settings.database_url, &file).await?;
            say!("{} is a whole copy of the database.", file.display());
            Ok(())
        }
        Command::Restore { file } => {
            store::restore(&settings.database_url, &file).await?;
            say!("The database is {} again; what was there ends in .before-restore.", file.display());
            Ok(())
        }
        Command::Health { url, worker } => health(&settings, url, worker).await,
        Command::Schema => Ok(()),
    }
}

/// How long a service that is well may take to say so.
const HEALTH_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(5);

async fn health(settings: &Settings, url: Option<String>, worker: bool) -> Result<(), CommandError> {
    let own = if worker { settings.telemetry.metrics_listen } else { Some(settings.listen) };
    let own = own.map(|address| format!("http://127.0.0.1:{}", address.port()));
    let unset = || CommandError::Failed("a worker tells its health where METRICS_LISTEN says, which is off".to_owned());
    let url = url.or(own).ok_or_else(unset)?;
    let failed = |error: reqwest::Error| CommandError::Failed(format!("{url} does not answer: {error}"));
    let client = reqwest::Client::builder().no_proxy().timeout(HEALTH_TIMEOUT).build().map_err(failed)?;
    let answer = client.get(format!("{}/readyz", url.trim_end_matches('/'))).send().await.map_err(failed)?;
    let status = answer.status();
    let text = answer.text().await.map_err(failed)?;
    if status.is_success() { Ok(()) } else { Err(CommandError::Failed(format!("not ready: {}", text.trim()))) }
}

async fn migrate(settings: Settings, down: Option<u32>) -> Result<(), CommandError> {
    if let Some(steps) = down {
        let store = Store::connect(&settings.database_url).await?;
        store.migrate_down(steps).await?;
        store.close().await;
        say!("Took back {steps} {}.", if steps == 1 { "migration" } else { "migrations" });
        return Ok(());
    }
    let app = prepared(settings).await?;
    app.store.close().await;
    say!("The database is up to date.");
    Ok(())
}
