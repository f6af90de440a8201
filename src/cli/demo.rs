//! A working service on real sample prices, in one command: the samples are served in the provider's own format to
//! the real provider code, and come in through the real queue.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use secrecy::{ExposeSecret, SecretString};

use super::errors::CommandError;
use super::prepare::prepared;
use super::samples::{self, SAMPLES};
use super::serve;
use crate::actions::symbols::{self, AddSymbol};
use crate::actions::{Caller, backtests, ipos, predictions};
use crate::app::App;
use crate::backtest::{Condition, Execution, Strategy};
use crate::graphql::{Kind, global_id};
use crate::market::ipo::IpoField;
use crate::market::{DataSource, Exchange};
use crate::research::{PredictRequest, RunBacktest, Span};
use crate::settings::Settings;
use crate::store;
use crate::store::entity::{job, symbol};
use crate::store::{JobState, make_demo, may_become_demo, random_token};

#[derive(Debug, Args)]
pub(super) struct DemoArguments {
    /// Where the demo's own database goes, whatever `DATABASE_URL` says. A demo's file that is there is replaced, any other
    /// is refused.
    #[arg(long, default_value = "data/demo.db")]
    database: PathBuf,
    /// Stop once everything is in, instead of serving it.
    #[arg(long)]
    exit: bool,
}

pub(super) async fn run(settings: Settings, arguments: DemoArguments) -> Result<(), CommandError> {
    let token = settings.admin_token.clone().unwrap_or_else(|| random_token().into());
    // Nothing may have the database open whose files are replaced.
    let _hold = store::hold(&format!("sqlite://{}", arguments.database.display())).await?;
    let app = prepared(demo_settings(settings, &arguments, &token).await?).await?;
    let (address, server) = serve::start(&app).await?;
    let serving = tokio::spawn(serve::run(app.clone(), server, true));

    say!("Prospectus demo: {} symbols of real daily prices, 2000 to 2013", SAMPLES.len());
    say!("in a database of its own, {}, made anew each time.\n", arguments.database.display());
    fetch_samples(&app).await?;
    let shown = research(&app).await?;

    if arguments.exit {
        app.shutdown.cancel();
    } else {
        show_the_way(&format!("http://{address}"), token.expose_secret(), &shown);
    }
    serving.await.map_err(|e| CommandError::Failed(e.to_string()))?
}

/// A database of its own, and the samples in the provider's place.
async fn demo_settings(
    mut settings: Settings,
    arguments: &DemoArguments,
    token: &SecretString,
) -> Result<Settings, CommandError> {
    let shown = arguments.database.display();
    match may_become_demo(&arguments.database) {
        Ok(true) => {}
        Ok(false) => {
            return Err(CommandError::Failed(format!(
                "{shown} isn't a demo's database, so it stays as it is: name another file with --database"
            )));
        }
        Err(error) => return Err(CommandError::Failed(format!("{shown} can't be read: {error}"))),
    }
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
    if let Some(folder) = arguments.database.parent() {
        let made = std::fs::create_dir_all(folder);
        made.map_err(|e| CommandError::Failed(format!("{} can't be made: {e}", folder.display())))?;
    }
    let url = format!("sqlite://{shown}");
    make_demo(&url).await?;
    settings.database_url = url.into();
    settings.admin_token = Some(token.clone());
    settings.price_schedule = None;
    settings.ipo_schedule = None;
    let stand_ins = samples::serve().await?;
    settings.nse.base_url = stand_ins.clone().into();
    settings.alpha_vantage.base_url = stand_ins.into();
    settings.alpha_vantage.api_key = Some("demo".into());
    settings.alpha_vantage.per_second = 0.0;
    settings.alpha_vantage.per_day = 0;
    Ok(settings)
}

/// Adds every sample symbol and follows its job to the end.
async fn fetch_samples(app: &App) -> Result<(), CommandError> {
    let caller = Caller::command_line();
    let bars = MultiProgress::new();
    let mut following = Vec::new();
    for (ticker, _, _) in SAMPLES {
        let source = DataSource::AlphaVantage;
        let input = AddSymbol { ticker: ticker.to_owned(), name: None, exchange: None, refresh: true, source };
        let (_, job) = symbols::add(app, &caller, input).await.map_err(|e| CommandError::Failed(e.to_string()))?;
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
    let issues =
        ipos::refresh(app, &caller, DataSource::Nse, None).await.map_err(|e| CommandError::Failed(e.to_string()))?;
    let bar = bars.add(ProgressBar::new_spinner().with_style(style()).with_prefix("IPOs"));
    follow(app, issues.id, &bar).await?;
    let symbols = app.store.symbols().all().await?;
    let count: i32 = symbols.iter().map(|symbol: &symbol::Model| symbol.bar_count).sum();
    say!("\n{count} bars stored.");
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

/// What the demo has to show beside the data.
struct Shown {
    backtest: String,
    prediction: String,
}

/// An issue that is joined to its stock, a backtest and a forecast, made as a person would.
async fn research(app: &App) -> Result<Shown, CommandError> {
    let caller = Caller::command_line();
    let failed = |error: &dyn std::fmt::Display| CommandError::Failed(error.to_string());
    // What the prospectus said: 38 dollars, listed on the Nasdaq on 18 May 2012.
    let facebook = [
        (IpoField::Name, "Facebook Inc"),
        (IpoField::Ticker, "FB"),
        (IpoField::Currency, "USD"),
        (IpoField::IssuePrice, "38"),
        (IpoField::OpenDate, "2012-05-17"),
        (IpoField::CloseDate, "2012-05-17"),
        (IpoField::ListingDate, "2012-05-18"),
    ];
    let edits = facebook.into_iter().map(|(field, value)| (field, Some(value.to_owned()))).collect();
    ipos::create(app, &caller, Exchange::Nasdaq, edits).await.map_err(|e| failed(&e))?;
    let strategy = Strategy {
        buy: Condition::price_below_sma(50),
        sell: Condition::price_above_sma(200),
        stop_loss: None,
        take_profit: None,
    };
    let execution = Execution { commission: 0.002, ..Execution::default() };
    let span = Span { adjusted: true, ..Span::default() };
    let wanted = RunBacktest { ticker: "IBM".to_owned(), strategy, execution, span };
    let backtest = backtests::run(app, &caller, wanted).await.map_err(|e| failed(&e))?;
    let wanted = PredictRequest { ticker: "IBM".to_owned(), horizon: 30, model: None };
    let prediction = predictions::make(app, &caller, wanted).await.map_err(|e| failed(&e))?;
    Ok(Shown {
        backtest: global_id(Kind::Backtest, backtest.id).to_string(),
        prediction: global_id(Kind::Prediction, prediction.id).to_string(),
    })
}

fn show_the_way(address: &str, token: &str, Shown { backtest, prediction }: &Shown) {
    say!(
        "
Open   {address}/reporting/   the console: prices, IPOs, backtests, forecasts
       {address}/graphql      GraphiQL: write queries in the browser

See    {address}/reporting/backtests/{backtest}
       {address}/reports/backtests/{backtest}.pdf
       {address}/reporting/forecasts/{prediction}

Ask    curl -s {address}/graphql -H 'content-type: application/json' \\
         -d '{{\"query\":\"{{ symbol(ticker: \\\"IBM\\\") {{ name barCount latestBar {{ date close }} }} }}\"}}'

Token  {token}
       the role ADMIN, for this demo: sign in with it, or send it as \"Authorization: Bearer …\"

Serving until Ctrl-C."
    );
}
