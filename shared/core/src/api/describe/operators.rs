//! Operators' endpoints.

use super::{Description, NEWEST_FIRST};
use crate::Error::{Conflict, LimitExceeded, NotFound};
use crate::api::Endpoint;
use crate::wire::operator::{
    AuditAnswer, BlockAnswer, BlockRequest, CompensateRequest, DepositAnswer, DepositRequest, ExceptionAnswer,
    ExceptionsAnswer, KeysAnswer, LadderAnswer, LadderRequest, PreheatAnswer, PreheatRequest, ReasonRequest,
    ReconcileAnswer, RiskEventsAnswer, RiskRuleRequest, RiskRulesAnswer, ShardAnswer, ShardsAnswer, StatsAnswer,
    SweepAnswer, SwitchesAnswer, SwitchesRequest, WeightRequest,
};

const RESOLVED: &str = "The exception now; asked again alike, the same.";
const NOW: &str = "As it is now.";

pub(super) fn describe(endpoint: Endpoint) -> Option<Description> {
    money(endpoint).or_else(|| controls(endpoint)).or_else(|| shards(endpoint))
}

fn money(endpoint: Endpoint) -> Option<Description> {
    Some(match endpoint {
        Endpoint::Deposit => Description::new("The id is the deposit: with other content it is a conflict.")
            .takes::<DepositRequest>()
            .answers::<DepositAnswer>(200, "The deposit; once for each id.")
            .refuses([Conflict, LimitExceeded { limit: "world_fen", bound: 1_000_000_000_000_000 }]),
        Endpoint::Stats => Description::new("").answers::<StatsAnswer>(200, "The numbers."),
        Endpoint::Metrics => Description::new("").answers_text("Prometheus' text format 0.0.4."),
        Endpoint::Reconcile => {
            Description::new("Read on at `next` until it is null.").answers::<ReconcileAnswer>(200, "The checks.")
        }
        Endpoint::Exceptions => Description::new("").answers::<ExceptionsAnswer>(200, NEWEST_FIRST),
        Endpoint::Exception => Description::new("").answers::<ExceptionAnswer>(200, "With its evidence."),
        Endpoint::Retry => Description::new("One that settles nothing leaves the exception open.")
            .takes::<ReasonRequest>()
            .answers::<ExceptionAnswer>(200, RESOLVED)
            .refuses([Conflict]),
        Endpoint::Compensate => Description::new("Without an amount, what the share of the entry holds.")
            .takes::<CompensateRequest>()
            .answers::<ExceptionAnswer>(200, RESOLVED)
            .refuses([Conflict]),
        Endpoint::Dismiss => {
            Description::new("").takes::<ReasonRequest>().answers::<ExceptionAnswer>(200, RESOLVED).refuses([Conflict])
        }
        Endpoint::Audit => Description::new("Each act is chained to the one before by its hash.")
            .answers::<AuditAnswer>(200, NEWEST_FIRST),
        Endpoint::Sweep => Description::new("A timer calls it every second or so; it needs no body.")
            .answers::<SweepAnswer>(200, "What was done."),
        _ => return None,
    })
}

fn controls(endpoint: Endpoint) -> Option<Description> {
    Some(match endpoint {
        Endpoint::Switches => Description::new("").answers::<SwitchesAnswer>(200, NOW),
        Endpoint::SetSwitches => Description::new("A switch that is not named stays as it is.")
            .takes::<SwitchesRequest>()
            .answers::<SwitchesAnswer>(200, NOW),
        Endpoint::Ladder => Description::new("").answers::<LadderAnswer>(200, NOW),
        Endpoint::SetLadder => Description::new("Without a level it follows the load.")
            .takes::<LadderRequest>()
            .answers::<LadderAnswer>(200, NOW),
        Endpoint::Keys => Description::new("").answers::<KeysAnswer>(200, "Their ids and times, never the keys."),
        Endpoint::RiskRules => Description::new("").answers::<RiskRulesAnswer>(200, "As they are in force."),
        Endpoint::SetRiskRule => Description::new("Instances follow within a second.")
            .takes::<RiskRuleRequest>()
            .answers::<RiskRulesAnswer>(200, "All rules, as they are in force now."),
        Endpoint::RiskEvents => Description::new("").answers::<RiskEventsAnswer>(200, NEWEST_FIRST),
        Endpoint::Blocked => Description::new("").answers::<BlockAnswer>(200, NOW),
        Endpoint::Block => {
            Description::new("").takes::<BlockRequest>().answers::<BlockAnswer>(200, "Blocked, within a second.")
        }
        Endpoint::Unblock => Description::new("").answers::<BlockAnswer>(200, "Not blocked, within a second."),
        _ => return None,
    })
}

fn shards(endpoint: Endpoint) -> Option<Description> {
    Some(match endpoint {
        Endpoint::Shards => Description::new("").answers::<ShardsAnswer>(200, "By number."),
        Endpoint::Shard => Description::new("").answers::<ShardAnswer>(200, NOW),
        Endpoint::WeighShard => {
            Description::new("0 drains it.").takes::<WeightRequest>().answers::<ShardAnswer>(200, NOW)
        }
        Endpoint::MoveShard => Description::new("Only for a shard that is dead for everybody.")
            .takes::<ReasonRequest>()
            .answers::<ShardAnswer>(200, NOW),
        Endpoint::Preheat => Description::new("Without any packets, those that open within ten minutes.")
            .takes::<PreheatRequest>()
            .answers::<PreheatAnswer>(200, "What was done.")
            .refuses([NotFound]),
        _ => return None,
    })
}
