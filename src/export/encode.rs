//! Frames to bytes.

use std::io::Write;
use std::sync::PoisonError;

use polars::prelude::{
    AnyValue, Column, CompatLevel, DataFrame, DataType, IntoColumn, NamedFrom, PlSmallStr, PolarsResult, Series,
};
use polars_io::SerWriter;
use polars_io::ipc::IpcWriter;
use polars_io::parquet::write::{ParquetCompression, ParquetWriter};

use super::batch::ExportError;
use crate::market::day;

/// What a table is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, clap::ValueEnum)]
pub enum Format {
    Csv,
    Parquet,
    /// Arrow IPC's file format, also known as Feather.
    Arrow,
}

impl Format {
    /// The format that a name or an ending stands for.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        match name.to_ascii_lowercase().as_str() {
            "csv" => Some(Self::Csv),
            "parquet" => Some(Self::Parquet),
            "arrow" | "feather" | "ipc" => Some(Self::Arrow),
            _ => None,
        }
    }

    /// The ending of a file.
    #[must_use]
    pub fn ending(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Parquet => "parquet",
            Self::Arrow => "arrow",
        }
    }

    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8",
            Self::Parquet => "application/vnd.apache.parquet",
            Self::Arrow => "application/vnd.apache.arrow.file",
        }
    }
}

/// Writes frames one after the other; the first makes the heading.
pub(super) struct Encoder<W: Write> {
    parallel: bool,
    state: State<W>,
}

// One lives a request.
#[allow(clippy::large_enum_variant)]
enum State<W: Write> {
    New(Format, W),
    Csv(csv::Writer<W>),
    Parquet(polars_io::parquet::write::BatchedWriter<W>),
    Arrow(polars_io::ipc::BatchedWriter<W>),
    Broken,
}

impl<W: Write> Encoder<W> {
    pub fn new(format: Format, sink: W, parallel: bool) -> Self {
        Self { parallel, state: State::New(format, sink) }
    }

    /// A batch: a row group of Parquet, a record batch of Arrow.
    pub fn write(&mut self, frame: &DataFrame) -> Result<(), ExportError> {
        if matches!(self.state, State::New(..)) {
            self.start(frame)?;
        }
        match &mut self.state {
            State::Csv(writer) => rows(writer, frame)?,
            // A row group without rows is none.
            State::Parquet(_) | State::Arrow(_) if frame.height() == 0 => {}
            State::Parquet(writer) => writer.write_batch(frame)?,
            State::Arrow(writer) => writer.write_batch(frame)?,
            State::New(..) | State::Broken => {}
        }
        Ok(())
    }

    fn start(&mut self, frame: &DataFrame) -> Result<(), ExportError> {
        let State::New(format, sink) = std::mem::replace(&mut self.state, State::Broken) else { return Ok(()) };
        let schema = frame.schema();
        self.state = match format {
            Format::Csv => {
                let mut writer = csv::WriterBuilder::new().buffer_capacity(64 << 10).from_writer(sink);
                writer.write_record(schema.iter_names().map(PlSmallStr::as_str)).map_err(io)?;
                State::Csv(writer)
            }
            Format::Parquet => {
                let writer = ParquetWriter::new(sink).with_compression(ParquetCompression::Snappy);
                State::Parquet(writer.set_parallel(self.parallel).batched(schema)?)
            }
            Format::Arrow => {
                // Views of strings are newer than many readers.
                let writer = IpcWriter::new(sink).with_compat_level(CompatLevel::oldest());
                let fields = std::iter::repeat_with(Default::default).take(schema.len()).collect();
                State::Arrow(writer.with_parallel(self.parallel).batched(schema, fields)?)
            }
        };
        Ok(())
    }

    /// What comes after the last row.
    pub fn finish(self) -> Result<(), ExportError> {
        match self.state {
            State::Csv(mut writer) => writer.flush()?,
            State::Parquet(writer) => {
                // Without Arrow's own schema, which would have views of strings, and pyarrow can't compare those: what
                // Parquet says of its columns is enough for every reader.
                writer.get_writer().lock().unwrap_or_else(PoisonError::into_inner).end(Some(Vec::new()))?;
            }
            State::Arrow(mut writer) => writer.finish()?,
            State::New(..) | State::Broken => {}
        }
        Ok(())
    }
}

fn io(error: csv::Error) -> std::io::Error {
    std::io::Error::other(error)
}

/// Rows of CSV: dates in ISO 8601, numbers in the fewest digits that read back as the same, empty where unknown.
fn rows<W: Write>(writer: &mut csv::Writer<W>, frame: &DataFrame) -> Result<(), ExportError> {
    use std::fmt::Write as _;
    let columns: Vec<_> = frame.columns().iter().map(|column| column.as_materialized_series().rechunk()).collect();
    let mut columns: Vec<_> = columns.iter().map(|series| series.iter()).collect();
    let mut cell = String::new();
    for _ in 0..frame.height() {
        for column in &mut columns {
            cell.clear();
            let written = match column.next().unwrap_or(AnyValue::Null) {
                AnyValue::Null => Ok(()),
                AnyValue::String(text) => {
                    cell.push_str(text);
                    Ok(())
                }
                AnyValue::Date(of) => write!(cell, "{}", day::to_date(of)),
                AnyValue::Float64(number) if number.is_nan() => Ok(()),
                AnyValue::Float64(number) => write!(cell, "{number}"),
                other => write!(cell, "{other}"),
            };
            written.map_err(std::io::Error::other)?;
            writer.write_field(&cell).map_err(io)?;
        }
        writer.write_record(None::<&[u8]>).map_err(io)?;
    }
    Ok(())
}

/// A column of days.
pub(super) fn days(name: &str, days: Vec<Option<i32>>) -> PolarsResult<Column> {
    Ok(Series::new(name.into(), days).cast(&DataType::Date)?.into_column())
}
