//! The repositories, one a table group; what each can do is in the files about its tables.

use super::Store;

macro_rules! repositories {
    ($($(#[$doc:meta])* $repository:ident, $name:ident;)*) => {$(
        $(#[$doc])*
        pub struct $repository<'a>(pub(super) &'a Store);

        impl Store {
            #[must_use]
            pub fn $name(&self) -> $repository<'_> {
                $repository(self)
            }
        }
    )*};
}

repositories! {
    Audit, audit;
    Backtests, backtests;
    Budgets, budgets;
    CorporateActions, corporate_actions;
    Flags, flags;
    /// What shares are known by.
    Identities, identities;
    Ipos, ipos;
    Jobs, jobs;
    MarketDays, market_days;
    Models, models;
    Predictions, predictions;
    Prices, prices;
    Schedules, schedules;
    Sessions, sessions;
    Sweeps, sweeps;
    Symbols, symbols;
    Tokens, tokens;
}
