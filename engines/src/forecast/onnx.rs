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
    /// How many rows it takes at once, neither more nor fewer; `None` for any number.
    batch: Option<usize>,
    horizon: usize,
}

/// Rows that a model of a fixed number may take at once: the last run is padded to as many.
const LARGEST_BATCH: usize = 10_000;

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
        // A dimension that isn't fixed is negative, or zero.
        let batch = shape.first().and_then(|&rows| usize::try_from(rows).ok()).filter(|&rows| rows > 0);
        if let Some(rows) = batch.filter(|&rows| rows > LARGEST_BATCH) {
            return Err(format!("it takes {rows} rows at once; up to {LARGEST_BATCH}, or any number, are possible"));
        }
        let mut model = Self { session: Mutex::new(session), doubles, batch, horizon: 1 };
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
        match self.batch {
            Some(batch) => in_batches(rows, batch, features, |rows| self.run_once(rows, batch, features)),
            None => self.run_once(rows, count, features),
        }
    }

    fn run_once(&self, rows: &[f64], count: usize, features: usize) -> ort::Result<Vec<f64>> {
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

/// The answers to rows that are run so many at a time; the last run is filled up with zeros, whose answers are left out.
fn in_batches<E>(
    rows: &[f64],
    batch: usize,
    features: usize,
    run: impl Fn(&[f64]) -> Result<Vec<f64>, E>,
) -> Result<Vec<f64>, E> {
    let (batch, features) = (batch.max(1), features.max(1));
    let mut answers = Vec::new();
    for part in rows.chunks(batch * features) {
        let mut filled = part.to_vec();
        filled.resize(batch * features, 0.0);
        let mut found = run(&filled)?;
        // Answers that don't belong to its rows are none.
        if found.len() % batch != 0 {
            return Ok(Vec::new());
        }
        found.truncate(found.len() / batch * (part.len() / features));
        answers.append(&mut found);
    }
    Ok(answers)
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    #[test]
    fn a_fixed_number_of_rows_is_run_as_often_as_it_takes() {
        // Seven rows of two features; a row's answers are its sum and its difference.
        let rows: Vec<f64> = (0..14).map(f64::from).collect();
        let expected: Vec<f64> = rows.chunks(2).flat_map(|row| [row[0] + row[1], row[0] - row[1]]).collect();
        for batch in [1, 3, 7, 20] {
            let run = |part: &[f64]| {
                assert_eq!(part.len(), batch * 2, "as many rows as the model takes");
                Ok::<Vec<f64>, Infallible>(part.chunks(2).flat_map(|row| [row[0] + row[1], row[0] - row[1]]).collect())
            };
            assert_eq!(in_batches(&rows, batch, 2, run), Ok(expected.clone()), "{batch}");
        }
    }
}
