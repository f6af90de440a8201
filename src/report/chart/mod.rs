//! Charts as SVG, drawn with plotters: legible in print and on screen, in a light and a dark theme, with a title and a
//! description for screen readers. Pure functions of what is to be shown.

mod backtest;
mod canvas;
mod prediction;
mod sweep;
mod symbol;
mod theme;
mod ticks;

pub use backtest::{distribution, drawdown, equity, monthly, price, rolling};
pub use canvas::{DrawError, Look};
pub use prediction::{against_actual, fan};
pub use sweep::heatmap;
pub use symbol::prices;
pub use theme::Theme;

/// A ratio as percent, with as many decimals as it needs.
fn percent(ratio: f64) -> String {
    let value = ratio * 100.0;
    let rounded = (value * 10.0).round() / 10.0;
    if (rounded - rounded.round()).abs() < 1e-9 { format!("{rounded:.0} %") } else { format!("{rounded:.1} %") }
}

/// Money or a price, shortened where it's large.
fn amount(value: f64) -> String {
    let size = value.abs();
    if size >= 1e9 {
        format!("{}bn", trimmed(value / 1e9))
    } else if size >= 1e6 {
        format!("{}m", trimmed(value / 1e6))
    } else if size >= 1e4 {
        format!("{}k", trimmed(value / 1e3))
    } else {
        trimmed(value)
    }
}

/// Up to two decimals.
fn trimmed(value: f64) -> String {
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// The ends of finite values, with a little room.
fn ends(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (low, high) = values
        .filter(|v| v.is_finite())
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)));
    if low > high {
        return (0.0, 1.0);
    }
    let room = (high - low) * 0.04;
    (low - room, high + room)
}
