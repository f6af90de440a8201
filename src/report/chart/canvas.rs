//! A sheet to draw on, with a title, a legend, and plots with axes. Text is 24 units high whatever the sheet's width, so
//! a chart for a small place is drawn narrower rather than shrunk.

use plotters::coord::Shift;
use plotters::element::{Circle, PathElement, Polygon, Rectangle, Text};
use plotters::prelude::{Color, DrawingArea, DrawingAreaErrorKind, FontStyle, IntoDrawingArea, RGBColor};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{FontDesc, FontFamily, ShapeStyle};
use plotters_svg::SVGBackend;

use super::theme::{Palette, Theme};
use super::ticks;
use crate::market::Day;

/// Why a chart could not be drawn.
pub type DrawError = DrawingAreaErrorKind<std::io::Error>;

type Sheet<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// Sheets narrower than this have less room for labels.
const NARROW: i32 = 1_000;

/// How a chart is to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    pub theme: Theme,
    /// In units: twice the pixels of a screen.
    pub width: i32,
    /// Whether the title is to be seen; a screen reader gets it in any case.
    pub titled: bool,
}

impl Look {
    /// The widths that are drawn.
    pub const WIDTHS: std::ops::RangeInclusive<i32> = 560..=2_400;

    /// For a page with headings of its own.
    pub const PRINT: Self = Self { theme: Theme::Light, width: 1_440, titled: false };
}

impl Default for Look {
    fn default() -> Self {
        Self { theme: Theme::Light, width: 1_440, titled: true }
    }
}

/// The sizes of text: labels and titles.
pub const SMALL: i32 = 24;
const TITLE: i32 = 29;
const LEFT: i32 = 104;
const RIGHT: i32 = 28;
const TOP: i32 = 112;
const BOTTOM: i32 = 52;
/// What a title takes.
const TITLE_ROOM: i32 = 48;
const LEGEND_LINE: i32 = 36;

/// A chart under way.
pub struct Canvas<'a> {
    sheet: Sheet<'a>,
    pub palette: Palette,
    pub width: i32,
    /// By how much everything moves up where there's no title.
    lift: i32,
    /// By how much plots begin lower, for a legend of two lines.
    drop: i32,
}

/// Draws a chart. The title and the description are for screen readers as well.
///
/// # Errors
/// When the drawing library refuses.
pub fn draw(
    height: i32,
    look: Look,
    title: &str,
    description: &str,
    content: impl FnOnce(&Canvas<'_>) -> Result<(), DrawError>,
) -> Result<String, DrawError> {
    let mut svg = String::with_capacity(32 << 10);
    {
        let lift = if look.titled { 0 } else { TITLE_ROOM };
        let size = (look.width as u32, (height - lift) as u32);
        let sheet = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        let drop = if look.width < NARROW { LEGEND_LINE } else { 0 };
        let canvas = Canvas { sheet, palette: look.theme.palette(), width: look.width, lift, drop };
        canvas.sheet.fill(&canvas.palette.ground)?;
        if lift == 0 {
            canvas.write(title, (LEFT - 80, 14), TITLE, true, canvas.palette.ink, (HPos::Left, VPos::Top))?;
        }
        content(&canvas)?;
        canvas.sheet.present()?;
    }
    // The backend writes neither a name nor a role.
    let heads = format!("<title id=\"t\">{}</title><desc id=\"d\">{}</desc>", escape(title), escape(description));
    let svg = svg.replacen("<svg ", "<svg role=\"img\" aria-labelledby=\"t d\" ", 1);
    Ok(match svg.find('>') {
        Some(at) => format!("{}{heads}{}", &svg[..=at], &svg[at + 1..]),
        None => svg,
    })
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// One entry of a legend.
pub enum Mark {
    Line(RGBColor),
    Area(RGBColor, f64),
    Up(RGBColor),
    Down(RGBColor),
    Dot(RGBColor),
}

impl Canvas<'_> {
    /// Whether there's little room for labels.
    pub fn is_narrow(&self) -> bool {
        self.width < NARROW
    }

    fn lifted(&self, (x, y): (i32, i32)) -> (i32, i32) {
        (x, y - self.lift)
    }

    /// Writes a line of text.
    pub fn write(
        &self,
        text: &str,
        at: (i32, i32),
        size: i32,
        bold: bool,
        colour: RGBColor,
        anchor: (HPos, VPos),
    ) -> Result<(), DrawError> {
        let style = if bold { FontStyle::Bold } else { FontStyle::Normal };
        let font = FontDesc::new(FontFamily::Name("Inter"), f64::from(size), style);
        let text_style = plotters::style::TextStyle::from(font).color(&colour).pos(Pos::new(anchor.0, anchor.1));
        self.sheet.draw(&Text::new(text.to_owned(), self.lifted(at), text_style))
    }

    pub fn rectangle(&self, from: (i32, i32), to: (i32, i32), colour: RGBColor, opacity: f64) -> Result<(), DrawError> {
        self.sheet.draw(&Rectangle::new([self.lifted(from), self.lifted(to)], colour.mix(opacity).filled()))
    }

    pub fn path(&self, points: Vec<(i32, i32)>, colour: RGBColor, width: u32) -> Result<(), DrawError> {
        let points: Vec<_> = points.into_iter().map(|at| self.lifted(at)).collect();
        self.sheet.draw(&PathElement::new(points, colour.stroke_width(width)))
    }

    pub fn polygon(&self, points: Vec<(i32, i32)>, colour: RGBColor, opacity: f64) -> Result<(), DrawError> {
        let points: Vec<_> = points.into_iter().map(|at| self.lifted(at)).collect();
        self.sheet.draw(&Polygon::new(points, colour.mix(opacity).filled()))
    }

    pub fn dot(&self, at: (i32, i32), radius: i32, colour: RGBColor) -> Result<(), DrawError> {
        self.sheet.draw(&Circle::new(self.lifted(at), radius, ShapeStyle::from(&colour).filled()))
    }

    /// A triangle that points up or down, its tip at a place.
    pub fn triangle(&self, tip: (i32, i32), up: bool, colour: RGBColor) -> Result<(), DrawError> {
        let base = tip.1 + if up { 15 } else { -15 };
        self.polygon(vec![tip, (tip.0 - 9, base), (tip.0 + 9, base)], colour, 1.0)
    }

    /// Names what is drawn, in a line under the title.
    pub fn legend(&self, entries: &[(Mark, String)]) -> Result<(), DrawError> {
        let (mut x, mut y) = (LEFT - 80, 64);
        for (mark, text) in entries {
            let wide = 44 + text_width(text, SMALL);
            if x + wide > self.width - RIGHT && x > LEFT - 80 {
                (x, y) = (LEFT - 80, y + LEGEND_LINE);
            }
            match mark {
                Mark::Line(colour) => self.rectangle((x, y + 9), (x + 34, y + 14), *colour, 1.0)?,
                Mark::Area(colour, opacity) => self.rectangle((x, y), (x + 34, y + 24), *colour, *opacity)?,
                Mark::Up(colour) => self.triangle((x + 17, y + 4), true, *colour)?,
                Mark::Down(colour) => self.triangle((x + 17, y + 20), false, *colour)?,
                Mark::Dot(colour) => self.dot((x + 17, y + 12), 7, *colour)?,
            }
            self.write(text, (x + 44, y), SMALL, false, self.palette.muted, (HPos::Left, VPos::Top))?;
            x += wide + 34;
        }
        Ok(())
    }
}

/// About how wide a line of text is; the font's mean advance is a little over half its size.
fn text_width(text: &str, size: i32) -> i32 {
    text.chars().count() as i32 * size * 57 / 100
}

/// A part of the sheet with a horizontal and a vertical scale.
pub struct Plot<'c, 'a> {
    pub canvas: &'c Canvas<'a>,
    x: (f64, f64),
    y: (f64, f64),
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
        Self { canvas, x, y, left: LEFT, right: canvas.width - RIGHT, top, bottom }
    }

    /// One that fills a sheet of this height.
    pub fn whole(canvas: &'c Canvas<'a>, height: i32, x: (f64, f64), y: (f64, f64)) -> Self {
        Self::new(canvas, (TOP + canvas.drop, height - BOTTOM), x, y)
    }

    /// Labels that fit along the bottom.
    fn most_ticks(&self) -> usize {
        ((self.right - self.left) / 140).max(2) as usize
    }

    pub fn px(&self, x: f64) -> i32 {
        self.left + ((x - self.x.0) / (self.x.1 - self.x.0) * f64::from(self.right - self.left)).round() as i32
    }

    pub fn py(&self, y: f64) -> i32 {
        let share = ((y - self.y.0) / (self.y.1 - self.y.0)).clamp(-0.05, 1.05);
        self.bottom - (share * f64::from(self.bottom - self.top)).round() as i32
    }

    /// Lines across with what they stand for; `label` is told how far they are apart, too.
    pub fn y_axis(&self, label: impl Fn(f64, f64) -> String) -> Result<(), DrawError> {
        let palette = &self.canvas.palette;
        let (values, step) = ticks::numbers(self.y.0, self.y.1, ((self.bottom - self.top) / 58).max(4) as usize);
        for value in values {
            let y = self.py(value);
            self.canvas.path(vec![(self.left, y), (self.right, y)], palette.grid, 2)?;
            let anchor = (HPos::Right, VPos::Center);
            self.canvas.write(&label(value, step), (self.left - 12, y), SMALL, false, palette.muted, anchor)?;
        }
        Ok(())
    }

    /// What the vertical scale counts, over its upper end.
    pub fn y_name(&self, name: &str) -> Result<(), DrawError> {
        let anchor = (HPos::Right, VPos::Top);
        self.canvas.write(name, (self.right, self.top - 34), SMALL, false, self.canvas.palette.muted, anchor)
    }

    /// Months or years along the bottom.
    pub fn dates(&self) -> Result<(), DrawError> {
        let palette = &self.canvas.palette;
        let (from, to) = (self.x.0 as Day, self.x.1 as Day);
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
