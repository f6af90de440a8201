//! Alpha Vantage: daily prices and a symbol search.
//!
//! Source: <https://www.alphavantage.co/documentation/> and recorded answers. Its limits and refusals come inside
//! HTTP 200; [`notice`] tells them apart.

mod client;
mod ipos;
mod notice;
mod payload;

pub use client::AlphaVantage;

const NAME: &str = "Alpha Vantage";
