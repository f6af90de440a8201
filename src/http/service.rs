//! What handlers share.

use std::ops::Deref;
use std::sync::Arc;

use axum::extract::FromRef;

use super::gate::Gate;
use super::graphql::uploads::Uploads;
use super::known::Known;
use super::metrics::Scrapes;
use super::permits::Exports;
use super::renders::Renders;
use super::shares::Shares;
use crate::app::App;
use crate::graphql::{Schema, schema, schema_for_sound};

/// What handlers share: one pointer, since every layer of the router clones its state with each request.
#[derive(Clone)]
pub struct Service(Arc<Parts>);

/// Its parts.
pub struct Parts {
    pub app: App,
    pub schema: Schema,
    /// For documents that have been validated before.
    pub(super) schema_for_sound: Schema,
    /// For operations that read whole tables.
    pub(super) scans: App,
    pub(super) gate: Gate,
    pub(super) renders: Renders,
    pub(super) exports: Exports,
    pub(super) known: Option<Known>,
    pub(super) uploads: Uploads,
    /// Sockets, and subscriptions by events.
    pub(super) sockets: Shares,
    pub(super) scrapes: Scrapes,
}

impl Service {
    /// `routes` are the texts of the operations that REST routes run.
    pub(super) fn new(app: App, routes: impl Iterator<Item = &'static str>) -> Self {
        Self(Arc::new(Parts {
            gate: Gate::new(&app.settings.http, routes),
            renders: Renders::default(),
            exports: Exports::default(),
            uploads: Uploads::default(),
            // Half of all connections; the others are for those who ask and go.
            sockets: Shares::new((app.settings.http.max_connections / 2).max(1)),
            scrapes: Scrapes::default(),
            scans: app.for_scans(),
            known: Known::new(&app, app.settings.http.response_cache),
            schema: schema(Some(&app)),
            schema_for_sound: schema_for_sound(&app),
            app,
        }))
    }
}

impl Deref for Service {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl FromRef<Service> for App {
    fn from_ref(service: &Service) -> Self {
        service.app.clone()
    }
}

impl FromRef<Service> for Scrapes {
    fn from_ref(service: &Service) -> Self {
        service.scrapes.clone()
    }
}
