//! `[schedule]`: when the recurring work is nudged.
use super::Reader;

/// Cron expressions, checked.
#[derive(Debug, Clone)]
pub struct Schedule {
    pub dispatch: String,
    pub reminders: String,
    pub reap: String,
    pub clean_up: String,
}

impl Reader<'_> {
    pub(super) fn schedule(&mut self) -> Schedule {
        let mut cron = |key: &str| {
            let text = self.text("schedule", key);
            if let Err(error) =
                croner::parser::CronParser::builder().seconds(croner::parser::Seconds::Required).build().parse(&text)
            {
                self.faults.push(format!("schedule.{key}: not a cron expression with seconds ({error})"));
            }
            text
        };
        Schedule {
            dispatch: cron("dispatch"),
            reminders: cron("reminders"),
            reap: cron("reap"),
            clean_up: cron("clean_up"),
        }
    }
}
