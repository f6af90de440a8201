//! What every command that needs the database begins with.

use super::errors::CommandError;
use crate::app::App;
use crate::settings::Settings;
use crate::workers;

/// An app on an up-to-date database. Replicas that start together migrate one after the other.
pub(super) async fn prepared(settings: Settings) -> Result<App, CommandError> {
    let app = App::build(settings).await?;
    let lock = app.store.lock_migrations().await?;
    app.store.migrate().await?;
    workers::setup_queue(&app).await.map_err(|e| CommandError::Failed(e.to_string()))?;
    lock.release().await?;
    Ok(app)
}
