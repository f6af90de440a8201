//! The charts of a backtest.

use plotters::prelude::RGBColor;
use plotters::style::text_anchor::{HPos, VPos};

use super::canvas::{DrawError, Look, Mark, SMALL, draw};
use super::plot::{Plot, Scale};
use super::{amount_mark, ends, percent, percent_mark};
use crate::market::{Day, day};
use crate::report::BacktestReport;
use crate::report::analysis::LEAST_EXPOSURE;

const HEIGHT: i32 = 500;
/// A curve whose highest value is more than so many times its lowest one is drawn by ratios.
const LONG_WAY: f64 = 3.0;
const HOLD: &str = "Buy and hold";

fn span(days: &[Day]) -> (f64, f64) {
    (days.first().copied().unwrap_or(0).into(), days.last().copied().unwrap_or(1).into())
}

fn series<'a>(days: &'a [Day], values: &'a [f64]) -> impl Iterator<Item = (f64, Option<f64>)> + 'a {
    days.iter().zip(values).map(|(&d, &v)| (f64::from(d), Some(v).filter(|v| v.is_finite())))
}

fn last(values: &[f64]) -> f64 {
    values.iter().rev().copied().find(|v| v.is_finite()).unwrap_or(f64::NAN)
}

/// By ratios where values go a long way, so that equal gains look equal.
fn scale_of(values: impl Iterator<Item = f64> + Clone) -> (Scale, (f64, f64)) {
    let (low, high) = values
        .clone()
        .filter(|v| v.is_finite())
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)));
    if low > 0.0 && high / low > LONG_WAY {
        return (Scale::Log, (low / 1.04, high * 1.04));
    }
    (Scale::Linear, ends(values))
}

/// The price with what the strategy looks at, and where it bought and sold.
pub fn price(report: &BacktestReport, look: Look) -> Result<String, DrawError> {
    let (title, bought) = (format!("{}: price and trades", report.symbol.ticker), report.marks.len());
    let description = format!(
        "Closing price from {} to {} with {bought} purchases and as many sales marked below it; shaded while shares were \
         held.",
        report.from, report.to
    );
    let height = if report.oscillator.is_some() { HEIGHT + 190 } else { HEIGHT };
    draw(height, look, &title, &description, |canvas| {
        let p = canvas.palette;
        let closes = &report.curve.close;
        let colours = [p.second, p.third, p.fourth];
        let values = closes.iter().chain(report.averages.iter().flat_map(|(_, values)| values)).copied();
        let (scale, range) = scale_of(values);
        let mut names = vec!["Close"];
        names.extend(report.averages.iter().map(|(name, _)| name.as_str()));
        names.extend(report.oscillator.iter().flat_map(|o| o.lines.iter().map(|(name, _)| name.as_str())));
        let mut plot = Plot::beneath_legend(canvas, HEIGHT, span(&report.days), range).scaled(scale).naming(&names);
        plot.y_axis(amount_mark)?;
        plot.y_name(report.symbol.unit())?;
        let date = |bar: usize| f64::from(report.days.get(bar).copied().unwrap_or(0));
        for &(bought, sold, _) in &report.marks {
            plot.shade(date(bought), date(sold), p.first, 0.09)?;
        }
        if report.oscillator.is_none() {
            plot.dates()?;
        }
        for ((_, values), colour) in report.averages.iter().zip(colours) {
            plot.line(series(&report.days, values), colour, 2)?;
        }
        plot.line(series(&report.days, closes), p.ink, 2)?;
        for &(bought, sold, gained) in &report.marks {
            plot.tick(date(bought), 22, p.first)?;
            plot.tick(date(sold), 12, if gained { p.gain } else { p.loss })?;
        }
        let mut labels = vec![(last(closes), "Close", p.ink)];
        let averages = report.averages.iter().zip(colours);
        labels.extend(averages.map(|((name, values), colour)| (last(values), name.as_str(), colour)));
        plot.name_ends(&labels)?;
        oscillator(&plot, report, height, &names)?;
        let entries = [(p.first, "Bought"), (p.gain, "Sold with a gain"), (p.loss, "Sold with a loss")];
        canvas.legend(&entries.map(|(colour, name)| (Mark::Tick(colour), name.to_owned())))
    })
}

/// What the strategy looks at on a scale of its own, with the numbers that it's compared with.
fn oscillator(upper: &Plot<'_, '_>, report: &BacktestReport, height: i32, names: &[&str]) -> Result<(), DrawError> {
    let Some(oscillator) = &report.oscillator else { return Ok(()) };
    let canvas = upper.canvas;
    let p = canvas.palette;
    let values = oscillator.lines.iter().flat_map(|(_, values)| values.iter().copied());
    let range = ends(values.chain(oscillator.levels.iter().copied()));
    let mut plot = Plot::new(canvas, (HEIGHT - 30, height - 52), span(&report.days), range).naming(names).under(upper);
    plot.y_axis(amount_mark)?;
    plot.dates()?;
    let colours = [p.second, p.third];
    for ((_, values), colour) in oscillator.lines.iter().zip(colours) {
        plot.line(series(&report.days, values), colour, 2)?;
    }
    for &level in &oscillator.levels {
        let (from, to) = span(&report.days);
        plot.dashes([(from, level), (to, level)].into_iter(), p.ink, 2)?;
    }
    let labels = oscillator.lines.iter().zip(colours);
    plot.name_ends(&labels.map(|((name, values), colour)| (last(values), name.as_str(), colour)).collect::<Vec<_>>())
}

/// The equity beside that of buying and holding.
pub fn equity(report: &BacktestReport, look: Look) -> Result<String, DrawError> {
    let (own, hold) = (&report.curve.equity, &report.curve.buy_and_hold);
    let description = format!(
        "Equity from {} to {}: the strategy ends {} from where it began, buying and holding {}.",
        report.from,
        report.to,
        percent(report.metrics.total_return),
        percent(report.buy_and_hold.total_return)
    );
    draw(HEIGHT, look, "Equity against buy and hold", &description, |canvas| {
        let p = canvas.palette;
        let start = report.execution.initial_cash;
        let (scale, range) = scale_of(own.iter().chain(hold).copied().chain([start]));
        let mut plot = Plot::whole(canvas, HEIGHT, span(&report.days), range).scaled(scale).naming(&["Strategy", HOLD]);
        plot.y_axis(amount_mark)?;
        let unit = report.symbol.unit();
        let by_ratios = if scale == Scale::Log { "equal steps are equal ratios" } else { "" };
        plot.y_name(&[unit, by_ratios].iter().copied().filter(|s| !s.is_empty()).collect::<Vec<_>>().join(", "))?;
        plot.dates()?;
        let (from, to) = span(&report.days);
        plot.dashes([(from, start), (to, start)].into_iter(), p.muted, 2)?;
        plot.line(series(&report.days, hold), p.hold, 2)?;
        plot.line(series(&report.days, own), p.first, 3)?;
        plot.name_ends(&[(last(own), "Strategy", p.first), (last(hold), HOLD, p.hold)])
    })
}

/// How far below its peak the equity was, and that of holding; the worst falls are numbered.
pub fn drawdown(report: &BacktestReport, look: Look) -> Result<String, DrawError> {
    let height = 400;
    let description = format!(
        "Distance of the equity below its highest value so far; the deepest is {}, that of holding {}.",
        percent(report.metrics.max_drawdown),
        percent(report.buy_and_hold.max_drawdown)
    );
    draw(height, look, "Drawdown", &description, |canvas| {
        let p = canvas.palette;
        let (own, hold) = (&report.curve.drawdown, &report.hold_drawdown);
        let lowest = own.iter().chain(hold).copied().fold(0.0, f64::min);
        let range = ((lowest * 1.1).min(-0.001), 0.0);
        let mut plot = Plot::whole(canvas, height, span(&report.days), range).naming(&["Strategy", HOLD]);
        plot.y_axis(percent_mark)?;
        plot.y_name("Below the peak")?;
        plot.dates()?;
        plot.area(report.days.iter().zip(own).map(|(&d, &v)| (f64::from(d), v)), 0.0, p.first)?;
        plot.line(series(&report.days, hold), p.hold, 2)?;
        for (number, fall) in report.worst_falls() {
            let at = day::parse_iso(&fall.trough).map(f64::from);
            at.map_or(Ok(()), |at| plot.number((at, fall.depth), number))?;
        }
        plot.name_ends(&[(last(own), "Strategy", p.first), (last(hold), HOLD, p.hold)])
    })
}

/// Sharpe ratio and volatility over the last half year, day by day, beside holding.
pub fn rolling(report: &BacktestReport, look: Look) -> Result<String, DrawError> {
    let height = 640;
    let description = "Sharpe ratio and annual volatility of the strategy and of holding over the 126 trading days before \
                       each day; the strategy's where it was in the market for a tenth of them or more.";
    draw(height, look, "Rolling Sharpe ratio and volatility, 126 days", description, |canvas| {
        let p = canvas.palette;
        let Some(rolling) = &report.rolling else {
            let at = (canvas.width / 2, height / 2);
            return canvas.write("Fewer than 127 bars", at, SMALL, false, p.muted, (HPos::Center, VPos::Center));
        };
        let names = ["Strategy", HOLD];
        let days = &report.days[rolling.first.min(report.days.len())..];
        let exposed = |i: usize| rolling.exposure.get(i).is_some_and(|share| *share >= LEAST_EXPOSURE);
        let own: Vec<Option<f64>> = rolling.sharpe.iter().enumerate().map(|(i, v)| v.filter(|_| exposed(i))).collect();
        let calm: Vec<Option<f64>> =
            rolling.volatility.iter().enumerate().map(|(i, &v)| Some(v).filter(|_| exposed(i))).collect();
        let end = |values: &[Option<f64>]| values.last().copied().flatten().unwrap_or(f64::NAN);
        let line = |plot: &Plot<'_, '_>, values: &[Option<f64>], colour: RGBColor, width: u32| {
            plot.line(days.iter().zip(values).map(|(&d, &v)| (f64::from(d), v)), colour, width)
        };
        let upper_ends = ends(own.iter().chain(&rolling.hold_sharpe).flatten().copied().chain([0.0]));
        let mut upper = Plot::new(canvas, (100, 320), span(&report.days), upper_ends).naming(&names);
        upper.y_axis(|v, step| super::fixed(v, super::decimals(step)))?;
        upper.y_name("Sharpe ratio, 126 days")?;
        upper.level(0.0)?;
        line(&upper, &rolling.hold_sharpe, p.hold, 2)?;
        line(&upper, &own, p.first, 3)?;
        upper.name_ends(&[(end(&own), "Strategy", p.first), (end(&rolling.hold_sharpe), HOLD, p.hold)])?;
        let hold: Vec<Option<f64>> = rolling.hold_volatility.iter().map(|&v| Some(v)).collect();
        let most = ends(calm.iter().chain(&hold).flatten().copied()).1;
        let mut lower =
            Plot::new(canvas, (400, height - 52), span(&report.days), (0.0, most)).naming(&names).under(&upper);
        lower.y_axis(percent_mark)?;
        lower.y_name("Volatility, annual, 126 days")?;
        lower.dates()?;
        line(&lower, &hold, p.hold, 2)?;
        line(&lower, &calm, p.first, 3)?;
        lower.name_ends(&[(end(&calm), "Strategy", p.first), (end(&hold), HOLD, p.hold)])
    })
}

/// How often daily returns of each size came.
pub fn distribution(report: &BacktestReport, look: Look) -> Result<String, DrawError> {
    let height = 440;
    let spread = &report.distribution;
    let description = format!(
        "Number of days by daily return, without {} idle ones; the mean is {}, the standard deviation {}.",
        spread.idle,
        percent(spread.mean),
        percent(spread.deviation)
    );
    draw(height, look, "Daily returns of days that moved", &description, |canvas| {
        let p = canvas.palette;
        let bins = spread.days.len() as f64;
        let most = spread.days.iter().copied().max().unwrap_or(0).max(1);
        let to = spread.from + spread.width * bins;
        let mut plot = Plot::whole(canvas, height, (spread.from, to), (0.0, f64::from(most) * 1.08));
        plot.y_axis(amount_mark)?;
        plot.y_name("Days")?;
        plot.x_axis(percent_mark)?;
        for (i, &days) in spread.days.iter().enumerate().filter(|(_, days)| **days > 0) {
            let from = spread.from + spread.width * i as f64;
            let middle = from + spread.width / 2.0;
            let colour = if middle < 0.0 { p.loss } else { p.gain };
            let corner = (plot.px(from) + 2, plot.py(f64::from(days)));
            canvas.rectangle(corner, (plot.px(from + spread.width) - 2, plot.py(0.0)), colour, 0.85)?;
        }
        Ok(())
    })
}
