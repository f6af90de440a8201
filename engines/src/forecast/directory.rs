//! The models that a process has from its start: the baselines, the one that ships, and what lies in a folder.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::artifact::{Artifact, ArtifactError, LARGEST_FILE, parse_features};
use super::model::{About, ForecastModel, Maker};
use super::{Conformal, OnnxModel, Target, Volatility};

/// The model that ships, within the binary, so that bands can be drawn wherever it runs.
const SHIPPED: &str = include_str!("../../../models/pooled-linear.json");
const LARGEST_ONNX: u64 = 256 << 20;
const SIDECAR_FORMAT: &str = "prospectus-onnx";

/// The models of a process that don't come from the database.
#[derive(Debug, Clone)]
pub struct ModelDirectory {
    /// The one that is used where nobody names one, unless a better one is trained.
    pub shipped: Arc<ForecastModel>,
    /// All of them, the shipped one first.
    pub models: Vec<Arc<ForecastModel>>,
    /// How many of them, the first, are part of the service; the others are files.
    built_in: usize,
    /// Files that are no models of use, each with the reason.
    pub unusable: Vec<Unusable>,
    /// How the bands of every model are drawn: as those of the shipped one.
    pub volatility: Arc<Volatility>,
    pub conformal: Arc<Conformal>,
}

/// Where a model comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, async_graphql::Enum)]
pub enum ModelSource {
    /// Part of the service.
    Shipped,
    /// A file of the folder of models.
    File,
    /// Trained here; such a one can be renamed and deleted.
    Trained,
}

/// A file that can't be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unusable {
    pub key: String,
    pub file: String,
    pub onnx: bool,
    pub reason: String,
}

/// What stands beside an ONNX file.
#[derive(Deserialize)]
struct Sidecar {
    format: String,
    version: u32,
    name: String,
    features: Vec<String>,
    target: Target,
    #[serde(default)]
    trained_on: Option<String>,
}

fn short_digest(content: &[u8]) -> String {
    hex::encode(&Sha256::digest(content)[..6])
}

impl ModelDirectory {
    /// Reads the shipped model and a folder's; files that can't be used are kept aside with the reason.
    ///
    /// # Errors
    /// When the shipped model within the binary isn't sound.
    pub fn load(folder: &Path, onnx_runtime: Option<&Path>) -> Result<Self, ArtifactError> {
        let (key, artifact) = Artifact::read(SHIPPED)?;
        let lacks = || ArtifactError::Unsound("the shipped model lacks its bands".to_owned());
        let volatility = Arc::new(artifact.volatility.clone().ok_or_else(lacks)?);
        let conformal = Arc::new(artifact.conformal.clone().ok_or_else(lacks)?);
        let shipped = Arc::new(artifact.into_model(key, None)?);
        let models = vec![shipped.clone(), Arc::new(ForecastModel::naive()), Arc::new(ForecastModel::drift())];
        let built_in = models.len();
        let mut directory = Self { shipped, models, built_in, unusable: Vec::new(), volatility, conformal };
        for path in files(folder) {
            directory.add(&path, onnx_runtime);
        }
        Ok(directory)
    }

    /// Whether the model with this key is part of the service.
    #[must_use]
    pub fn ships(&self, key: &str) -> bool {
        self.models.iter().take(self.built_in).any(|model| model.key == key)
    }

    fn add(&mut self, path: &Path, onnx_runtime: Option<&Path>) {
        let file = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let onnx = path.extension().is_some_and(|extension| extension == "onnx");
        let read = if onnx { read_onnx(path, onnx_runtime) } else { read_artifact(path) };
        match read {
            Ok(model) if self.models.iter().any(|known| known.key == model.key) => {}
            Ok(model) => {
                tracing::info!(file, name = model.name, key = model.key, "model loaded");
                self.models.push(Arc::new(model));
            }
            Err(reason) => {
                tracing::warn!(file, reason, "this file is not used as a model");
                self.unusable.push(Unusable {
                    key: format!("file-{}", short_digest(file.as_bytes())),
                    file,
                    onnx,
                    reason,
                });
            }
        }
    }
}

/// The models' files of a folder, in the order of their names; a folder that isn't there has none.
fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut found: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    found.sort();
    let sidecar_of_onnx =
        |path: &Path| path.extension().is_some_and(|e| e == "json") && path.with_extension("onnx").exists();
    found.retain(|path| path.extension().is_some_and(|e| e == "json" || e == "onnx") && !sidecar_of_onnx(path));
    found
}

fn read_file(path: &Path, largest: u64) -> Result<Vec<u8>, String> {
    let size = std::fs::metadata(path).map_err(|e| format!("it can't be read: {e}"))?.len();
    if size > largest {
        return Err(format!("it has {size} bytes; up to {largest} are read"));
    }
    std::fs::read(path).map_err(|e| format!("it can't be read: {e}"))
}

fn read_artifact(path: &Path) -> Result<ForecastModel, String> {
    let text = String::from_utf8(read_file(path, LARGEST_FILE)?).map_err(|_| "it is damaged, or no text".to_owned())?;
    let (key, artifact) = Artifact::read(&text).map_err(|e| e.to_string())?;
    artifact.into_model(key, None).map_err(|e| e.to_string())
}

fn read_onnx(path: &Path, onnx_runtime: Option<&Path>) -> Result<ForecastModel, String> {
    let beside = path.with_extension("json");
    let name = beside.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let text = read_file(&beside, LARGEST_FILE).map_err(|e| format!("its sidecar {name}: {e}"))?;
    let sidecar: Sidecar =
        serde_json::from_slice(&text).map_err(|e| format!("its sidecar {name} can't be read: {e}"))?;
    if sidecar.format != SIDECAR_FORMAT || sidecar.version != 1 {
        return Err(format!("its sidecar {name} must say \"format\": \"{SIDECAR_FORMAT}\" and \"version\": 1"));
    }
    let features = parse_features(&sidecar.features).map_err(|e| format!("its sidecar {name}: {e}"))?;
    if features.is_empty() {
        return Err(format!("its sidecar {name} names no features"));
    }
    let content = read_file(path, LARGEST_ONNX)?;
    let version = short_digest(&[content.as_slice(), &text].concat());
    let onnx = OnnxModel::load(&content, features.len(), onnx_runtime)?;
    Ok(ForecastModel {
        key: format!("onnx-{version}"),
        name: sidecar.name,
        version,
        trained_on: sidecar.trained_on.unwrap_or_else(|| "Its sidecar doesn't say".to_owned()),
        trained_at: None,
        evaluation: None,
        features,
        about: About::Centre,
        card: None,
        maker: Maker::Onnx { model: Arc::new(onnx), target: sidecar.target },
    })
}
