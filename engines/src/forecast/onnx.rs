//! Models of any make, run by ONNX Runtime, which is found at run time.

use std::fmt;
use std::path::Path;
use std::sync::{Mutex, OnceLock, PoisonError};

use ort::environment::Environment;
use ort::session::Session;
use ort::value::{Tensor, TensorElementType, ValueType};

use super::HORIZON;
use super::errors::ModelError;

/// An ONNX file, loaded.
pub struct OnnxModel {
    session: Mutex<Session>,
    /// Whether it takes doubles rather than floats.
    doubles: bool,
    horizon: usize,
}

impl fmt::Debug for OnnxModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnnxModel").field("horizon", &self.horizon).finish_non_exhaustive()
    }
}

/// Loads ONNX Runtime once a process; the reason if it can't be.
fn runtime(library: Option<&Path>) -> Result<Environment, String> {
    static LOADED: OnceLock<Result<Environment, String>> = OnceLock::new();
    let Some(library) = library else {
        return Err("ONNX Runtime is not set up; set ORT_DYLIB_PATH to the path of its library".to_owned());
    };
    LOADED
        .get_or_init(|| {
            let name = library.display();
            let failed =
                |e: &dyn fmt::Display| format!("ONNX Runtime can't be loaded from ORT_DYLIB_PATH, {name}: {e}");
            let builder = ort::init_from(library).map_err(|e| failed(&e))?;
            builder.with_telemetry(false).build().map_err(|e| failed(&e))
        })
        .clone()
}

impl OnnxModel {
    /// Loads a file that takes so many features.
    ///
    /// # Errors
    /// A sentence: the library is missing, the file isn't ONNX, or its inputs and outputs aren't a model's of ours.
    pub fn load(content: &[u8], features: usize, library: Option<&Path>) -> Result<Self, String> {
        let environment = runtime(library)?;
        let unreadable = |e: ort::Error| format!("ONNX Runtime can't read it: {e}");
        let session = Session::builder(&environment)
            .map_err(unreadable)?
            .with_intra_threads(1)
            .map_err(|e| unreadable(e.into()))?
            .commit_from_memory(content)
            .map_err(unreadable)?;
        let [input] = session.inputs() else {
            return Err(format!(
                "it has {} inputs; one is needed, of a row a bar and a column a feature",
                session.inputs().len()
            ));
        };
        let ValueType::Tensor { ty, shape, .. } = input.dtype() else {
            return Err("its input is no tensor".to_owned());
        };
        let doubles = match ty {
            TensorElementType::Float32 => false,
            TensorElementType::Float64 => true,
            other => return Err(format!("its input takes {other}; float or double is needed")),
        };
        if let Some(&columns) = shape.get(1)
            && columns > 0
            && usize::try_from(columns) != Ok(features)
        {
            return Err(format!("it takes {columns} features, and its sidecar names {features}"));
        }
        let mut model = Self { session: Mutex::new(session), doubles, horizon: 1 };
        // The file may not say how many numbers it answers with: one row of zeros tells.
        let outputs = model.run(&vec![0.0; features], 1, features).map_err(unreadable)?.len();
        if outputs == 0 || outputs > HORIZON {
            return Err(format!(
                "it answers with {outputs} numbers a row; 1 to {HORIZON} are possible, one a day ahead"
            ));
        }
        model.horizon = outputs;
        Ok(model)
    }

    pub(super) fn horizon(&self) -> usize {
        self.horizon
    }

    /// The answers to rows of features, a row of [`Self::horizon`] numbers each.
    pub(super) fn predict(
        &self,
        name: &str,
        rows: &[f64],
        count: usize,
        features: usize,
    ) -> Result<Vec<f64>, ModelError> {
        let answers =
            self.run(rows, count, features).map_err(|source| ModelError::Onnx { name: name.to_owned(), source })?;
        if answers.len() != count * self.horizon {
            let found = answers.len();
            return Err(ModelError::Shape { name: name.to_owned(), found, rows: count, expected: self.horizon });
        }
        Ok(answers)
    }

    fn run(&self, rows: &[f64], count: usize, features: usize) -> ort::Result<Vec<f64>> {
        let mut session = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        let shape = [count, features];
        let outputs = if self.doubles {
            session.run(ort::inputs![Tensor::from_array((shape, rows.to_vec()))?])?
        } else {
            let floats: Vec<f32> = rows.iter().map(|&value| value as f32).collect();
            session.run(ort::inputs![Tensor::from_array((shape, floats))?])?
        };
        let output = &outputs[0];
        if let Ok((_, values)) = output.try_extract_tensor::<f32>() {
            return Ok(values.iter().map(|&value| f64::from(value)).collect());
        }
        Ok(output.try_extract_tensor::<f64>()?.1.to_vec())
    }
}
