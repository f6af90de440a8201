//! Making, listing and revoking tokens on the command line.

use clap::Subcommand;

use super::{CommandError, prepared};
use crate::graphql::{Kind, global_id};
use crate::market::text::clean;
use crate::providers::moment;
use crate::settings::Settings;
use crate::store::{Deed, Role, now};

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

/// What the audit trail tells of a command.
fn deed(action: &str, id: i64, name: &str) -> Deed {
    Deed {
        token: "command line".to_owned(),
        address: None,
        action: action.to_owned(),
        object: Some(global_id(Kind::Token, id).to_string()),
        arguments: serde_json::json!({ "name": name }).to_string(),
        outcome: "OK".to_owned(),
    }
}

const DAY_MS: i64 = 86_400_000;
const LONGEST_NAME: usize = 200;

pub(super) async fn run(settings: Settings, command: TokenCommand) -> Result<(), CommandError> {
    let app = prepared(settings).await?;
    let tokens = app.store.tokens();
    match command {
        TokenCommand::Create { role: Role::Anonymous, .. } => {
            return Err(CommandError::Failed("a token's role is reader, operator or admin".to_owned()));
        }
        TokenCommand::Create { name, role, days } => {
            let name = clean(&name);
            if name.is_empty() || name.chars().count() > LONGEST_NAME {
                return Err(CommandError::Failed(format!("a token's name has 1 to {LONGEST_NAME} characters")));
            }
            let expires_at = days.map(|days| now() + i64::from(days) * DAY_MS);
            let (token, secret) = tokens.create(&name, role, expires_at).await?;
            app.store.audit().record(vec![deed("createToken", token.id, &name)]).await?;
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
                let used =
                    token.last_used_at.map_or_else(|| "not used".to_owned(), |at| format!("used {}", moment(at)));
                let role = format!("{:?}", token.role).to_uppercase();
                println!(
                    "{:>4}  {role:<8}  made {}  {used}  {state}  {}",
                    token.id,
                    moment(token.created_at),
                    token.name
                );
            }
        }
        TokenCommand::Revoke { id } => {
            if !tokens.revoke(id).await? {
                return Err(CommandError::Failed(format!("there is no live token {id}; see `prospectus token list`")));
            }
            app.store.audit().record(vec![deed("revokeToken", id, "")]).await?;
            println!("Revoked {id}.");
        }
    }
    app.store.close().await;
    Ok(())
}
