//! What every command that needs the database begins with.

use super::errors::CommandError;
use crate::app::App;
use crate::jobs;
use crate::settings::Settings;

/// An app on an up-to-date database. Replicas that start together take turns.
pub(super) async fn prepared(settings: Settings) -> Result<App, CommandError> {
    let app = App::build(settings).await?;
    let turn = app.store.take_turn().await?;
    app.store.migrate().await?;
    jobs::setup_queue(&app).await.map_err(|e| CommandError::Failed(e.to_string()))?;
    turn.end().await?;
    Ok(app)
}
