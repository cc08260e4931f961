//! Filled-in forms wait in memory until five of a series are written together.
//!
//! Whoever can read the database's files can tell, from the numbers of transactions and from old versions of rows, what was
//! written when, and so between which sign-ups. Of five forms in one transaction nobody can say which came when, nor which
//! answers belong together. The price is that a crash loses the few that wait; when a process ends in peace it writes them.
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::model::SeriesSlug;
use crate::store::voices::Cell;

/// So many forms are written together.
const TOGETHER: usize = 5;

/// A filled-in form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Form {
    /// The hash of its ballot.
    pub(super) ballot: [u8; 32],
    pub(super) cells: Vec<Cell>,
}

/// The forms of this process that are not written yet.
#[derive(Default)]
pub struct Waiting(Mutex<BTreeMap<SeriesSlug, Vec<Form>>>);

impl Waiting {
    /// Adds a form, unless it waits already. Answers those that are to be written now.
    pub(super) fn add(&self, series: &SeriesSlug, form: Form) -> Vec<Form> {
        let mut all = self.all();
        let forms = all.entry(series.clone()).or_default();
        if forms.iter().all(|one| one.ballot != form.ballot) {
            forms.push(form);
        }
        if forms.len() < TOGETHER { Vec::new() } else { std::mem::take(forms) }
    }

    /// What could not be written waits again.
    pub(super) fn put_back(&self, series: &SeriesSlug, forms: Vec<Form>) {
        self.all().entry(series.clone()).or_default().extend(forms);
    }

    pub(super) fn take_all(&self) -> BTreeMap<SeriesSlug, Vec<Form>> {
        std::mem::take(&mut *self.all())
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<SeriesSlug, Vec<Form>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_different_forms_of_one_series_go_together() {
        let waiting = Waiting::default();
        let series = |slug: &str| SeriesSlug::parse(slug).unwrap();
        let form = |number: u8| Form { ballot: [number; 32], cells: Vec::new() };
        for number in [1, 2, 2, 3, 4, 1] {
            assert_eq!(waiting.add(&series("one"), form(number)), []);
        }
        assert_eq!(waiting.add(&series("two"), form(5)), []);
        let together = waiting.add(&series("one"), form(6));
        assert_eq!(together, [1, 2, 3, 4, 6].map(form));
        waiting.put_back(&series("one"), together);
        assert_eq!(waiting.take_all().into_values().map(|forms| forms.len()).collect::<Vec<_>>(), [5, 1]);
        assert_eq!(waiting.take_all().len(), 0);
    }
}
