//! The readers of one bucket, with the place of their import, in one transaction.
use std::collections::HashSet;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use sqlx::PgConnection;

use super::line::Candidate;
use super::{ActionError, Checked, Service, after_a_confirmation};
use crate::actions::sign_up::ASKS;
use crate::actions::webhooks::tell::tell_imported;
use crate::content::Series;
use crate::model::{Bucket, Delay, EmailAddress, EnrollmentState, Kind, Refused, next_due};
use crate::store::imports::{self as store, Counts, Import, Look, Newcomer, Place, Standing};
use crate::store::queue::Hands;

/// Confirmations of imports have a pace: whoever asks a million people at once is taken for a spammer by all their providers.
pub(super) const CONFIRMATIONS_PER_HOUR: i32 = 1_000;

pub(super) struct Batch<'a> {
    pub(super) series: &'a Series,
    pub(super) import: &'a Import,
    /// None for a chunk without lines.
    pub(super) bucket: Option<Bucket>,
    pub(super) lines: &'a [Checked],
    /// Where the import goes on afterwards.
    pub(super) to: Place,
}

/// Takes in whom it may, writes down whom not and why, and moves the import on. Answers whether it was ours to move: not when
/// another process has done so, or it is over.
pub(super) async fn carry_out(service: &Service, batch: &Batch<'_>) -> Result<bool, ActionError> {
    let mut tx = service.hot_db().begin().await?;
    let import = store::lock(&mut *tx, batch.import.id).await?.filter(|now| now.place() == batch.import.place());
    let Some(import) = import else { return Ok(false) };
    let mut refused: Vec<(i64, Refused)> = Vec::new();
    let (mut counts, mut next_confirmation) = (Counts::default(), import.next_confirmation);
    if let Some(bucket) = batch.bucket {
        let accepted = accept(service, &mut tx, (batch, bucket), &mut refused).await?;
        if import.dry_run {
            count(&mut counts, accepted.iter().map(|(_, reader)| reader.state));
        } else if !accepted.is_empty() {
            let enrolling = Enrolling { series: batch.series, import: &import, bucket, hands: service.hands() };
            next_confirmation = enrolling.enroll(service, &mut tx, &accepted, &mut refused, &mut counts).await?;
        }
    }
    counts.refused = i64::try_from(refused.len()).unwrap_or(i64::MAX);
    if !refused.is_empty() {
        let (lines, reasons): (Vec<i64>, Vec<&str>) = refused.iter().map(|(line, why)| (*line, why.as_str())).unzip();
        store::refuse(&mut *tx, import.id, &lines, &reasons).await?;
    }
    store::walk(&mut *tx, import.id, batch.to, counts, next_confirmation).await?;
    tx.commit().await?;
    Ok(true)
}

fn count(counts: &mut Counts, states: impl Iterator<Item = EnrollmentState>) {
    for state in states {
        match state {
            EnrollmentState::Active => counts.active += 1,
            _ => counts.pending += 1,
        }
    }
}

/// Those who may be taken in, each with the line. A dry run and an import go the same way to here.
async fn accept<'a>(
    service: &Service,
    tx: &mut PgConnection,
    (batch, bucket): (&Batch<'a>, Bucket),
    refused: &mut Vec<(i64, Refused)>,
) -> Result<Vec<(i64, &'a Candidate)>, ActionError> {
    let mut candidates: Vec<(i64, &Candidate)> = Vec::new();
    for (line, checked) in batch.lines {
        match checked {
            Ok(candidate) => candidates.push((*line, candidate)),
            Err(reason) => refused.push((*line, *reason)),
        }
    }
    if candidates.is_empty() {
        return Ok(candidates);
    }
    let addresses: Vec<&EmailAddress> = candidates.iter().map(|(_, one)| &one.address).collect();
    let hash =
        |address: &&EmailAddress| service.link_key().mac(b"import-address", address.normalised().as_bytes()).to_vec();
    let hashes: Vec<Vec<u8>> = addresses.iter().map(hash).collect();
    let asks = (&ASKS.map(Kind::as_str)[..], service.clock().real() - TimeDelta::days(1));
    let (id, series) = (batch.import.id, &batch.series.slug);
    let look = Look { import: id, series, addresses: &addresses, hashes: &hashes, asks };
    let standings = store::look(&mut *tx, bucket, &look).await?;
    let (mut accepted, mut met, mut seen) = (Vec::new(), Vec::new(), HashSet::new());
    for (((line, candidate), standing), hash) in candidates.into_iter().zip(standings).zip(hashes) {
        match judge(service, candidate, &standing) {
            Some(reason) => refused.push((line, reason)),
            None if !seen.insert(candidate.address.normalised()) => refused.push((line, Refused::Twice)),
            None => {
                accepted.push((line, candidate));
                met.push(hash);
            }
        }
    }
    store::meet(&mut *tx, bucket, id, &met).await?;
    Ok(accepted)
}

/// Why an address is not taken in. Who has left comes back by signing up, and never by somebody else's file.
fn judge(service: &Service, candidate: &Candidate, standing: &Standing) -> Option<Refused> {
    if standing.met {
        return Some(Refused::Twice);
    }
    if standing.suppressed {
        return Some(Refused::Suppressed);
    }
    match standing.state {
        Some(state) if state.is_open() => Some(Refused::Open),
        Some(EnrollmentState::Completed) => Some(Refused::Completed),
        Some(_) => Some(Refused::Left),
        None => {
            let is_asked = candidate.state == EnrollmentState::Pending;
            let used_up = standing.asked >= service.settings().confirmations_per_day;
            (is_asked && used_up).then_some(Refused::Asked)
        }
    }
}

struct Enrolling<'a> {
    series: &'a Series,
    import: &'a Import,
    bucket: Bucket,
    hands: Hands,
}

impl Enrolling<'_> {
    /// Answers when the next confirmation is due.
    async fn enroll(
        &self,
        service: &Service,
        tx: &mut PgConnection,
        accepted: &[(i64, &Candidate)],
        refused: &mut Vec<(i64, Refused)>,
        counts: &mut Counts,
    ) -> Result<DateTime<Utc>, ActionError> {
        let addresses: Vec<&EmailAddress> = accepted.iter().map(|(_, one)| &one.address).collect();
        let new_ids: Vec<_> = accepted.iter().map(|_| service.clock().uuid()).collect();
        let real = self.hands.real;
        let subscribers = store::subscribers(&mut *tx, self.bucket, &addresses, &new_ids, real).await?;
        let mut next_confirmation = self.import.next_confirmation.max(self.hands.series);
        let newcomers: Vec<Newcomer> = accepted
            .iter()
            .zip(subscribers)
            .map(|((line, candidate), subscriber)| {
                let due_at = self.due_at(candidate, &mut next_confirmation);
                self.newcomer(service, candidate, subscriber, (*line, due_at))
            })
            .collect();
        let source = format!("import {}", self.import.id);
        let series = &self.series.slug;
        let enrolled = store::enroll(&mut *tx, self.bucket, series, &source, &newcomers, real).await?;
        let enrolled: HashSet<_> = enrolled.into_iter().collect();
        let told: Vec<&Newcomer> = newcomers.iter().filter(|one| enrolled.contains(&one.enrollment)).collect();
        tell_imported(service, tx, self.bucket, series, &told).await?;
        for ((line, candidate), newcomer) in accepted.iter().zip(&newcomers) {
            if enrolled.contains(&newcomer.enrollment) {
                count(counts, std::iter::once(candidate.state));
            } else {
                refused.push((*line, Refused::Open));
            }
        }
        Ok(next_confirmation)
    }

    /// A part comes on the next day at the earliest, at the reader's own hour: a mistake can still be found until then, and a
    /// file is no reason to send all of them at once. Series time.
    fn due_at(&self, candidate: &Candidate, next_confirmation: &mut DateTime<Utc>) -> DateTime<Utc> {
        if candidate.state != EnrollmentState::Active {
            let due_at = *next_confirmation;
            *next_confirmation = after_a_confirmation(due_at);
            return due_at;
        }
        let delay = match self.series.step(&candidate.next).map(|step| step.delay) {
            Some(Delay::Days(days)) => Delay::Days(days.max(1)),
            Some(Delay::Minutes(minutes)) if minutes > 24 * 60 => Delay::Minutes(minutes),
            _ => Delay::Days(1),
        };
        let rhythm = self.series.rhythm(Some(candidate.zone), candidate.hour, candidate.spacing);
        next_due(self.hands.series, delay, &rhythm)
    }

    fn newcomer(
        &self,
        service: &Service,
        candidate: &Candidate,
        subscriber: uuid::Uuid,
        (line, due_at): (i64, DateTime<Utc>),
    ) -> Newcomer {
        let clock = service.clock();
        let is_active = candidate.state == EnrollmentState::Active;
        let mut evidence = json!(candidate.evidence);
        evidence["line"] = json!(line);
        // Of one instant, the consent comes before its confirmation wherever both are shown.
        let mut consents = [clock.uuid(), clock.uuid()];
        consents.sort_unstable();
        let done: Vec<&str> = candidate.done.iter().map(crate::model::StepKey::as_str).collect();
        Newcomer {
            subscriber,
            enrollment: clock.uuid(),
            state: candidate.state,
            condition: service.keyring().seal(&candidate.condition, subscriber, clock.random_bytes()),
            zone: candidate.zone,
            language: candidate.language,
            preferred_time: candidate.hour,
            spacing: candidate.spacing,
            done_steps: done.join(" "),
            confirmed_at: candidate.confirmed_at,
            // A reminder and the end of the wait are reckoned from when the question goes out.
            requested_at: if is_active { self.hands.real } else { self.hands.real + (due_at - self.hands.series) },
            privacy_version: candidate.privacy_version.clone(),
            terms_version: candidate.terms_version.clone(),
            confirmation: candidate.confirmed_at.map(|at| json!({ "at": at, "line": line })),
            evidence,
            consent: consents[0],
            confirm_consent: consents[1],
            delivery: clock.uuid(),
            step: is_active.then(|| candidate.next.to_string()),
            due_at,
        }
    }
}
