//! Somebody who asks the application for things, in plain JSON.

use hongbao_client::{Call, Client, Method};
use serde_json::{Value, json};

use crate::{Draft, Reply, until};

/// What a first login puts into a wallet.
pub const PURSE_FEN: i64 = 100_000;

/// A person with a token. Every answer is checked as [`Reply`] says.
#[derive(Debug, Clone)]
pub struct Person {
    /// The user's id.
    pub id: String,
    /// The token.
    pub token: String,
    client: Client,
}

impl Person {
    /// A person at the application that `client` asks.
    #[must_use]
    pub fn new(client: Client, id: &str, token: &str) -> Self {
        Self { id: id.to_owned(), token: token.to_owned(), client }
    }

    /// Any request.
    pub fn call(&self, method: Method, path: &str) -> Call<'_> {
        self.client.call(method, path).token(&self.token)
    }

    /// `GET path`.
    pub async fn get(&self, path: &str) -> Reply {
        Reply::checked(&format!("GET {path}"), self.call(Method::GET, path).send().await)
    }

    /// `POST path` with a JSON body.
    pub async fn post(&self, path: &str, body: &Value) -> Reply {
        self.post_bytes(path, body.to_string().into_bytes()).await
    }

    /// `POST path` with a body that only says that it is JSON.
    pub async fn post_bytes(&self, path: &str, body: Vec<u8>) -> Reply {
        let start = String::from_utf8_lossy(&body[..body.len().min(300)]).into_owned();
        let answer = self.call(Method::POST, path).body("application/json", body).send().await;
        Reply::checked(&format!("POST {path} {start}"), answer)
    }

    /// Wraps; the quote.
    pub async fn wrap(&self, draft: &Draft) -> String {
        text(&self.post("/v1/wrap", &draft.body()).await.granted(200), "quote")
    }

    /// Wraps and sends; what `send` answered.
    pub async fn send(&self, draft: &Draft) -> Value {
        let quote = self.wrap(draft).await;
        self.post("/v1/send", &json!({"quote": quote})).await.granted(201)
    }

    /// Wraps and sends; the packet's id.
    pub async fn give(&self, draft: &Draft) -> String {
        text(&self.send(draft).await, "packet_id")
    }

    /// Asks for a share.
    pub async fn try_grab(&self, packet: &str) -> Reply {
        self.post(&format!("/v1/packets/{packet}/grab"), &json!({})).await
    }

    /// Grabs a share; the voucher.
    pub async fn grab(&self, packet: &str) -> String {
        text(&self.try_grab(packet).await.granted(200), "voucher")
    }

    /// Asks to open a share.
    pub async fn try_open(&self, packet: &str, voucher: &str) -> Reply {
        self.post(&format!("/v1/packets/{packet}/open"), &json!({"voucher": voucher})).await
    }

    /// Grabs a share and opens it; what was in it.
    pub async fn take(&self, packet: &str) -> i64 {
        let voucher = self.grab(packet).await;
        number(&self.try_open(packet, &voucher).await.granted(200), "amount_fen")
    }

    /// The packet as this person may see it.
    pub async fn see(&self, packet: &str) -> Value {
        self.get(&format!("/v1/packets/{packet}")).await.granted(200)
    }

    /// What is in the wallet.
    pub async fn balance(&self) -> i64 {
        number(&self.get("/v1/me").await.granted(200), "balance_fen")
    }

    /// Waits until the wallet holds `fen`.
    pub async fn comes_to_hold(&self, fen: i64) {
        let what = format!("{} holds {fen} fen", self.id);
        until(&what, || async { (self.balance().await == fen).then_some(()) }).await;
    }

    /// Waits until the packet is in this state, and for a packet that expired, until the rest is back; the
    /// packet then.
    pub async fn sees_it_become(&self, packet: &str, state: &str) -> Value {
        let settles = || async {
            let seen = self.see(packet).await;
            let opened: i64 = shares(&seen).iter().map(|share| number(share, "amount_fen")).sum();
            let back = number(&seen, "refunded_fen") + opened == number(&seen, "total_fen");
            (seen["state"] == state && (state != "expired" || back)).then_some(seen)
        };
        until(&format!("{packet} becomes {state}"), settles).await
    }
}

/// A field that must be text.
///
/// # Panics
/// When it is not.
#[must_use]
pub fn text(body: &Value, field: &str) -> String {
    body[field].as_str().unwrap_or_else(|| panic!("no {field} in {body}")).to_owned()
}

/// A field that must be a whole number.
///
/// # Panics
/// When it is not.
#[must_use]
pub fn number(body: &Value, field: &str) -> i64 {
    body[field].as_i64().unwrap_or_else(|| panic!("no {field} in {body}"))
}

/// The shares that a packet shows.
///
/// # Panics
/// When there is no list of them.
#[must_use]
pub fn shares(packet: &Value) -> &[Value] {
    packet["shares"].as_array().unwrap_or_else(|| panic!("no shares in {packet}"))
}
