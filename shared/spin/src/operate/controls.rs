//! What operators set while the system runs: the ladder, the weights of shards, the risk rules.

use hongbao_core::admit::Level;
use hongbao_core::risk::{Rule, Rules};
use hongbao_core::wire::operator::{BlockAnswer, LadderAnswer, RiskRule, RiskRulesAnswer, SwitchesAnswer};
use hongbao_core::{Error, UserId};

use crate::App;
use crate::gate::Controls;
use crate::ledger::By;

/// The value of the ladder that leaves it to the load.
const AUTOMATIC: &str = "auto";

impl App {
    /// The ladder as it stands; without the ledger, as a shard's copy has it and as the journals ask for.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when neither the ledger nor a shard answers.
    pub async fn ladder(&self) -> Result<LadderAnswer, Error> {
        let (mut controls, missing) = self.controls_to_show().await?;
        controls.by_load = self.level_by_load().await;
        Ok(LadderAnswer { missing, ..ladder(&controls) })
    }

    /// Whether sending is on.
    ///
    /// # Errors
    /// As for [`ladder`](Self::ladder).
    pub async fn switches(&self) -> Result<SwitchesAnswer, Error> {
        let (controls, missing) = self.controls_to_show().await?;
        Ok(SwitchesAnswer { sends: controls.sends, missing })
    }

    /// Whether `user` is blocked; without the ledger, as far as a shard's copy can tell.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the ledger does not answer and no copy can tell.
    pub async fn blocked(&self, user: &UserId) -> Result<BlockAnswer, Error> {
        let away = match self.ledger_soon().await {
            Ok(ledger) => return ledger.blocked(user).await,
            Err(away) => away,
        };
        let (controls, missing) = self.controls_to_show().await?;
        let blocked = controls.blocked.contains(user.as_str());
        if !blocked && controls.more {
            return Err(away);
        }
        Ok(BlockAnswer { user: user.clone(), blocked, reason: None, operator: None, at_ms: None, missing })
    }

    /// Sets the ladder to a level, or leaves it to the load.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the ledger does not answer; so do all methods that set something.
    pub async fn set_ladder(&self, by: By<'_>, level: Option<Level>) -> Result<LadderAnswer, Error> {
        let value = level.map_or_else(|| AUTOMATIC.to_owned(), |level| level.number().to_string());
        self.ledger().await?.set(by, "ladder", &value).await?;
        Ok(ladder(&self.publish_controls().await?))
    }

    /// Sets how many new packets a shard takes compared with the others; 0 for none.
    pub async fn set_weight(&self, by: By<'_>, shard: u16, weight: u32) -> Result<(), Error> {
        self.ledger().await?.set(by, &format!("weight:{shard}"), &weight.to_string()).await?;
        self.publish_controls().await.map(drop)
    }

    /// The risk rules in force; without the ledger, as a shard's copy has them.
    pub async fn risk_rules(&self) -> Result<RiskRulesAnswer, Error> {
        let (controls, missing) = self.controls_to_show().await?;
        let rules = controls.rules(&self.rules_of_variables().await?);
        let rule = |rule: Rule| RiskRule { rule: rule.id().to_owned(), setting: rules.of(rule).to_string() };
        Ok(RiskRulesAnswer { rules: Rule::SETTABLE.map(rule).to_vec(), missing })
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
    LadderAnswer { level: controls.level().number(), set: controls.ladder, by_load: controls.by_load, missing: vec![] }
}
