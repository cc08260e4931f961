//! `series check`: every fault of the content at once, without a database.
#![allow(clippy::print_stdout)]
use std::path::Path;

use super::Ended;
use crate::content::{Bundle, compile};

/// Prints each fault as `file:line: message`; exit code 1 if there is one.
pub(super) fn check(folder: Option<&Path>) -> Ended {
    let compiled = match folder {
        Some(folder) => Bundle::from_folder(folder).and_then(|bundle| compile(&bundle)),
        None => compile(&Bundle::embedded()),
    };
    match compiled {
        Ok(library) => {
            for series in library.series.values() {
                println!(
                    "{}: {} steps, {} conditions: no fault",
                    series.slug,
                    series.steps.len(),
                    series.conditions.len()
                );
            }
            Ended::Well
        }
        Err(faults) => {
            for fault in &faults {
                println!("{fault}");
            }
            println!("{} fault{}", faults.len(), if faults.len() == 1 { "" } else { "s" });
            Ended::Not(1)
        }
    }
}
