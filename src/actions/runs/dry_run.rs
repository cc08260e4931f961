//! Whom a run would reach, before it does anything: by state and domain, who is left out and why, and a sample.
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::model::{Bucket, Candidate, LeftOut, Reached};

/// So many domains are named; readers of all others are counted together.
const MOST_DOMAINS: usize = 40;
const SAMPLE: usize = 10;
/// Fewer with one condition are as good as named: such a count is not kept.
const FEWEST_OF_A_CONDITION: i64 = 5;

/// What the dry run has found so far. It names no address: the sample is of enrollments.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DryRun {
    pub reached: i64,
    /// Whether it is for those with one condition. Then it has no sample, and no count under five.
    pub by_condition: bool,
    /// Whom it is for and who gets nothing, by reason.
    pub left_out: BTreeMap<String, i64>,
    /// Those who are reached, by the state of their enrollment.
    pub by_state: BTreeMap<String, i64>,
    pub by_domain: BTreeMap<String, i64>,
    pub other_domains: i64,
    pub sample: Vec<(i16, Uuid)>,
    /// Addresses of a list that are no subscribers'.
    pub not_subscribers: i64,
}

impl DryRun {
    pub(super) fn add(&mut self, bucket: Bucket, one: &Candidate, reached: Result<Reached, LeftOut>) {
        if let Err(reason) = reached {
            *self.left_out.entry(reason.to_string()).or_default() += 1;
            return;
        }
        self.reached += 1;
        *self.by_state.entry(one.state.to_string()).or_default() += 1;
        if self.by_domain.len() < MOST_DOMAINS || self.by_domain.contains_key(&one.domain) {
            *self.by_domain.entry(one.domain.clone()).or_default() += 1;
        } else {
            self.other_domains += 1;
        }
        if self.by_condition {
            return;
        }
        // One of every bucket at most, so that the sample is not of readers who happen to be neighbours.
        if self.sample.len() < SAMPLE && self.sample.iter().all(|(seen, _)| *seen != bucket.get()) {
            self.sample.push((bucket.get(), one.enrollment));
        }
    }

    /// What an admin may be shown of it, when it is done: small counts of readers with one condition are left out, and when
    /// fewer than five are reached, nobody is.
    pub(super) fn blurred(mut self) -> Self {
        if self.by_condition {
            for counts in [&mut self.left_out, &mut self.by_state, &mut self.by_domain] {
                counts.retain(|_, count| *count >= FEWEST_OF_A_CONDITION);
            }
            for count in [&mut self.reached, &mut self.other_domains] {
                *count = if *count < FEWEST_OF_A_CONDITION { 0 } else { *count };
            }
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::EnrollmentState;

    fn of(by_condition: bool, domains: &[(&str, usize)]) -> DryRun {
        let mut found = DryRun { by_condition, ..DryRun::default() };
        for (domain, count) in domains {
            for _ in 0..*count {
                let one = Candidate {
                    enrollment: Uuid::nil(),
                    subscriber: Uuid::nil(),
                    state: EnrollmentState::Active,
                    domain: (*domain).to_owned(),
                    sealed_condition: None,
                    suppressed: false,
                    waiting: None,
                    scheduled: None,
                    received: false,
                    under_way: false,
                };
                found.add(Bucket::new(1).unwrap(), &one, Ok(Reached::Copy));
            }
        }
        found.blurred()
    }

    #[test]
    fn of_readers_with_one_condition_no_count_under_five_is_kept_and_none_is_named() {
        let found = of(true, &[("many.example.org", 5), ("few.example.org", 4)]);
        assert_eq!((found.reached, &found.sample), (9, &Vec::new()));
        assert_eq!(found.by_domain, BTreeMap::from([("many.example.org".to_owned(), 5)]));
        assert_eq!(of(true, &[("few.example.org", 4)]).reached, 0);
        let of_all = of(false, &[("few.example.org", 4)]);
        assert_eq!((of_all.reached, of_all.sample.len(), of_all.by_domain.len()), (4, 1, 1));
    }
}
