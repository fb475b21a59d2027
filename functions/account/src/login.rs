//! The development login: anybody may be anybody, with money to play with. Off unless `dev_login` is on.

use hongbao_core::token::{AUDIENCE_PEOPLE, Claims};
use hongbao_core::wire::{GROUPS_MAX, LoginAnswer, LoginRequest};
use hongbao_core::{Error, Fen};
use hongbao_spin::http::{Answer, Call};
use hongbao_spin::{App, config};

/// What a user's first login puts into the wallet.
const GIFT_FEN: i64 = 100_000;
/// How long a token lives, in seconds: a day.
const TOKEN_S: i64 = 24 * 3600;

pub(crate) async fn login(app: &App, call: &Call) -> Result<Answer, Error> {
    if !config::dev_login().await? {
        return Err(Error::NotFound);
    }
    let request: LoginRequest = call.json()?;
    if request.groups.len() > GROUPS_MAX {
        return Err(Error::invalid("groups", format!("must be at most {GROUPS_MAX}")));
    }
    app.may_log_in(&request.user, &config::rates().await?).await?;
    let gift = Fen::new(GIFT_FEN).ok_or_else(|| Error::Internal("a gift of no amount".into()))?;
    // The id makes it the first login's only.
    app.ledger().await?.deposit(&format!("login:{}", request.user), &request.user, gift, app.now_ms()).await?;
    let claims = Claims {
        sub: request.user.into(),
        groups: request.groups,
        company: false,
        since: None,
        aud: AUDIENCE_PEOPLE.to_owned(),
        exp: app.now_ms() / 1000 + TOKEN_S,
        nbf: None,
    };
    let token = app.keys().await?.tokens.iter().find_map(|key| key.sign(&claims));
    let unsigned = || Error::Misconfigured {
        variable: "jwt_keys",
        problem: "must have an HS256 key of people for dev_login".into(),
    };
    Answer::ok(&LoginAnswer { token: token.ok_or_else(unsigned)? })
}
