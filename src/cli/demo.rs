//! A working service on real sample prices, in one command: the samples are served in the provider's own format to
//! the real provider code, and come in through the real queue.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use clap::Args;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use secrecy::{ExposeSecret, SecretString};
use tokio::net::TcpListener;
use url::Url;

use super::{CommandError, prepared, serve};
use crate::app::App;
use crate::jobs::{self, AddSymbol};
use crate::settings::Settings;
use crate::store::entity::{job, symbol};
use crate::store::{JobState, random_token};

#[derive(Debug, Args)]
pub(super) struct DemoArguments {
    /// Where the demo's database goes; what is there is replaced.
    #[arg(long, default_value = "data/demo.db")]
    database: PathBuf,
    /// Stop once everything is in, instead of serving it.
    #[arg(long)]
    exit: bool,
}

/// Real daily prices of 2000 to 2013, in the public domain; `samples/README.md` tells where they come from.
const SAMPLES: [(&str, &str, &str); 5] = [
    ("AAPL", "Apple Inc", include_str!("../../samples/alpha_vantage/AAPL.json")),
    ("FB", "Facebook Inc", include_str!("../../samples/alpha_vantage/FB.json")),
    ("GOOG", "Google Inc", include_str!("../../samples/alpha_vantage/GOOG.json")),
    ("IBM", "International Business Machines Corp", include_str!("../../samples/alpha_vantage/IBM.json")),
    ("MSFT", "Microsoft Corporation", include_str!("../../samples/alpha_vantage/MSFT.json")),
];

pub(super) async fn run(settings: Settings, arguments: DemoArguments) -> Result<(), CommandError> {
    let token = settings.admin_token.clone().unwrap_or_else(|| random_token().into());
    let app = prepared(demo_settings(settings, &arguments, &token).await?).await?;
    let (address, server) = serve::start(&app).await?;
    let serving = tokio::spawn(serve::run(app.clone(), server, true));

    println!("Prospectus demo: {} symbols of real daily prices, 2000 to 2013\n", SAMPLES.len());
    fetch_samples(&app).await?;

    if arguments.exit {
        app.shutdown.cancel();
    } else {
        show_the_way(&format!("http://{address}"), token.expose_secret());
    }
    serving.await.map_err(|e| CommandError::Failed(e.to_string()))?
}

/// A database of its own, and the samples in the provider's place.
async fn demo_settings(
    mut settings: Settings,
    arguments: &DemoArguments,
    token: &SecretString,
) -> Result<Settings, CommandError> {
    for suffix in ["", "-wal", "-shm"] {
        let mut path = arguments.database.clone().into_os_string();
        path.push(suffix);
        match std::fs::remove_file(&path) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => {
                let path = path.to_string_lossy();
                return Err(CommandError::Failed(format!("the old demo database {path} can't be removed: {error}")));
            }
        }
    }
    settings.database_url = format!("sqlite://{}", arguments.database.display());
    settings.admin_token = Some(token.clone());
    settings.price_schedule = None;
    settings.ipo_schedule = None;
    settings.alpha_vantage.base_url = serve_samples().await?;
    settings.alpha_vantage.api_key = Some("demo".into());
    settings.alpha_vantage.per_second = 0.0;
    settings.alpha_vantage.per_day = 0;
    Ok(settings)
}

/// Answers like Alpha Vantage, from the samples, on a port of the system's choice.
async fn serve_samples() -> Result<Url, CommandError> {
    let failed = |error: &dyn std::fmt::Display| CommandError::Failed(format!("the samples can't be served: {error}"));
    let listener = TcpListener::bind("127.0.0.1:0").await.map_err(|e| failed(&e))?;
    let address = listener.local_addr().map_err(|e| failed(&e))?;
    let samples: HashMap<&str, (&str, &str)> = SAMPLES.iter().map(|(t, name, body)| (*t, (*name, *body))).collect();
    let router = Router::new().route("/query", get(sample)).with_state(Arc::new(samples));
    tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, router).await {
            tracing::error!(%error, "the samples are no longer served");
        }
    });
    Url::parse(&format!("http://{address}")).map_err(|e| failed(&e))
}

type Samples = State<Arc<HashMap<&'static str, (&'static str, &'static str)>>>;

async fn sample(State(samples): Samples, Query(query): Query<HashMap<String, String>>) -> Response {
    let asked = |name: &str| query.get(name).map_or("", String::as_str);
    let json = |body: String| ([(header::CONTENT_TYPE, "application/json")], body).into_response();
    if asked("function") == "SYMBOL_SEARCH" {
        let matches: Vec<serde_json::Value> = samples
            .get_key_value(asked("keywords"))
            .into_iter()
            .map(|(ticker, (name, _))| {
                serde_json::json!({"1. symbol": ticker, "2. name": name, "3. type": "Equity",
                    "4. region": "United States", "8. currency": "USD", "9. matchScore": "1.0000"})
            })
            .collect();
        return json(serde_json::json!({"bestMatches": matches}).to_string());
    }
    match samples.get(asked("symbol")) {
        Some((_, body)) => json((*body).to_owned()),
        None => json(r#"{"Error Message": "Invalid API call. The demo has its samples only."}"#.to_owned()),
    }
}

/// Adds every sample symbol and follows its job to the end.
async fn fetch_samples(app: &App) -> Result<(), CommandError> {
    let bars = MultiProgress::new();
    let mut following = Vec::new();
    for (ticker, _, _) in SAMPLES {
        let input = AddSymbol { ticker: ticker.to_owned(), name: None, exchange: None, refresh: true };
        let (_, job) = jobs::add_symbol(app, input).await.map_err(|e| CommandError::Failed(e.to_string()))?;
        let bar = bars.add(ProgressBar::new_spinner().with_style(style()).with_prefix(ticker));
        bar.enable_steady_tick(Duration::from_millis(100));
        following.extend(job.map(|job| (job.id, bar)));
    }
    for (id, bar) in following {
        let job = follow(app, id, &bar).await?;
        if job.state != JobState::Succeeded {
            let message = job.message.unwrap_or_default();
            return Err(CommandError::Failed(format!("a sample did not come in: {message}")));
        }
    }
    let symbols = app.store.symbols().all().await?;
    let count: i32 = symbols.iter().map(|symbol: &symbol::Model| symbol.bar_count).sum();
    println!("\n{count} bars stored.");
    Ok(())
}

fn style() -> ProgressStyle {
    ProgressStyle::with_template("  {spinner} {prefix:<5} {msg}").unwrap_or_else(|_| ProgressStyle::default_spinner())
}

async fn follow(app: &App, id: i64, bar: &ProgressBar) -> Result<job::Model, CommandError> {
    let mut events = app.store.events().subscribe();
    loop {
        let Some(job) = app.store.jobs().get(id).await? else {
            return Err(CommandError::Failed("a job of the demo has gone".to_owned()));
        };
        let message = job.message.clone().unwrap_or_else(|| "waiting".to_owned());
        if job.state.is_final() {
            bar.finish_with_message(message);
            return Ok(job);
        }
        bar.set_message(message);
        // An event, or the clock where none comes.
        let _ = tokio::time::timeout(Duration::from_millis(500), events.recv()).await;
    }
}

fn show_the_way(address: &str, token: &str) {
    println!(
        "
Open   {address}/graphql   GraphiQL: write queries in the browser
       {address}/schema.graphql

Ask    curl -s {address}/graphql -H 'content-type: application/json' \\
         -d '{{\"query\":\"{{ symbol(ticker: \\\"IBM\\\") {{ name barCount latestBar {{ date close }} }} }}\"}}'

Token  {token}
       the role ADMIN, for this demo: send it as \"Authorization: Bearer …\"

Serving until Ctrl-C."
    );
}
