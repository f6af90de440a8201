//! The charts of a backtest.

use plotters::style::text_anchor::{HPos, VPos};

use super::canvas::{DrawError, Look, Mark, Plot, SMALL, draw};
use super::{amount_mark, ends, percent, percent_mark};
use crate::market::Day;
use crate::report::{BacktestReport, text};

const HEIGHT: i32 = 520;
const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
/// Markers beyond this many are drawn as dots, which hide less.
const MOST_TRIANGLES: usize = 120;

fn span(days: &[Day]) -> (f64, f64) {
    (days.first().copied().unwrap_or(0).into(), days.last().copied().unwrap_or(1).into())
}

fn series<'a>(days: &'a [Day], values: &'a [f64]) -> impl Iterator<Item = (f64, Option<f64>)> + 'a {
    days.iter().zip(values).map(|(&d, &v)| (f64::from(d), Some(v).filter(|v| v.is_finite())))
}

/// The price with the strategy's averages and where it bought and sold.
///
/// # Errors
/// When the drawing library refuses.
pub fn price(report: &BacktestReport, look: Look) -> Result<String, DrawError> {
    let (title, bought) = (format!("{}: price and trades", report.symbol.ticker), report.trades.len());
    let description = format!(
        "Closing price from {} to {} with {} purchases and as many sales marked.",
        report.from, report.to, bought
    );
    draw(HEIGHT, look, &title, &description, |canvas| {
        let p = canvas.palette;
        let closes = &report.curve.close;
        let averages = report.averages.iter().flat_map(|(_, values)| values.iter().copied());
        let plot = Plot::whole(canvas, HEIGHT, span(&report.days), ends(closes.iter().copied().chain(averages)));
        plot.y_axis(amount_mark)?;
        plot.y_name(&report.symbol.unit())?;
        plot.dates()?;
        plot.line(series(&report.days, closes), p.ink, 2)?;
        let colours = [p.first, p.second, p.fourth];
        for ((_, values), colour) in report.averages.iter().zip(colours) {
            plot.line(series(&report.days, values), colour, 3)?;
        }
        let dense = report.marks.len() > MOST_TRIANGLES;
        for &(bar, price, buys) in &report.marks {
            let at = (plot.px(f64::from(report.days[bar])), plot.py(price));
            let colour = if buys { p.third } else { p.loss };
            if dense {
                canvas.dot(at, 4, colour)?;
            } else {
                canvas.triangle((at.0, at.1 + if buys { 4 } else { -4 }), buys, colour)?;
            }
        }
        let mut legend = vec![(Mark::Line(p.ink), "Close".to_owned())];
        legend.extend(report.averages.iter().zip(colours).map(|((name, _), c)| (Mark::Line(c), name.clone())));
        if dense {
            legend.push((Mark::Dot(p.third), "Bought".to_owned()));
            legend.push((Mark::Dot(p.loss), "Sold".to_owned()));
        } else {
            legend.push((Mark::Up(p.third), "Bought".to_owned()));
            legend.push((Mark::Down(p.loss), "Sold".to_owned()));
        }
        canvas.legend(&legend)
    })
}

/// The equity beside that of buying and holding.
///
/// # Errors
/// When the drawing library refuses.
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
        let range = ends(own.iter().chain(hold).copied());
        let plot = Plot::whole(canvas, HEIGHT, span(&report.days), range);
        plot.y_axis(amount_mark)?;
        plot.y_name(&report.symbol.unit())?;
        plot.dates()?;
        plot.line(series(&report.days, hold), p.second, 3)?;
        plot.line(series(&report.days, own), p.first, 4)?;
        canvas
            .legend(&[(Mark::Line(p.first), "Strategy".to_owned()), (Mark::Line(p.second), "Buy and hold".to_owned())])
    })
}

/// How far below its peak the equity was.
///
/// # Errors
/// When the drawing library refuses.
pub fn drawdown(report: &BacktestReport, look: Look) -> Result<String, DrawError> {
    let height = 420;
    let description = format!(
        "Distance of the equity below its highest value so far; the deepest is {}.",
        percent(report.metrics.max_drawdown)
    );
    draw(height, look, "Drawdown", &description, |canvas| {
        let p = canvas.palette;
        let values = &report.curve.drawdown;
        let lowest = values.iter().copied().fold(0.0, f64::min);
        let plot = Plot::whole(canvas, height, span(&report.days), ((lowest * 1.06).min(-0.001), 0.0));
        plot.y_axis(percent_mark)?;
        plot.y_name("below the peak")?;
        plot.dates()?;
        plot.area(report.days.iter().zip(values).map(|(&d, &v)| (f64::from(d), v)), 0.0, p.loss)?;
        canvas.legend(&[(Mark::Area(p.loss, 0.5), "Strategy".to_owned())])
    })
}

/// Returns by month, a row a year.
///
/// # Errors
/// When the drawing library refuses.
pub fn monthly(report: &BacktestReport, look: Look) -> Result<String, DrawError> {
    let (top, row) = (112, 46);
    let height = top + row * report.years.len() as i32 + 20;
    let description = "Return of the strategy in each month, a row a year, with the year's total and that of buying \
                       and holding beside it.";
    draw(height.max(200), look, "Monthly returns", description, |canvas| {
        let p = canvas.palette;
        let all = || report.years.iter().flat_map(|year| year.months.iter().flatten());
        let reach = all().fold(0.0_f64, |most, r| most.max(r.abs())).max(0.005);
        let narrow = canvas.is_narrow();
        let left = if narrow { 76 } else { 104 };
        // What's left of the totals: one column where there's little room, else two.
        let cell = ((canvas.width - left - if narrow { 92 } else { 300 }) / 12).min(90);
        let total_at = left + 12 * cell + if narrow { 86 } else { 120 };
        let size = if narrow { 20 } else { 22 };
        let centre = |column: i32| left + column * cell + cell / 2;
        for (i, month) in MONTHS.iter().enumerate() {
            let name = if narrow { &month[..1] } else { month };
            canvas.write(name, (centre(i as i32), 76), SMALL, false, p.muted, (HPos::Center, VPos::Top))?;
        }
        canvas.write("%", (24, 76), SMALL, false, p.muted, (HPos::Left, VPos::Top))?;
        canvas.write("Year", (total_at, 76), SMALL, true, p.ink, (HPos::Right, VPos::Top))?;
        if !narrow {
            canvas.write("Hold", (total_at + 130, 76), SMALL, false, p.muted, (HPos::Right, VPos::Top))?;
        }
        let short = |r: f64| if narrow { text::number(r * 100.0, 0) } else { text::number(r * 100.0, 1) };
        for (i, year) in report.years.iter().enumerate() {
            let y = top + i as i32 * row;
            let middle = y + row / 2;
            let right = (HPos::Right, VPos::Center);
            canvas.write(&year.year.to_string(), (left - 10, middle), SMALL, false, p.muted, right)?;
            for (month, r) in year.months.iter().enumerate() {
                let Some(r) = *r else { continue };
                // The root makes small returns visible beside large ones.
                let colour = p.diverging((r.abs() / reach).sqrt() * 0.9 * r.signum());
                let x = left + month as i32 * cell;
                canvas.rectangle((x + 2, y + 2), (x + cell - 2, y + row - 2), colour, 1.0)?;
                let within = (HPos::Center, VPos::Center);
                canvas.write(&short(r), (centre(month as i32), middle), size, false, p.on(colour), within)?;
            }
            canvas.write(&short(year.total), (total_at, middle), SMALL, true, p.ink, right)?;
            if !narrow {
                canvas.write(&short(year.buy_and_hold), (total_at + 130, middle), SMALL, false, p.muted, right)?;
            }
        }
        Ok(())
    })
}

/// Sharpe ratio and volatility over the last half year, day by day.
///
/// # Errors
/// When the drawing library refuses.
pub fn rolling(report: &BacktestReport, look: Look) -> Result<String, DrawError> {
    let height = 660;
    let description = "Sharpe ratio and annual volatility of the strategy over the 126 trading days before each day.";
    draw(height, look, "Rolling Sharpe ratio and volatility, 126 days", description, |canvas| {
        let p = canvas.palette;
        let Some(rolling) = &report.rolling else {
            let at = (canvas.width / 2, height / 2);
            return canvas.write("Fewer than 127 bars", at, SMALL, false, p.muted, (HPos::Center, VPos::Center));
        };
        let days = &report.days[rolling.first.min(report.days.len())..];
        let upper = Plot::new(
            canvas,
            (112, 340),
            span(&report.days),
            ends(rolling.sharpe.iter().flatten().copied().chain([0.0])),
        );
        upper.y_axis(|v, step| super::fixed(v, super::decimals(step)).replace('-', "−"))?;
        upper.y_name("Sharpe ratio")?;
        upper.level(0.0)?;
        upper.line(days.iter().zip(&rolling.sharpe).map(|(&d, &v)| (f64::from(d), v)), p.first, 3)?;
        let lower = Plot::new(
            canvas,
            (420, height - 52),
            span(&report.days),
            (0.0, ends(rolling.volatility.iter().copied()).1),
        );
        lower.y_axis(percent_mark)?;
        lower.y_name("Volatility, annual")?;
        lower.dates()?;
        lower.line(series(days, &rolling.volatility), p.second, 3)
    })
}

/// How often daily returns of each size came.
///
/// # Errors
/// When the drawing library refuses.
pub fn distribution(report: &BacktestReport, look: Look) -> Result<String, DrawError> {
    let height = 480;
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
        let plot = Plot::whole(canvas, height, (spread.from, to), (0.0, f64::from(most) * 1.08));
        plot.y_axis(amount_mark)?;
        plot.y_name("days")?;
        plot.x_axis(percent_mark)?;
        for (i, &days) in spread.days.iter().enumerate().filter(|(_, days)| **days > 0) {
            let from = spread.from + spread.width * i as f64;
            let middle = from + spread.width / 2.0;
            let colour = if middle < 0.0 { p.loss } else { p.gain };
            let corner = (plot.px(from) + 2, plot.py(f64::from(days)));
            canvas.rectangle(corner, (plot.px(from + spread.width) - 2, plot.py(0.0)), colour, 0.85)?;
        }
        canvas
            .legend(&[(Mark::Area(p.loss, 0.85), "Losses".to_owned()), (Mark::Area(p.gain, 0.85), "Gains".to_owned())])
    })
}
