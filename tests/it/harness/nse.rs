//! A stand-in for the NSE that wants cookies from its home page before it hands out data.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use wiremock::matchers::method;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

#[derive(Default)]
struct State {
    pages: HashMap<String, String>,
    /// Answered instead of anything else, a status and a page.
    denial: Option<(u16, String)>,
    asked: Vec<String>,
    visits: usize,
    /// The cookie that is good now.
    session: usize,
}

pub struct NseStub {
    server: MockServer,
    state: Arc<Mutex<State>>,
}

struct Responder(Arc<Mutex<State>>);

impl Respond for Responder {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let mut state = self.0.lock().expect("a state");
        let path = request.url.path().to_owned();
        state.asked.push(path.clone());
        if let Some((status, page)) = &state.denial {
            return ResponseTemplate::new(*status).set_body_raw(page.clone(), "text/html");
        }
        if path == "/" {
            state.visits += 1;
            let cookie = format!("session={}; Path=/", state.session);
            return ResponseTemplate::new(200)
                .set_body_raw("<html>home</html>", "text/html")
                .insert_header("set-cookie", cookie);
        }
        let cookie = request.headers.get("cookie").and_then(|c| c.to_str().ok()).unwrap_or_default();
        if cookie != format!("session={}", state.session) {
            return ResponseTemplate::new(401).set_body_raw("<html>no cookies</html>", "text/html");
        }
        match state.pages.get(&path) {
            Some(body) => ResponseTemplate::new(200).set_body_raw(body.clone(), "application/json"),
            None if path == "/api/ipo-detail" => ResponseTemplate::new(404),
            None if path == "/api/ipo-active-category" => ResponseTemplate::new(404),
            None => ResponseTemplate::new(200).set_body_raw("[]", "application/json"),
        }
    }
}

impl NseStub {
    pub async fn start() -> Self {
        let server = MockServer::start().await;
        let state: Arc<Mutex<State>> = Arc::default();
        Mock::given(method("GET")).respond_with(Responder(state.clone())).mount(&server).await;
        Self { server, state }
    }

    pub fn url(&self) -> String {
        self.server.uri()
    }

    pub fn page(&self, path: &str, body: &str) {
        self.state.lock().expect("a state").pages.insert(path.to_owned(), body.to_owned());
    }

    pub fn deny(&self, denial: Option<(u16, &str)>) {
        self.state.lock().expect("a state").denial = denial.map(|(status, page)| (status, page.to_owned()));
    }

    /// Makes the cookies that were handed out worthless.
    pub fn forget_sessions(&self) {
        self.state.lock().expect("a state").session += 1;
    }

    pub fn visits(&self) -> usize {
        self.state.lock().expect("a state").visits
    }

    pub fn asked(&self) -> usize {
        self.state.lock().expect("a state").asked.len()
    }
}
