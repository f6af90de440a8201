//! Reading files of a whole market from a folder: for whoever has the archive already.

use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::{StreamExt, stream};
use indicatif::{ProgressBar, ProgressStyle};

use super::errors::CommandError;
use super::prepare::prepared;
use crate::app::App;
use crate::ingest;
use crate::jobs;
use crate::market::daily::day_in_name;
use crate::market::day::iso;
use crate::market::{Day, Exchange};
use crate::providers::market::{DayFile, ListFile, RawAction, Session, actions_of_csv, describe, read_day, read_list};
use crate::settings::Settings;
use crate::store::{RecordCounts, today_at};

/// What a file holds.
enum Content {
    Session(Session),
    List(ListFile),
    Actions(Vec<RawAction>),
    /// Why it is passed over.
    Useless(String),
}

/// Longer files are no daily files.
const LONGEST_FILE: u64 = 64 << 20;
/// Files that are read while others are written.
const READ_AHEAD: usize = 3;
/// Shares that are gathered before they are written.
const ROWS_A_BATCH: usize = 24_000;
/// Days that one write spans at most.
const LONGEST_SPAN: Day = 45;

pub(super) async fn run(settings: Settings, paths: Vec<PathBuf>) -> Result<(), CommandError> {
    let files = tokio::task::spawn_blocking(move || files_of(&paths)).await;
    let files = files.map_err(|e| CommandError::Failed(e.to_string()))??;
    let app = prepared(settings).await?;
    let bar = ProgressBar::new(files.len() as u64);
    let style = ProgressStyle::with_template("{bar:30} {pos} of {len} files, {elapsed} so far, {eta} to go  {msg}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.enable_steady_tick(Duration::from_millis(200));
    let mut import =
        Import { app: &app, batch: Vec::new(), days: 0, outcome: RecordCounts::default(), span: None, passed_over: 0 };
    let mut contents = stream::iter(files)
        .map(|file| async move {
            let name = file.display().to_string();
            (name, tokio::task::spawn_blocking(move || read(&file)).await)
        })
        .buffered(READ_AHEAD);
    while let Some((name, content)) = contents.next().await {
        let content = content.map_err(|e| CommandError::Failed(e.to_string()))?;
        if let Some(why) = import.take(content).await? {
            bar.suspend(|| eprintln!("{name} is passed over: {why}"));
        }
        bar.inc(1);
        bar.set_message(format!("{} bars", import.outcome.added));
    }
    import.write().await?;
    import.settle().await?;
    bar.finish_and_clear();
    let Import { days, outcome, passed_over, .. } = import;
    println!(
        "{days} days: {} bars added, {} changed, {} unchanged, {} rows flagged; {passed_over} files passed over",
        outcome.added, outcome.changed, outcome.unchanged, outcome.flagged
    );
    app.store.close().await;
    if days == 0 && passed_over > 0 {
        return Err(CommandError::Failed("none of the files holds a day of the market".to_owned()));
    }
    Ok(())
}

/// What was read so far.
struct Import<'a> {
    app: &'a App,
    batch: Vec<Session>,
    days: usize,
    outcome: RecordCounts,
    span: Option<(Day, Day)>,
    passed_over: usize,
}

impl Import<'_> {
    /// Takes a file's content; tells why if it's of no use.
    async fn take(&mut self, content: Content) -> Result<Option<String>, CommandError> {
        match content {
            Content::Session(session) => {
                let first = self.batch.iter().map(|s| s.day).min().unwrap_or(session.day);
                let far = (session.day - first).abs() > LONGEST_SPAN;
                let again = self.batch.iter().any(|s| s.day == session.day);
                let rows: usize = self.batch.iter().map(|s| s.shares.len()).sum();
                if far || again || rows >= ROWS_A_BATCH {
                    self.write().await?;
                }
                let (first, last) = self.span.unwrap_or((session.day, session.day));
                self.span = Some((first.min(session.day), last.max(session.day)));
                self.batch.push(session);
            }
            Content::List(list) => {
                jobs::learn_list(self.app, list).await.map_err(|e| CommandError::Failed(e.to_string()))?;
            }
            Content::Actions(actions) => {
                ingest::corporate_actions(&self.app.store, actions)
                    .await
                    .map_err(|e| CommandError::Failed(e.to_string()))?;
            }
            Content::Useless(why) => {
                self.passed_over += 1;
                return Ok(Some(why));
            }
        }
        Ok(None)
    }

    async fn write(&mut self) -> Result<(), CommandError> {
        self.days += self.batch.len();
        let batch = std::mem::take(&mut self.batch);
        let outcome = ingest::market(&self.app.store, batch).await.map_err(|e| CommandError::Failed(e.to_string()))?;
        self.outcome.added += outcome.added;
        self.outcome.changed += outcome.changed;
        self.outcome.unchanged += outcome.unchanged;
        self.outcome.flagged += outcome.flagged;
        Ok(())
    }

    /// Holds the known announcements against the prices that came.
    async fn settle(&self) -> Result<(), CommandError> {
        let Some((first, last)) = self.span else { return Ok(()) };
        let judged = ingest::judge_actions(&self.app.store, first - 10, last).await;
        judged.map_err(|e| CommandError::Failed(e.to_string()))
    }
}

fn read(file: &Path) -> Content {
    let size = std::fs::metadata(file).map(|m| m.len());
    match size {
        Ok(size) if size > LONGEST_FILE => {
            return Content::Useless(format!("it is longer than {} MiB", LONGEST_FILE >> 20));
        }
        Ok(_) => {}
        Err(error) => return Content::Useless(format!("it can't be read: {error}")),
    }
    let bytes = match std::fs::read(file) {
        Ok(bytes) => bytes,
        Err(error) => return Content::Useless(format!("it can't be read: {error}")),
    };
    match read_day(&bytes, None) {
        DayFile::Session(session) if session.day > today_at(Exchange::Nse) => Content::Useless(format!(
            "its day, {}, is in the future; correct its dates, or this machine's clock",
            iso(session.day)
        )),
        DayFile::Session(session) => Content::Session(session),
        other => {
            if let Some(actions) = actions_of_csv(&bytes) {
                Content::Actions(actions)
            } else if let Some(list) = read_list(&bytes) {
                Content::List(list)
            } else {
                Content::Useless(describe(&other))
            }
        }
    }
}

/// The files, lists and announcements first, then days in their order: neighbours are written together.
fn files_of(paths: &[PathBuf]) -> Result<Vec<PathBuf>, CommandError> {
    let unreadable = |path: &Path, error: &std::io::Error| {
        CommandError::Failed(format!("{} can't be read: {error}", path.display()))
    };
    let mut files = Vec::new();
    for path in paths {
        if path.is_dir() {
            for entry in std::fs::read_dir(path).map_err(|e| unreadable(path, &e))? {
                let entry = entry.map_err(|e| unreadable(path, &e))?.path();
                if entry.is_file() {
                    files.push(entry);
                }
            }
        } else {
            files.push(path.clone());
        }
    }
    let day_of = |file: &Path| file.file_name()?.to_str().and_then(day_in_name);
    files.sort_by_cached_key(|file| (day_of(file), file.clone()));
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_of_the_future_is_passed_over_and_said_to_be() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("cm01JAN2099bhav.csv");
        let written = |date: &str| {
            let text = format!(
                "SYMBOL,SERIES,OPEN,HIGH,LOW,CLOSE,LAST,PREVCLOSE,TOTTRDQTY,TOTTRDVAL,TIMESTAMP,TOTALTRADES,ISIN,\n\
                 ABC,EQ,10,11,9,10.5,10,9,7,1,{date},1,INE111A01011,\n"
            );
            std::fs::write(&file, text).expect("a file");
            read(&file)
        };
        let Content::Useless(why) = written("01-JAN-2099") else { panic!("it is in the future") };
        assert!(why.contains("2099-01-01, is in the future"), "{why}");
        assert!(matches!(written("01-JAN-2024"), Content::Session(_)));
    }
}
