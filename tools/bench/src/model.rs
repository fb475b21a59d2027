//! What it would take: from the processor time of each operation here, the machines for a peak.

use serde::Serialize;

/// WeChat on New Year's Eve 2017: packets sent and received in its highest second.
const PEAK: f64 = 760_000.0;
/// Shares opened for every packet sent, in WeChat's minute of 1 January 2016.
const OPENS_A_SEND: f64 = 2.6;
/// How busy a server may be at the peak.
const BUSY: f64 = 0.7;

/// Processor seconds of one operation, measured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Costs {
    /// wrap, send and the load of a packet.
    pub(crate) send: f64,
    /// The application's part of a grab and of an open.
    pub(crate) grab: f64,
    pub(crate) open: f64,
    /// Redis' part of a grab and an open together.
    pub(crate) redis: f64,
    /// One posting: the settlement, Redis and the database together.
    pub(crate) settle: f64,
    /// Postings a second of one database.
    pub(crate) postings_per_s: f64,
}

/// What the peak takes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Model {
    pub(crate) peak_per_s: f64,
    pub(crate) sends_per_s: f64,
    pub(crate) opens_per_s: f64,
    pub(crate) application_cores: f64,
    pub(crate) redis_shards: f64,
    pub(crate) settlement_cores: f64,
    /// Databases, by packet id, that keep up with the peak itself; or how long one quarter of them takes for a minute
    /// of it.
    pub(crate) databases: f64,
    pub(crate) cores: f64,
}

/// The arithmetic: every operation's cost times its rate, at most so busy.
pub(crate) fn model(costs: &Costs) -> Model {
    let sends = PEAK / (1.0 + OPENS_A_SEND);
    let opens = PEAK - sends;
    let application = (sends * costs.send + opens * (costs.grab + costs.open)) / BUSY;
    let redis = opens * costs.redis / BUSY;
    let settlement = opens * costs.settle / BUSY;
    Model {
        peak_per_s: PEAK,
        sends_per_s: sends.round(),
        opens_per_s: opens.round(),
        application_cores: application.ceil(),
        redis_shards: redis.ceil(),
        settlement_cores: settlement.ceil(),
        // A send is a posting as well.
        databases: (PEAK / costs.postings_per_s.max(1.0)).ceil(),
        cores: (application + redis + settlement).ceil(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Costs, model};

    #[test]
    fn a_peak_takes_its_costs_times_its_rate() {
        let costs = Costs { send: 0.0, grab: 35e-6, open: 35e-6, redis: 14e-6, settle: 7e-6, postings_per_s: 20_000.0 };
        let model = model(&costs);
        assert_eq!((model.sends_per_s, model.opens_per_s), (211_111.0, 548_889.0));
        assert_eq!((model.application_cores, model.redis_shards, model.databases), (55.0, 11.0, 38.0));
    }
}
