//! What followers of IPOs are told of deletions, and when they can't keep up.

use std::time::Duration;

use prospectus::market::{DataSource, Exchange, ipo::IpoField};
use prospectus::store::entity::ipo::Model;
use prospectus::store::{Event, now};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::on_each_database;
use crate::subscriptions::{connect, receive, subscribe};

/// More than the service keeps for a follower, with what the connection itself holds.
const ROUNDS: usize = 24;
const ROWS: usize = 500;

async fn told(socket: &mut crate::subscriptions::Socket) -> Value {
    receive(socket).await.expect("news")["payload"]["data"]["ipoChanged"].clone()
}

on_each_database! {
    async fn a_deletion_is_told_with_what_was_deleted_and_so_is_its_return(app: TestApp) {
        let mut socket = connect(&app, json!({})).await;
        receive(&mut socket).await;
        let query = "subscription { ipoChanged(exchange: BSE) { change ipo { id name issuePrice revisions { totalCount } } } }";
        subscribe(&mut socket, "1", query, json!({})).await;
        subscribe(&mut socket, "2", "{ __typename }", json!({})).await;
        receive(&mut socket).await;
        receive(&mut socket).await;
        let create = "mutation { createIpo(input: { name: \"Acme\", exchange: BSE, issuePrice: \"12.5\" }) { ipo { id } } }";
        let id = app.admin.data(create, json!({})).await["createIpo"]["ipo"]["id"].clone();
        let acme = |change: &str| {
            json!({"change": change, "ipo": {"id": id, "name": "Acme", "issuePrice": "12.5", "revisions": {"totalCount": 0}}})
        };
        assert_eq!(told(&mut socket).await, acme("CREATED"));
        let delete = "mutation($id: ID!) { deleteIpo(input: { id: $id }) { deletedIpoId userErrors { message } } }";
        assert_eq!(app.admin.data(delete, json!({"id": id})).await["deleteIpo"]["deletedIpoId"], id);
        assert_eq!(told(&mut socket).await, acme("DELETED"));
        let restore = "mutation($id: ID!) { restoreIpo(input: { id: $id }) { userErrors { message } } }";
        app.admin.data(restore, json!({"id": id})).await;
        assert_eq!(told(&mut socket).await, acme("CREATED"));
        // One that couldn't be deleted is told of by nothing.
        app.admin.data(delete, json!({"id": "none"})).await;
        app.admin.data(create.replace("Acme", "Last").as_str(), json!({})).await;
        assert_eq!(told(&mut socket).await["ipo"]["name"], "Last");
    }

    async fn a_follower_that_does_not_keep_up_is_told_so_and_ended(app: TestApp) {
        // A reader that takes little from its connection, and has hardly any room for the rest.
        let address: std::net::SocketAddr = app.url.trim_start_matches("http://").parse().expect("an address");
        let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
        socket.set_recv_buffer_size(4_096).expect("a small buffer");
        let mut slow = socket.connect(address).await.expect("a connection");
        let names = (0..20).map(|n| format!("n{n}: name")).collect::<Vec<_>>().join(" ");
        let body = json!({"query": format!("subscription {{ ipoChanged {{ ipo {{{names} }} }} }}")}).to_string();
        let request = format!(
            "POST /graphql HTTP/1.1\r\nHost: {address}\r\nAccept: text/event-stream\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len()
        );
        slow.write_all(request.as_bytes()).await.expect("sent");
        let mut head = [0_u8; 12];
        slow.read_exact(&mut head).await.expect("an answer");
        assert_eq!(&head, b"HTTP/1.1 200");

        let store = &app.app.store;
        let mut follower = store.events().follow();
        let rows = (0..ROWS).map(|n| {
            let mut row = Model::new(Exchange::Nse, DataSource::Manual, now());
            row.set(IpoField::Name, Some(format!("{n} {}", "a long name ".repeat(16))));
            row
        });
        let transaction = store.begin().await.expect("a transaction");
        let ids = store.ipos().insert(&transaction, rows.collect()).await.expect("rows");
        let events: Vec<Event> = ids.into_iter().map(Event::ipo_changed).collect();
        store.events().commit(transaction, &events).await.expect("a commit");
        let mut answer = Vec::new();
        for round in 0..ROUNDS {
            // Changes of one row that come close together are told as one.
            for _ in 0..ROWS {
                let next = tokio::time::timeout(Duration::from_mins(1), follower.recv()).await.expect("in time");
                next.expect("one that keeps up misses nothing");
            }
            // One that takes nothing at all would be cut off.
            let mut some = [0_u8; 8_192];
            let length = slow.read(&mut some).await.expect("read");
            answer.extend_from_slice(&some[..length]);
            if round + 1 < ROUNDS {
                let transaction = store.begin().await.expect("a transaction");
                store.events().commit(transaction, &events).await.expect("a commit");
            }
        }

        tokio::time::timeout(Duration::from_mins(1), slow.read_to_end(&mut answer)).await.expect("an end").expect("read");
        let answer = String::from_utf8_lossy(&answer);
        let heard = answer.matches("event: next").count();
        assert!(heard < ROUNDS * ROWS, "{heard} of them");
        let (before, last) = answer.rsplit_once("event: next").expect("events");
        assert!(!before.contains("LAGGED"));
        assert!(last.contains("\"code\":\"LAGGED\"") && last.contains("event: complete"), "{last}");
    }
}
