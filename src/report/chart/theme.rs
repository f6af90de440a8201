//! The colours of the console, each with one meaning wherever it stands, on paper and on a dark screen. Where two stand
//! beside each other they differ in lightness as well, or are named at their ends.

use plotters::style::RGBColor;

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Theme {
    #[default]
    Light,
    Dark,
}

/// A theme's colours by what they are for.
#[derive(Debug, Clone, Copy)]
pub struct Palette {
    pub ground: RGBColor,
    pub ink: RGBColor,
    pub muted: RGBColor,
    pub grid: RGBColor,
    /// The subject of a chart.
    pub first: RGBColor,
    /// Buying and holding, and "no change": what a subject is held against.
    pub hold: RGBColor,
    /// What a rule looks at: averages and other indicators.
    pub second: RGBColor,
    pub third: RGBColor,
    pub fourth: RGBColor,
    pub gain: RGBColor,
    pub loss: RGBColor,
}

impl Theme {
    /// The theme of this name.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        match name {
            "light" => Some(Self::Light),
            "dark" => Some(Self::Dark),
            _ => None,
        }
    }

    #[must_use]
    pub fn palette(self) -> Palette {
        match self {
            Self::Light => Palette {
                ground: RGBColor(255, 255, 255),
                ink: RGBColor(24, 32, 46),
                muted: RGBColor(91, 101, 119),
                grid: RGBColor(228, 232, 239),
                first: RGBColor(11, 92, 173),
                hold: RGBColor(107, 116, 132),
                second: RGBColor(138, 79, 158),
                third: RGBColor(154, 91, 0),
                fourth: RGBColor(0, 122, 130),
                gain: RGBColor(11, 110, 79),
                loss: RGBColor(179, 64, 15),
            },
            Self::Dark => Palette {
                ground: RGBColor(17, 23, 33),
                ink: RGBColor(231, 235, 243),
                muted: RGBColor(157, 168, 187),
                grid: RGBColor(41, 51, 68),
                first: RGBColor(109, 179, 245),
                hold: RGBColor(148, 159, 178),
                second: RGBColor(210, 154, 230),
                third: RGBColor(232, 180, 94),
                fourth: RGBColor(96, 200, 208),
                gain: RGBColor(95, 208, 168),
                loss: RGBColor(245, 160, 122),
            },
        }
    }
}

impl Palette {
    /// From loss over the ground to gain, for −1 to 1.
    #[must_use]
    pub fn diverging(&self, value: f64) -> RGBColor {
        let end = if value < 0.0 { self.loss } else { self.gain };
        blend(self.ground, end, value.abs().clamp(0.0, 1.0))
    }

    /// From the ground to one colour, for 0 to 1: for what has one sign.
    #[must_use]
    pub fn sequential(&self, towards: RGBColor, value: f64) -> RGBColor {
        blend(self.ground, towards, value.clamp(0.0, 1.0))
    }

    /// Ink or ground, whichever reads better on this colour.
    #[must_use]
    pub fn on(&self, ground: RGBColor) -> RGBColor {
        let distance = |a: RGBColor| (luminance(a) - luminance(ground)).abs();
        if distance(self.ink) >= distance(self.ground) { self.ink } else { self.ground }
    }
}

fn luminance(colour: RGBColor) -> f64 {
    0.299 * f64::from(colour.0) + 0.587 * f64::from(colour.1) + 0.114 * f64::from(colour.2)
}

fn blend(from: RGBColor, to: RGBColor, share: f64) -> RGBColor {
    let mix = |a: u8, b: u8| (f64::from(a) + (f64::from(b) - f64::from(a)) * share).round() as u8;
    RGBColor(mix(from.0, to.0), mix(from.1, to.1), mix(from.2, to.2))
}
