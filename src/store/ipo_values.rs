//! An issue's fields in their text form: what sources send, people edit and revisions show.

use super::entity::ipo::Model;
use crate::market::day::{iso, parse_iso};
use crate::market::decimal::millionths;
use crate::market::ipo::{Board, FieldChange, IpoField, IpoValues, Standing, Subscription, name_key};
use crate::market::{DataSource, Exchange};
use crate::store::Millis;

impl Model {
    /// A new issue with these values.
    #[must_use]
    pub fn new(exchange: Exchange, source: DataSource, at: Millis) -> Self {
        let currency = match exchange {
            Exchange::Nse | Exchange::Bse => "INR",
            Exchange::Nasdaq | Exchange::Nyse | Exchange::Other => "USD",
        };
        Self { currency: currency.to_owned(), seen: "{}".to_owned(), ..Self::blank(exchange, source, at) }
    }

    /// One that its columns are read into.
    pub(super) fn blank(exchange: Exchange, source: DataSource, at: Millis) -> Self {
        Self {
            id: 0,
            exchange,
            name: String::new(),
            name_key: String::new(),
            ticker: None,
            board: Board::Mainboard,
            issue_price: None,
            issue_price_units: None,
            issue_price_derived: false,
            price_band_low: None,
            price_band_high: None,
            currency: String::new(),
            lot_size: None,
            issue_size: None,
            open_day: None,
            close_day: None,
            listing_day: None,
            face_value: None,
            registrar: None,
            standing: None,
            subscription: None,
            source,
            seen: String::new(),
            created_at: at,
            updated_at: at,
            subscription_total: None,
            symbol_id: None,
            listing_open: None,
            listing_gain: None,
            first_day_return: None,
            return_since_issue: None,
            max_drawdown: None,
            performance_as_of: None,
            performance_version: None,
            performance_price: None,
            performance_listing: None,
            performance_first_day: None,
            performance_shares: None,
            performance_peak: None,
        }
    }

    /// A field's value.
    #[must_use]
    pub fn value(&self, field: IpoField) -> Option<String> {
        match field {
            IpoField::Name => Some(self.name.clone()),
            IpoField::Ticker => self.ticker.clone(),
            IpoField::Board => Some(match self.board {
                Board::Mainboard => "MAINBOARD".to_owned(),
                Board::Sme => "SME".to_owned(),
            }),
            IpoField::IssuePrice => self.issue_price.clone(),
            IpoField::PriceBandLow => self.price_band_low.clone(),
            IpoField::PriceBandHigh => self.price_band_high.clone(),
            IpoField::Currency => Some(self.currency.clone()),
            IpoField::LotSize => self.lot_size.map(|n| n.to_string()),
            IpoField::IssueSize => self.issue_size.map(|n| n.to_string()),
            IpoField::OpenDate => self.open_day.map(iso),
            IpoField::CloseDate => self.close_day.map(iso),
            IpoField::ListingDate => self.listing_day.map(iso),
            IpoField::FaceValue => self.face_value.clone(),
            IpoField::Registrar => self.registrar.clone(),
            IpoField::Standing => self.standing.map(|standing| match standing {
                Standing::Withdrawn => "WITHDRAWN".to_owned(),
                Standing::Postponed => "POSTPONED".to_owned(),
            }),
            IpoField::Subscription => self.subscription.clone(),
        }
    }

    /// Sets a field to a value that has been checked; what can't be read clears it. A name, board or currency stays
    /// when there is none.
    pub fn set(&mut self, field: IpoField, value: Option<String>) {
        match field {
            IpoField::Name => {
                if let Some(name) = value {
                    self.name_key = name_key(&name);
                    self.name = name;
                }
            }
            IpoField::Ticker => self.ticker = value,
            IpoField::Board => {
                self.board = if value.as_deref() == Some("SME") { Board::Sme } else { Board::Mainboard };
            }
            IpoField::IssuePrice => {
                self.issue_price_units = value.as_deref().and_then(millionths);
                self.issue_price_derived = false;
                self.issue_price = value;
            }
            IpoField::PriceBandLow => self.price_band_low = value,
            IpoField::PriceBandHigh => self.price_band_high = value,
            IpoField::Currency => {
                if let Some(currency) = value {
                    self.currency = currency;
                }
            }
            IpoField::LotSize => self.lot_size = value.and_then(|v| v.parse().ok()),
            IpoField::IssueSize => self.issue_size = value.and_then(|v| v.parse().ok()),
            IpoField::OpenDate => self.open_day = value.and_then(|v| parse_iso(&v)),
            IpoField::CloseDate => self.close_day = value.and_then(|v| parse_iso(&v)),
            IpoField::ListingDate => self.listing_day = value.and_then(|v| parse_iso(&v)),
            IpoField::FaceValue => self.face_value = value,
            IpoField::Registrar => self.registrar = value,
            IpoField::Standing => {
                self.standing = match value.as_deref() {
                    Some("WITHDRAWN") => Some(Standing::Withdrawn),
                    Some("POSTPONED") => Some(Standing::Postponed),
                    _ => None,
                };
            }
            IpoField::Subscription => {
                let read = |text: &str| serde_json::from_str::<Subscription>(text).ok()?.total;
                self.subscription_total = value.as_deref().and_then(read);
                self.subscription = value;
            }
        }
    }

    /// Sets a field and tells what that changed, if it did.
    pub fn change(&mut self, field: IpoField, value: Option<String>) -> Option<FieldChange> {
        let before = self.value(field);
        self.set(field, value);
        let after = self.value(field);
        if before == after {
            return None;
        }
        // Two ways to write one price are no change: it stays as it was written.
        let units = |value: &Option<String>| value.as_deref().and_then(millionths);
        let is_price = matches!(
            field,
            IpoField::IssuePrice | IpoField::PriceBandLow | IpoField::PriceBandHigh | IpoField::FaceValue
        );
        if is_price && units(&before).is_some() && units(&before) == units(&after) {
            self.set(field, before);
            return None;
        }
        Some(FieldChange { field: field.name().to_owned(), before, after })
    }

    /// The values that the source last sent.
    #[must_use]
    pub fn seen_values(&self) -> IpoValues {
        serde_json::from_str(&self.seen).unwrap_or_default()
    }

    /// The day that tells this issue from others of the same ticker: it opens, or is listed.
    #[must_use]
    pub fn first_day(&self) -> Option<i32> {
        self.open_day.or(self.listing_day)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_that_is_written_another_way_is_no_change() {
        let mut row = Model::new(Exchange::Nse, DataSource::Manual, 0);
        let mut changes = |value: &str| {
            let change = row.change(IpoField::IssuePrice, Some(value.to_owned()));
            change.map(|change| change.after)
        };
        assert_eq!(changes("100.50"), Some(Some("100.50".to_owned())));
        assert_eq!(changes("100.5"), None);
        assert_eq!(changes("100.51"), Some(Some("100.51".to_owned())));
        assert_eq!(row.issue_price_units, Some(100_510_000));
    }
}
