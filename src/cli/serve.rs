//! Serving and working, until asked to stop.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket};
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinHandle;

use super::errors::CommandError;
use super::prepare::prepared;
use crate::app::App;
use crate::settings::Settings;
use crate::store;
use crate::{http, workers};

/// How long open requests may take to finish once the process is asked to stop.
const GRACE: Duration = Duration::from_secs(10);

/// Serves the API, with a worker beside it if wanted.
pub(super) async fn serve(settings: Settings, with_worker: bool) -> Result<(), CommandError> {
    let _hold = store::hold(&settings.database_url).await?;
    let app = prepared(settings).await?;
    let (address, server) = start(&app).await?;
    tracing::info!(%address, "serving; GraphiQL is at {}graphql", app.settings.public_url);
    warn_if_nobody_may_write(&app).await?;
    run(app, server, with_worker).await
}

/// Runs jobs without the API.
pub(super) async fn work(settings: Settings) -> Result<(), CommandError> {
    let _hold = store::hold(&settings.database_url).await?;
    let app = prepared(settings).await?;
    tokio::spawn(stop_on_signal(app.clone()));
    let listening = tokio::spawn(listen(app.clone()));
    serve_metrics(&app).await?;
    tracing::info!("working");
    workers::run_worker(app.clone()).await;
    listening.abort();
    app.store.close().await;
    tracing::info!("stopped");
    Ok(())
}

/// Connections that may come at once before any is accepted; one more begins again a second later. The system has its own bound.
const COMING: u32 = 4_096;

/// What listens at an address, and which it is where the system chose the port.
fn bound(wanted: SocketAddr) -> std::io::Result<(TcpListener, SocketAddr)> {
    let socket = if wanted.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // Or a service that starts again would wait for what is left of the last one's connections.
    socket.set_reuseaddr(true)?;
    socket.bind(wanted)?;
    let listener = socket.listen(COMING)?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

/// Serves metrics where the settings want them, for as long as the process lives.
async fn serve_metrics(app: &App) -> Result<(), CommandError> {
    tokio::spawn(http::tidy_metrics());
    let Some(wanted) = app.settings.telemetry.metrics_listen else { return Ok(()) };
    let (listener, address) = bound(wanted).map_err(|e| CommandError::Listen(wanted, e))?;
    tracing::info!(at = %address, "metrics are served");
    let serving = http::serve_metrics(listener, app.clone());
    tokio::spawn(async move {
        if let Err(error) = serving.await {
            tracing::error!(%error, "metrics are served no longer");
        }
    });
    Ok(())
}

async fn listen(app: App) {
    app.store.events().listen().await;
}

/// Starts to accept connections; the address tells the port where the system chose it.
pub(super) async fn start(app: &App) -> Result<(SocketAddr, JoinHandle<std::io::Result<()>>), CommandError> {
    let wanted = app.settings.listen;
    let (listener, address) = bound(wanted).map_err(|e| CommandError::Listen(wanted, e))?;
    serve_metrics(app).await?;
    let server = http::serve(listener, http::router(app.clone()), app.clone());
    Ok((address, tokio::spawn(server)))
}

/// Runs until asked to stop, then in this order: accept nothing new, finish or hand back jobs, close the pool.
pub(super) async fn run(
    app: App,
    server: JoinHandle<std::io::Result<()>>,
    with_worker: bool,
) -> Result<(), CommandError> {
    tokio::spawn(stop_on_signal(app.clone()));
    let listening = tokio::spawn(listen(app.clone()));
    let worker = with_worker.then(|| tokio::spawn(workers::run_worker(app.clone())));
    let served = tokio::select! {
        served = server => Some(served),
        () = async { app.shutdown.cancelled().await; tokio::time::sleep(app.settings.http.drain + GRACE).await } => None,
    };
    app.shutdown.cancel();
    if let Some(worker) = worker {
        let _ = worker.await;
    }
    listening.abort();
    app.store.close().await;
    match served {
        Some(Ok(Err(error))) => Err(CommandError::Failed(format!("the server stopped: {error}"))),
        Some(Err(error)) => Err(CommandError::Failed(format!("the server stopped: {error}"))),
        Some(Ok(Ok(()))) | None => {
            tracing::info!("stopped");
            Ok(())
        }
    }
}

async fn stop_on_signal(app: App) {
    let terminated = async {
        match signal(SignalKind::terminate()) {
            Ok(mut signals) => {
                signals.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = terminated => {}
    }
    tracing::info!("asked to stop: finishing what is under way");
    app.shutdown.cancel();
}

async fn warn_if_nobody_may_write(app: &App) -> Result<(), CommandError> {
    if app.settings.admin_token.is_none() && app.store.tokens().list().await?.is_empty() {
        tracing::warn!(
            "nobody may write yet: set ADMIN_TOKEN, or make a token with `prospectus token create --role admin NAME`"
        );
    }
    Ok(())
}
