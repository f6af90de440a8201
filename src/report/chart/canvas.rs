//! A sheet to draw on, with a title and a legend. Text is 24 units high whatever the sheet's width, so
//! a chart for a small place is drawn narrower rather than shrunk.

use plotters::coord::Shift;
use plotters::element::{Circle, PathElement, Polygon, Rectangle, Text};
use plotters::prelude::{Color, DrawingArea, DrawingAreaErrorKind, FontStyle, IntoDrawingArea, RGBColor};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{FontDesc, FontFamily, FontTransform, ShapeStyle};
use plotters_svg::SVGBackend;

use super::theme::{Palette, Theme};

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

    /// For a page with headings of its own: letters as high as those of its tables.
    pub const PRINT: Self = Self { theme: Theme::Light, width: 1_200, titled: false };
}

impl Default for Look {
    fn default() -> Self {
        Self { theme: Theme::Light, width: 1_440, titled: true }
    }
}

/// The families of letters on a screen.
pub const SCREEN_FONTS: &str = "Inter, system-ui, sans-serif";
/// The sizes of text: labels and titles.
pub const SMALL: i32 = 24;
const TITLE: i32 = 29;
pub(super) const LEFT: i32 = 104;
pub(super) const RIGHT: i32 = 28;
pub(super) const TOP: i32 = 100;
pub(super) const BOTTOM: i32 = 52;
/// What a title takes.
const TITLE_ROOM: i32 = 48;
pub(super) const LEGEND_LINE: i32 = 36;

/// A chart under way.
pub struct Canvas<'a> {
    sheet: Sheet<'a>,
    pub palette: Palette,
    pub width: i32,
    /// By how much everything moves up where there's no title.
    lift: i32,
    /// By how much plots begin lower, for a legend of two lines.
    pub(super) drop: i32,
}

/// Draws a chart. The title and the description are for screen readers as well.
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
    // The backend knows one name of a font; where that isn't installed, the page's own is used.
    let svg = svg.replace("font-family=\"Inter\"", &format!("font-family=\"{SCREEN_FONTS}\""));
    // It writes neither a name nor a role.
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
    Tick(RGBColor),
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

    /// Writes a line of text that runs upwards, its middle at a place.
    pub fn write_upwards(&self, text: &str, at: (i32, i32), colour: RGBColor) -> Result<(), DrawError> {
        let font = FontDesc::new(FontFamily::Name("Inter"), f64::from(SMALL), FontStyle::Normal);
        let font = font.transform(FontTransform::Rotate270);
        let style = plotters::style::TextStyle::from(font).color(&colour).pos(Pos::new(HPos::Center, VPos::Center));
        self.sheet.draw(&Text::new(text.to_owned(), self.lifted(at), style))
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

    /// Names what is drawn, in a line under the title.
    pub fn legend(&self, entries: &[(Mark, String)]) -> Result<(), DrawError> {
        let (mut x, mut y) = (LEFT - 80, 64);
        for (mark, text) in entries {
            let wide = 44 + text_width(text, SMALL);
            if x + wide > self.width - RIGHT && x > LEFT - 80 {
                (x, y) = (LEFT - 80, y + LEGEND_LINE);
            }
            match mark {
                Mark::Tick(colour) => self.rectangle((x + 14, y), (x + 20, y + 24), *colour, 1.0)?,
            }
            self.write(text, (x + 44, y), SMALL, false, self.palette.muted, (HPos::Left, VPos::Top))?;
            x += wide + 34;
        }
        Ok(())
    }
}

/// About how wide a line of text is; the font's mean advance is a little over half its size.
pub(super) fn text_width(text: &str, size: i32) -> i32 {
    text.chars().count() as i32 * size * 57 / 100
}
