//! What an address holds, or a refusal in the routes' own form.

use axum::extract::{FromRequestParts, Path as Parts};
use axum::http::request;
use axum::response::Response;
use serde::de::DeserializeOwned;

use crate::http::failure::failure;

/// The parameters of a route.
pub(in crate::http) struct Path<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Path<T> {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut request::Parts, state: &S) -> Result<Self, Response> {
        match Parts::<T>::from_request_parts(parts, state).await {
            Ok(Parts(found)) => Ok(Self(found)),
            // The routes' own parameters are texts, so that is all that can be wrong with them.
            Err(_) => Err(failure("BAD_REQUEST", "The address is no text: what its % stand for must be UTF-8", None)),
        }
    }
}
