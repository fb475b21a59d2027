//! People's endpoints.

use super::{Description, NEWEST_FIRST};
use crate::Error::{
    self, Blocked, Conflict, Contested, Degraded, Expired, InsufficientBalance, InvalidQuote, InvalidVoucher, NotFound,
    NotGrabbed, QuoteExpired, RiskDenied, SoldOut, WrongPassword,
};
use crate::api::Endpoint;
use crate::wire::{
    AddressedAnswer, GrabAnswer, GrabRequest, LoginAnswer, LoginRequest, MeAnswer, MyPacketsAnswer, OpenAnswer,
    OpenRequest, PacketAnswer, SendAnswer, SendRequest, StatementAnswer, WrapAnswer, WrapRequest,
};

const ID: Option<&str> = Some("packet_id");
const SHARES_SHOWN: &str = "Others' shares are for who opened one, for the sender, and for all once the packet has ended. \
    They come in pages, in order of `seq`; of a packet of up to 100 shares with what is not settled yet, of a larger one as \
    they are paid. Of a packet that is still opened, a share may be paid after the page was read that it would have stood \
    on; none is on two pages.";
const RATE_LIMITED: Error = Error::RateLimited { retry_after_ms: 1_000 };
const NOT_STARTED: Error = Error::NotStarted { retry_after_ms: 1_000 };
const LIMIT_EXCEEDED: Error = Error::LimitExceeded { limit: "limit_count", bound: 100 };

pub(super) fn describe(endpoint: Endpoint) -> Option<Description> {
    Some(match endpoint {
        Endpoint::Wrap => Description::new(
            "Checks input, membership, limits and wallet, and writes nothing: a form can call it as it is filled in.",
        )
        .takes::<WrapRequest>()
        .answers::<WrapAnswer>(200, "The quote, good for five minutes. Nothing was written.")
        .leads_to(Endpoint::Send, None, Some("quote"))
        .refuses([Blocked, Degraded, InsufficientBalance, LIMIT_EXCEEDED, NotFound, RATE_LIMITED, RiskDenied]),
        Endpoint::Send => Description::new("Repeat it after a lost answer: the quote is the packet's identity.")
            .takes::<SendRequest>()
            .answers::<SendAnswer>(201, "Sent by this call.")
            .leads_to(Endpoint::Grab, ID, None)
            .leads_to(Endpoint::Packet, ID, None)
            .answers::<SendAnswer>(200, "Sent before with the same quote: the same packet.")
            .refuses([Blocked, Conflict, Degraded, InsufficientBalance, InvalidQuote, LIMIT_EXCEEDED])
            .refuses([NotFound, QuoteExpired, RATE_LIMITED, RiskDenied]),
        Endpoint::Grab => Description::new("A packet under a password wants it here.")
            .takes::<GrabRequest>()
            .with_device()
            .answers::<GrabAnswer>(200, "The share; asked again, the same.")
            .leads_to(Endpoint::Open, ID, Some("voucher"))
            .refuses([Blocked, Degraded, Expired, NOT_STARTED, RATE_LIMITED, RiskDenied, SoldOut, WrongPassword]),
        Endpoint::Open => Description::new("The wallet has the amount a moment later.")
            .takes::<OpenRequest>()
            .answers::<OpenAnswer>(200, "The amount; asked again, the same.")
            .leads_to(Endpoint::Packet, ID, None)
            .refuses([Contested, Degraded, Expired, InvalidVoucher, NotGrabbed, RATE_LIMITED]),
        Endpoint::Packet => Description::new(SHARES_SHOWN)
            .answers::<PacketAnswer>(200, "The packet as the caller may see it.")
            .refuses([Degraded, RATE_LIMITED]),
        Endpoint::GroupPackets => Description::new("For members of the group only.")
            .answers::<AddressedAnswer>(200, NEWEST_FIRST)
            .refuses([Degraded]),
        Endpoint::Me => Description::new("").answers::<MeAnswer>(200, "The wallet."),
        Endpoint::Statement => Description::new("").answers::<StatementAnswer>(200, NEWEST_FIRST).refuses([Degraded]),
        Endpoint::MyPackets => Description::new("").answers::<MyPacketsAnswer>(200, NEWEST_FIRST).refuses([Degraded]),
        Endpoint::Inbox => {
            Description::new("Exclusive packets.").answers::<AddressedAnswer>(200, NEWEST_FIRST).refuses([Degraded])
        }
        Endpoint::DevLogin => {
            Description::new("Only with `dev_login` on. A user's first login puts 100,000 fen in the wallet.")
                .takes::<LoginRequest>()
                .answers::<LoginAnswer>(200, "A token.")
                .refuses([LIMIT_EXCEEDED, NotFound, RATE_LIMITED])
        }
        _ => return None,
    })
}
