//! Why a command failed.

use crate::app::StartError;
use crate::settings::SettingError;
use crate::store::{self, StoreError};
use crate::telemetry::TelemetryError;

/// Why a command did not do what it should.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    #[error(transparent)]
    Setting(#[from] SettingError),
    #[error(transparent)]
    Start(#[from] StartError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("{0} can't be listened on: {1}")]
    Listen(std::net::SocketAddr, std::io::Error),
    #[error(transparent)]
    Telemetry(#[from] TelemetryError),
    #[error(transparent)]
    Hold(#[from] store::HoldError),
    #[error(transparent)]
    Backup(#[from] store::BackupError),
    #[error("{0}")]
    Failed(String),
}
