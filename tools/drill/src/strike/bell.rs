//! The doorbell: rung too often, or never heard.

use std::time::{Duration, Instant};

use anyhow::Result;

use super::redis::connect;
use crate::site::Site;

const BELL: &str = "hb:{0}:bell";
const LASTS: Duration = Duration::from_secs(8);

/// Every few milliseconds, whether or not there is anything to settle.
pub(crate) fn double(site: &mut Site<'_>) -> Result<()> {
    let mut redis = connect(&site.stack.redis[0])?;
    site.broken("every doorbell is rung twice and more, by somebody else", |site| {
        let end = Instant::now() + LASTS;
        while Instant::now() < end {
            redis::pipe().cmd("PUBLISH").arg(BELL).arg("open").cmd("PUBLISH").arg(BELL).arg("open").exec(&mut redis)?;
            site.hold(5);
        }
        Ok(())
    })
}

/// The flag that says a bell is outstanding stays set, so that none is rung, and who listens is cut off.
pub(crate) fn drop_all(site: &mut Site<'_>) -> Result<()> {
    let mut redis = connect(&site.stack.redis[0])?;
    site.broken("no doorbell is rung and nobody can listen", |site| {
        let end = Instant::now() + LASTS;
        while Instant::now() < end {
            let mut order = redis::pipe();
            order.cmd("SET").arg(BELL).arg(1).arg("PX").arg(1_000);
            order.cmd("CLIENT").arg("KILL").arg("TYPE").arg("pubsub");
            order.exec(&mut redis)?;
            site.hold(5);
        }
        Ok(())
    })
}
