//! "Was this helpful?": yes or no, counted by text and day.
use serde::Serialize;

use super::Ballot;
use crate::actions::{ActionError, Service};
use crate::content::MAIN_ARTICLE;
use crate::model::{Language, SeriesSlug, StepKey};
use crate::store::voices::{self, Page, Spent};

/// A text that is asked about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Text {
    /// A part of the series.
    Part(SeriesSlug, StepKey),
    /// The main article, or a related one by its slug.
    Article(SeriesSlug, String),
}

/// An answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Vote {
    Yes,
    No,
}

/// How many said yes, of all that said something.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    pub yes: i64,
    pub all: i64,
}

/// What the page of the question shows.
#[derive(Debug)]
pub struct HelpfulView {
    pub series_title: String,
    /// Of the text.
    pub title: String,
    pub tally: Tally,
    /// For the next press: the one that was brought, or a new one.
    pub ballot: String,
    /// What the ballot that was brought has said.
    pub said: Option<Vote>,
}

impl Vote {
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Yes, Self::No].into_iter().find(|vote| vote.as_str() == text)
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::No => "no",
        }
    }
}

impl Text {
    pub fn series(&self) -> &SeriesSlug {
        match self {
            Self::Part(series, _) | Self::Article(series, _) => series,
        }
    }

    /// Where it is asked about.
    pub fn path(&self) -> String {
        match self {
            Self::Part(series, step) => format!("/helpful/{series}/{step}"),
            Self::Article(series, slug) => format!("/helpful/{series}/articles/{slug}"),
        }
    }

    fn page(&self) -> Page<'_> {
        match self {
            Self::Part(series, step) => Page { series, kind: "part", page: step.as_str() },
            Self::Article(series, slug) => Page { series, kind: "article", page: slug },
        }
    }

    /// The titles of its series and of itself; refused if there is no such text.
    fn titles(&self, service: &Service, language: Language) -> Result<(String, String), ActionError> {
        let series = service.series_in(self.series(), language)?;
        let title = match self {
            Self::Part(_, step) => series.step(step).map(|step| step.subject.clone()),
            Self::Article(_, slug) if slug == MAIN_ARTICLE => Some(series.article.title.clone()),
            Self::Article(_, slug) => series.related(slug).map(|one| one.title.clone()),
        };
        Ok((series.title.clone(), title.ok_or(ActionError::NotFound("text in this series"))?))
    }
}

/// A new ballot for this text.
pub fn ballot(service: &Service, text: &Text) -> String {
    Ballot::issue(service, &text.path())
}

pub async fn tally(service: &Service, text: &Text) -> Result<Tally, ActionError> {
    let (yes, all) = voices::votes(service.db(), &text.page()).await?;
    Ok(Tally { yes, all })
}

/// Only looks. A ballot that is none of ours is not told from none.
pub async fn look(
    service: &Service,
    text: &Text,
    language: Language,
    brought: Option<&str>,
) -> Result<HelpfulView, ActionError> {
    let (series_title, title) = text.titles(service, language)?;
    let read = brought.and_then(|brought| Some((brought, Ballot::read(service, &text.path(), brought)?)));
    let spent = match &read {
        Some((_, ballot)) => voices::spent(service.db(), &ballot.hash).await?,
        None => None,
    };
    Ok(HelpfulView {
        series_title,
        title,
        tally: tally(service, text).await?,
        ballot: read.map_or_else(|| ballot(service, text), |(brought, _)| brought.to_owned()),
        said: spent.and_then(|spent| Vote::parse(&spent.vote?)),
    })
}

/// Counts a vote once for each ballot; another answer with the same ballot moves the vote. False, and nothing is counted,
/// if the ballot is none of ours or too old.
pub async fn vote(service: &Service, text: &Text, ballot: &str, vote: Vote) -> Result<bool, ActionError> {
    text.titles(service, Language::default())?;
    let Some(ballot) = Ballot::read(service, &text.path(), ballot) else { return Ok(false) };
    let today = service.clock().real().date_naive();
    let page = text.page();
    let mut tx = service.db().begin().await?;
    if voices::spend(&mut *tx, &ballot.hash, today, Some(vote.as_str())).await? {
        voices::add_vote(&mut *tx, &page, today, vote.as_str()).await?;
    } else if let Some(Spent { day, vote: Some(before) }) = voices::lock_spent(&mut *tx, &ballot.hash).await?
        && before != vote.as_str()
    {
        voices::change_vote(&mut *tx, &ballot.hash, vote.as_str()).await?;
        // Always in this order, so that two who change their minds at once do not wait for each other.
        for answer in [Vote::No, Vote::Yes] {
            if answer == vote {
                voices::add_vote(&mut *tx, &page, day, answer.as_str()).await?;
            } else {
                voices::take_vote(&mut *tx, &page, day, answer.as_str()).await?;
            }
        }
    }
    tx.commit().await?;
    Ok(true)
}
