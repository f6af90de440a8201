//! What makes a record a bar, and what keeps it out.

use std::collections::HashMap;

use crate::market::close::Clock;
use crate::market::dates::{self, DateFault};
use crate::market::day::iso;
use crate::market::decimal::double;
use crate::market::{Bar, DataSource, Day, LARGEST_PRICE};
use crate::providers::{PriceBatch, ProviderError, RawBar};
use crate::store::NewFlag;

/// A batch taken apart: bars that hold together, ascending by day, and records that don't.
#[derive(Debug, Default)]
pub struct Parsed {
    pub bars: Vec<Bar>,
    pub flags: Vec<NewFlag>,
    /// How many records were read, repeated ones included.
    pub records: usize,
}

/// The longest raw text that is kept of a record.
const LONGEST_RAW: usize = 1_000;

/// The relative error that a program's adjustments leave in a price.
const ROUNDING: f64 = 1e-9;
/// The largest volume: whole numbers beyond it aren't exact in every client's numbers.
const LARGEST_VOLUME: i64 = (1 << 53) - 1;

/// One thing wrong with one field.
struct Flaw {
    field: &'static str,
    reason: String,
}

/// Reads every record of a batch. `ticker` names records to a person. Of a file, the day that is going on is left out:
/// what stands in it isn't the day's.
///
/// # Errors
/// When the payload as a whole can't be read.
pub fn parse(batch: &PriceBatch, ticker: &str, clock: &Clock) -> Result<Parsed, ProviderError> {
    let mut parsed = Parsed::default();
    let source = if batch.adjusted_only { DataSource::AdjustedCsv } else { batch.source };
    let mut first_of_day: HashMap<Day, usize> = HashMap::new();
    batch.for_each(|raw| {
        parsed.records += 1;
        let read = dates::day_of(&raw.date);
        let day = read.as_ref().ok().copied();
        let bar = match checked(&raw, read, clock.today, source) {
            Ok(bar) if batch.source == DataSource::Csv && clock.going_on == Some(bar.day) => {
                let reason = clock.says(bar.day);
                parsed.flags.push(flag(&raw, ticker, day, Flaw { field: "date", reason }));
                return;
            }
            Ok(bar) => bar,
            Err(flaw) => {
                parsed.flags.push(flag(&raw, ticker, day, flaw));
                return;
            }
        };
        if batch.unfinished == Some(bar.day) {
            return;
        }
        match first_of_day.get(&bar.day) {
            None => {
                first_of_day.insert(bar.day, parsed.bars.len());
                parsed.bars.push(bar);
            }
            // An exact repetition says nothing new.
            Some(&first) if parsed.bars[first] == bar => {}
            Some(_) => {
                let reason = "the same date stands in the batch before with other values".to_owned();
                parsed.flags.push(flag(&raw, ticker, day, Flaw { field: "date", reason }));
            }
        }
    })?;
    parsed.bars.sort_unstable_by_key(|bar| bar.day);
    Ok(parsed)
}

fn flag(raw: &RawBar<'_>, ticker: &str, day: Option<Day>, flaw: Flaw) -> NewFlag {
    let date = day.map_or_else(|| raw.date.trim().chars().filter(|c| !c.is_control()).take(40).collect(), iso);
    let visible: String = raw.raw.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let mut text: String = visible.split_whitespace().collect::<Vec<_>>().join(" ");
    if text.len() > LONGEST_RAW {
        text = text.chars().take(LONGEST_RAW).collect();
    }
    NewFlag {
        record: format!("{ticker} {date}").trim_end().to_owned(),
        day,
        field: Some(flaw.field.to_owned()),
        reason: flaw.reason,
        raw: text,
    }
}

fn checked(raw: &RawBar<'_>, day: Result<Day, DateFault>, today: Day, source: DataSource) -> Result<Bar, Flaw> {
    let flaw = |field, reason: String| Err(Flaw { field, reason });
    if let Some(reason) = raw.broken {
        return flaw("row", reason.to_owned());
    }
    let day = match day {
        Ok(day) => day,
        Err(_) if raw.date.trim().is_empty() => return flaw("date", "is missing".to_owned()),
        Err(fault) => {
            let text: String = raw.date.trim().chars().take(40).collect();
            return flaw("date", format!("{text:?} {fault}"));
        }
    };
    if day > today {
        return flaw("date", format!("{} is in the future", iso(day)));
    }
    let open = price("open", raw.open)?;
    let high = price("high", raw.high)?;
    let low = price("low", raw.low)?;
    let close = price("close", raw.close)?;
    let volume = shares(raw.volume)?;
    if high < low * (1.0 - ROUNDING) {
        return flaw("high", format!("{high} is below the low {low}"));
    }
    // Those that differ in their last digits alone are stored in their order.
    let (high, low) = (high.max(low), low.min(high));
    for (field, value) in [("open", open), ("close", close)] {
        // Prices that a program has adjusted may differ in their last digits.
        if value > high * (1.0 + ROUNDING) {
            return flaw(field, format!("{value} is above the high {high}"));
        }
        if value < low * (1.0 - ROUNDING) {
            return flaw(field, format!("{value} is below the low {low}"));
        }
    }
    let optional = |field, text: Option<&str>| text.map(|_| price(field, text)).transpose();
    Ok(Bar {
        day,
        open,
        high,
        low,
        close,
        adjusted_close: optional("adjusted_close", raw.adjusted_close)?,
        volume,
        split: optional("split_coefficient", raw.split)?,
        source,
    })
}

fn decimal(field: &'static str, text: Option<&str>) -> Result<f64, Flaw> {
    let Some(text) = text.filter(|t| !t.is_empty()) else {
        return Err(Flaw { field, reason: "is missing".to_owned() });
    };
    double(text).ok_or_else(|| {
        let shown: String = text.chars().take(40).collect();
        Flaw { field, reason: format!("{shown:?} is not a number") }
    })
}

fn price(field: &'static str, text: Option<&str>) -> Result<f64, Flaw> {
    let value = decimal(field, text)?;
    match value {
        v if v > LARGEST_PRICE => Err(Flaw { field, reason: format!("{v} is above {LARGEST_PRICE}") }),
        v if v > 0.0 => Ok(v),
        v if v < 0.0 => Err(Flaw { field, reason: format!("{v} is negative") }),
        _ => Err(Flaw { field, reason: "is zero".to_owned() }),
    }
}

fn shares(text: Option<&str>) -> Result<i64, Flaw> {
    let field = "volume";
    if let Some(count) = text.and_then(|t| t.parse::<i64>().ok()) {
        return match count {
            ..0 => Err(Flaw { field, reason: format!("{count} is negative") }),
            0..=LARGEST_VOLUME => Ok(count),
            _ => Err(Flaw { field, reason: format!("{count} is above {LARGEST_VOLUME}") }),
        };
    }
    let value = decimal(field, text)?;
    if value < 0.0 {
        return Err(Flaw { field, reason: format!("{value} is negative") });
    }
    // "2360900.0" counts shares, too.
    if value.fract() != 0.0 || value > LARGEST_VOLUME as f64 {
        return Err(Flaw { field, reason: format!("{value} is not a whole number of shares") });
    }
    Ok(value as i64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::providers::files::{self, Options};
    use insta::assert_snapshot;
    use proptest::prelude::*;

    /// 2024-10-04, which is going on.
    const CLOCK: Clock =
        Clock { today: 20_000, going_on: Some(20_000), closes: 960, place: chrono_tz::America::New_York };

    fn parsed(rows: &str) -> Parsed {
        let body = format!("date,open,high,low,close,adjusted_close,volume\n{rows}");
        let batch = files::read(body.as_bytes(), &Options::default()).and_then(|file| file.batch());
        batch.map_or_else(|_| Parsed::default(), |batch| parse(&batch, "IBM", &CLOCK).expect("rows"))
    }

    fn flaws(rows: &str) -> String {
        let flags = parsed(rows).flags;
        let line = |i: &NewFlag| format!("{} | {} | {}", i.record, i.field.as_deref().unwrap_or("-"), i.reason);
        flags.iter().map(line).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn a_day_that_is_going_on_is_left_out_of_a_file_and_named() {
        let rows = "2024-10-03,10,11,9,10,,5\n2024-10-04,10,11,9,10,,5\n";
        assert_eq!(parsed(rows).bars.len(), 1);
        let told = "IBM 2024-10-04 | date | 2024-10-04 isn't over: its exchange closes at 16:00, America/New_York; a file \
                    of after that has the day whole";
        assert_eq!(flaws(rows), told);
    }

    #[test]
    fn every_kind_of_bad_record_is_named_with_its_field_and_reason() {
        assert_snapshot!(flaws(
            "2024-01-02,10,9,11,10,,5\n\
             2024-01-03,12,11,9,10,,5\n\
             2024-01-04,10,11,9,8,,5\n\
             2024-01-05,-1,11,9,10,,5\n\
             2024-01-08,10,11,0,10,,5\n\
             2024-01-09,10,11,9,,,5\n\
             2024-01-10,10,abc,9,10,,5\n\
             2024-01-11,10,11,9,10,,-5\n\
             2024-01-12,10,11,9,10,,1.5\n\
             2024-01-15,10,11,9,10,,\n\
             2024-01-16,10,11,9,10,abc,5\n\
             2024-13-01,10,11,9,10,,5\n\
             ,10,11,9,10,,5\n\
             2031-01-02,10,11,9,10,,5\n\
             2024-01-17,1e1,11,9,10,,5\n\
             2024-01-18,10,11,9,10,,5\n\
             2024-01-18,10,11,9,10.5,,5\n"
        ), @r#"
        IBM 2024-01-02 | high | 9 is below the low 11
        IBM 2024-01-03 | open | 12 is above the high 11
        IBM 2024-01-04 | close | 8 is below the low 9
        IBM 2024-01-05 | open | -1 is negative
        IBM 2024-01-08 | low | is zero
        IBM 2024-01-09 | close | is missing
        IBM 2024-01-10 | high | "abc" is not a number
        IBM 2024-01-11 | volume | -5 is negative
        IBM 2024-01-12 | volume | 1.5 is not a whole number of shares
        IBM 2024-01-15 | volume | is missing
        IBM 2024-01-16 | adjusted_close | "abc" is not a number
        IBM 2024-13-01 | date | "2024-13-01" is no day of the calendar
        IBM | date | is missing
        IBM 2031-01-02 | date | 2031-01-02 is in the future
        IBM 2024-01-17 | open | "1e1" is not a number
        IBM 2024-01-18 | date | the same date stands in the batch before with other values
        "#);
    }

    #[test]
    fn what_adjustments_leave_in_the_last_digits_is_no_fault() {
        let rows = "2024-01-02,10.1,10.1,10.100000000000001,10.1,,5\n2024-01-03,10.1,10.1,10.101,10.1,,5\n";
        let bars = parsed(rows).bars;
        assert_eq!(bars.len(), 1);
        assert!(bars[0].high >= bars[0].low);
        assert_eq!(flaws(rows), "IBM 2024-01-03 | high | 10.1 is below the low 10.101");
    }

    #[test]
    fn an_adjusted_close_that_is_missing_between_others_is_named() {
        let rows = "2024-01-02,10,11,9,10,5.1,5\n2024-01-03,10,11,9,10,-,5\n2024-01-04,10,11,9,10,5.1,5\n\
                    2024-01-05,10,11,9,10,,5\n";
        assert_eq!(flaws(rows), "IBM 2024-01-03 | adjusted_close | is missing");
        assert_eq!(parsed(rows).bars.len(), 3);
    }

    #[test]
    fn a_repeated_record_is_read_once_and_rows_come_out_in_order() {
        let both = parsed("2024-01-03,10,11,9,10,,5.0\n2024-01-02,10,11,9,10,,5\n2024-01-03,10,11,9,10,,5\n");
        assert_eq!((both.bars.len(), both.flags.len(), both.records), (2, 0, 3));
        assert!(both.bars[0].day < both.bars[1].day);
    }

    proptest! {
        #[test]
        fn a_providers_decimal_comes_out_with_the_same_digits(units in 0..1_000_000_u32, places in 0..10_000_u32) {
            let text = format!("{}.{places:04}", units + 1);
            let value = price("close", Some(&text)).ok().expect("a price");
            prop_assert_eq!(format!("{value:.4}"), text);
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in ".{0,200}") {
            let _ = parsed(&text);
        }
    }
}
