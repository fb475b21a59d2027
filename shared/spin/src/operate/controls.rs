//! What operators set while the system runs: the ladder, the weights of shards, the risk rules.

use hongbao_core::Error;
use hongbao_core::admit::Level;
use hongbao_core::risk::{Rule, Rules};
use hongbao_core::wire::operator::{LadderAnswer, RiskRule, RiskRulesAnswer};

use crate::App;
use crate::gate::Controls;
use crate::ledger::By;

/// The value of the ladder that leaves it to the load.
const AUTOMATIC: &str = "auto";

impl App {
    /// The ladder as it stands.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the ledger does not answer; so do all methods.
    pub async fn ladder(&self) -> Result<LadderAnswer, Error> {
        Ok(ladder(&self.publish_controls().await?))
    }

    /// Sets the ladder to a level, or leaves it to the load.
    pub async fn set_ladder(&self, by: By<'_>, level: Option<Level>) -> Result<LadderAnswer, Error> {
        let value = level.map_or_else(|| AUTOMATIC.to_owned(), |level| level.number().to_string());
        self.ledger().await?.set(by, "ladder", &value).await?;
        self.ladder().await
    }

    /// Sets how many new packets a shard takes compared with the others; 0 for none.
    pub async fn set_weight(&self, by: By<'_>, shard: u16, weight: u32) -> Result<(), Error> {
        self.ledger().await?.set(by, &format!("weight:{shard}"), &weight.to_string()).await?;
        self.publish_controls().await.map(drop)
    }

    /// The risk rules in force.
    pub async fn risk_rules(&self) -> Result<RiskRulesAnswer, Error> {
        let rules = self.controls_of_ledger().await?.rules(&self.rules_of_variables().await?);
        let rule = |rule: Rule| RiskRule { rule: rule.id().to_owned(), setting: rules.of(rule).to_string() };
        Ok(RiskRulesAnswer { rules: Rule::SETTABLE.map(rule).to_vec() })
    }

    /// Sets a risk rule.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the rule has no such setting.
    pub async fn set_risk_rule(&self, by: By<'_>, rule: Rule, setting: &str) -> Result<RiskRulesAnswer, Error> {
        let mut rules = self.rules_of_variables().await?;
        rules.set(rule, setting).map_err(|bound| Error::invalid("setting", bound))?;
        self.ledger().await?.set(by, &format!("rule:{}", rule.id()), &rules.of(rule).to_string()).await?;
        self.publish_controls().await?;
        self.risk_rules().await
    }

    async fn rules_of_variables(&self) -> Result<Rules, Error> {
        crate::config::rules().await
    }
}

fn ladder(controls: &Controls) -> LadderAnswer {
    LadderAnswer { level: controls.level().number(), set: controls.ladder, by_load: controls.by_load }
}
