//! One person at the application: a method for each call of the API.

use hongbao_core::wire::{
    GrabAnswer, GrabRequest, LoginAnswer, LoginRequest, MeAnswer, MyPacketsAnswer, OpenAnswer, OpenRequest,
    PacketAnswer, Role, SendAnswer, SendRequest, StatementAnswer, WrapAnswer, WrapRequest,
};
use hongbao_core::{GroupId, PacketId, UserId};
use http::Method;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Call, Client, Failure};

/// A person with a token.
///
/// Every call is sent once. All of them fail alike: with the application's refusal or without an answer
/// ([`Failure`]).
#[derive(Debug, Clone)]
pub struct Session {
    client: Client,
    user: UserId,
    token: String,
}

impl Session {
    /// `POST /v1/dev/login`: the person's first login puts 100,000 fen in the wallet.
    ///
    /// # Errors
    /// A [`Failure`], also when the application has no `dev_login`.
    pub async fn login(client: &Client, user: &UserId, groups: &[GroupId]) -> Result<Self, Failure> {
        let body = LoginRequest { user: user.clone(), groups: groups.to_vec() };
        let answer = client.call(Method::POST, "/v1/dev/login").json(&body).send().await?;
        let LoginAnswer { token } = answer.decode()?;
        Ok(Self::new(client, user.clone(), token))
    }

    /// A person with a token made elsewhere.
    #[must_use]
    pub fn new(client: &Client, user: UserId, token: String) -> Self {
        Self { client: client.clone(), user, token }
    }

    /// Who this is.
    #[must_use]
    pub fn user(&self) -> &UserId {
        &self.user
    }

    /// The token.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Any request of this person.
    pub fn call(&self, method: Method, path: &str) -> Call<'_> {
        self.client.call(method, path).token(&self.token)
    }

    /// `POST /v1/wrap`.
    ///
    /// # Errors
    /// A [`Failure`].
    pub async fn wrap(&self, request: &WrapRequest) -> Result<WrapAnswer, Failure> {
        self.post("/v1/wrap", request).await
    }

    /// `POST /v1/send`.
    ///
    /// # Errors
    /// A [`Failure`].
    pub async fn send(&self, quote: &str) -> Result<SendAnswer, Failure> {
        self.post("/v1/send", &SendRequest { quote: quote.to_owned() }).await
    }

    /// `POST /v1/packets/{id}/grab`.
    ///
    /// # Errors
    /// A [`Failure`].
    pub async fn grab(&self, packet: PacketId, password: Option<&str>) -> Result<GrabAnswer, Failure> {
        let body = GrabRequest { password: password.map(str::to_owned) };
        self.post(&format!("/v1/packets/{packet}/grab"), &body).await
    }

    /// `POST /v1/packets/{id}/open`.
    ///
    /// # Errors
    /// A [`Failure`].
    pub async fn open(&self, packet: PacketId, voucher: &str) -> Result<OpenAnswer, Failure> {
        let body = OpenRequest { voucher: voucher.to_owned() };
        self.post(&format!("/v1/packets/{packet}/open"), &body).await
    }

    /// `GET /v1/packets/{id}`, and again for each further page of its shares: the packet with all of them.
    ///
    /// # Errors
    /// A [`Failure`].
    pub async fn packet(&self, packet: PacketId) -> Result<PacketAnswer, Failure> {
        let mut seen: PacketAnswer = self.get(&format!("/v1/packets/{packet}")).await?;
        while let Some(after) = seen.next {
            let page: PacketAnswer = self.get(&format!("/v1/packets/{packet}?after={after}")).await?;
            seen.shares.extend(page.shares);
            seen.next = page.next;
        }
        Ok(seen)
    }

    /// `GET /v1/me`.
    ///
    /// # Errors
    /// A [`Failure`].
    pub async fn me(&self) -> Result<MeAnswer, Failure> {
        self.get("/v1/me").await
    }

    /// `GET /v1/me/statement`: the page of at most `limit` postings below the cursor `before`.
    ///
    /// # Errors
    /// A [`Failure`].
    pub async fn statement(&self, limit: u32, before: Option<i64>) -> Result<StatementAnswer, Failure> {
        let before = before.map(|before| format!("&before={before}")).unwrap_or_default();
        self.get(&format!("/v1/me/statement?limit={limit}{before}")).await
    }

    /// `GET /v1/me/packets`: this year's packets on my side `role`.
    ///
    /// # Errors
    /// A [`Failure`].
    pub async fn packets(&self, role: Role, limit: u32, before: Option<&str>) -> Result<MyPacketsAnswer, Failure> {
        let role = match role {
            Role::Sent => "sent",
            Role::Received => "received",
        };
        let before = before.map(|before| format!("&before={before}")).unwrap_or_default();
        self.get(&format!("/v1/me/packets?role={role}&limit={limit}{before}")).await
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failure> {
        self.call(Method::GET, path).send().await?.decode()
    }

    async fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, Failure> {
        self.call(Method::POST, path).json(body).send().await?.decode()
    }
}
