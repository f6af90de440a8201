use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

/// What a job does.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, EnumIter, DeriveActiveEnum, async_graphql::Enum,
)]
#[sea_orm(rs_type = "String", db_type = "Text")]
#[graphql(name = "JobKind")]
pub enum JobKind {
    /// Brings one symbol's bars up to date.
    #[sea_orm(string_value = "REFRESH_SYMBOL")]
    RefreshSymbol,
    /// Fetches the issues of one source.
    #[sea_orm(string_value = "REFRESH_IPOS")]
    RefreshIpos,
    /// Runs a sweep too large to answer at once.
    #[sea_orm(string_value = "SWEEP")]
    Sweep,
    /// Fits and evaluates a forecast model.
    #[sea_orm(string_value = "TRAIN_MODEL")]
    TrainModel,
    /// Reads an uploaded CSV file of prices.
    #[sea_orm(string_value = "IMPORT_PRICES")]
    ImportPrices,
    /// Fetches an exchange's daily files of one month.
    #[sea_orm(string_value = "REFRESH_MARKET")]
    RefreshMarket,
}

/// Where a job stands.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, EnumIter, DeriveActiveEnum, async_graphql::Enum,
)]
#[sea_orm(rs_type = "String", db_type = "Text")]
#[graphql(name = "JobState")]
pub enum JobState {
    /// Waiting for a worker.
    #[sea_orm(string_value = "QUEUED")]
    Queued,
    /// A worker is at it.
    #[sea_orm(string_value = "RUNNING")]
    Running,
    /// It failed or was postponed, and will be tried again by itself.
    #[sea_orm(string_value = "RETRYING")]
    Retrying,
    /// Done.
    #[sea_orm(string_value = "SUCCEEDED")]
    Succeeded,
    /// Given up; `retryJob` starts it again.
    #[sea_orm(string_value = "FAILED")]
    Failed,
    /// Stopped by a person.
    #[sea_orm(string_value = "CANCELLED")]
    Cancelled,
}

impl JobKind {
    /// As the schema spells it.
    #[must_use]
    pub fn name(self) -> String {
        self.to_value()
    }
}

impl JobState {
    /// States that a job leaves by itself.
    pub const ACTIVE: [Self; 3] = [Self::Queued, Self::Running, Self::Retrying];

    /// Whether nothing more will happen to a job in this state.
    #[must_use]
    pub fn is_final(self) -> bool {
        !Self::ACTIVE.contains(&self)
    }
}

/// A job as we keep it: the truth about it, whatever the queue remembers.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "job_records")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub kind: JobKind,
    pub state: JobState,
    pub symbol_id: Option<i64>,
    /// The job itself, as JSON.
    pub payload: String,
    /// At most one active job has this key.
    pub dedupe_key: Option<String>,
    /// At most one running job has this key.
    pub exclusive_key: Option<String>,
    /// The caller's own key: asking again with it answers with the same job.
    pub idempotency_key: Option<String>,
    pub done: i32,
    pub total: Option<i32>,
    pub message: Option<String>,
    /// Times a worker began.
    pub attempts: i32,
    /// Attempts that ended in a fault worth counting against the retry limit.
    pub failures: i32,
    pub added: Option<i32>,
    pub changed: Option<i32>,
    pub unchanged: Option<i32>,
    pub flagged: Option<i32>,
    pub cancel_requested: bool,
    pub worker: Option<String>,
    /// A running job whose worker let this pass belongs to a process that died.
    pub lease_until: Option<i64>,
    pub run_after: i64,
    /// When it was last passed to the queue.
    pub enqueued_at: Option<i64>,
    pub created_at: i64,
    pub started_at: Option<i64>,
    pub finished_at: Option<i64>,
    /// Grows with every change that a person can see.
    pub revision: i32,
    /// The trace of the request that asked for it.
    pub traceparent: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
