//! The keys that clients give their requests, so that asking again is no second request: each is one caller's, for one kind of
//! request and what it is about, so that no two of these meet whatever a client calls its own.

use sha2::{Digest, Sha256};

use super::{Caller, Credential};
use crate::request::RequestError;

const LONGEST: usize = 200;

/// Checks a client's key.
///
/// # Errors
/// When it is empty or too long.
pub(super) fn check(key: Option<&str>) -> Result<(), RequestError> {
    if key.is_some_and(|key| key.is_empty() || key.len() > LONGEST) {
        let message = format!("an idempotency key has 1 to {LONGEST} bytes");
        return Err(RequestError::invalid("idempotencyKey", message));
    }
    Ok(())
}

/// What a request is remembered by: a digest of its kind, its caller, the client's key and what it is about. Each part comes
/// after its length, as a client may have anything in its own.
pub(super) fn digest(kind: &str, caller: &Caller, key: &str, subject: &str) -> String {
    // A session asks for whoever its token does.
    let whose = match caller.credential {
        Credential::None => format!("nobody {}", caller.name),
        Credential::Settings | Credential::Session { token: None, .. } => "settings".to_owned(),
        Credential::Token(id) | Credential::Session { token: Some(id), .. } => format!("token {id}"),
    };
    let mut digest = Sha256::new();
    for part in [kind, whose.as_str(), key, subject] {
        digest.update((part.len() as u64).to_le_bytes());
        digest.update(part);
    }
    hex::encode(digest.finalize())
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn caller(credential: Credential) -> Caller {
        Caller { credential, ..Caller::anonymous() }
    }

    #[test]
    fn a_key_is_one_caller_s_for_one_request_about_one_thing() {
        let (settings, token) = (caller(Credential::Settings), caller(Credential::Token(1)));
        let mut found = HashSet::new();
        for who in [&settings, &token, &caller(Credential::Token(11)), &Caller::command_line(), &Caller::anonymous()] {
            for kind in ["a", "ab"] {
                for (key, subject) in [("x", "12"), ("x1", "2"), ("x:1", "2"), ("x", ":12"), ("bx", "12")] {
                    assert!(found.insert(digest(kind, who, key, subject)), "{who:?} {kind} {key} {subject}");
                }
            }
        }
        let session = |token| caller(Credential::Session { id: 5, token });
        assert_eq!(digest("a", &session(Some(1)), "x", "2"), digest("a", &token, "x", "2"));
        assert_eq!(digest("a", &session(None), "x", "2"), digest("a", &settings, "x", "2"));
    }

    #[test]
    fn a_key_has_its_length() {
        assert!(check(None).is_ok() && check(Some("x")).is_ok() && check(Some(&"x".repeat(200))).is_ok());
        assert!(check(Some("")).is_err() && check(Some(&"x".repeat(201))).is_err());
    }
}
