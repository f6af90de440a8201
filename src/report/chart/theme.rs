//! Colours that the colour-blind can tell apart (Okabe and Ito, "Color Universal Design", 2008), on paper and on a dark
//! screen.

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
    /// What it's compared with.
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
                first: RGBColor(0, 98, 170),
                second: RGBColor(198, 107, 0),
                third: RGBColor(0, 135, 98),
                fourth: RGBColor(166, 74, 130),
                gain: RGBColor(0, 98, 170),
                loss: RGBColor(200, 80, 0),
            },
            Self::Dark => Palette {
                ground: RGBColor(17, 23, 33),
                ink: RGBColor(231, 235, 243),
                muted: RGBColor(157, 168, 187),
                grid: RGBColor(41, 51, 68),
                first: RGBColor(90, 170, 240),
                second: RGBColor(240, 165, 70),
                third: RGBColor(60, 195, 155),
                fourth: RGBColor(222, 140, 190),
                gain: RGBColor(90, 170, 240),
                loss: RGBColor(240, 130, 60),
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
