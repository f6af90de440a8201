//! The file of a linear model: versioned, checksummed, and documented by the card it carries.
//!
//! `{"format": "prospectus-model", "version": 1, "checksum": "sha256:…", "model": {…}}`, where the checksum is that of
//! the text of `model` as it stands in the file. `models/README.md` describes the fields.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use super::evaluation::Evaluation;
use super::features::Feature;
use super::model::{About, ForecastModel, Maker};
use super::{Conformal, Linear, Volatility};

/// What the file says it is.
pub const FORMAT: &str = "prospectus-model";
/// Files of later versions are refused, not guessed at.
pub const ARTIFACT_VERSION: u32 = 1;
/// Larger files aren't read.
pub(super) const LARGEST_FILE: u64 = 16 << 20;
const MOST_FEATURES: usize = 1_000;
const LONGEST_NAME: usize = 200;

#[derive(Serialize, Deserialize)]
struct Envelope<'a> {
    format: String,
    version: u32,
    checksum: String,
    #[serde(borrow)]
    model: &'a RawValue,
}

/// Everything that is in the file but its envelope.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Artifact {
    pub name: String,
    /// Names of the model's inputs, in order.
    pub features: Vec<String>,
    #[serde(flatten)]
    pub linear: Linear,
    pub about: About,
    /// How bands were fitted along with the model, which its evaluation has tried. Forecasts draw the bands of the
    /// shipped model's file, whichever model makes their centre.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volatility: Option<Volatility>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conformal: Option<Conformal>,
    /// Rolling origin, on symbols and dates that it was not fitted to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evaluation: Option<Evaluation>,
    pub card: Card,
}

/// The model card: what it was made of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Card {
    /// One line: which data, from when to when.
    pub trained_on: String,
    /// Each symbol with its first and last day and its bars.
    #[serde(default)]
    pub symbols: Vec<CardSymbol>,
    /// What else a user should know.
    #[serde(default)]
    pub notes: Vec<String>,
}

/// A symbol that a model was trained on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CardSymbol {
    pub ticker: String,
    pub from: String,
    pub to: String,
    pub bars: usize,
}

/// Why a file is no model.
#[derive(Debug, thiserror::Error)]
pub enum ArtifactError {
    #[error("it isn't a model file, or is cut short: {0}")]
    Malformed(serde_json::Error),
    #[error("its format is {0:?}; a model file's is {FORMAT:?}")]
    Foreign(String),
    #[error(
        "it is of version {0}, and this service reads up to {ARTIFACT_VERSION}; use a newer release, or train it anew"
    )]
    TooNew(u32),
    #[error("it is damaged: its contents don't have the checksum that it gives")]
    Damaged,
    #[error("its model can't be read: {0}")]
    Model(serde_json::Error),
    #[error("its model can't be used: {0}")]
    Unsound(String),
}

fn checksum(text: &str) -> String {
    format!("sha256:{}", hex::encode(Sha256::digest(text.as_bytes())))
}

impl Artifact {
    /// The text of the file; the same model gives the same bytes.
    ///
    /// # Errors
    /// When a number can't be written down.
    pub fn to_text(&self) -> serde_json::Result<String> {
        let model = serde_json::to_string(self)?;
        let checksum = checksum(&model);
        Ok(format!(
            "{{\"format\":\"{FORMAT}\",\"version\":{ARTIFACT_VERSION},\"checksum\":\"{checksum}\",\n\"model\":{model}}}\n"
        ))
    }

    /// Reads a file, with the key that names its contents.
    ///
    /// # Errors
    /// When it's damaged, foreign, newer, or says what can't be.
    pub fn read(text: &str) -> Result<(String, Self), ArtifactError> {
        let envelope: Envelope<'_> = serde_json::from_str(text).map_err(ArtifactError::Malformed)?;
        if envelope.format != FORMAT {
            return Err(ArtifactError::Foreign(envelope.format.chars().take(80).collect()));
        }
        if envelope.version > ARTIFACT_VERSION || envelope.version == 0 {
            return Err(ArtifactError::TooNew(envelope.version));
        }
        let found = checksum(envelope.model.get());
        if found != envelope.checksum {
            return Err(ArtifactError::Damaged);
        }
        let artifact: Self = serde_json::from_str(envelope.model.get()).map_err(ArtifactError::Model)?;
        artifact.check().map_err(ArtifactError::Unsound)?;
        // The checksum is pure ASCII with this prefix.
        let digest = found.trim_start_matches("sha256:");
        Ok((format!("linear-{}", &digest[..12]), artifact))
    }

    fn check(&self) -> Result<(), String> {
        if self.name.trim().is_empty() || self.name.chars().count() > LONGEST_NAME {
            return Err(format!("its name must have 1 to {LONGEST_NAME} characters"));
        }
        if self.features.len() > MOST_FEATURES {
            return Err(format!("it has {} features; {MOST_FEATURES} are possible", self.features.len()));
        }
        parse_features(&self.features)?;
        if let Some(fault) = self.linear.fault(self.features.len()) {
            return Err(fault);
        }
        if self.volatility.as_ref().is_some_and(|v| !v.is_sound()) {
            return Err("its volatility lacks a horizon, a term or a finite number".to_owned());
        }
        if self.conformal.as_ref().is_some_and(|c| !c.is_sound()) {
            return Err("its conformal quantiles lack a horizon or don't ascend".to_owned());
        }
        Ok(())
    }

    /// The model that the file holds.
    ///
    /// # Errors
    /// When a feature isn't known.
    pub fn into_model(self, key: String, trained_at: Option<i64>) -> Result<ForecastModel, ArtifactError> {
        let features = parse_features(&self.features).map_err(ArtifactError::Unsound)?;
        let card = serde_json::to_string(&self.card).map_err(ArtifactError::Model)?;
        let version = key.rsplit('-').next().unwrap_or_default().to_owned();
        Ok(ForecastModel {
            version,
            key,
            name: self.name,
            trained_on: self.card.trained_on,
            trained_at,
            evaluation: self.evaluation,
            features,
            about: self.about,
            card: Some(card.into()),
            maker: Maker::Linear(self.linear),
        })
    }
}

/// Features by their names.
pub(super) fn parse_features(names: &[String]) -> Result<Vec<Feature>, String> {
    names.iter().map(|name| name.parse::<Feature>().map_err(|e| e.to_string())).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::forecast::Target;

    fn artifact() -> Artifact {
        Artifact {
            name: "A test".to_owned(),
            features: vec!["momentum_5".to_owned()],
            linear: Linear { target: Target::LogReturn, shrinkage: 1.0, horizons: vec![vec![0.001, 0.25]; 30] },
            about: About::Centre,
            volatility: None,
            conformal: None,
            evaluation: None,
            card: Card { trained_on: "nothing".to_owned(), symbols: Vec::new(), notes: Vec::new() },
        }
    }

    #[test]
    fn a_file_reads_as_it_was_written() {
        let text = artifact().to_text().expect("text");
        let (key, read) = Artifact::read(&text).expect("a sound file");
        assert_eq!(read, artifact());
        assert!(key.starts_with("linear-") && key.len() == 19, "{key}");
    }

    #[test]
    fn what_is_wrong_with_a_file_is_said() {
        let text = artifact().to_text().expect("text");
        let said = |text: &str| Artifact::read(text).expect_err("a bad file").to_string();
        assert!(said(&text[..text.len() / 2]).contains("cut short"));
        assert!(said(&text.replace("prospectus-model", "pickle")).contains("\"pickle\""));
        assert!(said(&text.replace("\"version\":1", "\"version\":2")).contains("version 2"));
        assert!(said(&text.replace("0.25", "0.35")).contains("damaged"));
        for (fault, change) in [
            ("momentum_5x", (|a| a.features = vec!["momentum_5x".to_owned()]) as fn(&mut Artifact)),
            ("coefficients", |a| a.linear.horizons[3].push(1.0)),
            ("31 horizons", |a| a.linear.horizons = vec![vec![0.0, 0.0]; 31]),
            ("name", |a| a.name = String::new()),
            ("volatility", |a| a.volatility = Some(Volatility { coefficients: Vec::new() })),
        ] {
            let mut changed = artifact();
            change(&mut changed);
            assert!(said(&changed.to_text().expect("text")).contains(fault), "{fault}");
        }
    }

    proptest! {
        #[test]
        fn no_flipped_bit_goes_unnoticed(at in 0_usize..600, bit in 0_u8..8) {
            let mut bytes = artifact().to_text().expect("text").into_bytes();
            let at = at % bytes.len();
            bytes[at] ^= 1 << bit;
            let Ok(text) = String::from_utf8(bytes) else { return Ok(()) };
            // Blanks between the parts of the envelope mean nothing.
            if let Ok((_, read)) = Artifact::read(&text) {
                prop_assert_eq!(read, artifact());
            }
        }
    }
}
