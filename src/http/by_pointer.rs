//! A service that is copied by its pointer. A middleware function keeps a copy of what is within it for each request, so
//! that in a row of them the innermost is copied as often as there are functions around it.

use std::sync::Arc;
use std::task::{Context, Poll};

use axum::extract::Request;
use tower::Service;

/// Copies what is within it with each request, not with each copy. What is within must always be ready, as all of axum's
/// services are.
pub(super) struct ByPointer<S>(Arc<S>);

impl<S> ByPointer<S> {
    pub fn new(inner: S) -> Self {
        Self(Arc::new(inner))
    }
}

impl<S> Clone for ByPointer<S> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<S: Service<Request> + Clone> Service<Request> for ByPointer<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> S::Future {
        S::clone(&self.0).call(request)
    }
}
