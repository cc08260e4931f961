//! The coming parts as a file for calendar programs (RFC 5545).
//!
//! A calendar is seen by others: on a wall at work, by a family, by whoever plans a meeting. So the file names neither the
//! series, whose title may be about an illness, nor a link; and the parts take no time of the day.
use chrono::{DateTime, Utc};

use crate::actions::manage::{Calendar, PartState};
use crate::messages::{self, Language, Values};

/// None when nothing is to come, since a calendar without an event is no calendar.
pub(super) fn calendar_file(view: &Calendar, language: Language, now: DateTime<Utc>) -> Option<String> {
    let mut file = String::new();
    for line in ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//regimen//calendar//EN", "METHOD:PUBLISH"] {
        add(&mut file, line);
    }
    let mut events = 0;
    for part in &view.parts {
        let (at, status) = match part.state {
            PartState::Next(at) => (at, "CONFIRMED"),
            PartState::Later(at) => (at, "TENTATIVE"),
            _ => continue,
        };
        events += 1;
        let values = Values::new().with("part", part.number).with("parts", view.parts.len());
        let summary = messages::filled(language, "calendar-event", &values);
        add(&mut file, "BEGIN:VEVENT");
        add(&mut file, &format!("UID:{}", part.uid));
        add(&mut file, &format!("DTSTAMP:{}", instant(now)));
        add(&mut file, &format!("DTSTART:{}", instant(at)));
        add(&mut file, "DURATION:PT15M");
        add(&mut file, &format!("SUMMARY:{}", escaped(&summary)));
        add(&mut file, &format!("STATUS:{status}"));
        add(&mut file, "CLASS:PRIVATE");
        add(&mut file, "TRANSP:TRANSPARENT");
        add(&mut file, "END:VEVENT");
    }
    add(&mut file, "END:VCALENDAR");
    (events > 0).then_some(file)
}

fn instant(at: DateTime<Utc>) -> String {
    at.format("%Y%m%dT%H%M%SZ").to_string()
}

/// Text as section 3.3.11 has it.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace(';', "\\;").replace(',', "\\,").replace('\n', "\\n")
}

/// A content line, folded so that none is longer than 75 octets (section 3.1).
fn add(file: &mut String, line: &str) {
    let mut width = 0;
    for one in line.chars() {
        if width + one.len_utf8() > 75 {
            file.push_str("\r\n ");
            width = 1;
        }
        file.push(one);
        width += one.len_utf8();
    }
    file.push_str("\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_folded_between_letters() {
        let mut file = String::new();
        add(&mut file, &"ñ".repeat(80));
        let lines: Vec<&str> = file.split("\r\n").collect();
        assert!(lines.iter().all(|line| line.len() <= 75) && lines.len() == 4, "{lines:?}");
        assert_eq!(file.replace("\r\n ", "").trim_end(), "ñ".repeat(80));
    }

    #[test]
    fn marks_of_the_format_are_escaped() {
        assert_eq!(escaped("a, b; c\\d"), "a\\, b\\; c\\\\d");
    }
}
