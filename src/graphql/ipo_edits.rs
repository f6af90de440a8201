//! What can be done with IPOs, and following them.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, Result, SimpleObject, Subscription};
use async_stream::try_stream;
use futures_util::Stream;
use tokio::sync::broadcast::error::RecvError;

use super::errors::{UserError, lagged, payload};
use super::guard::caller;
use super::ids::{self, Kind};
use super::ipo::Ipo;
use super::job::Job;
use super::scalars::{BigInt, Date, Decimal};
use crate::actions::ipos::{self, IpoEdits};
use crate::app::App;
use crate::market::day::iso;
use crate::market::ipo::{Board, IpoField};
use crate::market::{DataSource, Exchange};
use crate::store::{ChangeKind, Update};

/// A source to fetch IPOs from.
#[derive(Debug, InputObject)]
pub struct RefreshIposInput {
    /// NSE or `ALPHA_VANTAGE`.
    #[graphql(default_with = "DataSource::Nse")]
    source: DataSource,
    /// Asking again with the same key answers with the same job.
    idempotency_key: Option<String>,
}

/// The job that fetches.
#[derive(SimpleObject)]
pub struct RefreshIposPayload {
    /// The job that fetches, queued or under way already.
    job: Option<Job>,
    /// What is wrong with the input, one entry a mistake; empty if it was done.
    user_errors: Vec<UserError>,
}

/// An IPO to add.
#[derive(Debug, InputObject)]
pub struct CreateIpoInput {
    /// The company's name, 1 to 200 characters.
    name: String,
    /// Where it is to be listed.
    exchange: Exchange,
    /// The symbol at its exchange, at most 32 characters.
    ticker: Option<String>,
    /// The exchange's board; MAINBOARD if left out.
    #[graphql(default_with = "Board::Mainboard")]
    board: Board,
    /// Final price of a share: above zero, within the band, at most six decimal places.
    issue_price: Option<Decimal>,
    /// The lowest price that may be bid: above zero, at most six decimal places.
    price_band_low: Option<Decimal>,
    /// The highest price that may be bid: not below the lowest, at most six decimal places.
    price_band_high: Option<Decimal>,
    /// ISO 4217 code; the exchange's own if left out.
    currency: Option<String>,
    /// Shares in one lot, 1 or more.
    lot_size: Option<i32>,
    /// Shares offered, 1 or more.
    issue_size: Option<BigInt>,
    /// The first day of bidding.
    open_date: Option<Date>,
    /// The last day of bidding, not before the first.
    close_date: Option<Date>,
    /// The first day of trading, not before the first day of bidding.
    listing_date: Option<Date>,
}

/// Fields to set; those left out stay, null clears.
#[derive(Debug, InputObject)]
pub struct UpdateIpoInput {
    /// Which IPO, by its global id.
    id: ID,
    /// The company's name, 1 to 200 characters; it can't be cleared.
    name: MaybeUndefined<String>,
    /// The symbol at its exchange, at most 32 characters.
    ticker: MaybeUndefined<String>,
    /// The exchange's board.
    board: MaybeUndefined<Board>,
    /// Final price of a share: above zero, within the band, at most six decimal places.
    issue_price: MaybeUndefined<Decimal>,
    /// The lowest price that may be bid: above zero, at most six decimal places.
    price_band_low: MaybeUndefined<Decimal>,
    /// The highest price that may be bid: not below the lowest, at most six decimal places.
    price_band_high: MaybeUndefined<Decimal>,
    /// Shares in one lot, 1 or more.
    lot_size: MaybeUndefined<i32>,
    /// Shares offered, 1 or more.
    issue_size: MaybeUndefined<BigInt>,
    /// The first day of bidding.
    open_date: MaybeUndefined<Date>,
    /// The last day of bidding, not before the first.
    close_date: MaybeUndefined<Date>,
    /// The first day of trading, not before the first day of bidding.
    listing_date: MaybeUndefined<Date>,
    /// Whether the issue was withdrawn: true makes its status WITHDRAWN, false lets the dates say it again.
    withdrawn: MaybeUndefined<bool>,
}

/// An IPO to delete.
#[derive(Debug, InputObject)]
pub struct DeleteIpoInput {
    /// Which IPO, by its global id.
    id: ID,
}

/// The IPO as it stands now.
#[derive(SimpleObject)]
pub struct CreateIpoPayload {
    /// The new IPO; null if there are errors.
    ipo: Option<Ipo>,
    /// What is wrong with the input, one entry a mistake; empty if it was done.
    user_errors: Vec<UserError>,
}

/// The IPO as it stands now.
#[derive(SimpleObject)]
pub struct UpdateIpoPayload {
    /// The IPO with its new values; null if there are errors.
    ipo: Option<Ipo>,
    /// What is wrong with the input, one entry a mistake; empty if it was done.
    user_errors: Vec<UserError>,
}

/// The id of what was deleted.
#[derive(SimpleObject)]
pub struct DeleteIpoPayload {
    /// The id of what was deleted; null if there are errors.
    deleted_ipo_id: Option<ID>,
    /// The same.
    #[graphql(deprecation = "Every payload names the type that its id is of: use deletedIpoId")]
    deleted_id: Option<ID>,
    /// What is wrong with the input, one entry a mistake; empty if it was done.
    user_errors: Vec<UserError>,
}

fn board_text(board: Board) -> String {
    match board {
        Board::Mainboard => "MAINBOARD".to_owned(),
        Board::Sme => "SME".to_owned(),
    }
}

impl CreateIpoInput {
    fn into_edits(self) -> IpoEdits {
        let decimal = |d: Option<Decimal>| d.map(|d| d.0.to_string());
        let date = |d: Option<Date>| d.map(|d| iso(d.0));
        let mut edits = vec![
            (IpoField::Name, Some(self.name)),
            (IpoField::Ticker, self.ticker),
            (IpoField::Board, Some(board_text(self.board))),
            (IpoField::IssuePrice, decimal(self.issue_price)),
            (IpoField::PriceBandLow, decimal(self.price_band_low)),
            (IpoField::PriceBandHigh, decimal(self.price_band_high)),
            (IpoField::LotSize, self.lot_size.map(|n| n.to_string())),
            (IpoField::IssueSize, self.issue_size.map(|n| n.0.to_string())),
            (IpoField::OpenDate, date(self.open_date)),
            (IpoField::CloseDate, date(self.close_date)),
            (IpoField::ListingDate, date(self.listing_date)),
        ];
        edits.extend(self.currency.map(|currency| (IpoField::Currency, Some(currency))));
        edits
    }
}

impl UpdateIpoInput {
    fn into_edits(self) -> IpoEdits {
        fn edit<T>(
            field: IpoField,
            value: MaybeUndefined<T>,
            text: impl Fn(T) -> String,
        ) -> Option<(IpoField, Option<String>)> {
            match value {
                MaybeUndefined::Undefined => None,
                MaybeUndefined::Null => Some((field, None)),
                MaybeUndefined::Value(value) => Some((field, Some(text(value)))),
            }
        }
        let decimal = |d: Decimal| d.0.to_string();
        let date = |d: Date| iso(d.0);
        let withdrawn = match self.withdrawn {
            MaybeUndefined::Undefined => None,
            MaybeUndefined::Value(true) => Some((IpoField::Standing, Some("WITHDRAWN".to_owned()))),
            MaybeUndefined::Value(false) | MaybeUndefined::Null => Some((IpoField::Standing, None)),
        };
        [
            edit(IpoField::Name, self.name, |s| s),
            edit(IpoField::Ticker, self.ticker, |s| s),
            edit(IpoField::Board, self.board, board_text),
            edit(IpoField::IssuePrice, self.issue_price, decimal),
            edit(IpoField::PriceBandLow, self.price_band_low, decimal),
            edit(IpoField::PriceBandHigh, self.price_band_high, decimal),
            edit(IpoField::LotSize, self.lot_size, |n| n.to_string()),
            edit(IpoField::IssueSize, self.issue_size, |n| n.0.to_string()),
            edit(IpoField::OpenDate, self.open_date, date),
            edit(IpoField::CloseDate, self.close_date, date),
            edit(IpoField::ListingDate, self.listing_date, date),
            withdrawn,
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

#[derive(Default)]
pub struct IpoMutation;

#[Object]
impl IpoMutation {
    /// Queues a fetch of a source's IPOs. One that is under way answers with its job.
    async fn refresh_ipos(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which source to ask.")] input: RefreshIposInput,
    ) -> Result<RefreshIposPayload> {
        let app = ctx.data_unchecked::<App>();
        let done = ipos::refresh(app, &caller(ctx), input.source, input.idempotency_key).await;
        Ok(payload!(RefreshIposPayload, done, job => { job: Some(Job(job)) }))
    }

    /// Adds an IPO.
    async fn create_ipo(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Its values.")] input: CreateIpoInput,
    ) -> Result<CreateIpoPayload> {
        let app = ctx.data_unchecked::<App>();
        let exchange = input.exchange;
        let done = ipos::create(app, &caller(ctx), exchange, input.into_edits()).await;
        Ok(payload!(CreateIpoPayload, done, row => { ipo: Some(Ipo(Arc::new(row))) }))
    }

    /// Sets fields of an IPO. A fetch leaves them alone until the source itself says something else.
    async fn update_ipo(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which IPO, and the values to set.")] input: UpdateIpoInput,
    ) -> Result<UpdateIpoPayload> {
        let (app, id) = (ctx.data_unchecked::<App>(), ids::row_of(Kind::Ipo, &input.id));
        let done = ipos::update(app, &caller(ctx), id, input.into_edits()).await;
        Ok(payload!(UpdateIpoPayload, done, row => { ipo: Some(Ipo(Arc::new(row))) }))
    }

    /// Deletes an IPO with its history. A fetch doesn't bring it back; `restoreIpo` does.
    async fn delete_ipo(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which IPO.")] input: DeleteIpoInput,
    ) -> Result<DeleteIpoPayload> {
        let (app, id) = (ctx.data_unchecked::<App>(), ids::row_of(Kind::Ipo, &input.id));
        let done = ipos::delete(app, &caller(ctx), id).await;
        Ok(payload!(DeleteIpoPayload, done, () => {
            deleted_ipo_id: Some(input.id.clone()),
            deleted_id: Some(input.id)
        }))
    }
}

/// An IPO that was added, changed or deleted.
#[derive(SimpleObject)]
pub struct IpoChanged {
    /// The IPO as it stands after the change; one that was deleted as it was before.
    ipo: Ipo,
    /// What happened to it.
    change: ChangeKind,
}

#[derive(Default)]
pub struct IpoSubscriptions;

#[Subscription]
impl IpoSubscriptions {
    /// Every IPO that is added, changed or deleted, of one exchange or of all. A follower too slow for them is ended
    /// with an error of the code `LAGGED`.
    async fn ipo_changed(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only those of this exchange; of all if left out.")] exchange: Option<Exchange>,
    ) -> Result<impl Stream<Item = Result<IpoChanged>>> {
        let mut feed = ctx.data_unchecked::<App>().store.events().follow();
        Ok(try_stream! {
            loop {
                let update = match feed.recv().await {
                    Ok(Update::Ipo(update)) => update,
                    Ok(Update::MissedIpos) | Err(RecvError::Lagged(_)) => Err(lagged())?,
                    Ok(Update::Job(_) | Update::MissedJobs) => continue,
                    Err(RecvError::Closed) => return,
                };
                if exchange.is_none_or(|wanted| wanted == update.ipo.exchange) {
                    yield IpoChanged { ipo: Ipo(update.ipo.clone()), change: update.change };
                }
            }
        })
    }
}
