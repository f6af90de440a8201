//! Making, listing and revoking tokens on the command line.

use clap::Subcommand;
use serde_json::{Value, json};

use super::errors::CommandError;
use super::prepare::prepared;
use crate::actions::{Caller, tokens};
use crate::graphql::{Kind, global_id};
use crate::providers::moment;
use crate::request::RequestError;
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
fn deed(action: &str, id: i64, arguments: &Value) -> Deed {
    Deed {
        token: "command line".to_owned(),
        address: None,
        action: action.to_owned(),
        object: Some(global_id(Kind::Token, id).to_string()),
        arguments: arguments.to_string(),
        outcome: "OK".to_owned(),
    }
}

pub(super) async fn run(settings: Settings, command: TokenCommand) -> Result<(), CommandError> {
    let app = prepared(settings).await?;
    let caller = Caller::command_line();
    match command {
        TokenCommand::Create { role: Role::Anonymous, .. } => {
            return Err(CommandError::Failed("a token's role is reader, operator or admin".to_owned()));
        }
        TokenCommand::Create { name, role, days } => {
            let days = days.map(|days| i32::try_from(days).unwrap_or(i32::MAX));
            let made = tokens::create(&app, &caller, &name, role, days).await;
            let (token, secret) = made.map_err(|e| CommandError::Failed(e.to_string()))?;
            let arguments = json!({ "name": token.name, "role": token.role.name(), "days": days });
            app.store.audit().record(vec![deed("createToken", token.id, &arguments)]).await?;
            say!("{secret}");
        }
        TokenCommand::List => {
            for token in tokens::list(&app, &caller).await.map_err(|e| CommandError::Failed(e.to_string()))? {
                let state = match (token.revoked_at, token.expires_at) {
                    (Some(at), _) => format!("revoked {}", moment(at)),
                    (None, Some(at)) if at <= now() => format!("expired {}", moment(at)),
                    (None, Some(at)) => format!("good until {}", moment(at)),
                    (None, None) => "good".to_owned(),
                };
                let used =
                    token.last_used_at.map_or_else(|| "not used".to_owned(), |at| format!("used {}", moment(at)));
                let role = token.role.name();
                say!("{:>4}  {role:<8}  made {}  {used}  {state}  {}", token.id, moment(token.created_at), token.name);
            }
        }
        TokenCommand::Revoke { id } => {
            match tokens::revoke(&app, &caller, id).await {
                Err(RequestError::NotFound { .. }) => {
                    let message = format!("there is no live token {id}; see `prospectus token list`");
                    return Err(CommandError::Failed(message));
                }
                other => other.map_err(|e| CommandError::Failed(e.to_string()))?,
            }
            app.store.audit().record(vec![deed("revokeToken", id, &json!({}))]).await?;
            say!("Revoked {id}.");
        }
    }
    app.store.close().await;
    Ok(())
}
