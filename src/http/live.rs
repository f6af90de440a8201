//! Ends what stays open once its token has ended. One look at the database a second serves all sockets and streams.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::actions::Credential;
use crate::app::App;
use crate::store::StoreError;

/// How long a connection may outlive its token.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// The credentials of what is open now.
#[derive(Clone, Default)]
pub(super) struct Live(Arc<Mutex<HashMap<Credential, (CancellationToken, usize)>>>);

/// One open connection's share.
pub(super) struct Watched {
    live: Live,
    credential: Credential,
    /// Cancelled when the credential has ended.
    pub ended: CancellationToken,
}

impl Live {
    /// Watches a credential for as long as the answer is kept.
    pub(super) fn watch(&self, credential: Credential) -> Watched {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = open.entry(credential).or_insert_with(|| (CancellationToken::new(), 0));
        entry.1 += 1;
        Watched { live: self.clone(), credential, ended: entry.0.clone() }
    }

    /// Looks for as long as the process lives.
    pub(super) async fn look(self, app: App) {
        let stop = app.shutdown.clone();
        while stop.run_until_cancelled(tokio::time::sleep(LOOK_EVERY)).await.is_some() {
            let open: Vec<Credential> = {
                let open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
                open.keys()
                    .copied()
                    .filter(|c| matches!(c, Credential::Token(_) | Credential::Session { .. }))
                    .collect()
            };
            if open.is_empty() {
                continue;
            }
            match ended_of(&app, &open).await {
                Ok(ended) => self.end(&ended),
                // What can't be looked up now is looked up again; running anything over it asks the database itself.
                Err(error) => tracing::warn!(%error, "open connections' tokens could not be looked up"),
            }
        }
    }

    fn end(&self, ended: &[Credential]) {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for credential in ended {
            if let Some((token, _)) = open.remove(credential) {
                token.cancel();
            }
        }
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        let mut open = self.live.0.lock().unwrap_or_else(PoisonError::into_inner);
        // What has ended went with its entry: one that is there by now is of connections that came after.
        if self.ended.is_cancelled() {
            return;
        }
        if let Some(entry) = open.get_mut(&self.credential) {
            entry.1 -= 1;
            if entry.1 == 0 {
                open.remove(&self.credential);
            }
        }
    }
}

async fn ended_of(app: &App, open: &[Credential]) -> Result<Vec<Credential>, StoreError> {
    let tokens: Vec<i64> =
        open.iter().filter_map(|c| if let Credential::Token(id) = c { Some(*id) } else { None }).collect();
    let sessions: Vec<i64> =
        open.iter().filter_map(|c| if let Credential::Session { id, .. } = c { Some(*id) } else { None }).collect();
    let live_tokens = if tokens.is_empty() { HashSet::default() } else { app.store.tokens().live_of(&tokens).await? };
    let live_sessions =
        if sessions.is_empty() { HashSet::default() } else { app.store.sessions().live_of(&sessions).await? };
    let is_over = |credential: &Credential| match credential {
        Credential::Token(id) => !live_tokens.contains(id),
        Credential::Session { id, .. } => !live_sessions.contains(id),
        Credential::None | Credential::Settings => false,
    };
    Ok(open.iter().copied().filter(is_over).collect())
}

/// Whether a credential is still good, asked before each operation over a connection that stays open.
pub(super) async fn is_good(app: &App, credential: Credential) -> Result<bool, StoreError> {
    Ok(ended_of(app, &[credential]).await?.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_that_end_leave_later_ones_watched() {
        let (live, token) = (Live::default(), Credential::Token(1));
        let old = live.watch(token);
        live.end(&[token]);
        let late = live.watch(token);
        drop(old);
        live.end(&[token]);
        assert!(late.ended.is_cancelled());
        drop(late);
        drop(live.watch(token));
        assert!(live.0.lock().expect("no panic").is_empty());
    }
}
