//! One trading day of a whole exchange: a row a share, as the exchange's daily file has it.

use super::bar::Exchange;
use super::day::{Day, parse_iso};
use super::decimal::double;
use super::ipo::first_session;
use super::{LARGEST_PRICE, dates};

/// The three layouts that the NSE's daily file has had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Layout {
    /// 1994 to July 2024, zipped.
    Bhavcopy,
    /// Since 2024, zipped; the one layout with the lot and full precision.
    Udiff,
    /// Since October 2019, with deliveries, plain; it names no ISIN.
    FullBhavcopy,
}

impl Layout {
    /// A name to keep and to show.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Bhavcopy => "bhavcopy",
            Self::Udiff => "UDiFF",
            Self::FullBhavcopy => "full bhavcopy",
        }
    }
}

/// One share's day. Prices in rupees as traded, volume in shares.
#[derive(Debug, Clone, PartialEq)]
pub struct ShareDay {
    /// As the exchange spells it on that day, without a suffix.
    pub ticker: String,
    /// Twelve signs; the full bhavcopy and old files have none.
    pub isin: Option<String>,
    pub open: f64,
    pub high: f64,
    pub low: f64,
    pub close: f64,
    /// The session's before, as traded; on the first day it is the issue price.
    pub previous_close: Option<f64>,
    pub volume: i64,
}

/// Whether a series of the NSE holds shares: main board (EQ, BE, BZ) and SME (SM, ST, SZ).
#[must_use]
pub fn is_share_series(series: &str) -> bool {
    matches!(series, "EQ" | "BE" | "BZ" | "SM" | "ST" | "SZ")
}

/// Whether the ISIN is one of a mutual fund's units, as all exchange-traded funds have.
#[must_use]
pub fn is_fund_isin(isin: &str) -> bool {
    isin.starts_with("INF")
}

/// Rights entitlements trade for some days beside the share: `RELIANCE-RE`, `RELIANCE-RE1`.
#[must_use]
pub fn is_rights_entitlement(ticker: &str) -> bool {
    let Some((_, suffix)) = ticker.rsplit_once('-') else { return false };
    suffix.strip_prefix("RE").is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_digit()))
}

/// Whether a ticker is spelled as funds' are. Only for files that name no ISIN, and tickers that no list knows.
#[must_use]
pub fn looks_like_fund(ticker: &str) -> bool {
    // The three letters of an exchange-traded fund, but not in a company's word: JETFREIGHT is a share.
    (ticker.contains("ETF") && !ticker.contains("JETF"))
        || ["NIFTY", "SENSEX", "SENSX", "NEXT50", "NXT50"].iter().any(|part| ticker.contains(part))
        || ["BEES", "IETF", "GSEC", "GILT", "LIQ"].iter().any(|end| ticker.ends_with(end))
        || ticker.starts_with("LIQUID")
}

/// An ISIN: two letters, nine letters or digits, a digit.
#[must_use]
pub fn isin(text: &str) -> Option<&str> {
    let text = text.trim();
    let bytes = text.as_bytes();
    let plain = bytes.len() == 12
        && bytes[..2].iter().all(u8::is_ascii_uppercase)
        && bytes[2..11].iter().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
        && bytes[11].is_ascii_digit();
    plain.then_some(text)
}

/// What stays of an ISIN when the face value is split: country, issuer and kind of security.
#[must_use]
pub fn isin_key(isin: &str) -> &str {
    isin.get(..9).unwrap_or(isin)
}

/// A ticker as the exchange spells it: up to 20 capital letters, digits and `& - _ .` in them.
#[must_use]
pub fn is_ticker(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b"&-_.".contains(&b);
    (1..=20).contains(&text.len())
        && text.bytes().all(plain)
        && text.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric())
}

/// A date of the exchange's files: `30-NOV-2023`, `3-Nov-1995`, `13-Jul-20`, `2026-05-19`.
#[must_use]
pub fn parse_day(text: &str) -> Option<Day> {
    dates::day_of(text).ok().filter(|day| *day >= first_session(Exchange::Nse))
}

/// The day in the name of a daily file: `cm30NOV2023bhav`, `…_20240719_F_0000`, `…_full_19072024`, `EQ010124`.
#[must_use]
pub fn day_in_name(name: &str) -> Option<Day> {
    let plausible = |day: &Day| (8_000..40_000).contains(day);
    let bytes = name.as_bytes();
    let digits = |from: usize, count: usize| {
        let cell = name.get(from..from + count)?;
        let alone = !bytes.get(from + count).is_some_and(u8::is_ascii_digit)
            && !from.checked_sub(1).is_some_and(|before| bytes[before].is_ascii_digit());
        (alone && cell.bytes().all(|b| b.is_ascii_digit())).then_some(cell)
    };
    (0..name.len()).find_map(|at| {
        // The month in letters.
        if let Some(cell) = name.get(at..at + 9).filter(|cell| cell.is_ascii())
            && let Some(day) = parse_day(&format!("{}-{}-{}", &cell[..2], &cell[2..5], &cell[5..]))
        {
            return Some(day);
        }
        if let Some(cell) = digits(at, 8) {
            let forward = format!("{}-{}-{}", &cell[..4], &cell[4..6], &cell[6..]);
            let backward = format!("{}-{}-{}", &cell[4..], &cell[2..4], &cell[..2]);
            let read = |text: &str| parse_iso(text).filter(plausible);
            return read(&forward).or_else(|| read(&backward));
        }
        // The BSE's alone has a year of two digits.
        let marked = name.get(at.checked_sub(2)?..at).is_some_and(|mark| mark.eq_ignore_ascii_case("EQ"));
        let cell = digits(at, 6).filter(|_| marked)?;
        parse_iso(&format!("20{}-{}-{}", &cell[4..], &cell[2..4], &cell[..2])).filter(plausible)
    })
}

/// A price in plain digits, above zero.
///
/// # Errors
/// What is wrong with it, in words that follow the field's name.
pub fn price(text: &str) -> Result<f64, String> {
    let value = decimal(text)?;
    if value <= 0.0 {
        return Err(if value == 0.0 { "is zero".to_owned() } else { format!("{value} is negative") });
    }
    if value > LARGEST_PRICE {
        return Err(format!("{value} is above {LARGEST_PRICE:e}, more than any price"));
    }
    Ok(value)
}

/// A whole number of shares.
///
/// # Errors
/// What is wrong with it, in words that follow the field's name.
pub fn shares(text: &str) -> Result<i64, String> {
    const MOST: f64 = 9_007_199_254_740_991.0;
    let value = decimal(text)?;
    if value < 0.0 || value.fract() != 0.0 || value > MOST {
        return Err(format!("{value} is not a number of shares"));
    }
    Ok(value as i64)
}

fn decimal(text: &str) -> Result<f64, String> {
    let text = text.trim();
    if text.is_empty() || text == "-" {
        return Err("is missing".to_owned());
    }
    double(text).ok_or_else(|| format!("{:?} is not a number", text.chars().take(40).collect::<String>()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::day::iso;

    #[test]
    fn dates_of_every_layout_are_read_and_others_are_not() {
        for (text, day) in [
            ("30-NOV-2023", "2023-11-30"),
            ("30-Dec-2024", "2024-12-30"),
            ("13-Jul-20", "2020-07-13"),
            (" 3-NOV-1994 ", "1994-11-03"),
            ("2026-05-19", "2026-05-19"),
            ("1-Jan-95", "1995-01-01"),
        ] {
            assert_eq!(parse_day(text).map(iso).as_deref(), Some(day), "{text}");
        }
        for text in [
            "",
            "-",
            "31-FEB-2024",
            "2024-13-01",
            "03-11-2023",
            "30-NOVX-2023",
            "30-NOV-1899",
            "30-NOV-023",
            "+3-NOV-2023",
            "3-NOV-+24",
        ] {
            assert_eq!(parse_day(text), None, "{text}");
        }
    }

    #[test]
    fn a_files_name_tells_its_day() {
        for (name, day) in [
            ("cm19JUL2024bhav.csv.zip", Some("2024-07-19")),
            ("BhavCopy_NSE_CM_0_0_0_20240719_F_0000.csv", Some("2024-07-19")),
            ("sec_bhavdata_full_19072024.csv", Some("2024-07-19")),
            ("EQ190724_CSV.ZIP", Some("2024-07-19")),
            ("bse_EQ190724.CSV", Some("2024-07-19")),
            ("eq310299.csv", None),
            ("EQUITY_L.csv", None),
            ("é.csv", None),
            ("prices 123456.csv", None),
        ] {
            assert_eq!(day_in_name(name).map(iso).as_deref(), day, "{name}");
        }
    }

    #[test]
    fn entitlements_funds_and_tickers_are_told_apart() {
        assert!(is_rights_entitlement("UNIDT-RE") && is_rights_entitlement("UNIDT-RE1"));
        assert!(
            !is_rights_entitlement("BAJAJ-AUTO")
                && !is_rights_entitlement("RELIANCE")
                && !is_rights_entitlement("X-REIT")
        );
        assert!(is_fund_isin("INF204KB14I2") && !is_fund_isin("IN9155A01020"));
        assert!(looks_like_fund("NIFTYBEES") && looks_like_fund("CPSEETF") && !looks_like_fund("SKYGOLD"));
        assert!(looks_like_fund("EBBETF0430") && !looks_like_fund("JETFREIGHT"));
        assert!(is_ticker("M&M") && is_ticker("3MINDIA") && !is_ticker("") && !is_ticker("A B") && !is_ticker("a"));
        assert_eq!(isin("INE002A01018"), Some("INE002A01018"));
        assert!(isin("INE002A0101").is_none() && isin("ine002A01018").is_none());
    }

    #[test]
    fn numbers_are_plain_digits() {
        assert_eq!(
            (price("24.3"), price(" 1200 "), shares("9007199254740991")),
            (Ok(24.3), Ok(1200.0), Ok(9_007_199_254_740_991))
        );
        for text in ["", "-", "0", "-1", "1e3", "nan", "1,200", "inf", "9999999999999", "1.2.3", "."] {
            assert!(price(text).is_err(), "{text}");
        }
        for text in ["", "-5", "1.5", "9007199254740993"] {
            assert!(shares(text).is_err(), "{text}");
        }
    }
}
