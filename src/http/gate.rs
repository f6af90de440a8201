//! What lets operations in, shared by all that run them.

use std::path::Path;
use std::sync::Arc;

use tokio::sync::Semaphore;

use super::graphql::documents::Documents;
use super::live::Live;
use super::operations::Names;
use super::rates::Rates;
use crate::graphql::limits::Lane;
use crate::settings::HttpSettings;

/// Operations that run at a time; each holds a few megabytes at most unless it has the lane.
const MOST_RUNNING: usize = 256;

/// What lets operations in.
#[derive(Clone)]
pub(super) struct Gate {
    pub rates: Rates,
    pub documents: Documents,
    pub live: Live,
    pub lane: Lane,
    pub running: Arc<Semaphore>,
    pub introspection: bool,
    pub names: Names,
}

impl Gate {
    /// `routes` are the texts of the operations that REST routes run.
    pub(super) fn new(settings: &HttpSettings, routes: impl Iterator<Item = &'static str>) -> Self {
        let documents =
            Documents::read(settings.trusted_documents.as_deref().map(Path::new), settings.trusted_documents_only);
        Self {
            rates: Rates::new(settings.cost_per_second),
            names: Names::known(documents.texts().map(str::to_owned).chain(routes.map(str::to_owned))),
            documents,
            live: Live::default(),
            lane: Lane::default(),
            running: Arc::new(Semaphore::new(MOST_RUNNING)),
            introspection: settings.introspection,
        }
    }
}
