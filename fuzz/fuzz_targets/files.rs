//! The readers of files and of dates: whatever the bytes, they read or refuse.
#![no_main]

use libfuzzer_sys::fuzz_target;
use prospectus::market::dates;
use prospectus::providers::files::{self, Options};
use prospectus::providers::market::{read_day, read_list};

fuzz_target!(|data: &[u8]| {
    if let Ok(file) = files::read(data, &Options::default()) {
        let _ = file.batch();
    }
    let _ = read_day(data, None);
    let _ = read_list(data);
    if let Ok(text) = std::str::from_utf8(data) {
        let _ = dates::read(text);
    }
});
