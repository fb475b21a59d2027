//! Packets of the application itself: wrapped and sent through its API, with real money in escrow.

use anyhow::{Context, Result, anyhow};
use futures::stream::{self, StreamExt, TryStreamExt};
use hongbao_client::{Client, Method, Session};
use hongbao_core::json::Whole;
use hongbao_core::packet::Recipient;
use hongbao_core::split::Kind;
use hongbao_core::wire::WrapRequest;
use hongbao_core::{GroupId, PacketId, UserId};
use hongbao_stack::Stack;
use serde_json::json;

use crate::people::{GROUP, sender_token};

/// What a share holds on average.
pub(crate) const FEN_A_SHARE: i64 = 100;
/// How many people send, each one packet at a time.
const SENDERS: usize = 16;
/// What each of them has.
const PURSE_FEN: i64 = 10_000_000_000;

/// The people who send.
pub(crate) struct Senders {
    sessions: Vec<Session>,
}

impl Senders {
    /// Gives everybody money.
    pub(crate) async fn gather(stack: &Stack) -> Result<Self> {
        let client = Client::new(stack.base_url());
        let operator = stack.operator_token()?;
        let mut sessions = Vec::new();
        for number in 0..SENDERS {
            let user = UserId::parse(&format!("us_sender{number}")).context("a malformed name")?;
            let deposit = json!({"id": format!("bench-{number}"), "user": user, "amount_fen": PURSE_FEN});
            let call = client.call(Method::POST, "/v1/admin/deposits").token(&operator).json(&deposit);
            let answer = call.send().await.map_err(|failure| anyhow!("{failure}"))?;
            anyhow::ensure!(answer.status.is_success(), "no money for the senders: {}", answer.text());
            let token = sender_token(stack.keys(), user.as_str())?;
            sessions.push(Session::new(&client, user, token));
        }
        Ok(Self { sessions })
    }

    /// The senders' tokens.
    pub(crate) fn tokens(&self) -> Vec<String> {
        self.sessions.iter().map(|session| session.token().to_owned()).collect()
    }

    /// Sends `packets` packets of `shares` shares; `sent` hears of each.
    pub(crate) async fn send(&self, packets: u32, shares: u32, sent: impl Fn()) -> Result<Vec<PacketId>> {
        let request = wrap_request(shares)?;
        let send = async |number: u32| {
            let id = send(&self.sessions[number as usize % SENDERS], &request).await?;
            sent();
            anyhow::Ok(id)
        };
        stream::iter((0..packets).map(send)).buffered(SENDERS).try_collect().await
    }
}

/// A lucky packet for the crowd.
pub(crate) fn wrap_request(shares: u32) -> Result<WrapRequest> {
    let fits = "a bound of the bench is wrong";
    Ok(WrapRequest {
        kind: Kind::Lucky,
        total_fen: Whole::new(i64::from(shares) * FEN_A_SHARE).context(fits)?,
        count: Whole::new(i64::from(shares)).context(fits)?,
        to: Recipient::Group(GroupId::parse(GROUP).context("a malformed group")?),
        greeting: None,
        cover: None,
        password: None,
        starts_at_ms: None,
        expires_in_s: None,
    })
}

async fn send(sender: &Session, request: &WrapRequest) -> Result<PacketId> {
    let quote = sender.wrap(request).await.map_err(|failure| anyhow!("wrap: {failure}"))?.quote;
    Ok(sender.send(&quote).await.map_err(|failure| anyhow!("send: {failure}"))?.packet_id)
}
