//! Trains a model on stored symbols.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use async_recursion::async_recursion as boxed;
use tokio_util::sync::CancellationToken;

use super::{Done, JobError, Progress};
use crate::app::App;
use crate::forecast::Stage;
use crate::jobs::TrainModel;
use crate::research::train_model;

const MESSAGE: &str = "Fitting and testing, a symbol at a time";

#[boxed]
pub(super) async fn run(job: &TrainModel, app: &App, progress: &Progress) -> Result<Done, JobError> {
    let symbols = app.store.symbols().get_many(&job.symbol_ids).await?;
    if symbols.len() != job.symbol_ids.len() {
        return Err(JobError::Pointless("A symbol that it was to be trained on has been removed".to_owned()));
    }
    // Testing on each symbol, then the fit that is kept.
    let total = u32::try_from(symbols.len()).unwrap_or(u32::MAX).saturating_add(1);
    progress.tell(0, Some(total), MESSAGE).await;
    let (stop, done) = (CancellationToken::new(), Arc::new(AtomicU32::new(0)));
    // A cancelled job is dropped, and with it this guard: the thread then stops at its next look.
    let _guard = stop.clone().drop_guard();
    let counter = done.clone();
    let go_on = move |stage: Stage| {
        let at = match stage {
            Stage::Testing(tested, _) => u32::try_from(tested).unwrap_or(u32::MAX),
            Stage::Fitting => total - 1,
        };
        counter.store(at, Ordering::Relaxed);
        !stop.is_cancelled()
    };
    let running = train_model(app, job.name.clone(), &symbols, go_on);
    let trained = progress.during(running, total, MESSAGE, || done.load(Ordering::Relaxed)).await?;
    progress.tell(total, Some(total), "Kept").await;
    Ok(Done { message: trained.message, outcome: None })
}
