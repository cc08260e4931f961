//! Cells of CSV files that somebody opens in a spreadsheet.
use std::borrow::Cow;

/// What a spreadsheet would take for the beginning of a formula.
const FORMULA: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// A cell that would be taken for a formula begins with an apostrophe.
pub fn no_formula(cell: &str) -> Cow<'_, str> {
    if cell.starts_with(FORMULA) { format!("'{cell}").into() } else { cell.into() }
}

/// The same in quotes, as RFC 4180 has it.
pub fn quoted(cell: &str) -> String {
    format!("\"{}\"", no_formula(cell).replace('"', "\"\""))
}

/// What [`no_formula`] was given.
pub fn as_it_was(cell: &str) -> &str {
    cell.strip_prefix('\'').filter(|rest| rest.starts_with(FORMULA)).unwrap_or(cell)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quoted_cell_is_neither_two_nor_a_formula() {
        assert_eq!(quoted("he said \"no\", twice"), "\"he said \"\"no\"\", twice\"");
        assert_eq!(quoted("=1+1"), "\"'=1+1\"");
    }

    #[test]
    fn a_cell_is_no_formula_and_reads_back_as_what_it_was() {
        assert_eq!(no_formula("=1+1"), "'=1+1");
        for cell in ["", "reader@example.org", "+tag@example.org", "-1", "@x", "=1+1", "\t=1", "'quoted'"] {
            assert!(!no_formula(cell).starts_with(FORMULA), "{cell:?}");
            assert_eq!(as_it_was(&no_formula(cell)), cell);
        }
    }
}
