//! Making, listing and revoking tokens on the command line.

use clap::Subcommand;

use super::{CommandError, prepared};
use crate::providers::moment;
use crate::settings::Settings;
use crate::store::{Role, now};

#[derive(Debug, Subcommand)]
pub(super) enum TokenCommand {
    /// Make a token. It's shown once.
    Create {
        /// Who or what it's for.
        name: String,
        #[arg(long, value_enum, default_value = "operator")]
        role: Role,
        /// Days that it's good for; without end if left out.
        #[arg(long)]
        days: Option<u32>,
    },
    /// List tokens.
    List,
    /// Revoke a token.
    Revoke {
        /// As `list` shows it.
        id: i64,
    },
}

const DAY_MS: i64 = 86_400_000;

pub(super) async fn run(settings: Settings, command: TokenCommand) -> Result<(), CommandError> {
    let app = prepared(settings).await?;
    let tokens = app.store.tokens();
    match command {
        TokenCommand::Create { role: Role::Anonymous, .. } => {
            return Err(CommandError::Failed("a token's role is reader, operator or admin".to_owned()));
        }
        TokenCommand::Create { name, role, days } => {
            let expires_at = days.map(|days| now() + i64::from(days) * DAY_MS);
            let (_, secret) = tokens.create(&name, role, expires_at).await?;
            println!("{secret}");
        }
        TokenCommand::List => {
            for token in tokens.list().await? {
                let state = match (token.revoked_at, token.expires_at) {
                    (Some(at), _) => format!("revoked {}", moment(at)),
                    (None, Some(at)) if at <= now() => format!("expired {}", moment(at)),
                    (None, Some(at)) => format!("good until {}", moment(at)),
                    (None, None) => "good".to_owned(),
                };
                let role = format!("{:?}", token.role).to_uppercase();
                println!("{:>4}  {role:<8}  made {}  {state}  {}", token.id, moment(token.created_at), token.name);
            }
        }
        TokenCommand::Revoke { id } => {
            if !tokens.revoke(id).await? {
                return Err(CommandError::Failed(format!("there is no live token {id}; see `prospectus token list`")));
            }
            println!("Revoked {id}.");
        }
    }
    app.store.close().await;
    Ok(())
}
