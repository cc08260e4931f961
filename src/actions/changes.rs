//! What changes for whom before changed content goes live: the steps that differ, and for each group of enrolled readers what they
//! get and do not get, by the rules that the dispatcher goes by ([`Series::steps_after`]).
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde::Serialize;
use tokio::task::spawn_blocking;
use utoipa::ToSchema;

use super::{ActionError, Service};
use crate::content::{Bundle, Change, Fault, Library, Series, StepChanges, Version, compile, step_changes};
use crate::model::{SeriesSlug, StepKey};
use crate::store::places::{self, Place};

/// Content that could be published, against what is.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct Proposed {
    /// Nothing is published while there is one, and nothing is compared.
    pub faults: Vec<Fault>,
    pub series: Vec<SeriesChanges>,
}

/// What differs in one series.
#[derive(Debug, Serialize, ToSchema)]
pub struct SeriesChanges {
    #[schema(value_type = String)]
    pub series: SeriesSlug,
    pub kind: Kind,
    /// Settings of the series that differ: was, and will be.
    pub settings: Vec<Setting>,
    pub steps: Vec<StepChanges>,
    /// Enrolled readers to whom something happens.
    pub readers: Vec<Touched>,
    /// Enrolled readers to whom nothing happens; not counted where nothing differs.
    pub untouched: Option<i64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = KindOfChange)]
pub enum Kind {
    New,
    /// The new content does not have it: what its readers wait for waits until it is back.
    Gone,
    Changed,
    Same,
}

/// One line of `series.toml`.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Setting {
    pub name: &'static str,
    pub was: String,
    pub will_be: String,
}

/// Readers who wait for the same step, and what happens to them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
pub struct Touched {
    #[schema(value_type = String)]
    pub waits_for: StepKey,
    pub readers: i64,
    #[serde(flatten)]
    pub fate: Fate,
}

/// What happens to a reader who waits for a step. What is in none of these lists comes as it would have come.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
pub struct Fate {
    /// The step that they wait for is there no more: it waits, and is overdue, until it is back or is skipped.
    pub stands_still: bool,
    /// Steps that they get, and would not have got.
    #[schema(value_type = Vec<String>)]
    pub gets_too: Vec<StepKey>,
    /// Steps that they do not get any more, and would have got.
    #[schema(value_type = Vec<String>)]
    pub misses: Vec<StepKey>,
    /// Steps that they get with another delay. The one they wait for keeps its time.
    #[schema(value_type = Vec<String>)]
    pub retimed: Vec<StepKey>,
    /// Steps that they get in other words.
    #[schema(value_type = Vec<String>)]
    pub reworded: Vec<StepKey>,
}

impl Kind {
    /// In a few words.
    pub fn in_words(self) -> &'static str {
        match self {
            Self::New => "new: nobody has it yet",
            Self::Gone => "not in this content: what its readers wait for waits until it is back",
            Self::Changed => "changed",
            Self::Same => "no step and no rule differs",
        }
    }
}

impl Fate {
    /// In a few words.
    pub fn in_words(&self) -> String {
        let list = |said: &str, steps: &[StepKey]| {
            let steps: Vec<&str> = steps.iter().map(StepKey::as_str).collect();
            (!steps.is_empty()).then(|| format!("{said} {}", steps.join(", ")))
        };
        let stands_still = self.stands_still.then(|| "waits until the step is back, or is skipped".to_owned());
        let said = [
            stands_still,
            list("gets too:", &self.gets_too),
            list("misses:", &self.misses),
            list("at other times:", &self.retimed),
            list("in other words:", &self.reworded),
        ];
        said.into_iter().flatten().collect::<Vec<_>>().join("; ")
    }
}

/// What would happen if the content of a folder were published now; without one, that which is built in.
pub async fn of_folder(service: &Service, folder: Option<PathBuf>) -> Result<Proposed, ActionError> {
    // Files are read and templates compiled: not on a thread that others wait for.
    let read = spawn_blocking(move || {
        let bundle = folder.map_or_else(|| Ok(Bundle::embedded()), |folder| Bundle::from_folder(&folder))?;
        let library = compile(&bundle)?;
        Ok::<_, Vec<Fault>>((bundle, library))
    });
    match read.await.map_err(|_| ActionError::Refused("the content could not be read: try again".into()))? {
        Ok((bundle, library)) => {
            Ok(Proposed { series: changes(service, &bundle, &library).await?, ..Proposed::default() })
        }
        Err(faults) => Ok(Proposed { faults, ..Proposed::default() }),
    }
}

/// What would happen if these texts were published now.
pub async fn changes(service: &Service, bundle: &Bundle, library: &Library) -> Result<Vec<SeriesChanges>, ActionError> {
    let live = service.library();
    let published = service.bundle(&live.version).await?.ok_or(ActionError::NotFound("published content"))?;
    let slugs: BTreeSet<&SeriesSlug> = live.series.keys().chain(library.series.keys()).collect();
    let mut all = Vec::new();
    for slug in slugs {
        let (old, new) = (live.series.get(slug), library.series.get(slug));
        all.push(match (old, new) {
            (Some(old), Some(new)) => {
                let (old, new) = (Version { series: old, bundle: &published }, Version { series: new, bundle });
                let (steps, settings) = (step_changes(old, new), settings(old.series, new.series));
                if steps.is_empty() && settings.is_empty() {
                    unchanged(slug)
                } else {
                    let places = places::places(service.db(), slug).await?;
                    of_series((old.series, new.series), steps, settings, places)
                }
            }
            (old, _) => {
                let kind = if old.is_some() { Kind::Gone } else { Kind::New };
                whole(slug, kind, places::places(service.db(), slug).await?)
            }
        });
    }
    Ok(all)
}

/// A series that only one of the two has.
fn whole(slug: &SeriesSlug, kind: Kind, places: Vec<Place>) -> SeriesChanges {
    let fate = Fate { stands_still: true, ..Fate::default() };
    let touched = places.into_iter().map(|place| (place.waits_for, fate.clone(), place.readers));
    SeriesChanges {
        series: slug.clone(),
        kind,
        settings: Vec::new(),
        steps: Vec::new(),
        readers: together(touched),
        untouched: Some(0),
    }
}

/// A series that both have alike.
fn unchanged(slug: &SeriesSlug) -> SeriesChanges {
    SeriesChanges {
        series: slug.clone(),
        kind: Kind::Same,
        settings: Vec::new(),
        steps: Vec::new(),
        readers: Vec::new(),
        untouched: None,
    }
}

fn of_series(
    (old, new): (&Series, &Series),
    steps: Vec<StepChanges>,
    settings: Vec<Setting>,
    places: Vec<Place>,
) -> SeriesChanges {
    let (mut touched, mut untouched) = (Vec::new(), 0);
    for place in places {
        let fate = fate(old, new, &steps, &place);
        if fate == Fate::default() {
            untouched += place.readers;
        } else {
            touched.push((place.waits_for, fate, place.readers));
        }
    }
    SeriesChanges {
        series: new.slug.clone(),
        kind: Kind::Changed,
        settings,
        steps,
        readers: together(touched),
        untouched: Some(untouched),
    }
}

/// What a reader in this place would have got, and will get.
fn fate(old: &Series, new: &Series, steps: &[StepChanges], place: &Place) -> Fate {
    let ahead = |series: &Series| -> Vec<StepKey> {
        let later = series.steps_after(&place.waits_for, &place.done);
        later.into_iter().map(|step| step.key.clone()).collect()
    };
    let (would, will) = (ahead(old), ahead(new));
    let is = |step: &StepKey, found: fn(&Change) -> bool| {
        steps.iter().any(|one| one.step == *step && one.changes.iter().any(found))
    };
    let waits_for = std::iter::once(&place.waits_for);
    let only = |these: &[StepKey], those: &[StepKey]| -> Vec<StepKey> {
        these.iter().filter(|step| !those.contains(step) && **step != place.waits_for).cloned().collect()
    };
    Fate {
        stands_still: new.position(&place.waits_for).is_none(),
        gets_too: only(&will, &would),
        misses: only(&would, &will),
        retimed: will.iter().filter(|step| is(step, |one| matches!(one, Change::Retimed { .. }))).cloned().collect(),
        reworded: waits_for.chain(&will).filter(|step| is(step, |one| *one == Change::Reworded)).cloned().collect(),
    }
}

/// Readers in the same place to whom the same happens, as one line.
fn together(touched: impl IntoIterator<Item = (StepKey, Fate, i64)>) -> Vec<Touched> {
    let mut lines: BTreeMap<(StepKey, Fate), i64> = BTreeMap::new();
    for (waits_for, fate, readers) in touched {
        *lines.entry((waits_for, fate)).or_default() += readers;
    }
    lines.into_iter().map(|((waits_for, fate), readers)| Touched { waits_for, readers, fate }).collect()
}

/// What of the series' rules differs. All of them hold from the next step that is reckoned on.
fn settings(old: &Series, new: &Series) -> Vec<Setting> {
    let window = |series: &Series| {
        let time = |time: chrono::NaiveTime| time.format("%H:%M").to_string();
        format!("{} to {}", time(series.window.from), time(series.window.to))
    };
    let conditions = |series: &Series| {
        series.conditions.iter().map(|one| one.key.as_str().to_owned()).collect::<Vec<_>>().join(", ")
    };
    let rows = [
        ("title", old.title.clone(), new.title.clone()),
        ("from", sender(old), sender(new)),
        ("default_zone", old.default_zone.to_string(), new.default_zone.to_string()),
        ("window", window(old), window(new)),
        ("preferred", old.preferred.to_string(), new.preferred.to_string()),
        ("min_gap", format!("{}m", old.min_gap.num_minutes()), format!("{}m", new.min_gap.num_minutes())),
        ("spacings", format!("{:?}", old.spacings), format!("{:?}", new.spacings)),
        ("conditions", conditions(old), conditions(new)),
    ];
    let differs = rows.into_iter().filter(|(_, was, will_be)| was != will_be);
    differs.map(|(name, was, will_be)| Setting { name, was, will_be }).collect()
}

fn sender(series: &Series) -> String {
    let name = series.from.name.as_deref().unwrap_or_default();
    format!("{name} <{}>", series.from.address.as_typed())
}
