//! A part that the reader has, as a page.
use super::super::LinksOf;
use super::super::voices::helpful::Text;
use super::{ActionError, Named, Service, of_token};
use crate::content::{PartPage, part_page};
use crate::model::{Language, StepKey};
use crate::store::calendar;
use crate::store::enrollments::Enrollment;

/// A part that can be read.
pub struct Part {
    pub page: PartPage,
    /// What the reader's mails are in.
    pub language: Language,
    /// Where this part can be called helpful or not.
    pub helpful: Text,
}

/// The part as its mail said it: from the version and for the condition that the delivery records, or from what is current
/// when that version cannot be read any more. Only what the reader has, or may have by now. Changes nothing.
/// In a language that was chosen, or in that of the reader's mails.
///
/// The passage about the condition is shown to whoever has the mail that it stands in, which `proof` shows: that of
/// [`Service::copy_proof`]. Whoever was forwarded another part learns nothing about it.
pub async fn read(
    service: &Service,
    token: &str,
    step: &StepKey,
    proof: Option<&str>,
    chosen: Option<Language>,
) -> Result<Part, ActionError> {
    let Named { own, current } = of_token(service, token).await?;
    let part = match copy(service, &own, step).await? {
        None if current.id != own.id => copy(service, &current, step).await?,
        own => own,
    };
    let (enrollment, version, sealed) = part.ok_or(ActionError::NotFound("part among those that you have received"))?;
    let has_mail = proof.is_some_and(|proof| service.is_copy_proof(proof, own.bucket, own.id, step));
    // A copy whose condition is not known any more is shown without: the reader's may be another by now.
    let condition = match sealed.filter(|_| has_mail && enrollment.id == own.id) {
        Some(sealed) => Some(service.keyring().open(&sealed, enrollment.subscriber)?),
        None => None,
    };
    let language = chosen.unwrap_or(enrollment.language);
    let links = service.reader_links(&LinksOf {
        bucket: enrollment.bucket,
        enrollment: enrollment.id,
        confirm_request: 0,
        language,
        series: &enrollment.series,
        step: Some(step),
    });
    let current = service.library().version.clone();
    for version in version.into_iter().chain([current]) {
        let Some(bundle) = service.bundle(&version).await? else { continue };
        match part_page(&bundle, (&enrollment.series, language), step, condition.as_ref(), &links) {
            Ok(page) => {
                let helpful = Text::Part(enrollment.series.clone(), step.clone());
                return Ok(Part { page, language: enrollment.language, helpful });
            }
            // The faults name a condition's passage, and so are not told.
            Err(faults) => {
                tracing::info!(%step, version, faults = faults.len(), "a part cannot be read from a version");
            }
        }
    }
    Err(ActionError::NotFound("part any more"))
}

type Found<'e> = (&'e Enrollment, Option<String>, Option<Vec<u8>>);

/// The enrollment that has the part, and its version and the sealed condition as far as they are known.
async fn copy<'e>(
    service: &Service,
    enrollment: &'e Enrollment,
    step: &StepKey,
) -> Result<Option<Found<'e>>, ActionError> {
    let copy = calendar::copy_of_step(service.db(), enrollment.bucket, enrollment.id, step).await?;
    if copy.is_none() && !enrollment.done_steps.contains(step) {
        return Ok(None);
    }
    let (version, condition) = copy.map(|copy| (copy.content_version, copy.condition)).unwrap_or_default();
    Ok(Some((enrollment, version, condition)))
}
