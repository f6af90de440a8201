//! What a table's headings mean, whoever wrote them.

use super::names::{ADJUSTED, CLOSES, DATES, FOREIGN, HIGHS, IGNORED, LOWS, OPENS, SERIES, SPLITS, TICKERS, VOLUMES};
use crate::market::text::edit_distance;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    Date,
    Open,
    High,
    Low,
    Close,
    AdjustedClose,
    Volume,
    Split,
    /// A ticker, a scrip code or a name: what tells one share's rows from another's.
    Ticker,
    Series,
    Period,
    Segment,
    /// Known, and of no use here.
    Ignored,
    /// Not known.
    Unknown,
}

impl Meaning {
    /// As the API spells it; `None` where the column isn't used.
    pub(super) fn name(self) -> Option<&'static str> {
        Some(match self {
            Self::Date => "date",
            Self::Open => "open",
            Self::High => "high",
            Self::Low => "low",
            Self::Close => "close",
            Self::AdjustedClose => "adjustedClose",
            Self::Volume => "volume",
            Self::Split => "splitCoefficient",
            Self::Ticker => "ticker",
            Self::Series => "series",
            Self::Period => "period",
            Self::Segment => "segment",
            Self::Ignored | Self::Unknown => return None,
        })
    }
}

/// A heading's letters and digits in lower case, without the number that some put before it.
pub(super) fn squeezed(heading: &str) -> String {
    let lower = heading.to_lowercase();
    let mut words: Vec<&str> = lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    if words.len() > 1 && words[0].len() <= 2 && words[0].bytes().all(|b| b.is_ascii_digit()) {
        words.remove(0);
    }
    words.concat()
}

fn meaning(name: &str) -> Meaning {
    let lists: [(&[&str], Meaning); 12] = [
        (&DATES, Meaning::Date),
        (&OPENS, Meaning::Open),
        (&HIGHS, Meaning::High),
        (&LOWS, Meaning::Low),
        (&CLOSES, Meaning::Close),
        (&ADJUSTED, Meaning::AdjustedClose),
        (&VOLUMES, Meaning::Volume),
        (&SPLITS, Meaning::Split),
        (&TICKERS, Meaning::Ticker),
        (&SERIES, Meaning::Series),
        (&["per", "period", "interval", "timeframe"], Meaning::Period),
        (&["sgmt", "fininstrmtp"], Meaning::Segment),
    ];
    if let Some((_, meaning)) = lists.iter().find(|(names, _)| names.contains(&name)) {
        return *meaning;
    }
    let surely_unused = name.starts_with("rsvd") || name.starts_with("unnamed") || name.is_empty();
    if surely_unused || IGNORED.contains(&name) { Meaning::Ignored } else { Meaning::Unknown }
}

fn is_yahooquery(keys: &[String]) -> bool {
    ["symbol", "dividends", "splits"].iter().all(|name| keys.iter().any(|key| key == name))
}

/// The columns of a table, each with its meaning, no meaning twice but a ticker's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Headings {
    pub names: Vec<String>,
    pub meanings: Vec<Meaning>,
}

impl Headings {
    /// Reads a line of cells; `None` if it's no line of headings at all.
    pub(super) fn read(cells: &[&str]) -> Option<Self> {
        let names: Vec<String> = cells.iter().map(|cell| cell.trim().to_owned()).collect();
        let keys: Vec<String> = names.iter().map(|name| squeezed(name)).collect();
        let mut meanings: Vec<Meaning> = keys.iter().map(|key| meaning(key)).collect();
        // A blank heading is the date's only in the first column; elsewhere it's a trailing comma.
        for (i, key) in keys.iter().enumerate() {
            if key.is_empty() && i > 0 {
                meanings[i] = Meaning::Ignored;
            }
        }
        // Yahoo's by another program than its own, whose prices are adjusted for them.
        if let Some(i) = keys.iter().position(|key| key == "splits").filter(|_| is_yahooquery(&keys)) {
            meanings[i] = Meaning::Ignored;
        }
        keep_first(&keys, &mut meanings, Meaning::Date, &DATES);
        keep_first(&keys, &mut meanings, Meaning::Close, &CLOSES);
        let count = |wanted: Meaning| meanings.iter().filter(|m| **m == wanted).count();
        let prices = [Meaning::Open, Meaning::High, Meaning::Low, Meaning::Close];
        let found = prices.iter().filter(|m| count(**m) > 0).count();
        (found >= 2).then_some(Self { names, meanings })
    }

    /// Where a meaning stands.
    pub(super) fn find(&self, wanted: Meaning) -> Option<usize> {
        self.meanings.iter().position(|m| *m == wanted)
    }

    /// Everywhere that a meaning stands.
    pub(super) fn all(&self, wanted: Meaning) -> Vec<usize> {
        self.meanings.iter().enumerate().filter(|(_, m)| **m == wanted).map(|(i, _)| i).collect()
    }

    /// The columns that name a share, the plainest first.
    pub(super) fn tickers(&self) -> Vec<usize> {
        let mut columns = self.all(Meaning::Ticker);
        columns.sort_by_key(|&i| TICKERS.iter().position(|name| *name == squeezed(&self.names[i])));
        columns
    }

    /// The heading of these letters and digits.
    pub(super) fn at(&self, key: &str) -> Option<usize> {
        self.names.iter().position(|name| squeezed(name) == key)
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.at(key).is_some()
    }

    /// Whether they are of another language than English, in which a comma may be the decimal mark.
    pub(super) fn is_foreign(&self) -> bool {
        // Europe's letters; China and Japan write decimal points.
        let is_letter = |c: char| matches!(c, '\u{c0}'..='\u{24f}' | '\u{400}'..='\u{4ff}') && c.is_alphabetic();
        self.names.iter().any(|name| name.contains(is_letter) || FOREIGN.contains(&squeezed(name).as_str()))
    }

    pub(super) fn unknown(&self) -> Vec<String> {
        self.all(Meaning::Unknown).into_iter().map(|i| self.names[i].chars().take(40).collect()).collect()
    }

    /// What keeps the table from being read, as a sentence.
    pub(super) fn fault(&self, dated: bool) -> Option<String> {
        let needed = [Meaning::Date, Meaning::Open, Meaning::High, Meaning::Low, Meaning::Close];
        let missing: Vec<&str> = needed
            .iter()
            .filter(|m| self.find(**m).is_none() && !(dated && **m == Meaning::Date))
            .filter_map(|m| m.name())
            .collect();
        let twice = needed.iter().chain([&Meaning::AdjustedClose, &Meaning::Volume, &Meaning::Split]);
        for meaning in twice {
            if let [one, other, ..] = self.all(*meaning)[..] {
                let (one, other) = (&self.names[one], &self.names[other]);
                return Some(format!("its headings {one:?} and {other:?} mean the same; keep one of them"));
            }
        }
        for (i, meaning) in self.meanings.iter().enumerate() {
            if *meaning == Meaning::Unknown
                && let Some(like) = self.near_miss(&squeezed(&self.names[i]))
            {
                return Some(format!(
                    "its heading {:?} looks like {like}, but isn't a name that is known for it; rename or remove it",
                    self.names[i]
                ));
            }
        }
        if missing == ["date"] && self.has("sccode") {
            return Some(
                "neither its rows nor its name tell its day; the BSE names it in the file's name alone, as EQ190724.CSV: \
                 give the file that name again"
                    .to_owned(),
            );
        }
        (!missing.is_empty()).then(|| {
            format!(
                "its headings have no column {}; it needs date,open,high,low,close[,adjusted_close],volume",
                missing.join(", ")
            )
        })
    }

    /// A used column that an unknown heading may be meant for.
    fn near_miss(&self, key: &str) -> Option<&'static str> {
        let adjusted = ["adjusted", "bereinigt", "ajust", "rettificat", "复权", "復權", "調整"];
        if key.starts_with("adj") || key.ends_with("adj") || adjusted.iter().any(|word| key.contains(word)) {
            return Some("adjusted_close");
        }
        if self.find(Meaning::Volume).is_none() && is_near(key, "vol") {
            return Some("volume");
        }
        let used: [(&[&str], &'static str, Meaning); 7] = [
            (&ADJUSTED[..2], "adjusted_close", Meaning::AdjustedClose),
            (&["close"], "close", Meaning::Close),
            (&["volume"], "volume", Meaning::Volume),
            (&["open"], "open", Meaning::Open),
            (&["high"], "high", Meaning::High),
            (&["date"], "date", Meaning::Date),
            (&SPLITS, "split_coefficient", Meaning::Split),
        ];
        for (names, shown, meaning) in used {
            // Once the column is there, another one with its word in it is something else.
            if self.find(meaning).is_some() {
                continue;
            }
            if names.iter().any(|name| key.contains(name) || is_near(key, name)) {
                return Some(shown);
            }
        }
        None
    }
}

/// Of several columns with one meaning, the first of the list is meant; the others are known and not used. Two of the
/// same name stay, so that they're refused.
fn keep_first(keys: &[String], meanings: &mut [Meaning], wanted: Meaning, order: &[&str]) {
    let rank = |i: usize| order.iter().position(|name| *name == keys[i]).unwrap_or(usize::MAX);
    let best = (0..keys.len()).filter(|&i| meanings[i] == wanted).map(rank).min();
    for i in 0..keys.len() {
        if meanings[i] == wanted && Some(rank(i)) != best {
            meanings[i] = Meaning::Ignored;
        }
    }
}

/// Whether one slip of the pen, or two in a long word, makes one of the other.
fn is_near(a: &str, b: &str) -> bool {
    let (length, wanted) = (a.chars().take(40).count(), b.chars().count());
    let most = if wanted >= 8 { 2 } else { 1 };
    length.abs_diff(wanted) <= most && edit_distance(a, b) <= most
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Headings {
        Headings::read(&line.split(',').collect::<Vec<_>>()).expect("headings")
    }

    #[test]
    fn the_headings_of_other_languages_are_known() {
        use Meaning::{Close, Date, High, Ignored, Low, Open, Volume};
        for line in [
            "Datum,Zuletzt,Eröffn.,Hoch,Tief,Vol.,+/- %",
            "Fecha,Último,Apertura,Máximo,Mínimo,Vol.,% var.",
            "Date,Dernier,Ouv.,Plus Haut,Plus Bas,Vol.,Variation %",
            "Data,Ultimo,Apertura,Massimo,Minimo,Vol.,Var. %",
            "Data,Último,Abertura,Máxima,Mínima,Vol.,Var%",
            "Data,Zamkniecie,Otwarcie,Najwyzszy,Najnizszy,Wolumen,",
        ] {
            let headings = read(line);
            assert_eq!(headings.meanings, [Date, Close, Open, High, Low, Volume, Ignored], "{line}");
        }
    }

    #[test]
    fn adjusted_closes_are_known_in_their_spellings_and_near_misses_are_faults() {
        for name in ["Adj Close", "Adj. Close", "Adj Close**", "AdjClose", "5. adjusted close", "adjusted_close"] {
            let headings = read(&format!("Date,Open,High,Low,Close,{name},Volume"));
            assert_eq!((headings.find(Meaning::AdjustedClose), headings.fault(false)), (Some(5), None), "{name}");
        }
        for name in ["Ajd Close", "Adjusted Px", "Clsoe adj", "AdjCls", "Adjusted", "Cours ajusté", "复权收盘价"]
        {
            assert!(read(&format!("Date,Open,High,Low,Close,{name},Volume")).fault(false).is_some(), "{name}");
        }
        assert_eq!(read("Date,Open,High,Low,Close,Volume,Mood").unknown(), ["Mood"]);
        assert!(read("Date,Open,High,Low,Close,Volum").fault(false).is_some());
        assert!(read("Date,Open,High,Low,Close,Vol. (M)").fault(false).is_some());
        assert!(read("Date,Open,High,Low,Close,Volatility").fault(false).is_none());
        assert!(read("Date,Open,High,Low,Close,close,Volume").fault(false).is_some());
        assert!(read("Date,Open,High,Low,ltp,Volume").fault(false).is_some_and(|f| f.contains("close")));
    }

    #[test]
    fn splits_are_known_as_their_vendors_call_them() {
        // Tiingo's and Quandl's; both have prices as traded and the new shares for an old one.
        for line in [
            "date,close,high,low,open,volume,adjClose,adjHigh,adjLow,adjOpen,adjVolume,divCash,splitFactor",
            "Date,Open,High,Low,Close,Volume,Ex-Dividend,Split Ratio,Adj. Open,Adj. High,Adj. Low,Adj. Close,Adj. Volume",
        ] {
            let headings = read(line);
            assert_eq!((headings.fault(false), headings.unknown()), (None, Vec::new()), "{line}");
            let both = [headings.find(Meaning::Split), headings.find(Meaning::AdjustedClose)];
            assert!(both.iter().all(Option::is_some), "{line}");
        }
        assert!(read("Date,Open,High,Low,Close,Volume,Split Coeff").fault(false).is_some());
        assert!(read("Date,Open,High,Low,Close,Volume,splits").fault(false).is_some());
        let yahooquery = read("symbol,date,open,high,low,close,volume,adjclose,dividends,splits");
        assert_eq!((yahooquery.fault(false), yahooquery.find(Meaning::Split)), (None, None));
    }

    #[test]
    fn a_time_is_the_date_only_where_no_other_column_is() {
        assert_eq!(read("<TICKER>,<PER>,<DTYYYYMMDD>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>").find(Meaning::Date), Some(2));
        assert_eq!(read("time,open,high,low,close").find(Meaning::Date), Some(0));
        assert_eq!(read(",time,open,high,low,close").find(Meaning::Date), Some(1));
        for name in ["Exchange Date", "Date_YMD"] {
            assert_eq!(read(&format!("{name},Close,Open,Low,High")).fault(false), None, "{name}");
        }
        assert_eq!(read("date,open,high,low,close,adjClose,volume,unadjustedVolume").fault(false), None);
    }

    #[test]
    fn the_close_is_found_beside_its_likes() {
        assert_eq!(read("Date,Price,Open,High,Low,Vol.,Change %").find(Meaning::Close), Some(1));
        assert_eq!(read("Date,Close/Last,Volume,Open,High,Low").find(Meaning::Close), Some(1));
        assert_eq!(read("Date ,series ,OPEN ,HIGH ,LOW ,PREV. CLOSE ,ltp ,close ").find(Meaning::Close), Some(7));
        assert!(Headings::read(&["a", "b"]).is_none());
    }
}
