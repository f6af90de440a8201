//! The rows behind the events: each is loaded once a process, however many follow, and each of its revisions goes out
//! once, however many events tell of it.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use async_recursion::async_recursion as boxed;
use sea_orm::{ColumnTrait, Condition, DatabaseConnection, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::sync::{Notify, broadcast};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

use super::changes::{ChangeKind, Event, IpoUpdate, JobUpdate, Update};
use super::clock::{Millis, present};
use super::entity::job::JobState;
use super::entity::{deleted_ipo, ipo, job, symbol};
use super::errors::Result;
use crate::telemetry::metrics;

/// Rows that are loaded by one statement.
const BATCH: usize = 500;
/// How often jobs are compared with the updates that were sent: a change whose event was lost is sent then.
const COMPARE: Duration = Duration::from_secs(15);
/// Before another try when rows can't be read.
const RETRY: Duration = Duration::from_millis(500);
/// Ends that may have been committed so long after the moment they bear.
const MARGIN_MS: Millis = 120_000;
/// Ended jobs whose last update is remembered.
const REMEMBERED: usize = 20_000;
/// More missed changes than this are too many to be sent one by one.
const MOST_MISSED: u64 = 5_000;

/// What a look at the events found.
#[derive(Debug, Default)]
struct News {
    jobs: HashSet<i64>,
    /// In the order of their events.
    ipos: Vec<IpoNews>,
    compare: bool,
    lost: bool,
}

/// What the events of one IPO say together.
#[derive(Debug, Clone, Copy)]
struct IpoNews {
    id: i64,
    is_new: bool,
    is_deleted: bool,
}

impl News {
    fn add(&mut self, event: &Event) {
        match *event {
            Event::Job(id) => {
                self.jobs.insert(id);
            }
            Event::Ipo { id, is_new, is_deleted } => match self.ipos.iter_mut().find(|known| known.id == id) {
                Some(known) => {
                    known.is_new |= is_new;
                    known.is_deleted |= is_deleted;
                }
                None => self.ipos.push(IpoNews { id, is_new, is_deleted }),
            },
            Event::Resync => self.lose(),
        }
    }

    fn lose(&mut self) {
        self.compare = true;
        self.lost = true;
    }

    fn len(&self) -> usize {
        self.jobs.len() + self.ipos.len()
    }
}

/// Where everybody's following begins: what was so before isn't news.
#[derive(Debug)]
struct Baseline {
    at: Millis,
    active: HashMap<i64, i32>,
}

/// Loads rows and passes them on.
pub(super) struct Feed {
    read: DatabaseConnection,
    updates: broadcast::Sender<Update>,
    /// Somebody has begun to follow.
    followed: Arc<Notify>,
    /// Since when somebody does.
    since: Option<Instant>,
    /// The revision of each job that was sent last.
    sent: HashMap<i64, i32>,
    /// Those of them that have ended, the oldest first.
    ended: VecDeque<i64>,
    baseline: Option<Baseline>,
    compared_at: Millis,
}

impl Feed {
    pub(super) fn new(read: DatabaseConnection, updates: broadcast::Sender<Update>, followed: Arc<Notify>) -> Self {
        let (sent, ended) = (HashMap::new(), VecDeque::new());
        Self { read, updates, followed, since: None, sent, ended, baseline: None, compared_at: 0 }
    }

    /// Runs until there are no more events.
    #[boxed]
    pub(super) async fn run(&mut self, mut events: broadcast::Receiver<Event>) {
        let mut ticks = interval(COMPARE);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // A feed that had stopped may have missed some.
        let mut news = News { compare: self.baseline.is_some(), lost: self.baseline.is_some(), ..News::default() };
        loop {
            if !news.compare && news.len() == 0 {
                tokio::select! {
                    event = events.recv() => match event {
                        Ok(event) => news.add(&event),
                        Err(RecvError::Lagged(_)) => {
                            metrics::event_lag();
                            news.lose();
                        }
                        Err(RecvError::Closed) => return,
                    },
                    () = self.followed.notified() => {}
                    _ = ticks.tick() => news.compare = true,
                }
            }
            while news.len() < BATCH {
                match events.try_recv() {
                    Ok(event) => news.add(&event),
                    Err(TryRecvError::Lagged(_)) => {
                        metrics::event_lag();
                        news.lose();
                    }
                    Err(TryRecvError::Empty | TryRecvError::Closed) => break,
                }
            }
            if self.updates.receiver_count() == 0 {
                self.forget();
                news = News::default();
                continue;
            }
            self.since.get_or_insert_with(Instant::now);
            match self.send_news(&mut news).await {
                Ok(()) => news = News::default(),
                Err(error) => {
                    // What is sent stays sent, the rest is tried again.
                    tracing::warn!(%error, "changes could not be read and are sent later");
                    sleep(RETRY).await;
                }
            }
        }
    }

    fn forget(&mut self) {
        self.sent.clear();
        self.ended.clear();
        self.baseline = None;
        self.since = None;
    }

    async fn send_news(&mut self, news: &mut News) -> Result<()> {
        if self.baseline.is_none() {
            // However long the database couldn't say it: the moment when following began.
            let waited = |since: Instant| Millis::try_from(since.elapsed().as_millis()).unwrap_or(0);
            let at = present(&self.read).await? - self.since.map_or(0, waited);
            self.baseline = Some(Baseline { at, active: self.active().await?.into_iter().collect() });
            self.compared_at = at;
        }
        if !news.ipos.is_empty() {
            self.send_ipos(&news.ipos).await?;
            news.ipos.clear();
        }
        if !news.jobs.is_empty() {
            let ids: Vec<i64> = news.jobs.iter().copied().collect();
            self.send_jobs(&ids).await?;
            news.jobs.clear();
        }
        if news.lost {
            self.send(Update::MissedIpos);
            news.lost = false;
        }
        if news.compare {
            self.compare().await?;
        }
        Ok(())
    }

    /// Sends every job whose revision isn't the one sent last.
    async fn compare(&mut self) -> Result<()> {
        let Some(baseline) = &self.baseline else { return Ok(()) };
        let now = present(&self.read).await?;
        let since = baseline.at.max(self.compared_at - MARGIN_MS);
        let ended: Vec<(i64, i32)> = job::Entity::find()
            .select_only()
            .columns([job::Column::Id, job::Column::Revision])
            .filter(Condition::all().add(job::Column::FinishedAt.gte(since)))
            .limit(MOST_MISSED + 1)
            .into_tuple()
            .all(&self.read)
            .await?;
        let mut present = self.active().await?;
        present.extend(ended);
        let is_news = |(id, revision): &&(i64, i32)| {
            let known = self.sent.get(id).or_else(|| baseline.active.get(id));
            known.is_none_or(|known| known < revision)
        };
        let ids: Vec<i64> = present.iter().filter(is_news).map(|(id, _)| *id).collect();
        if ids.len() as u64 > MOST_MISSED {
            self.send(Update::MissedJobs);
            (self.baseline, self.since) = (None, None);
            return Ok(());
        }
        for ids in ids.chunks(BATCH) {
            self.send_jobs(ids).await?;
        }
        self.compared_at = now;
        Ok(())
    }

    /// Jobs that haven't ended, with their revisions.
    async fn active(&self) -> Result<Vec<(i64, i32)>> {
        let query = job::Entity::find()
            .select_only()
            .columns([job::Column::Id, job::Column::Revision])
            .filter(job::Column::State.is_in(JobState::ACTIVE));
        Ok(query.into_tuple().all(&self.read).await?)
    }

    async fn send_jobs(&mut self, ids: &[i64]) -> Result<()> {
        let mut jobs: Vec<job::Model> =
            job::Entity::find().filter(job::Column::Id.is_in(ids.iter().copied())).all(&self.read).await?;
        jobs.retain(|job| self.sent.get(&job.id).is_none_or(|sent| *sent < job.revision));
        jobs.sort_unstable_by_key(|job| (job.finished_at.unwrap_or(Millis::MAX), job.id));
        let succeeded = jobs.iter().filter(|job| job.state == JobState::Succeeded);
        let symbol_ids: HashSet<i64> = succeeded.filter_map(|job| job.symbol_id).collect();
        let symbols = if symbol_ids.is_empty() {
            Vec::new()
        } else {
            symbol::Entity::find().filter(symbol::Column::Id.is_in(symbol_ids)).all(&self.read).await?
        };
        let symbols: HashMap<i64, Arc<symbol::Model>> = symbols.into_iter().map(|s| (s.id, Arc::new(s))).collect();
        for job in jobs {
            self.remember(&job);
            let is_done = job.state == JobState::Succeeded;
            let symbol = job.symbol_id.filter(|_| is_done).and_then(|id| symbols.get(&id).cloned());
            self.send(Update::Job(Arc::new(JobUpdate { job, symbol })));
        }
        Ok(())
    }

    fn remember(&mut self, job: &job::Model) {
        self.sent.insert(job.id, job.revision);
        if !job.state.is_final() {
            return;
        }
        self.ended.push_back(job.id);
        while self.ended.len() > REMEMBERED {
            if let Some(oldest) = self.ended.pop_front() {
                self.sent.remove(&oldest);
            }
        }
    }

    async fn send_ipos(&self, ipos: &[IpoNews]) -> Result<()> {
        for ipos in ipos.chunks(BATCH) {
            let ids = ipos.iter().map(|news| news.id);
            let rows = ipo::Entity::find().filter(ipo::Column::Id.is_in(ids)).all(&self.read).await?;
            let mut by_id: HashMap<i64, ipo::Model> = rows.into_iter().map(|row| (row.id, row)).collect();
            let gone: Vec<i64> = ipos
                .iter()
                .filter(|news| news.is_deleted && !by_id.contains_key(&news.id))
                .map(|news| news.id)
                .collect();
            let mut deleted = self.deleted(gone).await?;
            for news in ipos {
                let update = match by_id.remove(&news.id) {
                    Some(row) if news.is_new => Some((row, ChangeKind::Created)),
                    Some(row) => Some((row, ChangeKind::Updated)),
                    // One that is gone and was not yet announced is announced as deleted.
                    None => deleted.remove(&news.id).map(|row| (row, ChangeKind::Deleted)),
                };
                if let Some((row, change)) = update {
                    self.send(Update::Ipo(Arc::new(IpoUpdate { ipo: Arc::new(row), change })));
                }
            }
        }
        Ok(())
    }

    /// Deleted IPOs as they were. Their stocks aren't asked for, which may be gone.
    async fn deleted(&self, ids: Vec<i64>) -> Result<HashMap<i64, ipo::Model>> {
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let kept = deleted_ipo::Entity::find()
            .filter(deleted_ipo::Column::IpoId.is_in(ids))
            .order_by_asc(deleted_ipo::Column::Id)
            .all(&self.read)
            .await?;
        Ok(kept.iter().filter_map(|kept| Some((kept.ipo_id?, kept.whole()?.ipo))).collect())
    }

    fn send(&self, update: Update) {
        // Nobody following is no error.
        let _ = self.updates.send(update);
    }
}
