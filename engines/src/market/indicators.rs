//! Technical indicators with TA-Lib's conventions (seeding, look-back, population deviation), so that their figures
//! are the ones other tools show. Source: TA-Lib 0.6, `ta_SMA.c` and its siblings.
//!
//! Each function returns one value a bar; `NaN` stands where TA-Lib gives none (the window isn't full yet).

use super::exact;

/// Decimals that prices are taken to have where they fit: the exchanges quote at most four.
const TICKS_PER_UNIT: f64 = 10_000.0;
/// TA-Lib's `TA_EPSILON`: deviations below count as zero.
const EPSILON: f64 = 1e-14;
/// Ticks stay below this so that their sums are exact in `f64` as well as in `i64`.
const MOST_TICKS: i64 = 900_000_000_000;

fn empty(x: &[f64]) -> Vec<f64> {
    vec![f64::NAN; x.len()]
}

/// Simple moving average over `window` ≥ 1 bars: the rounded quotient of an exact sum, so that it depends on the bars
/// in the window and on nothing before or after them.
#[must_use]
pub fn sma(x: &[f64], window: usize) -> Vec<f64> {
    let mut out = empty(x);
    if window == 0 || x.len() < window {
        return out;
    }
    if window == 1 {
        return x.to_vec();
    }
    // Prices of up to four places, and how many in the window are of another kind.
    let ticks: Vec<Option<i64>> =
        x.iter().map(|&p| exact::decimal(p, TICKS_PER_UNIT).filter(|t| t.abs() < MOST_TICKS)).collect();
    let any_other = ticks.iter().any(Option::is_none);
    let finest: Vec<Option<i128>> = if any_other { x.iter().map(|&p| exact::finest(p)).collect() } else { Vec::new() };
    // What no whole number holds: windows with one of these are summed in pairs of doubles.
    let beyond = finest.iter().any(Option::is_none);
    let in_pairs = if beyond { paired_means(x, window) } else { Vec::new() };
    let (mut sum, mut others, mut finest_sum, mut not_held) = (0_i64, 0_usize, 0_i128, 0_usize);
    let n = window as f64;
    for t in 0..x.len() {
        match ticks[t] {
            Some(tick) => sum += tick,
            None => others += 1,
        }
        if any_other {
            finest_sum += finest[t].unwrap_or(0);
            not_held += usize::from(finest[t].is_none());
        }
        if let Some(gone) = t.checked_sub(window) {
            match ticks[gone] {
                Some(tick) => sum -= tick,
                None => others -= 1,
            }
            if any_other {
                finest_sum -= finest[gone].unwrap_or(0);
                not_held -= usize::from(finest[gone].is_none());
            }
        }
        if t + 1 >= window {
            out[t] = if others == 0 {
                sum as f64 / (n * TICKS_PER_UNIT)
            } else if not_held == 0 {
                finest_sum as f64 / (n * exact::PER_UNIT)
            } else {
                in_pairs[t]
            };
        }
    }
    out
}

/// What is summed up over every window, in a few steps a bar whatever the window: blocks as long as the window are
/// summed from their ends backwards and from their beginnings on, and each window is a tail of one and a head of the
/// next. Nothing is ever taken away again, so nothing outside of a window leaves a trace in it.
fn over_windows<S: Copy>(
    x: &[f64],
    window: usize,
    none: S,
    add: impl Fn(S, f64) -> S,
    join: impl Fn(S, S) -> S,
    mut each: impl FnMut(usize, S),
) {
    let mut tails = vec![none; window];
    let mut head = none;
    for t in 0..x.len() {
        let place = t % window;
        if place == 0 {
            head = none;
        }
        head = add(head, x[t]);
        if place + 1 == window {
            each(t, head);
            let mut tail = none;
            for i in 0..window {
                tail = add(tail, x[t - i]);
                tails[window - 1 - i] = tail;
            }
        } else if t >= window {
            each(t, join(tails[place + 1], head));
        }
    }
}

/// The sum of two doubles and what its rounding dropped (Knuth).
fn two_sum(a: f64, b: f64) -> (f64, f64) {
    let sum = a + b;
    let of_b = sum - a;
    (sum, (a - (sum - of_b)) + (b - of_b))
}

/// Means by sums with twice a double's digits.
fn paired_means(x: &[f64], window: usize) -> Vec<f64> {
    /// Sums of the longest windows of the largest doubles stay finite.
    const DOWN: f64 = 1.0 / 65_536.0;
    let n = window as f64;
    let mut out = empty(x);
    let pair = |a: (f64, f64), b: (f64, f64)| {
        let (sum, dropped) = two_sum(a.0, b.0);
        two_sum(sum, dropped + a.1 + b.1)
    };
    over_windows(
        x,
        window,
        (0.0, 0.0),
        |s, v| pair(s, (v * DOWN, 0.0)),
        pair,
        |t, (sum, rest)| {
            let quotient = sum / n;
            out[t] = (quotient + ((-quotient).mul_add(n, sum) + rest) / n) / DOWN;
        },
    );
    out
}

/// Exponential moving average with factor 2 / (window + 1), seeded with the simple average of the first window.
#[must_use]
pub fn ema(x: &[f64], window: usize) -> Vec<f64> {
    ema_from(x, window, window.saturating_sub(1))
}

/// As [`ema`], seeded with the simple average of the `window` bars that end at `first`.
fn ema_from(x: &[f64], window: usize, first: usize) -> Vec<f64> {
    let mut out = empty(x);
    if window == 0 || first + 1 < window || x.len() <= first {
        return out;
    }
    let k = 2.0 / (window as f64 + 1.0);
    let mut value = x[first + 1 - window..=first].iter().sum::<f64>() / window as f64;
    out[first] = value;
    for t in first + 1..x.len() {
        value += (x[t] - value) * k;
        out[t] = value;
    }
    out
}

/// Wilder's relative strength index, 0 to 100, over `window` ≥ 2 changes; 0 where nothing moved.
#[must_use]
pub fn rsi(x: &[f64], window: usize) -> Vec<f64> {
    let mut out = empty(x);
    if window == 0 || x.len() <= window {
        return out;
    }
    let n = window as f64;
    let (mut gain, mut loss) = (0.0, 0.0);
    for t in 1..x.len() {
        let change = x[t] - x[t - 1];
        let (up, down) = if change < 0.0 { (0.0, -change) } else { (change, 0.0) };
        if t <= window {
            gain += up;
            loss += down;
            if t < window {
                continue;
            }
            gain /= n;
            loss /= n;
        } else {
            gain = (gain * (n - 1.0) + up) / n;
            loss = (loss * (n - 1.0) + down) / n;
        }
        let total = gain + loss;
        out[t] = if total.abs() < EPSILON { 0.0 } else { 100.0 * (gain / total) };
    }
    out
}

/// Bollinger bands: the simple average less and plus `deviations` population standard deviations. (lower, upper)
#[must_use]
pub fn bollinger(x: &[f64], window: usize, deviations: f64) -> (Vec<f64>, Vec<f64>) {
    let middle = sma(x, window);
    let (mut lower, mut upper) = (empty(x), empty(x));
    if window == 0 || x.len() < window {
        return (lower, upper);
    }
    let n = window as f64;
    over_windows(x, window, Moments::default(), Moments::with, Moments::join, |t, moments| {
        let variance = moments.squares / n;
        let spread = if variance < EPSILON { 0.0 } else { variance.sqrt() } * deviations;
        lower[t] = middle[t] - spread;
        upper[t] = middle[t] + spread;
    });
    (lower, upper)
}

/// A count, a mean, and the sum of squared distances from it. Moments about zero lose the digits that a calm stretch
/// needs; these (Welford 1962; Chan, Golub and `LeVeque` 1979 for the join) don't.
#[derive(Clone, Copy, Default)]
struct Moments {
    count: f64,
    mean: f64,
    squares: f64,
}

impl Moments {
    fn with(self, value: f64) -> Self {
        let count = self.count + 1.0;
        let distance = value - self.mean;
        let mean = self.mean + distance / count;
        Self { count, mean, squares: self.squares + distance * (value - mean) }
    }

    fn join(self, other: Self) -> Self {
        let count = self.count + other.count;
        let distance = other.mean - self.mean;
        let mean = self.mean + distance * other.count / count;
        let between = distance * distance * self.count * other.count / count;
        Self { count, mean, squares: self.squares + other.squares + between }
    }
}

/// Moving average convergence/divergence: the fast average less the slow one, and the line's own average as signal.
/// Both begin together, as in TA-Lib, once the signal's window is full. (line, signal)
#[must_use]
pub fn macd(x: &[f64], fast: usize, slow: usize, signal: usize) -> (Vec<f64>, Vec<f64>) {
    let (fast, slow) = (fast.min(slow), fast.max(slow));
    let (mut line_out, mut signal_out) = (empty(x), empty(x));
    let Some(first) = (slow + signal).checked_sub(2).filter(|&f| fast > 0 && signal > 0 && f < x.len()) else {
        return (line_out, signal_out);
    };
    let fast = ema_from(x, fast, slow - 1);
    let slow_line = ema_from(x, slow, slow - 1);
    let line: Vec<f64> = fast.iter().zip(&slow_line).map(|(f, s)| f - s).collect();
    let smoothed = ema(&line[slow - 1..], signal);
    line_out[first..].copy_from_slice(&line[first..]);
    signal_out[first..].copy_from_slice(&smoothed[signal - 1..]);
    (line_out, signal_out)
}

/// Highest value of the last `window` bars, today's included.
#[must_use]
pub fn highest(x: &[f64], window: usize) -> Vec<f64> {
    extreme(x, window, |new, old| new >= old)
}

/// Lowest value of the last `window` bars, today's included.
#[must_use]
pub fn lowest(x: &[f64], window: usize) -> Vec<f64> {
    extreme(x, window, |new, old| new <= old)
}

/// A monotonic queue: each bar enters and leaves once, whatever the window.
fn extreme(x: &[f64], window: usize, beats: impl Fn(f64, f64) -> bool) -> Vec<f64> {
    let mut out = empty(x);
    if window == 0 {
        return out;
    }
    let mut best: std::collections::VecDeque<usize> = std::collections::VecDeque::with_capacity(window.min(x.len()));
    for (t, &value) in x.iter().enumerate() {
        while best.back().is_some_and(|&i| beats(value, x[i])) {
            best.pop_back();
        }
        best.push_back(t);
        if best.front().is_some_and(|&i| i + window <= t) {
            best.pop_front();
        }
        if t + 1 >= window {
            out[t] = x[best[0]];
        }
    }
    out
}

/// Wilder's average true range: the mean of the first `window` true ranges, which begin on the second bar, then
/// smoothed by 1 / window.
#[must_use]
pub fn atr(high: &[f64], low: &[f64], close: &[f64], window: usize) -> Vec<f64> {
    let mut out = empty(close);
    if window == 0 || close.len() <= window {
        return out;
    }
    let n = window as f64;
    let true_range = |t: usize| {
        let before = close[t - 1];
        (high[t] - low[t]).max((high[t] - before).abs()).max((low[t] - before).abs())
    };
    let mut value = (1..=window).map(true_range).sum::<f64>() / n;
    out[window] = value;
    for t in window + 1..close.len() {
        value = (value * (n - 1.0) + true_range(t)) / n;
        out[t] = value;
    }
    out
}

#[cfg(test)]
#[path = "indicators_tests.rs"]
mod tests;
