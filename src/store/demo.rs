//! The mark that tells a demo's database from any other: SQLite's own "application id", at a fixed place of its header.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;

use async_recursion::async_recursion as boxed;
use sea_orm::{ConnectionTrait, Database};

use super::Result;

/// `PrDm`.
const MARK: u32 = 0x5072_446d;
const MAGIC: &[u8; 16] = b"SQLite format 3\0";
/// Where the header holds the application id.
const PLACE: std::ops::Range<usize> = 68..72;

/// Whether a demo may make its database in this place: nothing is there, nothing is in it, or it's a demo's.
///
/// # Errors
/// When the file can't be read.
pub fn may_become_demo(path: &Path) -> std::io::Result<bool> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(true),
        Err(error) => return Err(error),
    };
    if !file.metadata()?.is_file() {
        return Ok(false);
    }
    let mut header = [0; 100];
    let mut read = 0;
    while read < header.len() {
        match file.read(&mut header[read..])? {
            0 => break,
            more => read += more,
        }
    }
    Ok(read == 0 || header.starts_with(MAGIC) && header[PLACE] == MARK.to_be_bytes())
}

/// Makes a database with the mark. It's written before there is a log that could hold it back.
///
/// # Errors
/// When the file can't be made.
#[boxed]
pub async fn make_demo(url: &str) -> Result<()> {
    let connection = Database::connect(format!("{url}?mode=rwc")).await?;
    connection.execute_unprepared(&format!("PRAGMA application_id = {MARK}")).await?;
    connection.close().await?;
    Ok(())
}
