//! What stands after a date: a time of day and a zone, read over.

/// Reads a time of day and a zone; `None` for anything else after the date.
pub(super) fn time_of_day(rest: &str) -> Option<(Option<u32>, bool)> {
    let text = rest.trim();
    if text.is_empty() {
        return Some((None, false));
    }
    let marked = rest.starts_with([' ', 'T', 't', ',']);
    let text = text.trim_start_matches(['T', 't', ',']).trim_start();
    let (time, zone) = match clock(text) {
        Some((time, after)) if marked => (Some(time), after),
        _ => (None, text),
    };
    let zone = zone.split('(').next().unwrap_or_default().trim();
    let utc = match zone {
        "Z" | "z" | "UTC" | "GMT" | "+00:00" | "+0000" | "+00" => true,
        _ if zone.is_empty() || is_zone(zone) => false,
        _ => return None,
    };
    Some((time, utc && time.is_some()))
}

fn is_zone(text: &str) -> bool {
    let letters = text.bytes().take_while(u8::is_ascii_alphabetic).count();
    let (name, offset) = text.split_at(letters);
    let offset = offset.trim();
    let digits = offset.get(1..).unwrap_or_default().replace(':', "");
    let is_offset = offset.starts_with(['+', '-'])
        && matches!(digits.len(), 1 | 2 | 4)
        && digits.bytes().all(|b| b.is_ascii_digit());
    (letters == 0 && is_offset) || ((2..=5).contains(&letters) && name != "AD" && (offset.is_empty() || is_offset))
}

/// `16:00`, `16:00:01.5`, `4:00 PM`, and what comes after it.
fn clock(text: &str) -> Option<(u32, &str)> {
    let number = |text: &str, most: usize| {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        if digits == 0 || digits > most {
            return None;
        }
        Some((text.get(..digits)?.parse::<u32>().ok()?, text.get(digits..)?.to_owned().len(), digits))
    };
    let (mut hour, left, _) = number(text, 2)?;
    let rest = text.get(text.len() - left..)?.strip_prefix(':')?;
    let (minute, left, digits) = number(rest, 2)?;
    let mut rest = rest.get(rest.len() - left..)?;
    let mut second = 0;
    if let Some(seconds) = rest.strip_prefix(':') {
        let (value, left, _) = number(seconds, 2)?;
        second = value;
        rest = seconds.get(seconds.len() - left..)?;
        if let Some(fraction) = rest.strip_prefix('.') {
            rest = fraction.trim_start_matches(|c: char| c.is_ascii_digit());
        }
    }
    rest = rest.trim_start();
    let half = rest.get(..2).map(str::to_ascii_lowercase);
    match half.as_deref() {
        Some("am") if hour <= 12 => {
            hour %= 12;
            rest = &rest[2..];
        }
        Some("pm") if hour <= 12 => {
            hour = hour % 12 + 12;
            rest = &rest[2..];
        }
        _ => {}
    }
    (hour <= 24 && minute <= 59 && second <= 60 && digits == 2).then_some((hour * 3_600 + minute * 60 + second, rest))
}
