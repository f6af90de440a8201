//! Currencies by ISO 4217, and exchanges that quote shares in a hundredth of one.

use rust_decimal::Decimal;

/// What prices are stated in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quotation {
    /// ISO 4217 code.
    pub currency: &'static str,
    /// How much of the currency a price of 1 is, as one over this: 100 for pence.
    pub parts: u32,
}

/// Codes of parts of a currency that sources send in a currency's place: London's pence, Johannesburg's cents, Tel
/// Aviv's agorot, Kuwait's fils. None of them is in ISO 4217.
const PARTS: [(&str, &str, u32); 9] = [
    ("GBX", "GBP", 100),
    ("GBp", "GBP", 100),
    ("GBPX", "GBP", 100),
    ("ZAC", "ZAR", 100),
    ("ZAc", "ZAR", 100),
    ("ILA", "ILS", 100),
    ("ILX", "ILS", 100),
    ("USX", "USD", 100),
    ("KWF", "KWD", 1_000),
];

/// The active codes of ISO 4217, funds and metals left out.
const ISO_4217: &str = "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD \
    CAD CDF CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD \
    HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL \
    MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD \
    RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD \
    UYU UZS VED VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG";

impl Quotation {
    /// What a source's code means; `None` where it's no currency's.
    #[must_use]
    pub fn of(code: &str) -> Option<Self> {
        let code = code.trim();
        if let Some((_, currency, parts)) = PARTS.into_iter().find(|(part, ..)| *part == code) {
            return Some(Self { currency, parts });
        }
        let whole = iso_4217(code).map(|currency| Self { currency, parts: 1 });
        // Pence alone are told from pounds by the case of their code.
        let part = || PARTS.into_iter().find(|(part, ..)| part.eq_ignore_ascii_case(code));
        whole.or_else(|| part().map(|(_, currency, parts)| Self { currency, parts }))
    }

    /// Rupees, which both Indian exchanges quote in.
    pub const RUPEES: Self = Self { currency: "INR", parts: 1 };

    /// How much of the currency a price of 1 is.
    #[must_use]
    pub fn unit(self) -> Decimal {
        (Decimal::ONE / Decimal::from(self.parts)).normalize()
    }

    /// For an axis or a heading: `GBP`, `GBP/100`.
    #[must_use]
    pub fn label(self) -> String {
        if self.parts == 1 { self.currency.to_owned() } else { format!("{}/{}", self.currency, self.parts) }
    }
}

/// The code, if it's one of ISO 4217; in any case.
#[must_use]
pub fn iso_4217(code: &str) -> Option<&'static str> {
    ISO_4217.split(' ').find(|known| known.eq_ignore_ascii_case(code))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_currency_are_the_currency_and_a_unit() {
        let of = |code: &str| Quotation::of(code).map(|q| (q.currency, q.unit().to_string(), q.label()));
        let found = |currency, unit: &str, label: &str| Some((currency, unit.to_owned(), label.to_owned()));
        assert_eq!(of("GBX"), found("GBP", "0.01", "GBP/100"));
        assert_eq!(of("GBp"), found("GBP", "0.01", "GBP/100"));
        assert_eq!(of("GBP"), found("GBP", "1", "GBP"));
        assert_eq!(of("ZAc"), found("ZAR", "0.01", "ZAR/100"));
        assert_eq!(of("ILA"), found("ILS", "0.01", "ILS/100"));
        assert_eq!(of("KWF"), found("KWD", "0.001", "KWD/1000"));
        assert_eq!(of(" inr "), found("INR", "1", "INR"));
        for code in ["", "BTC", "XXXX", "£"] {
            assert_eq!(of(code), None, "{code}");
        }
    }

    #[test]
    fn no_part_is_itself_a_currency_of_the_list() {
        assert!(ISO_4217.split(' ').all(|code| code.len() == 3 && code.bytes().all(|b| b.is_ascii_uppercase())));
        for (code, currency, _) in PARTS {
            assert!(!ISO_4217.split(' ').any(|known| known == code) && iso_4217(currency).is_some(), "{code}");
        }
    }
}
