//! What is printed: a table for people, a JSON object a line for programs.
use std::fmt::Write as _;
use std::time::Duration;

use serde::Serialize;

/// Which way is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Better {
    Higher,
    Lower,
}

/// What a goal speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Of {
    /// Figure divided by ceiling.
    Ratio,
    Figure,
}

/// A line of the benchmark before it is measured.
#[derive(Debug, Clone, Copy)]
pub struct Line {
    pub name: &'static str,
    pub unit: &'static str,
    pub goal: f64,
    pub of: Of,
    pub better: Better,
    /// Only with `--long`.
    pub long: bool,
    pub about: &'static str,
}

/// A line as measured.
#[derive(Debug, Clone, Serialize)]
pub struct Figure {
    pub name: &'static str,
    pub figure: f64,
    pub unit: &'static str,
    /// What the figure is divided by; none when the goal speaks of the figure alone.
    pub ceiling: Option<f64>,
    pub ratio: Option<f64>,
    pub goal: f64,
    pub goal_of: Of,
    pub better: Better,
    pub met: bool,
    /// What the ceiling is.
    pub ceiling_is: Option<String>,
    /// What else was seen.
    pub note: String,
}

impl Line {
    /// A figure whose goal speaks of itself.
    pub(super) fn alone(&self, figure: f64, note: impl Into<String>) -> Figure {
        self.figure(figure, None, note.into())
    }

    /// A figure and its ceiling, which was measured beside it.
    pub(super) fn against(
        &self,
        figure: f64,
        ceiling: f64,
        ceiling_is: impl Into<String>,
        note: impl Into<String>,
    ) -> Figure {
        self.figure(figure, Some((ceiling, ceiling_is.into())), note.into())
    }

    fn figure(&self, figure: f64, ceiling: Option<(f64, String)>, note: String) -> Figure {
        let figure = rounded(figure);
        let (ceiling, ceiling_is) = ceiling.map(|(ceiling, what)| (rounded(ceiling), what)).unzip();
        let ratio = ceiling.map(|ceiling| figure / ceiling);
        let judged = match self.of {
            Of::Ratio => ratio.unwrap_or(f64::NAN),
            Of::Figure => figure,
        };
        let met = match self.better {
            Better::Higher => judged >= self.goal,
            Better::Lower => judged <= self.goal,
        };
        Figure {
            name: self.name,
            figure,
            unit: self.unit,
            ceiling,
            ratio,
            goal: self.goal,
            goal_of: self.of,
            better: self.better,
            met,
            ceiling_is,
            note,
        }
    }
}

/// The whole as a table.
pub(super) fn table(figures: &[Figure]) -> String {
    let mut text = String::new();
    writeln!(
        text,
        "{:<20} {:>12} {:<8} {:>12} {:>7}  {:<12} met",
        "line", "figure", "unit", "ceiling", "ratio", "goal"
    )
    .expect("a string takes all");
    for one in figures {
        let sign = if one.better == Better::Higher { "≥" } else { "≤" };
        let of = if one.goal_of == Of::Ratio { "ratio" } else { "" };
        let goal = format!("{sign} {} {of}", short(one.goal));
        let ceiling = one.ceiling.map(short).unwrap_or_default();
        let ratio = one.ratio.map(|ratio| format!("{ratio:.2}")).unwrap_or_default();
        let met = if one.met { "yes" } else { "NO" };
        let figure = short(one.figure);
        writeln!(text, "{:<20} {figure:>12} {:<8} {ceiling:>12} {ratio:>7}  {goal:<12} {met}", one.name, one.unit)
            .expect("a string takes all");
    }
    let mut notes = String::new();
    for one in figures {
        let parts: Vec<&str> = [one.ceiling_is.as_deref().unwrap_or_default(), &one.note]
            .into_iter()
            .filter(|it| !it.is_empty())
            .collect();
        if !parts.is_empty() {
            writeln!(notes, "  {}: {}", one.name, parts.join("; ")).expect("a string takes all");
        }
    }
    if notes.is_empty() { text } else { format!("{text}\n{notes}") }
}

/// So many in this time, a second.
#[allow(clippy::cast_precision_loss)]
pub(super) fn per_second(count: u64, took: Duration) -> f64 {
    count as f64 / took.as_secs_f64().max(1e-6)
}

/// The middle one; of an even number, the lower of the two.
pub(super) fn median(values: &[f64]) -> f64 {
    share(values, 0.5)
}

/// The value that this share of all does not exceed.
#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
pub(super) fn share(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let place = (sorted.len() as f64 * share).ceil() as usize;
    sorted.get(place.clamp(1, sorted.len().max(1)) - 1).copied().unwrap_or(f64::NAN)
}

fn rounded(value: f64) -> f64 {
    (value * 1_000.0).round() / 1_000.0
}

fn short(value: f64) -> String {
    if value.abs() >= 100.0 {
        format!("{value:.0}")
    } else {
        format!("{value:.2}").trim_end_matches('0').trim_end_matches('.').to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: Line = Line {
        name: "a-line",
        unit: "mails/s",
        goal: 0.5,
        of: Of::Ratio,
        better: Better::Higher,
        long: false,
        about: "",
    };

    #[test]
    fn a_ratio_is_made_of_its_parts() {
        let figure = LINE.against(5_000.000_4, 9_999.9, "smtp-source", "");
        assert_eq!(figure.ratio, Some(figure.figure / figure.ceiling.unwrap()));
        assert!(figure.met);
        assert!(!LINE.against(4_999.0, 10_000.0, "", "").met);
    }

    #[test]
    fn lower_may_be_better() {
        let line = Line { of: Of::Figure, better: Better::Lower, goal: 15.0, ..LINE };
        assert!(line.alone(15.0, "").met && !line.alone(15.1, "").met);
        assert_eq!(line.alone(1.0, "").ratio, None);
    }

    #[test]
    fn shares_of_a_list() {
        let values = [5.0, 1.0, 4.0, 2.0, 3.0];
        assert_eq!((median(&values), share(&values, 0.99), share(&values, 0.2)), (3.0, 5.0, 1.0));
        assert!(median(&[]).is_nan());
    }

    #[test]
    fn the_table_says_what_is_not_met() {
        let text = table(&[LINE.against(1.0, 10.0, "a ceiling", "a note")]);
        assert!(text.contains("NO") && text.contains("a-line: a ceiling; a note"), "{text}");
    }
}
