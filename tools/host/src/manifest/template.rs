//! Variables and the `{{ name }}` templates that use them.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail, ensure};

use super::VariableSection;

/// The application's variables, each with its final value.
#[derive(Debug, Default)]
pub(crate) struct Variables {
    values: BTreeMap<String, String>,
}

impl Variables {
    /// Gives every declared variable its value: from `given` (the command line), else from
    /// `environment`, else its default.
    ///
    /// # Errors
    ///
    /// Occurs when a required variable has no value, when `given` names one that the manifest does not
    /// declare, or when a default is itself a template.
    pub(super) fn resolve(
        declared: &BTreeMap<String, VariableSection>,
        given: &BTreeMap<String, String>,
        environment: &BTreeMap<String, String>,
    ) -> Result<Self> {
        for name in given.keys() {
            ensure!(declared.contains_key(name), "the manifest declares no variable {name:?}");
        }
        let mut values = BTreeMap::new();
        for (name, section) in declared {
            ensure!(
                section.required != section.default.is_some(),
                "variable {name:?} must have either `default` or `required = true`"
            );
            ensure!(
                section.default.as_ref().is_none_or(|text| !text.contains("{{")),
                "variable {name:?}: a template as `default` is not supported"
            );
            let value =
                given.get(name).or_else(|| environment.get(name)).or(section.default.as_ref()).with_context(|| {
                    let key = name.to_uppercase();
                    format!("variable {name:?} is required: give --variable {name}=… or SPIN_VARIABLE_{key}")
                })?;
            values.insert(name.clone(), value.clone());
        }
        Ok(Self { values })
    }

    /// Replaces every `{{ name }}` of `template` by the variable's value.
    ///
    /// # Errors
    ///
    /// Occurs when a brace pair is left open or a name is not a declared variable.
    pub(crate) fn expand(&self, template: &str) -> Result<String> {
        let mut text = String::with_capacity(template.len());
        let mut rest = template;
        while let Some((literal, tail)) = rest.split_once("{{") {
            text.push_str(literal);
            let Some((name, tail)) = tail.split_once("}}") else {
                bail!("template {template:?} opens {{{{ and never closes it");
            };
            let name = name.trim();
            let value = self.values.get(name);
            text.push_str(
                value.with_context(|| format!("template {template:?} uses the undeclared variable {name:?}"))?,
            );
            rest = tail;
        }
        text.push_str(rest);
        Ok(text)
    }
}
