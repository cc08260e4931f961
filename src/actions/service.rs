//! What every verb needs: the database, the clock, the published content and the keys.
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use chrono::TimeDelta;
use sqlx::PgPool;
use tokio::sync::Notify;

use super::dashboard;
use super::guards::{self, Guards};
use super::health::Vitals;
use super::sign_up::{Limits, SignUps};
use super::voices::Waiting;
use super::voices::helpful::Text;
use super::webhooks::{self, tell};
use super::{ActionError, admins};
use crate::clock::Clock;
use crate::content::{Bundle, Fault, Library, ReaderLinks, Series, compile};
use crate::links::{Link, LinkKey, Purpose};
use crate::messages::{self, Values};
use crate::metrics::Metrics;
use crate::model::{Bucket, EmailAddress, Language, SeriesSlug, StepKey};
use crate::seal::Keyring;
use crate::store::{self, installation, queue::Hands};
use uuid::Uuid;

/// The rules of sign-up and of addresses, from the config.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Without a trailing slash.
    pub public_url: String,
    pub confirm_expires: TimeDelta,
    pub reminder_after: TimeDelta,
    pub pending_kept: TimeDelta,
    /// Attempts of deliveries that have come to an end are deleted after this.
    pub attempts_kept: TimeDelta,
    /// Deliveries of enrollments that have ended are deleted after this.
    pub ended_kept: TimeDelta,
    pub confirmations_per_day: i64,
    pub already_cooldown: TimeDelta,
    pub sign_ups: Limits,
    pub guards: guards::Settings,
    pub admins: admins::Settings,
    pub webhooks: webhooks::Settings,
    /// What all relays may carry together, if each has a rate: how long a run takes is reckoned with it.
    pub sends_per_minute: Option<u32>,
    /// Who may be sent tests.
    pub editors: Vec<EmailAddress>,
}

/// Everything the verbs need; cheap to clone.
#[derive(Clone)]
pub struct Service(Arc<Inner>);

struct Inner {
    db: PgPool,
    hot_db: PgPool,
    clock: Clock,
    library: RwLock<Arc<Library>>,
    /// The files of versions that readers looked at last.
    bundles: Mutex<Vec<(String, Arc<Bundle>)>>,
    keyring: Keyring,
    link_key: LinkKey,
    settings: Settings,
    due: Notify,
    vitals: Vitals,
    metrics: Arc<Metrics>,
    sign_ups: SignUps,
    guards: Guards,
    waiting_forms: Waiting,
    figures: dashboard::Kept,
    webhook_wishes: tell::Known,
}

/// Whose mail it is that links are made for.
#[derive(Debug, Clone, Copy)]
pub struct LinksOf<'a> {
    pub bucket: Bucket,
    pub enrollment: Uuid,
    /// The number of the confirmation request that the mail answers.
    pub confirm_request: i32,
    pub language: Language,
    pub series: &'a SeriesSlug,
    /// The step that the mail is, if it is one.
    pub step: Option<&'a StepKey>,
}

impl<'a> LinksOf<'a> {
    /// For a preview or a test: signed for an enrollment that does not exist.
    pub fn nobody(series: &'a Series, step: &'a StepKey) -> Self {
        let bucket = Bucket::all().next().expect("there are 64 buckets");
        let (language, series) = (series.words, &series.slug);
        Self { bucket, enrollment: Uuid::nil(), confirm_request: 0, language, series, step: Some(step) }
    }
}

/// What became of an attempt to publish the content folder.
#[derive(Debug)]
pub enum Publishing {
    Published {
        version: String,
    },
    Unchanged {
        version: String,
    },
    /// The folder has faults; the version published before stays live.
    Kept {
        version: String,
        faults: Vec<Fault>,
    },
}

const COPY_PROOF_LEN: usize = 16;

/// Names one part of one reader, for a MAC.
pub(super) fn copy_message(bucket: Bucket, enrollment: Uuid, step: &StepKey) -> Vec<u8> {
    [&bucket.get().to_be_bytes(), enrollment.as_bytes().as_slice(), step.as_str().as_bytes()].concat()
}

impl Service {
    pub fn new(
        db: PgPool,
        clock: Clock,
        library: Library,
        keyring: Keyring,
        link_key: LinkKey,
        settings: Settings,
    ) -> Self {
        let library = RwLock::new(Arc::new(library));
        let hot_db = store::hot_pool(&db);
        let sign_ups = SignUps::new(&settings.sign_ups);
        let guards = Guards::new(&settings.guards);
        Self(Arc::new(Inner {
            db,
            hot_db,
            clock,
            library,
            bundles: Mutex::default(),
            keyring,
            link_key,
            settings,
            due: Notify::new(),
            vitals: Vitals::default(),
            metrics: Arc::default(),
            sign_ups,
            guards,
            waiting_forms: Waiting::default(),
            figures: dashboard::Kept::default(),
            webhook_wishes: tell::Known::default(),
        }))
    }

    pub fn db(&self) -> &PgPool {
        &self.0.db
    }

    /// For the statements of the queue, whose plans must not depend on what they are asked.
    pub fn hot_db(&self) -> &PgPool {
        &self.0.hot_db
    }

    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// Both hands of the clock at once.
    pub fn hands(&self) -> Hands {
        Hands { real: self.0.clock.real(), series: self.0.clock.series() }
    }

    /// The content that is live now.
    pub fn library(&self) -> Arc<Library> {
        self.0.library.read().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    /// The series that are published.
    pub fn slugs(&self) -> Vec<String> {
        self.library().series.keys().map(ToString::to_string).collect()
    }

    pub fn keyring(&self) -> &Keyring {
        &self.0.keyring
    }

    pub fn link_key(&self) -> &LinkKey {
        &self.0.link_key
    }

    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// When the parts of this process last moved.
    pub fn vitals(&self) -> &Vitals {
        &self.0.vitals
    }

    /// What this process has counted.
    pub fn metrics(&self) -> &Arc<Metrics> {
        &self.0.metrics
    }

    /// The sign-ups of this process that are under way.
    pub fn sign_ups(&self) -> &SignUps {
        &self.0.sign_ups
    }

    /// What this process knows of sign-ups that were let in and refused.
    pub(super) fn guards(&self) -> &Guards {
        &self.0.guards
    }

    /// The surveys' forms that this process has not written yet.
    pub(super) fn waiting_forms(&self) -> &Waiting {
        &self.0.waiting_forms
    }

    /// What was counted last of each series.
    pub(super) fn figures(&self) -> &dashboard::Kept {
        &self.0.figures
    }

    /// What this process knows of what webhooks want to be told.
    pub(super) fn webhook_wishes(&self) -> &tell::Known {
        &self.0.webhook_wishes
    }

    pub fn public_url(&self) -> &str {
        &self.0.settings.public_url
    }

    /// Wakes this process's dispatcher, if it has one.
    pub fn wake_dispatcher(&self) {
        self.0.due.notify_one();
    }

    /// Waits until something may be due in this process.
    pub async fn woken(&self) {
        self.0.due.notified().await;
    }

    /// The path of the page on which one enrollment is ended.
    pub fn unsubscribe_path(&self, bucket: Bucket, enrollment: Uuid) -> String {
        let issued = self.clock().real();
        let link = Link { purpose: Purpose::Unsubscribe, bucket, enrollment, request: 0, issued };
        format!("/unsubscribe/{}", self.link_key().sign(&link))
    }

    pub fn series(&self, slug: &SeriesSlug) -> Result<Arc<Series>, ActionError> {
        self.library().series.get(slug).cloned().ok_or(ActionError::NotFound("series"))
    }

    /// The series in this language, if it is translated; else as it is.
    pub fn series_in(&self, slug: &SeriesSlug, language: Language) -> Result<Arc<Series>, ActionError> {
        self.library().series_in(slug, language).ok_or(ActionError::NotFound("series"))
    }

    /// The links of one reader's mail.
    pub fn reader_links(&self, mail: &LinksOf<'_>) -> ReaderLinks {
        let LinksOf { bucket, enrollment, .. } = *mail;
        let issued = self.clock().real();
        let sign = |purpose, path: &str, request: u32| {
            let token = self.link_key().sign(&Link { purpose, bucket, enrollment, request, issued });
            format!("{}/{path}/{token}", self.public_url())
        };
        let manage_url = sign(Purpose::Manage, "manage", 0);
        let view = |step: &StepKey| format!("{manage_url}/parts/{step}/{}", self.copy_proof(bucket, enrollment, step));
        let helpful = |step: &StepKey| Text::Part(mail.series.clone(), step.clone()).path();
        ReaderLinks {
            view_url: mail.step.map(view).unwrap_or_default(),
            helpful_url: mail.step.map(|step| format!("{}{}", self.public_url(), helpful(step))).unwrap_or_default(),
            unsubscribe_url: sign(Purpose::Unsubscribe, "unsubscribe", 0),
            manage_url,
            fresh_url: sign(Purpose::Fresh, "fresh", 0),
            confirm_url: sign(Purpose::Confirm, "confirm", u32::try_from(mail.confirm_request).unwrap_or(0)),
            never_url: sign(Purpose::Never, "never", 0),
            privacy_url: format!("{}/privacy", self.public_url()),
            terms_url: format!("{}/terms", self.public_url()),
            site_url: self.public_url().to_owned(),
            expires_in: in_words(mail.language, self.settings().confirm_expires),
        }
    }

    /// Stands in the link of one mail and shows that whoever brings it has had that very mail.
    pub fn copy_proof(&self, bucket: Bucket, enrollment: Uuid, step: &StepKey) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(self.link_key().mac(b"copy", &copy_message(bucket, enrollment, step)))
    }

    pub fn is_copy_proof(&self, given: &str, bucket: Bucket, enrollment: Uuid, step: &StepKey) -> bool {
        let given = BASE64_URL_SAFE_NO_PAD.decode(given).unwrap_or_default();
        given.len() == COPY_PROOF_LEN && self.link_key().made(b"copy", &copy_message(bucket, enrollment, step), &given)
    }

    /// The files of a version that was published at some time. A few are kept, and none before somebody asks.
    pub async fn bundle(&self, version: &str) -> Result<Option<Arc<Bundle>>, ActionError> {
        const KEPT: usize = 2;
        let kept = || self.0.bundles.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, bundle)) = kept().iter().find(|(of, _)| of == version) {
            return Ok(Some(bundle.clone()));
        }
        let Some(files) = installation::content_of(self.db(), version).await? else { return Ok(None) };
        let bundle = match Bundle::from_json(&files) {
            Ok(bundle) => Arc::new(bundle),
            Err(error) => {
                tracing::warn!(%error, version, "a version that was published before cannot be read any more");
                return Ok(None);
            }
        };
        let mut kept = kept();
        kept.truncate(KEPT - 1);
        kept.insert(0, (version.to_owned(), bundle.clone()));
        Ok(Some(bundle))
    }

    /// Takes over the content that another node has published since.
    pub async fn refresh_content(&self) -> anyhow::Result<()> {
        let live = self.library().version.clone();
        match installation::current_content_version(self.db()).await? {
            Some(version) if version != live => {}
            _ => return Ok(()),
        }
        if let Some(library) = published(self.db()).await? {
            *self.0.library.write().unwrap_or_else(std::sync::PoisonError::into_inner) = Arc::new(library);
        }
        Ok(())
    }
}

/// The span in the largest unit that divides it: "3 days", "1 hour".
fn in_words(language: Language, span: TimeDelta) -> String {
    let minutes = span.num_minutes().max(1);
    let (count, unit) = match minutes {
        _ if minutes % 1440 == 0 => (minutes / 1440, "span-days"),
        _ if minutes % 60 == 0 => (minutes / 60, "span-hours"),
        _ => (minutes, "span-minutes"),
    };
    messages::filled(language, unit, &Values::new().with("count", count))
}

/// Publishes `bundle` if it has no fault; otherwise what was published before stays live. Fails when there is neither.
pub async fn publish(db: &PgPool, clock: &Clock, bundle: &Bundle) -> anyhow::Result<(Library, Publishing)> {
    match compile(bundle) {
        Ok(library) => {
            let version = library.version.clone();
            if installation::current_content_version(db).await?.as_ref() == Some(&version) {
                return Ok((library, Publishing::Unchanged { version }));
            }
            installation::publish_content(db, &version, &bundle.to_json(), clock.real()).await?;
            Ok((library, Publishing::Published { version }))
        }
        Err(faults) => kept(published(db).await?, faults),
    }
}

/// For a folder that cannot even be read: what was published before stays live. Fails when there is nothing.
pub async fn keep_published(db: &PgPool, faults: Vec<Fault>) -> anyhow::Result<(Library, Publishing)> {
    kept(published(db).await?, faults)
}

fn kept(current: Option<Library>, faults: Vec<Fault>) -> anyhow::Result<(Library, Publishing)> {
    let Some(library) = current else {
        let lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
        anyhow::bail!("the content has faults and none was published before:\n  {}", lines.join("\n  "))
    };
    let version = library.version.clone();
    Ok((library, Publishing::Kept { version, faults }))
}

/// The content published last, compiled.
pub async fn published(db: &PgPool) -> anyhow::Result<Option<Library>> {
    let Some((version, files)) = installation::current_content(db).await? else { return Ok(None) };
    let bundle = Bundle::from_json(&files)?;
    match compile(&bundle) {
        Ok(library) => Ok(Some(library)),
        Err(faults) => anyhow::bail!(
            "the published content {version} does not compile with this binary: {} (publish it anew)",
            faults.first().map(ToString::to_string).unwrap_or_default()
        ),
    }
}
