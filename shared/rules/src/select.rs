//! Which rules run: jurisdiction × domain × as_of.

use crate::{Bundle, RULES_SELECTED_MAX, Rule, RulesError};
use crypto::{Digest, Domain, digest};
use facts::Millis;

/// The rules that one evaluation runs, in statement order.
#[derive(Debug, Clone)]
pub struct Selection<'a> {
    /// Index into `Bundle::rules`, and the rule.
    pub rules: Vec<(usize, &'a Rule)>,
    /// Pairs of jurisdiction and domain that were asked for and have no rule in force.
    pub not_covered: Vec<(String, String)>,
}

impl Bundle {
    /// Selects the rules in force at `as_of` for any of `jurisdictions` and any of `domains`.
    /// An empty selection is an error, and a pair without a rule is named: nothing passes because
    /// nothing ran.
    pub fn select(
        &self,
        jurisdictions: &[facts::Jurisdiction],
        domains: &[facts::Domain],
        as_of: Millis,
    ) -> Result<Selection<'_>, RulesError> {
        let covers = |rule: &Rule, jurisdiction: &facts::Jurisdiction, domain: &facts::Domain| {
            jurisdiction.as_str() == rule.jurisdiction && domain.as_str() == rule.domain
        };
        let pairs = || jurisdictions.iter().flat_map(|j| domains.iter().map(move |d| (j, d)));
        let in_scope = |rule: &Rule| pairs().any(|(j, d)| covers(rule, j, d));
        let scoped = || self.rules.iter().enumerate().filter(|(_, rule)| in_scope(rule));
        let rules: Vec<_> = scoped().filter(|(_, rule)| rule.in_force(as_of)).collect();
        if rules.is_empty() {
            let names = |names: Vec<&str>| names.join(", ");
            let scope = format!(
                "{} × {}",
                names(jurisdictions.iter().map(|j| j.as_str()).collect()),
                names(domains.iter().map(|d| d.as_str()).collect())
            );
            let hint = match scoped().map(|(_, rule)| rule.effective_from).min() {
                Some(first) if first > as_of => format!("; the first takes effect at {first}"),
                Some(_) => "; all of them have ended".to_owned(),
                None => format!("; rulebook {:?} has no rule of that scope", self.name),
            };
            return Err(RulesError::NothingInForce { scope, as_of, hint });
        }
        if rules.len() > RULES_SELECTED_MAX {
            return Err(RulesError::TooManySelected { found: rules.len() });
        }
        let not_covered = pairs()
            .filter(|(j, d)| !rules.iter().any(|(_, rule)| covers(rule, j, d)))
            .map(|(j, d)| (j.as_str().to_owned(), d.as_str().to_owned()))
            .collect();
        Ok(Selection { rules, not_covered })
    }
}

impl Selection<'_> {
    /// `rule_hash` of the statement, from each rule's digest in order.
    pub fn hash(digests: impl IntoIterator<Item = Digest>) -> Digest {
        let all: Vec<u8> = digests.into_iter().flat_map(|d| d.0).collect();
        digest(Domain::RuleSet, &[&all])
    }
}
