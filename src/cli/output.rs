//! What the command line prints: aligned columns for people, JSON for programs.
#![allow(clippy::print_stdout)]
use serde::Serialize;

/// One JSON document.
pub(super) fn json(value: &impl Serialize) -> anyhow::Result<()> {
    println!("{}", serde_json::to_string_pretty(value)?);
    Ok(())
}

/// Aligned columns under headings, or `nothing` when there is no row.
pub(super) fn table<const N: usize>(headings: [&str; N], rows: &[[String; N]], nothing: &str) {
    if rows.is_empty() {
        println!("{nothing}");
        return;
    }
    let mut widths = headings.map(|heading| heading.chars().count());
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    line(&widths, &headings.map(str::to_owned));
    for row in rows {
        line(&widths, row);
    }
}

fn line<const N: usize>(widths: &[usize; N], cells: &[String; N]) {
    let padded: Vec<String> = cells
        .iter()
        .zip(widths)
        .map(|(cell, width)| format!("{cell}{}", " ".repeat(width.saturating_sub(cell.chars().count()))))
        .collect();
    println!("{}", padded.join("  ").trim_end());
}
