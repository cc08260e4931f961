//! A form with a file of readers, read while it comes: neither is it held in memory, nor does it lie on a disk in the clear.
use std::collections::BTreeMap;
use std::time::Duration;

use axum::extract::multipart::{Field, MultipartError};
use axum::extract::{DefaultBodyLimit, Multipart};
use axum::http::StatusCode;
use subtle::ConstantTimeEq as _;

use super::AppState;
use super::error::WebError;
use crate::actions::imports::{Ask, Upload};
use crate::actions::{ActionError, Actor};
use crate::model::{EnrollmentState, SeriesSlug};

/// Where such forms are sent.
pub(super) const PATHS: [&str; 2] = ["/admin/imports", "/api/v1/imports/upload"];
/// Somebody who sends nothing for so long is gone.
const PATIENCE: Duration = Duration::from_secs(30);
/// What is no file may have so many octets, and there may be so many of it.
const LONGEST_FIELD: usize = 4 * 1024;
const MOST_FIELDS: usize = 8;
/// Octets around the file.
const AROUND: usize = 64 * 1024;
/// Nobody sends one file for longer.
const LONGEST: Duration = Duration::from_hours(12);

/// Bounds the whole of a form with a file: what is around the file, too, costs memory until it makes sense.
pub(super) fn limit(state: &AppState) -> DefaultBodyLimit {
    DefaultBodyLimit::max(usize::try_from(state.largest_import).unwrap_or(usize::MAX).saturating_add(AROUND))
}

/// What was sent.
pub(super) struct Sent {
    fields: BTreeMap<String, String>,
    upload: Upload,
}

impl Sent {
    /// A field, without what is around it; empty if it was not sent.
    pub(super) fn field(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", |text| text.trim())
    }

    /// What is to be done with the file.
    pub(super) fn ask(&self) -> Result<Ask, ActionError> {
        let series = SeriesSlug::parse(self.field("series")).map_err(|_| ActionError::NotFound("series"))?;
        let state = match self.field("state") {
            "" => EnrollmentState::Pending,
            word => word.parse().map_err(|error: crate::model::UnknownWord| ActionError::Refused(error.to_string()))?,
        };
        Ok(Ask { series, state, dry_run: true })
    }

    /// Begins the dry run of the file. Answers its number.
    pub(super) async fn begin(self, ask: Result<Ask, ActionError>, by: &Actor) -> Result<i64, ActionError> {
        match ask {
            Ok(ask) => self.upload.finish(&ask, by).await,
            Err(error) => {
                self.upload.discard().await;
                Err(error)
            }
        }
    }

    pub(super) async fn discard(self) {
        self.upload.discard().await;
    }
}

/// Reads the form. `token` is what its first field has to be, `form_token`: nothing of a file is taken from anybody who does
/// not have it.
pub(super) async fn read(state: &AppState, mut form: Multipart, token: Option<&str>) -> Result<Sent, WebError> {
    let mut reading = Reading { fields: BTreeMap::new(), left: MOST_FIELDS, upload: None };
    let read = tokio::time::timeout(LONGEST, reading.all(state, &mut form, token)).await;
    let read = read.unwrap_or_else(|_| Err(WebError::BadRequest("That took too long: cut the file in two.".into())));
    match (read, reading) {
        (Ok(()), Reading { fields, upload: Some(upload), .. }) if upload.octets() > 0 => Ok(Sent { fields, upload }),
        (read, Reading { upload, .. }) => {
            if let Some(upload) = upload {
                upload.discard().await;
            }
            read.and_then(|()| Err(WebError::Conflict("Choose a file: there was none, or it is empty.".into())))
        }
    }
}

struct Reading {
    fields: BTreeMap<String, String>,
    /// How many may still come.
    left: usize,
    upload: Option<Upload>,
}

impl Reading {
    async fn all(&mut self, state: &AppState, form: &mut Multipart, token: Option<&str>) -> Result<(), WebError> {
        let mut is_known = token.is_none();
        while let Some(mut field) = in_time(state, form.next_field()).await? {
            let name = field.name().unwrap_or_default().to_owned();
            if !is_known {
                let given = if name == "form_token" { text(state, &mut field).await? } else { String::new() };
                is_known = token.is_some_and(|token| bool::from(token.as_bytes().ct_eq(given.as_bytes())));
                if !is_known {
                    return Err(WebError::BadRequest("The form has no token of this page: open it again.".into()));
                }
            } else if name == "file" {
                self.file(state, &mut field).await?;
            } else if let Some(left) = self.left.checked_sub(1) {
                self.left = left;
                let text = text(state, &mut field).await?;
                self.fields.insert(name, text);
            } else {
                return Err(WebError::BadRequest("The form has more fields than it should.".into()));
            }
        }
        Ok(())
    }

    async fn file(&mut self, state: &AppState, field: &mut Field<'_>) -> Result<(), WebError> {
        if self.upload.is_some() {
            return Err(WebError::BadRequest("Send one file at a time.".into()));
        }
        let upload = self.upload.insert(Upload::begin(&state.service).await?);
        while let Some(octets) = in_time(state, field.chunk()).await? {
            if upload.octets() + octets.len() as u64 > state.largest_import {
                return Err(WebError::TooLargeFile(state.largest_import));
            }
            upload.take(&octets).await?;
        }
        Ok(())
    }
}

async fn text(state: &AppState, field: &mut Field<'_>) -> Result<String, WebError> {
    let mut all = Vec::new();
    while let Some(octets) = in_time(state, field.chunk()).await? {
        if all.len() + octets.len() > LONGEST_FIELD {
            return Err(WebError::BadRequest("A field of the form is too long.".into()));
        }
        all.extend_from_slice(&octets);
    }
    String::from_utf8(all)
        .ok()
        .filter(|text| !text.contains('\0'))
        .ok_or_else(|| WebError::BadRequest("A field of the form is no text.".into()))
}

async fn in_time<T>(state: &AppState, part: impl Future<Output = Result<T, MultipartError>>) -> Result<T, WebError> {
    match tokio::time::timeout(PATIENCE, part).await {
        Ok(Ok(part)) => Ok(part),
        Ok(Err(error)) if error.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            Err(WebError::TooLargeFile(state.largest_import))
        }
        Ok(Err(_)) => Err(WebError::BadRequest("The form broke off, or is none: send it again.".into())),
        Err(_) => Err(WebError::BadRequest("Nothing came for 30 seconds: send it again.".into())),
    }
}
