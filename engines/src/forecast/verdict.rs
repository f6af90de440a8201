//! What a person should make of a forecast.

use super::bands::apart;
use super::evaluation::Evaluation;
use super::record::Record;

/// Fewer past forecasts that don't overlap than this say little.
pub const FEWEST_APART: u32 = 50;

/// What to make of a forecast, by how its model compares with "no change" on a history: in a sentence or two.
#[must_use]
pub fn verdict(evaluation: &Evaluation, record: &Record) -> String {
    let Evaluation { origins, horizon, mae, mae_naive, .. } = *evaluation;
    let apart = apart(origins, horizon);
    let days = if horizon == 1 { "1 day".to_owned() } else { format!("{horizon} days") };
    let base = format!("past forecasts of {days} of this symbol");
    if mae == mae_naive {
        return format!(
            "This is \"no change\" itself: it was {} off on average over {origins} {base}.",
            percent(mae, 2)
        );
    }
    if apart < FEWEST_APART {
        return format!(
            "Too few {base} to judge by: {origins}, of which {apart} don't overlap. Treat the centre as \"no change\"."
        );
    }
    let skill = evaluation.skill();
    let words = if skill >= 0.0 { "closer than" } else { "further off than" };
    let range = record.skill.map_or_else(String::new, |(low, high)| {
        format!(" (with so many, anything from {} to {})", percent(low, 1), percent(high, 1))
    });
    let measured = format!(
        "{} {words} \"no change\" over {origins} {base}, {apart} of which don't overlap",
        percent(skill.abs(), 1)
    );
    match record.skill {
        Some((low, _)) if low > 0.0 => format!("The centre was {measured}{range}: more than chance explains."),
        Some((_, high)) if high < 0.0 => format!("Don't follow the centre: it was {measured}{range}."),
        _ => format!("Treat the centre as \"no change\": it was {measured}{range}, which could be chance."),
    }
}

/// A ratio as a percentage, without a sign on zero.
fn percent(ratio: f64, decimals: usize) -> String {
    let text = format!("{:.decimals$}", ratio * 100.0);
    let zero = text.chars().all(|c| !c.is_ascii_digit() || c == '0');
    let text = if zero { text.trim_start_matches('-').to_owned() } else { text.replace('-', "−") };
    format!("{text} %")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_says_what_to_do() {
        let evaluation =
            |origins, mae| Evaluation { origins, horizon: 30, mae, mae_naive: 0.05, coverage80: 0.8, coverage95: 0.95 };
        let said = |origins, mae, skill| verdict(&evaluation(origins, mae), &Record { days: Vec::new(), skill });
        assert_eq!(
            said(27, 0.04, None),
            "Too few past forecasts of 30 days of this symbol to judge by: 27, of which 9 don't overlap. Treat the centre \
             as \"no change\"."
        );
        assert_eq!(
            said(300, 0.049, Some((-0.01, 0.05))),
            "Treat the centre as \"no change\": it was 2.0 % closer than \"no change\" over 300 past forecasts of 30 days of \
             this symbol, 100 of which don't overlap (with so many, anything from −1.0 % to 5.0 %), which could be chance."
        );
        assert!(said(300, 0.04, Some((0.1, 0.3))).starts_with("The centre was 20.0 % closer than"));
        assert!(
            said(300, 0.06, Some((-0.3, -0.1))).starts_with("Don't follow the centre: it was 20.0 % further off than")
        );
        assert!(said(300, 0.05, None).starts_with("This is \"no change\" itself: it was 5.00 % off"));
    }
}
