//! Reading files of a whole market from a folder: for whoever has the archive already.

use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::{StreamExt, stream};
use indicatif::{ProgressBar, ProgressStyle};
use tokio::sync::mpsc;
use tokio::task::JoinError;

use super::errors::CommandError;
use super::prepare::prepared;
use crate::actions::Caller;
use crate::actions::market_files::{MarketFile, MarketImport};
use crate::market::Exchange;
use crate::market::daily::day_in_name;
use crate::market::day::iso;
use crate::providers::market::{DayFile, Unread, actions_of_csv, describe, read_day, read_list};
use crate::settings::Settings;
use crate::store::today_at;

/// Longer files are no daily files.
const LONGEST_FILE: u64 = 64 << 20;
/// Folders within folders that are looked through.
const DEEPEST_FOLDER: usize = 8;
/// Files that are read at once.
const READ_AT_ONCE: usize = 2;
/// Files that were read and wait, so that most of a batch is read while the one before it is written. A day takes a
/// megabyte.
const READ_AHEAD: usize = 24;

pub(super) async fn run(settings: Settings, paths: Vec<PathBuf>) -> Result<(), CommandError> {
    let files = tokio::task::spawn_blocking(move || files_of(&paths)).await;
    let files = files.map_err(|e| CommandError::Failed(e.to_string()))??;
    let app = prepared(settings).await?;
    let bar = ProgressBar::new(files.len() as u64);
    let style = ProgressStyle::with_template("{bar:30} {pos} of {len} files, {elapsed} so far, {eta} to go  {msg}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.enable_steady_tick(Duration::from_millis(200));
    let failed = |error: &dyn std::fmt::Display| CommandError::Failed(error.to_string());
    let mut import = MarketImport::new(&app, &Caller::command_line()).map_err(|e| failed(&e))?;
    let mut passed_over = 0;
    let (mut actions, mut rows, mut unread) = (0, 0, Unread::default());
    let mut contents = read_ahead(files);
    while let Some((name, content)) = contents.recv().await {
        match content.map_err(|e| failed(&e))? {
            Ok((content, not_read)) => {
                match &content {
                    MarketFile::Actions(found) => actions += found.len(),
                    MarketFile::List(list) => rows += list.rows(),
                    MarketFile::Session(_) => {}
                }
                if let Some(what) = not_read.sentence("row", "rows") {
                    bar.suspend(|| eprintln!("{name}: {what}"));
                }
                unread.merge(not_read);
                import.take(content).await.map_err(|e| failed(&e))?;
            }
            Err(why) => {
                passed_over += 1;
                bar.suspend(|| eprintln!("{name} is passed over: {why}"));
            }
        }
        bar.inc(1);
        bar.set_message(format!("{} bars", import.added()));
    }
    let (days, counts) = import.finish().await.map_err(|e| failed(&e))?;
    bar.finish_and_clear();
    say!(
        "{days} days: {} bars added, {} changed, {} unchanged, {} rows flagged; {passed_over} files passed over",
        counts.added,
        counts.changed,
        counts.unchanged,
        counts.flagged
    );
    if actions + rows + unread.count > 0 {
        let not_read = unread.sentence("row", "rows").map_or_else(String::new, |what| format!(", {what}"));
        say!("{actions} corporate actions and {rows} rows of lists read{not_read}");
    }
    app.store.close().await;
    if days == 0 && passed_over > 0 {
        return Err(CommandError::Failed("none of the files holds a day of the market".to_owned()));
    }
    Ok(())
}

type Content = Result<Result<(MarketFile, Unread), String>, JoinError>;

/// The files' contents in their order, with their names. They are read by a task of their own, which ends with whoever
/// receives them.
fn read_ahead(files: Vec<PathBuf>) -> mpsc::Receiver<(String, Content)> {
    let (sender, receiver) = mpsc::channel(READ_AHEAD);
    tokio::spawn(async move {
        let mut contents = stream::iter(files)
            .map(|file| async move {
                let name = file.display().to_string();
                (name, tokio::task::spawn_blocking(move || read(&file)).await)
            })
            .buffered(READ_AT_ONCE);
        while let Some(content) = contents.next().await {
            if sender.send(content).await.is_err() {
                return;
            }
        }
    });
    receiver
}

/// A file's content with the rows of it that can't be read, or why it is passed over.
fn read(file: &Path) -> Result<(MarketFile, Unread), String> {
    let size = std::fs::metadata(file).map(|m| m.len());
    match size {
        Ok(size) if size > LONGEST_FILE => {
            return Err(format!("it is longer than {} MiB", LONGEST_FILE >> 20));
        }
        Ok(_) => {}
        Err(error) => return Err(format!("it can't be read: {error}")),
    }
    let bytes = match std::fs::read(file) {
        Ok(bytes) => bytes,
        Err(error) => return Err(format!("it can't be read: {error}")),
    };
    match read_day(&bytes, None) {
        DayFile::Session(session) if session.day > today_at(Exchange::Nse) => {
            Err(format!("its day, {}, is in the future; correct its dates, or this machine's clock", iso(session.day)))
        }
        // What can't be read of a day is flagged.
        DayFile::Session(session) => Ok((MarketFile::Session(session), Unread::default())),
        other => {
            if let Some(found) = actions_of_csv(&bytes) {
                Ok((MarketFile::Actions(found.actions), found.unread))
            } else if let Some((list, unread)) = read_list(&bytes) {
                Ok((MarketFile::List(list), unread))
            } else {
                Err(describe(&other))
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
    let mut folders = Vec::new();
    for path in paths {
        if path.is_dir() {
            folders.push((path.clone(), 0));
        } else {
            files.push(path.clone());
        }
    }
    // An archive has a folder a year and a month. Links to folders aren't followed: they may lead in a circle.
    while let Some((folder, depth)) = folders.pop() {
        for entry in std::fs::read_dir(&folder).map_err(|e| unreadable(&folder, &e))? {
            let entry = entry.map_err(|e| unreadable(&folder, &e))?;
            let path = entry.path();
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                if depth < DEEPEST_FOLDER {
                    folders.push((path, depth + 1));
                }
            } else if path.is_file() {
                files.push(path);
            }
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
    fn folders_within_a_folder_are_read_days_in_their_order_after_the_lists() {
        let folder = tempfile::tempdir().expect("a folder");
        let month = folder.path().join("EQUITIES").join("2023").join("NOV");
        std::fs::create_dir_all(&month).expect("folders");
        let names = ["cm30NOV2023bhav.csv.zip", "cm10NOV2023bhav.csv.zip"];
        for file in [month.join(names[0]), month.join(names[1]), folder.path().join("symbolchange.csv")] {
            std::fs::write(file, "x").expect("a file");
        }
        let found = files_of(&[folder.path().to_owned()]).expect("files");
        let found: Vec<_> = found.iter().filter_map(|file| file.file_name()?.to_str()).collect();
        assert_eq!(found, ["symbolchange.csv", names[1], names[0]]);
    }

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
        let Err(why) = written("01-JAN-2099") else { panic!("it is in the future") };
        assert!(why.contains("2099-01-01, is in the future"), "{why}");
        assert!(matches!(written("01-JAN-2024"), Ok((MarketFile::Session(_), _))));
    }

    #[test]
    fn rows_that_cannot_be_read_come_beside_the_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("CF-CA-equities.csv");
        let text = "SYMBOL,COMPANY NAME,SERIES,PURPOSE,FACE VALUE,EX-DATE\nABC,Abc,EQ,Bonus 1:1,10,02-Jan-2024\n\
                    DEF,Def,EQ,Bonus 1:1,10,05-02-2024\nGHI,Ghi,EQ,Bonus 1:1,10,-\n";
        std::fs::write(&file, text).expect("a file");
        let Ok((MarketFile::Actions(actions), unread)) = read(&file) else { panic!("actions") };
        assert_eq!((actions.len(), unread.count), (1, 1));
    }
}
