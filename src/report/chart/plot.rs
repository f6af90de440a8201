//! A part of a sheet with a horizontal and a vertical scale: axes, lines with their names, bands and marks.
//!
//! A chart context of plotters would do the scales, but not these axes: the room for its marks is given before they are
//! known, where ours follows the longest one, and it has neither names at the ends of lines nor plots under each other with
//! their left edges in line. So plotters draws (its drawing area, elements and SVG), and the places are worked out here.

use plotters::prelude::RGBColor;
use plotters::style::text_anchor::{HPos, VPos};

use super::canvas::{BOTTOM, Canvas, DrawError, LEFT, LEGEND_LINE, RIGHT, SMALL, TOP, text_width};
use super::ticks;
use crate::market::Day;

/// How long a dash is, and the gap behind it.
const DASH: f64 = 12.0;
/// How a vertical scale goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    Linear,
    /// Equal ratios are equally far apart; values must be above zero.
    Log,
}

/// A line's name at its end: where the line ends, the name, and its colour.
pub type EndLabel<'t> = (f64, &'t str, RGBColor);

/// What stays free between the longest mark and the sheet's edge.
const EDGE: i32 = 8;

/// The least distance between two names, so that they stand apart.
const LABEL_LINE: i32 = 28;

/// A part of the sheet with a horizontal and a vertical scale.
pub struct Plot<'c, 'a> {
    pub canvas: &'c Canvas<'a>,
    x: (f64, f64),
    /// Of a logarithmic scale, the logarithms of the ends.
    y: (f64, f64),
    scale: Scale,
    left: i32,
    right: i32,
    top: i32,
    bottom: i32,
}

impl<'c, 'a> Plot<'c, 'a> {
    /// A plot over the sheet's whole width, between two heights; `x` and `y` are the ends of the scales.
    pub fn new(canvas: &'c Canvas<'a>, (top, bottom): (i32, i32), x: (f64, f64), y: (f64, f64)) -> Self {
        // A scale of no length would put everything nowhere.
        let stretched = |(from, to): (f64, f64)| if to > from { (from, to) } else { (from - 0.5, from + 0.5) };
        let (x, y) = (stretched(x), stretched(y));
        Self { canvas, x, y, scale: Scale::Linear, left: LEFT, right: canvas.width - RIGHT, top, bottom }
    }

    /// The same with this scale; what isn't above zero stays linear.
    pub fn scaled(mut self, scale: Scale) -> Self {
        if scale == Scale::Log && self.scale == Scale::Linear && self.y.0 > 0.0 {
            self.y = (self.y.0.ln(), self.y.1.ln());
            self.scale = scale;
        }
        self
    }

    /// The same with room at the right for these names.
    pub fn naming(mut self, names: &[&str]) -> Self {
        let longest = names.iter().map(|name| text_width(name, SMALL)).max().unwrap_or(0);
        self.right = (self.canvas.width - RIGHT - longest - 6).max(self.left + 100);
        self
    }

    /// One that fills a sheet of this height.
    pub fn whole(canvas: &'c Canvas<'a>, height: i32, x: (f64, f64), y: (f64, f64)) -> Self {
        Self::new(canvas, (TOP, height - BOTTOM), x, y)
    }

    /// The same with room for a legend above it.
    pub fn beneath_legend(canvas: &'c Canvas<'a>, height: i32, x: (f64, f64), y: (f64, f64)) -> Self {
        Self::new(canvas, (TOP + LEGEND_LINE + canvas.drop, height - BOTTOM), x, y)
    }

    /// Labels that fit along the bottom.
    fn most_ticks(&self) -> usize {
        ((self.right - self.left) / 140).max(2) as usize
    }

    pub fn px(&self, x: f64) -> i32 {
        self.left + ((x - self.x.0) / (self.x.1 - self.x.0) * f64::from(self.right - self.left)).round() as i32
    }

    pub fn py(&self, y: f64) -> i32 {
        let y = if self.scale == Scale::Log { y.max(f64::MIN_POSITIVE).ln() } else { y };
        let share = ((y - self.y.0) / (self.y.1 - self.y.0)).clamp(-0.05, 1.05);
        self.bottom - (share * f64::from(self.bottom - self.top)).round() as i32
    }

    /// The same under another plot, their left edges in line.
    pub fn under(mut self, upper: &Self) -> Self {
        self.left = upper.left;
        self
    }

    /// Lines across with what they stand for; `label` is told how far they are apart, too. Long marks move the left edge,
    /// so this comes before whatever else is drawn.
    pub fn y_axis(&mut self, label: impl Fn(f64, f64) -> String) -> Result<(), DrawError> {
        let palette = &self.canvas.palette;
        let wanted = ((self.bottom - self.top) / 58).max(3) as usize;
        let marks: Vec<(f64, f64)> = match self.scale {
            Scale::Linear => {
                let (values, step) = ticks::numbers(self.y.0, self.y.1, wanted);
                values.into_iter().map(|value| (value, step)).collect()
            }
            Scale::Log => ticks::ratios(self.y.0.exp(), self.y.1.exp(), wanted),
        };
        let marks: Vec<(f64, String)> = marks.into_iter().map(|(value, step)| (value, label(value, step))).collect();
        let longest = marks.iter().map(|(_, mark)| text_width(mark, SMALL)).max().unwrap_or(0);
        self.left = self.left.max(longest + 12 + EDGE);
        for (value, mark) in marks {
            let y = self.py(value);
            self.canvas.path(vec![(self.left, y), (self.right, y)], palette.grid, 2)?;
            let anchor = (HPos::Right, VPos::Center);
            self.canvas.write(&mark, (self.left - 12, y), SMALL, false, palette.muted, anchor)?;
        }
        Ok(())
    }

    /// What the vertical scale counts, over the scale itself; nothing where that isn't known.
    pub fn y_name(&self, name: &str) -> Result<(), DrawError> {
        let at = (LEFT - 80, self.top - 36);
        self.canvas.write(name, at, SMALL, false, self.canvas.palette.muted, (HPos::Left, VPos::Top))
    }

    /// Names lines at their ends, moved apart where they would cover each other.
    pub fn name_ends(&self, labels: &[EndLabel<'_>]) -> Result<(), DrawError> {
        let mut placed: Vec<(i32, &str, RGBColor)> = labels
            .iter()
            .filter(|label| label.0.is_finite())
            .map(|&(y, name, colour)| (self.py(y), name, colour))
            .collect();
        placed.sort_by_key(|label| label.0);
        // Downwards first, then back up from the lower edge.
        for i in 1..placed.len() {
            placed[i].0 = placed[i].0.max(placed[i - 1].0 + LABEL_LINE);
        }
        let mut limit = self.bottom;
        for label in placed.iter_mut().rev() {
            label.0 = label.0.min(limit);
            limit = label.0 - LABEL_LINE;
        }
        for (y, name, colour) in placed {
            self.canvas.write(name, (self.right + 10, y), SMALL, true, colour, (HPos::Left, VPos::Center))?;
        }
        Ok(())
    }

    /// A number at a place in the plot, such as that of a row in a table.
    pub fn number(&self, (x, y): (f64, f64), number: usize) -> Result<(), DrawError> {
        let at = (self.px(x).clamp(self.left + 10, self.right - 10), self.py(y) + 4);
        self.canvas.write(&number.to_string(), at, SMALL, true, self.canvas.palette.ink, (HPos::Center, VPos::Top))
    }

    /// A stretch of the horizontal scale, shaded over the plot's height.
    pub fn shade(&self, from: f64, to: f64, colour: RGBColor, opacity: f64) -> Result<(), DrawError> {
        let (left, right) = (self.px(from), self.px(to).max(self.px(from) + 1));
        self.canvas.rectangle((left, self.top), (right, self.bottom), colour, opacity)
    }

    /// A tick inside the plot, on its lower edge.
    pub fn tick(&self, x: f64, length: i32, colour: RGBColor) -> Result<(), DrawError> {
        let x = self.px(x);
        self.canvas.path(vec![(x, self.bottom - 2), (x, self.bottom - 2 - length)], colour, 2)
    }

    /// A dashed line through points that ascend in x.
    pub fn dashes(
        &self,
        points: impl Iterator<Item = (f64, f64)>,
        colour: RGBColor,
        width: u32,
    ) -> Result<(), DrawError> {
        let points: Vec<(i32, i32)> = points.map(|(x, y)| (self.px(x), self.py(y))).collect();
        // By the way along the line, so that steep parts aren't solid.
        let (mut along, mut dash) = (0.0_f64, Vec::new());
        for pair in points.windows(2) {
            let (from, to) = (pair[0], pair[1]);
            let length = f64::from(to.0 - from.0).hypot(f64::from(to.1 - from.1));
            let steps = (length / DASH).ceil().max(1.0);
            for step in 0..steps as usize {
                let at = |share: f64| {
                    let part = |a: i32, b: i32| (f64::from(a) + f64::from(b - a) * share).round() as i32;
                    (part(from.0, to.0), part(from.1, to.1))
                };
                let drawn = ((along / DASH) as i64) % 2 == 0;
                if drawn {
                    if dash.is_empty() {
                        dash.push(at(step as f64 / steps));
                    }
                    dash.push(at((step + 1) as f64 / steps));
                } else {
                    self.flush(&mut dash, colour, width)?;
                }
                along += length / steps;
            }
        }
        self.flush(&mut dash, colour, width)
    }

    /// Months or years along the bottom.
    pub fn dates(&self) -> Result<(), DrawError> {
        let palette = &self.canvas.palette;
        // The ends of a scale that a single day was stretched to lie within days; only whole ones have a label.
        let (from, to) = (self.x.0.ceil() as Day, self.x.1.floor() as Day);
        for (day, label) in ticks::dates(from, to, self.most_ticks()) {
            let x = self.px(f64::from(day));
            self.canvas.path(vec![(x, self.bottom), (x, self.bottom + 8)], palette.muted, 2)?;
            let half = text_width(&label, SMALL) / 2;
            let at = (x.clamp(self.left - 40 + half, self.right + RIGHT - half), self.bottom + 14);
            self.canvas.write(&label, at, SMALL, false, palette.muted, (HPos::Center, VPos::Top))?;
        }
        self.canvas.path(vec![(self.left, self.bottom), (self.right, self.bottom)], palette.muted, 2)
    }

    /// Numbers along the bottom.
    pub fn x_axis(&self, label: impl Fn(f64, f64) -> String) -> Result<(), DrawError> {
        let palette = &self.canvas.palette;
        let (values, step) = ticks::numbers(self.x.0, self.x.1, self.most_ticks());
        for value in values {
            let at = (self.px(value), self.bottom + 14);
            self.canvas.write(&label(value, step), at, SMALL, false, palette.muted, (HPos::Center, VPos::Top))?;
        }
        self.canvas.path(vec![(self.left, self.bottom), (self.right, self.bottom)], palette.muted, 2)
    }

    /// A line through points that ascend in x, broken where there's none. Where many share a pixel's column, it keeps
    /// their first, extremes and last, which looks the same.
    pub fn line(
        &self,
        points: impl Iterator<Item = (f64, Option<f64>)>,
        colour: RGBColor,
        width: u32,
    ) -> Result<(), DrawError> {
        let mut path: Vec<(i32, i32)> = Vec::new();
        let mut column: Option<Column> = None;
        for (x, y) in points {
            let Some(y) = y else {
                path.extend(column.take().into_iter().flat_map(Column::points));
                self.flush(&mut path, colour, width)?;
                continue;
            };
            // Two units are a pixel; finer columns would only make the picture longer.
            let (x, y) = (self.px(x) & !1, self.py(y));
            match &mut column {
                Some(open) if open.x == x => open.add(y),
                open => {
                    path.extend(open.take().into_iter().flat_map(Column::points));
                    *open = Some(Column::new(x, y));
                }
            }
        }
        path.extend(column.into_iter().flat_map(Column::points));
        self.flush(&mut path, colour, width)
    }

    fn flush(&self, path: &mut Vec<(i32, i32)>, colour: RGBColor, width: u32) -> Result<(), DrawError> {
        match path.len() {
            0 => Ok(()),
            1 => self.canvas.dot(path.remove(0), 3, colour),
            _ => self.canvas.path(std::mem::take(path), colour, width),
        }
    }

    /// What lies between a lower and an upper line.
    pub fn band(&self, points: &[(f64, f64, f64)], colour: RGBColor, opacity: f64) -> Result<(), DrawError> {
        let upper = points.iter().map(|&(x, _, upper)| (self.px(x), self.py(upper)));
        let lower = points.iter().rev().map(|&(x, lower, _)| (self.px(x), self.py(lower)));
        self.canvas.polygon(upper.chain(lower).collect(), colour, opacity)
    }

    /// What lies between a line and a level.
    pub fn area(
        &self,
        points: impl Iterator<Item = (f64, f64)>,
        level: f64,
        colour: RGBColor,
    ) -> Result<(), DrawError> {
        let mut outline: Vec<(i32, i32)> = Vec::new();
        for (x, y) in points {
            let at = (self.px(x), self.py(y));
            match outline.last_mut() {
                // The furthest of a pixel's column from the level.
                Some(last) if last.0 == at.0 => {
                    if (at.1 - self.py(level)).abs() > (last.1 - self.py(level)).abs() {
                        *last = at;
                    }
                }
                _ => outline.push(at),
            }
        }
        if let (Some(&first), Some(&last)) = (outline.first(), outline.last()) {
            outline.push((last.0, self.py(level)));
            outline.push((first.0, self.py(level)));
            self.canvas.polygon(outline.clone(), colour, 0.22)?;
            outline.truncate(outline.len() - 2);
            self.flush(&mut outline, colour, 2)?;
        }
        Ok(())
    }

    /// A line at a level.
    pub fn level(&self, y: f64) -> Result<(), DrawError> {
        let y = self.py(y);
        self.canvas.path(vec![(self.left, y), (self.right, y)], self.canvas.palette.muted, 2)
    }
}

/// Points that share a pixel's column.
struct Column {
    x: i32,
    first: i32,
    low: i32,
    high: i32,
    last: i32,
}

impl Column {
    fn new(x: i32, y: i32) -> Self {
        Self { x, first: y, low: y, high: y, last: y }
    }

    fn add(&mut self, y: i32) {
        self.low = self.low.min(y);
        self.high = self.high.max(y);
        self.last = y;
    }

    fn points(self) -> impl Iterator<Item = (i32, i32)> {
        let mut ys = vec![self.first, self.low, self.high, self.last];
        ys.dedup();
        ys.into_iter().map(move |y| (self.x, y))
    }
}
