//! Issues, backtests and sweeps: lists that are read page by page, and what single ones hold.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::resolver_utils::{EnumType, enum_value};
use polars::df;
use polars::prelude::{DataFrame, PolarsResult};

use super::batch::{ExportError, Sender, send};
use super::encode::days;
use crate::app::App;
use crate::backtest::{buy_and_hold, describe, drawdowns};
use crate::graphql::{Kind, global_id};
use crate::market::Day;
use crate::market::ipo::{IpoDates, IpoStatus};
use crate::research;
use crate::store::entity::{backtest, ipo, sweep, symbol};
use crate::store::{IpoFilter, IpoOrder, Keys, Millis, PageRequest, ResearchFilter, StoreError, Today};

/// Rows a batch.
const PAGE: u64 = 2_000;

fn id(kind: Kind, id: i64) -> String {
    global_id(kind, id).to_string()
}

fn moment(at: Millis) -> String {
    let at = chrono::DateTime::from_timestamp_millis(at);
    at.map(|at| at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true)).unwrap_or_default()
}

/// An enum as the schema spells it.
fn name(value: impl EnumType) -> String {
    match enum_value(value) {
        async_graphql::Value::Enum(name) => name.to_string(),
        _ => String::new(),
    }
}

fn page(after: Option<Keys>) -> PageRequest {
    PageRequest { limit: PAGE, after, ..PageRequest::default() }
}

/// What rows say of the symbols that they are of.
struct Symbols(HashMap<i64, symbol::Model>);

impl Symbols {
    async fn of(app: &App, ids: impl Iterator<Item = i64>) -> Result<Self, StoreError> {
        let ids: Vec<i64> = ids.collect();
        let symbols = app.store.symbols().get_many(&ids).await?;
        Ok(Self(symbols.into_iter().map(|symbol| (symbol.id, symbol)).collect()))
    }

    fn ticker(&self, id: i64) -> String {
        self.0.get(&id).map(|symbol| symbol.ticker.clone()).unwrap_or_default()
    }

    /// The last day that its provider has adjusted.
    fn adjusted_until(&self, id: i64) -> Option<Day> {
        self.0.get(&id).and_then(|symbol| symbol.adjusted_until)
    }
}

fn number(text: Option<&String>) -> Option<f64> {
    text.and_then(|text| text.parse().ok())
}

pub(super) async fn ipos(app: &App, sender: &Sender) -> Result<(), ExportError> {
    let mut after = None;
    loop {
        let rows = app.store.ipos().page(&IpoFilter::default(), &[], &page(after)).await?;
        let symbols = Symbols::of(app, rows.rows.iter().filter_map(|row| row.symbol_id)).await?;
        after = rows.rows.last().filter(|_| rows.has_next).map(|row| IpoOrder::keys(&[], row));
        send(sender, move || Ok(ipo_frame(&rows.rows, &symbols)?)).await?;
        if after.is_none() {
            return Ok(());
        }
    }
}

fn ipo_frame(rows: &[Arc<ipo::Model>], symbols: &Symbols) -> PolarsResult<DataFrame> {
    fn column<T>(rows: &[Arc<ipo::Model>], of: impl Fn(&ipo::Model) -> T) -> Vec<T> {
        rows.iter().map(|row| of(row)).collect()
    }
    let today = Today::now();
    let status = |row: &ipo::Model| {
        let dates = IpoDates { open: row.open_day, close: row.close_day, listing: row.listing_day };
        name(IpoStatus::of(dates, row.standing, today.at(row.exchange)))
    };
    let performance = column(rows, ipo::Model::performance);
    let measured = |of: fn(&crate::market::performance::Performance) -> f64| -> Vec<Option<f64>> {
        performance.iter().map(|p| p.as_ref().map(of)).collect()
    };
    let frame = df!(
        "id" => column(rows, |r| id(Kind::Ipo, r.id)),
        "name" => column(rows, |r| r.name.clone()),
        "ticker" => column(rows, |r| r.ticker.clone()),
        "exchange" => column(rows, |r| name(r.exchange)),
        "board" => column(rows, |r| name(r.board)),
        "status" => column(rows, status),
        "currency" => column(rows, |r| r.currency.clone()),
        "issue_price" => column(rows, |r| number(r.issue_price.as_ref())),
        "issue_price_derived" => column(rows, |r| r.issue_price_derived),
        "price_band_low" => column(rows, |r| number(r.price_band_low.as_ref())),
        "price_band_high" => column(rows, |r| number(r.price_band_high.as_ref())),
        "lot_size" => column(rows, |r| r.lot_size),
        "issue_size" => column(rows, |r| r.issue_size),
        "face_value" => column(rows, |r| number(r.face_value.as_ref())),
        "registrar" => column(rows, |r| r.registrar.clone()),
        "subscription" => column(rows, |r| r.subscription_total),
        "symbol" => column(rows, |r| r.symbol_id.map(|id| symbols.ticker(id))),
        "listing_open" => measured(|p| p.listing_open),
        "listing_gain" => measured(|p| p.listing_gain),
        "first_day_return" => measured(|p| p.first_day_return),
        "return_since_issue" => measured(|p| p.return_since_issue),
        "max_drawdown_since_listing" => measured(|p| p.max_drawdown),
        "source" => column(rows, |r| name(r.source)),
        "created_at" => column(rows, |r| moment(r.created_at)),
        "updated_at" => column(rows, |r| moment(r.updated_at)),
    )?;
    with_days(
        frame,
        6,
        [
            ("open_date", column(rows, |r| r.open_day)),
            ("close_date", column(rows, |r| r.close_day)),
            ("listing_date", column(rows, |r| r.listing_day)),
        ],
    )
}

/// Puts columns of days in at a place.
fn with_days<const N: usize>(
    mut frame: DataFrame,
    at: usize,
    columns: [(&str, Vec<Option<i32>>); N],
) -> PolarsResult<DataFrame> {
    for (i, (name, column)) in columns.into_iter().enumerate() {
        frame.insert_column(at + i, days(name, column)?)?;
    }
    Ok(frame)
}

pub(super) async fn backtests(app: &App, sender: &Sender) -> Result<(), ExportError> {
    let mut after = None;
    loop {
        let rows = app.store.backtests().page(&ResearchFilter::default(), &page(after)).await?;
        let symbols = Symbols::of(app, rows.rows.iter().map(|row| row.symbol_id)).await?;
        after = rows.rows.last().filter(|_| rows.has_next).map(backtest::Model::keys);
        send(sender, move || backtest_frame(&rows.rows, &symbols)).await?;
        if after.is_none() {
            return Ok(());
        }
    }
}

fn backtest_frame(rows: &[backtest::Model], symbols: &Symbols) -> Result<DataFrame, ExportError> {
    fn column<R, T>(rows: &[R], of: impl Fn(&R) -> T) -> Vec<T> {
        rows.iter().map(of).collect()
    }
    let mut metrics = Vec::with_capacity(rows.len());
    let mut descriptions = Vec::with_capacity(rows.len());
    for row in rows {
        metrics.push(row.metrics()?);
        descriptions.push(describe(&row.strategy()?, &row.execution()?));
    }
    let frame = df!(
        "id" => column(rows, |r| id(Kind::Backtest, r.id)),
        "ticker" => column(rows, |r| symbols.ticker(r.symbol_id)),
        "description" => descriptions,
        "adjusted" => column(rows, |r| r.adjusted),
        "bars" => column(rows, |r| r.bar_count),
        "data_version" => column(rows, |r| r.data_version),
        "final_equity" => column(&metrics, |m| m.final_equity),
        "total_return" => column(&metrics, |m| m.total_return),
        "buy_and_hold_return" => column(&metrics, |m| m.buy_and_hold_return),
        "cagr" => column(&metrics, |m| m.cagr),
        "max_drawdown" => column(&metrics, |m| m.max_drawdown),
        "max_drawdown_days" => column(&metrics, |m| m.max_drawdown_days),
        "trade_count" => column(&metrics, |m| m.trade_count),
        "win_rate" => column(&metrics, |m| m.win_rate),
        "profit_factor" => column(&metrics, |m| m.profit_factor),
        "best_trade" => column(&metrics, |m| m.best_trade),
        "worst_trade" => column(&metrics, |m| m.worst_trade),
        "average_trade" => column(&metrics, |m| m.average_trade),
        "exposure" => column(&metrics, |m| m.exposure),
        "volatility" => column(&metrics, |m| m.volatility),
        "sharpe" => column(&metrics, |m| m.sharpe),
        "sortino" => column(&metrics, |m| m.sortino),
        "calmar" => column(&metrics, |m| m.calmar),
        "sqn" => column(&metrics, |m| m.sqn),
        "fees_paid" => column(&metrics, |m| m.fees_paid),
        "created_at" => column(rows, |r| moment(r.created_at)),
        // New columns come last, for readers that count them.
        "adjustment" => column(rows, |r| name(r.adjustment(symbols.adjusted_until(r.symbol_id)))),
        "name" => column(rows, |r| r.name.clone()),
        "engine_version" => column(rows, |r| r.engine_version),
    )?;
    let spans = [("from", column(rows, |r| Some(r.from_day))), ("to", column(rows, |r| Some(r.to_day)))];
    Ok(with_days(frame, 3, spans)?)
}

pub(super) async fn curve(
    app: &App,
    (row, symbol): (backtest::Model, symbol::Model),
    sender: &Sender,
) -> Result<(), ExportError> {
    let source = research::backtest_source(app, row, &symbol, String::new()).await?;
    send(sender, move || {
        let equity = crate::backtest::equity_curve(&source.close, &source.trades, &source.execution);
        let frame = df!(
            "close" => &source.close,
            "drawdown" => drawdowns(&equity, source.execution.initial_cash),
            "equity" => equity,
            "buy_and_hold" => buy_and_hold(&source.close, &source.execution),
        )?;
        Ok(with_days(frame, 0, [("date", source.days.iter().copied().map(Some).collect())])?)
    })
    .await
}

pub(super) async fn trades(
    app: &App,
    (row, symbol): (backtest::Model, symbol::Model),
    sender: &Sender,
) -> Result<(), ExportError> {
    let source = research::backtest_source(app, row, &symbol, String::new()).await?;
    send(sender, move || {
        let trades = &source.trades;
        let on = |bar: usize| source.days.get(bar).copied();
        let frame = df!(
            "entry_price" => trades.iter().map(|t| t.entry_price).collect::<Vec<_>>(),
            "exit_price" => trades.iter().map(|t| t.exit_price).collect::<Vec<_>>(),
            "shares" => trades.iter().map(|t| t.shares).collect::<Vec<_>>(),
            "profit" => trades.iter().map(|t| t.profit).collect::<Vec<_>>(),
            "return" => trades.iter().map(crate::backtest::Trade::return_).collect::<Vec<_>>(),
            "fees" => trades.iter().map(|t| t.fees).collect::<Vec<_>>(),
            "exit_reason" => trades.iter().map(|t| name(t.exit_reason)).collect::<Vec<_>>(),
        )?;
        let entries = trades.iter().map(|t| on(t.entry)).collect();
        let exits = trades.iter().map(|t| on(t.exit)).collect();
        Ok(with_days(frame, 0, [("entry_date", entries), ("exit_date", exits)])?)
    })
    .await
}

pub(super) async fn sweeps(app: &App, sender: &Sender) -> Result<(), ExportError> {
    let mut after = None;
    loop {
        let rows = app.store.sweeps().page(&ResearchFilter::default(), &page(after)).await?;
        let symbols = Symbols::of(app, rows.rows.iter().map(|row| row.symbol_id)).await?;
        after = rows.rows.last().filter(|_| rows.has_next).map(sweep::Model::keys);
        send(sender, move || sweep_frame(&rows.rows, &symbols)).await?;
        if after.is_none() {
            return Ok(());
        }
    }
}

fn sweep_frame(rows: &[sweep::Model], symbols: &Symbols) -> Result<DataFrame, ExportError> {
    let mut windows = Vec::with_capacity(rows.len());
    let mut executions = Vec::with_capacity(rows.len());
    for row in rows {
        windows.push(row.windows()?);
        executions.push(row.execution()?);
    }
    let window = |of: fn(&(crate::backtest::WindowRange, crate::backtest::WindowRange)) -> i64| -> Vec<i64> {
        windows.iter().map(of).collect()
    };
    let frame = df!(
        "id" => rows.iter().map(|r| id(Kind::Sweep, r.id)).collect::<Vec<_>>(),
        "ticker" => rows.iter().map(|r| symbols.ticker(r.symbol_id)).collect::<Vec<_>>(),
        "adjusted" => rows.iter().map(|r| r.adjusted).collect::<Vec<_>>(),
        "combinations" => rows.iter().map(|r| r.combinations).collect::<Vec<_>>(),
        "buy_from" => window(|w| w.0.from as i64),
        "buy_to" => window(|w| w.0.to as i64),
        "buy_step" => window(|w| w.0.step as i64),
        "sell_from" => window(|w| w.1.from as i64),
        "sell_to" => window(|w| w.1.to as i64),
        "sell_step" => window(|w| w.1.step as i64),
        "data_version" => rows.iter().map(|r| r.data_version).collect::<Vec<_>>(),
        "created_at" => rows.iter().map(|r| moment(r.created_at)).collect::<Vec<_>>(),
        "adjustment" => rows.iter().map(|r| name(r.adjustment(symbols.adjusted_until(r.symbol_id)))).collect::<Vec<_>>(),
        "name" => rows.iter().map(|r| r.name.clone()).collect::<Vec<_>>(),
        "engine_version" => rows.iter().map(|r| r.engine_version).collect::<Vec<_>>(),
        "initial_cash" => executions.iter().map(|e| e.initial_cash).collect::<Vec<_>>(),
        "commission" => executions.iter().map(|e| e.commission).collect::<Vec<_>>(),
        "slippage" => executions.iter().map(|e| e.slippage).collect::<Vec<_>>(),
        "fill" => executions.iter().map(|e| name(e.fill)).collect::<Vec<_>>(),
        "whole_shares" => executions.iter().map(|e| e.whole_shares).collect::<Vec<_>>(),
    )?;
    let from = rows.iter().map(|r| Some(r.from_day)).collect();
    let to = rows.iter().map(|r| Some(r.to_day)).collect();
    Ok(with_days(frame, 2, [("from", from), ("to", to)])?)
}

pub(super) async fn sweep(
    app: &App,
    (row, _): (sweep::Model, symbol::Model),
    sender: &Sender,
) -> Result<(), ExportError> {
    let sweep = research::sweep_results(app, &row).await?;
    send(sender, move || {
        let windows: Vec<(usize, usize)> = sweep.windows().collect();
        Ok(df!(
            "buy_window" => windows.iter().map(|w| w.0 as i64).collect::<Vec<_>>(),
            "sell_window" => windows.iter().map(|w| w.1 as i64).collect::<Vec<_>>(),
            "total_return" => &sweep.total_return,
            "max_drawdown" => &sweep.max_drawdown,
            "sharpe" => sweep.sharpe.iter().map(|s| (!s.is_nan()).then_some(*s)).collect::<Vec<_>>(),
            "trade_count" => &sweep.trade_count,
        )?)
    })
    .await
}
