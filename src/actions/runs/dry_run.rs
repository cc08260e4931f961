//! Whom a run would reach, before it does anything: by state and domain, who is left out and why, and a sample.
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::model::{Bucket, Candidate, LeftOut, Reached};

/// So many domains are named; readers of all others are counted together.
const MOST_DOMAINS: usize = 40;
const SAMPLE: usize = 10;

/// What the dry run has found so far. It names no address: the sample is of enrollments.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DryRun {
    pub reached: i64,
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
        // One of every bucket at most, so that the sample is not of readers who happen to be neighbours.
        if self.sample.len() < SAMPLE && self.sample.iter().all(|(seen, _)| *seen != bucket.get()) {
            self.sample.push((bucket.get(), one.enrollment));
        }
    }
}
