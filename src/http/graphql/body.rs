//! From bytes to a request: JSON, a query string, or a form with files. Each has its bounds in bytes and in time.

use std::collections::HashMap;
use std::io::{Seek, SeekFrom};
use std::time::Duration;

use async_graphql::{Request as GraphQLRequest, UploadValue, Value, Variables};
use axum::body::Body;
use axum::http::StatusCode;
use futures_util::StreamExt;
use serde::Deserialize;
use tokio::io::AsyncWriteExt;
use tokio::sync::OwnedSemaphorePermit;
use url::form_urlencoded;

use crate::graphql::Code;
use crate::http::gate::Gate;
use crate::http::rates::Client;
use crate::http::shares::{Room, Shares};

/// An operation and its variables.
const LARGEST_JSON: usize = 1 << 20;
/// The same as a message of a socket: what it begins with is kept until its end comes, however long that takes, in a buffer
/// of up to twice its length, by as many sockets as there may be.
pub(super) const LARGEST_MESSAGE: usize = 64 << 10;
/// A file.
pub(super) const LARGEST_UPLOAD: u64 = 64 << 20;
/// Where the files go, as a part of a form.
const LARGEST_MAP: usize = 64 << 10;
/// Files in one request.
const MOST_FILES: usize = 1;
/// What a body may have without asking for room, and how long one that is longer waits for it.
const SHORT_JSON: usize = 16 << 10;
const ROOM_WAIT: Duration = Duration::from_secs(5);
/// How long a body may take to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(15);
const UPLOAD_TIMEOUT: Duration = Duration::from_mins(2);

/// Why a body is no request.
#[derive(Debug)]
pub(in crate::http) struct Malformed {
    pub status: StatusCode,
    pub code: Code,
    pub message: String,
}

impl Malformed {
    fn new(message: impl Into<String>) -> Self {
        Self::upload(Code::BadRequest, message)
    }

    fn upload(code: Code, message: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, code, message: message.into() }
    }

    fn too_large(message: impl Into<String>) -> Self {
        Self { status: StatusCode::PAYLOAD_TOO_LARGE, code: Code::BadRequest, message: message.into() }
    }

    fn crowded() -> Self {
        Self {
            status: StatusCode::SERVICE_UNAVAILABLE,
            code: Code::Overloaded,
            message: "Too many long requests come in at once; try again shortly".to_owned(),
        }
    }

    fn slow() -> Self {
        Self {
            status: StatusCode::REQUEST_TIMEOUT,
            code: Code::BadRequest,
            message: "The request took too long to arrive".to_owned(),
        }
    }
}

/// A request and the name of a registered operation.
#[derive(Debug)]
pub(super) struct Parsed {
    pub request: GraphQLRequest,
    pub document_id: Option<String>,
    /// What a long one has of the processors until it is let in.
    pub reading: Option<OwnedSemaphorePermit>,
}

/// The parameters of an operation, as the GraphQL over HTTP specification names them.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Parameters {
    query: Option<String>,
    operation_name: Option<String>,
    variables: Option<serde_json::Map<String, serde_json::Value>>,
    extensions: Option<serde_json::Map<String, serde_json::Value>>,
    document_id: Option<String>,
}

impl Parameters {
    fn into_parsed(self) -> Parsed {
        let mut request = GraphQLRequest::new(self.query.unwrap_or_default());
        request.operation_name = self.operation_name;
        request.variables = Variables::from_json(self.variables.unwrap_or_default().into());
        if let Some(extensions) = self.extensions
            && let Ok(Value::Object(extensions)) = Value::from_json(extensions.into())
        {
            request.extensions = self::extensions(extensions);
        }
        Parsed { request, document_id: self.document_id, reading: None }
    }
}

/// A request's extensions as the library wants them.
pub(super) fn extensions(
    fields: async_graphql::indexmap::IndexMap<async_graphql::Name, Value>,
) -> async_graphql::Extensions {
    async_graphql::Extensions(fields.into_iter().map(|(name, value)| (name.to_string(), value)).collect())
}

/// Reads a body of JSON.
///
/// A long one comes with the room that it takes among all that are in memory.
pub(super) async fn json(
    body: Body,
    announced: Option<usize>,
    client: Client,
    gate: &Gate,
) -> Result<(Parsed, Option<Room>), Malformed> {
    let (bytes, room) = whole(body, announced, LARGEST_JSON, client, &gate.bodies).await?;
    let reading = gate.reading_permit(bytes.len()).await.ok_or_else(Malformed::crowded)?;
    Ok((Parsed { reading, ..parameters(&bytes)? }, room))
}

/// Reads a body of so many bytes at most, all of it in time.
pub(in crate::http) async fn whole(
    body: Body,
    announced: Option<usize>,
    most: usize,
    client: Client,
    bodies: &Shares,
) -> Result<(Vec<u8>, Option<Room>), Malformed> {
    tokio::time::timeout(BODY_TIMEOUT, read(body, announced, most, client, bodies))
        .await
        .map_err(|_| Malformed::slow())?
}

async fn read(
    body: Body,
    announced: Option<usize>,
    most: usize,
    client: Client,
    bodies: &Shares,
) -> Result<(Vec<u8>, Option<Room>), Malformed> {
    let refused = || {
        let most = most >> 10;
        Malformed::too_large(format!(
            "The request is longer than {most} KiB, comes in pieces of a few bytes, or broke off"
        ))
    };
    let all = announced.unwrap_or(most);
    if all > most {
        return Err(refused());
    }
    let mut held = match announced {
        Some(bytes) if bytes > SHORT_JSON => room_for(bytes, client, bodies).await?,
        _ => None,
    };
    let mut bytes = Vec::new();
    let mut pieces = body.into_data_stream();
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(|_| refused())?;
        if bytes.len() + piece.len() > most {
            return Err(refused());
        }
        if held.is_none() && bytes.len() + piece.len() > SHORT_JSON {
            held = room_for(all, client, bodies).await?;
        }
        bytes.extend_from_slice(&piece);
    }
    Ok((bytes, held))
}

async fn room_for(bytes: usize, client: Client, bodies: &Shares) -> Result<Option<Room>, Malformed> {
    tokio::time::timeout(ROOM_WAIT, bodies.room(client, bytes)).await.map_err(|_| Malformed::crowded())
}

fn parameters(bytes: &[u8]) -> Result<Parsed, Malformed> {
    // Some editors begin a text with a mark of its encoding.
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    match bytes.iter().find(|b| !b.is_ascii_whitespace()) {
        Some(b'{') => {}
        Some(b'[') => return Err(Malformed::new("Batches are not taken: send one operation a request")),
        _ => return Err(Malformed::new("The body must be a JSON object with \"query\"")),
    }
    Ok(serde_json::from_slice::<Parameters>(bytes).map_err(|error| not_json("The body", &error))?.into_parsed())
}

/// Why something isn't what it should be as JSON.
fn not_json(what: &str, error: &serde_json::Error) -> Malformed {
    const TYPES: &str = "\"query\", \"operationName\" and \"documentId\" are texts, \"variables\" and \"extensions\" objects, each once";
    let place = format!("line {}, column {}", error.line(), error.column());
    Malformed::new(match error.classify() {
        serde_json::error::Category::Data => format!("{what} is not an operation ({place}): {TYPES}"),
        serde_json::error::Category::Eof => format!("{what} is not JSON: it breaks off at {place}"),
        _ if error.to_string().starts_with("number out of range") => {
            format!("{what} has a number that is too large ({place}): the largest is about 1.8e308")
        }
        _ => format!("{what} is not JSON: look at {place}"),
    })
}

/// Reads a query string.
pub(super) async fn query_string(text: &str, gate: &Gate) -> Result<Parsed, Malformed> {
    let reading = gate.reading_permit(text.len()).await.ok_or_else(Malformed::crowded)?;
    let mut found: HashMap<String, String> = HashMap::new();
    for (name, value) in form_urlencoded::parse(text.as_bytes()) {
        found.insert(name.into_owned(), value.into_owned());
    }
    let object = |name: &str| match found.get(name).filter(|text| !text.is_empty()) {
        None => Ok(None),
        Some(text) => serde_json::from_str(text).map_err(|error: serde_json::Error| {
            let place = format!("line {}, column {}", error.line(), error.column());
            Malformed::new(format!("{name:?} must be a JSON object: look at {place}"))
        }),
    };
    let parameters = Parameters {
        query: found.get("query").cloned(),
        operation_name: found.get("operationName").filter(|name| !name.is_empty()).cloned(),
        variables: object("variables")?,
        extensions: object("extensions")?,
        document_id: found.get("documentId").cloned(),
    };
    Ok(Parsed { reading, ..parameters.into_parsed() })
}

/// Reads a form with a file, by the GraphQL multipart request specification. The file goes to disk as it comes.
pub(super) async fn form(boundary: String, body: Body, gate: &Gate) -> Result<Parsed, Malformed> {
    tokio::time::timeout(UPLOAD_TIMEOUT, parts(boundary, body, gate)).await.map_err(|_| Malformed::slow())?
}

async fn parts(boundary: String, body: Body, gate: &Gate) -> Result<Parsed, Malformed> {
    let limits = multer::SizeLimit::new()
        .whole_stream(LARGEST_UPLOAD + (2 << 20))
        .per_field(LARGEST_UPLOAD)
        .for_field("operations", LARGEST_JSON as u64)
        .for_field("map", LARGEST_MAP as u64);
    let mut form = multer::Multipart::with_constraints(
        body.into_data_stream(),
        boundary,
        multer::Constraints::new().size_limit(limits),
    );
    let mut operations = None;
    let mut map: Option<HashMap<String, Vec<String>>> = None;
    let mut files: HashMap<String, UploadValue> = HashMap::new();
    while let Some(part) = form.next_field().await.map_err(broken)? {
        match part.name() {
            Some(name) if (name == "operations" && operations.is_some()) || (name == "map" && map.is_some()) => {
                return Err(Malformed::new(format!("The form has the part {name:?} twice")));
            }
            Some("operations") => {
                let bytes = part.bytes().await.map_err(broken)?;
                let _reading = gate.reading_permit(bytes.len()).await.ok_or_else(Malformed::crowded)?;
                operations = Some(parameters(&bytes)?);
            }
            Some("map") => {
                let bytes = part.bytes().await.map_err(broken)?;
                let read = serde_json::from_slice(&bytes);
                map = Some(read.map_err(|_| {
                    Malformed::upload(
                        Code::UploadMapInvalid,
                        "\"map\" must be a JSON object such as {\"0\": [\"variables.file\"]}",
                    )
                })?);
            }
            Some(name) => {
                if files.len() == MOST_FILES {
                    let message =
                        format!("A request takes at most {MOST_FILES} file; send each in a request of its own");
                    return Err(Malformed::upload(Code::UploadTooManyFiles, message));
                }
                let name = name.to_owned();
                files.insert(name, stored(part).await?);
            }
            None => return Err(Malformed::new("A part of the form has no name")),
        }
    }
    let mut parsed = operations.ok_or_else(|| Malformed::new("The form has no part \"operations\""))?;
    let map = map.ok_or_else(|| {
        Malformed::upload(
            Code::UploadMapInvalid,
            "The form has no part \"map\" that says where the file goes, such as {\"0\": [\"variables.file\"]}",
        )
    })?;
    place(&mut parsed.request, map, files)?;
    Ok(parsed)
}

/// Writes a file to disk as it comes.
async fn stored(mut part: multer::Field<'_>) -> Result<UploadValue, Malformed> {
    let failed = |error: std::io::Error| Malformed {
        status: StatusCode::SERVICE_UNAVAILABLE,
        code: Code::Overloaded,
        message: format!("The file could not be kept: {}", error.kind()),
    };
    let filename = part.file_name().unwrap_or("file").chars().take(255).collect();
    let content_type = part.content_type().map(ToString::to_string);
    let file = tokio::task::spawn_blocking(tempfile::tempfile).await.map_err(|e| failed(std::io::Error::other(e)))?;
    let mut file = tokio::fs::File::from_std(file.map_err(failed)?);
    while let Some(chunk) = part.chunk().await.map_err(broken)? {
        file.write_all(&chunk).await.map_err(failed)?;
    }
    file.flush().await.map_err(failed)?;
    let mut content = file.into_std().await;
    content.seek(SeekFrom::Start(0)).map_err(failed)?;
    Ok(UploadValue { filename, content_type, content })
}

/// Puts files where the map says.
fn place(
    request: &mut GraphQLRequest,
    map: HashMap<String, Vec<String>>,
    mut files: HashMap<String, UploadValue>,
) -> Result<(), Malformed> {
    if map.len() > MOST_FILES {
        let message = format!("\"map\" names {} files; a request takes at most {MOST_FILES}", map.len());
        return Err(Malformed::upload(Code::UploadTooManyFiles, message));
    }
    for (name, paths) in map {
        let file = files.remove(&name).ok_or_else(|| {
            let message = format!("\"map\" names the file {:?}, and the form has no such part", short(&name));
            Malformed::upload(Code::UploadFileMissing, message)
        })?;
        let path = match paths.as_slice() {
            [path] => path,
            [] => {
                let message = format!("\"map\" gives the file {:?} no place among the variables", short(&name));
                return Err(Malformed::upload(Code::UploadMapInvalid, message));
            }
            _ => {
                let message = format!(
                    "\"map\" gives the file {:?} {} places; a file has one. Send it once for each place",
                    short(&name),
                    paths.len()
                );
                return Err(Malformed::upload(Code::UploadFileReused, message));
            }
        };
        let is_free = path.strip_prefix("variables.").is_some_and(|rest| is_null(&request.variables, rest));
        if !is_free {
            let message = format!(
                "\"map\" sends a file to {:?}, and there is no null at this place of \"operations\"",
                short(path)
            );
            return Err(Malformed::upload(Code::UploadMapInvalid, message));
        }
        request.set_upload(path, file);
    }
    match files.keys().next() {
        Some(name) => {
            let message = format!("The file {:?} has no place in \"map\"", short(name));
            Err(Malformed::upload(Code::UploadMapInvalid, message))
        }
        None => Ok(()),
    }
}

/// Whether a path leads to a null.
fn is_null(variables: &Variables, path: &str) -> bool {
    let mut steps = path.split('.');
    let first = steps.next().and_then(|name| variables.get(&async_graphql::Name::new(name)));
    let end = steps.try_fold(first, |value, step| match value {
        Some(Value::Object(fields)) => Some(fields.get(step)),
        Some(Value::List(items)) => Some(step.parse::<usize>().ok().and_then(|i| items.get(i))),
        _ => None,
    });
    matches!(end, Some(Some(Value::Null)))
}

fn short(text: &str) -> String {
    text.chars().take(80).collect()
}

fn broken(error: multer::Error) -> Malformed {
    match error {
        multer::Error::FieldSizeExceeded { limit, field_name } => Malformed::too_large(format!(
            "The part {:?} is longer than {} KiB",
            short(&field_name.unwrap_or_default()),
            limit >> 10
        )),
        multer::Error::StreamSizeExceeded { limit } => {
            Malformed::too_large(format!("The request is longer than {} MiB", limit >> 20))
        }
        multer::Error::IncompleteFieldData { .. }
        | multer::Error::IncompleteHeaders
        | multer::Error::IncompleteStream
        | multer::Error::StreamReadFailed(_) => Malformed::new(
            "The form breaks off: it ends with the boundary that Content-Type names, between two pairs of hyphens",
        ),
        _ => Malformed::new(
            "The form can't be read: a part begins with the boundary that Content-Type names and with \
             Content-Disposition: form-data; name=\"…\"",
        ),
    }
}
