//! Every code that an error can have. `docs/errors.md` says of each when it comes and what to do.

use async_graphql::{Error, ErrorExtensions, Pos, ServerError, Value};

macro_rules! codes {
    ($($code:ident = $name:literal,)*) => {
        /// What `extensions.code` says.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Code { $($code,)* }

        impl Code {
            pub const ALL: &[Self] = &[$(Self::$code,)*];

            /// As clients see it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$code => $name,)* }
            }
        }
    };
}

codes! {
    BadRequest = "BAD_REQUEST",
    ParseFailed = "GRAPHQL_PARSE_FAILED",
    ValidationFailed = "GRAPHQL_VALIDATION_FAILED",
    OperationResolutionFailed = "OPERATION_RESOLUTION_FAILED",
    BadUserInput = "BAD_USER_INPUT",
    Unauthenticated = "UNAUTHENTICATED",
    Forbidden = "FORBIDDEN",
    QueryTooComplex = "QUERY_TOO_COMPLEX",
    AnswerTooLarge = "ANSWER_TOO_LARGE",
    ValueOutOfRange = "VALUE_OUT_OF_RANGE",
    LimitExceeded = "LIMIT_EXCEEDED",
    RateLimited = "RATE_LIMITED",
    PersistedQueryNotFound = "PERSISTED_QUERY_NOT_FOUND",
    DocumentNotTrusted = "DOCUMENT_NOT_TRUSTED",
    UploadTooManyFiles = "UPLOAD_TOO_MANY_FILES",
    UploadMapInvalid = "UPLOAD_MAP_INVALID",
    UploadFileReused = "UPLOAD_FILE_REUSED",
    UploadFileMissing = "UPLOAD_FILE_MISSING",
    UploadHandleForged = "UPLOAD_HANDLE_FORGED",
    Timeout = "TIMEOUT",
    Overloaded = "OVERLOADED",
    StorageFull = "STORAGE_FULL",
    Lagged = "LAGGED",
    Internal = "INTERNAL",
}

/// Where an error stands that concerns the whole request.
pub const START: Pos = Pos { line: 1, column: 1 };

impl Code {
    /// A resolver's error.
    #[must_use]
    pub fn error(self, message: impl Into<String>) -> Error {
        Error::new(message).extend_with(|_, extensions| extensions.set("code", self.name()))
    }

    /// An error at a place of the operation's text.
    #[must_use]
    pub fn at(self, pos: Pos, message: impl Into<String>) -> ServerError {
        self.error(message).into_server_error(pos)
    }

    /// An error that concerns the whole request.
    #[must_use]
    pub fn refusal(self, message: impl Into<String>) -> ServerError {
        self.at(START, message)
    }

    /// The code of an error.
    #[must_use]
    pub fn of(error: &ServerError) -> Option<Self> {
        let Value::String(name) = error.extensions.as_ref()?.get("code")? else { return None };
        Self::ALL.iter().copied().find(|code| code.name() == name)
    }
}
