//! `[webhooks]`: other programs that are told what happens to readers.
use chrono::TimeDelta;

use super::Reader;
use crate::actions::webhooks::Settings;

impl Reader<'_> {
    pub(super) fn webhooks(&mut self) -> Option<Settings> {
        let settings =
            Settings { allow_private: self.flag("webhooks", "allow_private"), kept: self.span("webhooks", "kept")? };
        // A message is tried for three days, and its endpoint for five.
        if settings.kept < TimeDelta::days(7) {
            self.faults.push("webhooks.kept must be at least 7d".into());
        }
        Some(settings)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::load;
    use crate::config::tests::env;

    #[test]
    fn messages_are_kept_for_as_long_as_they_may_be_tried_and_nothing_private_is_told_by_default() {
        let kept = |span: &str| load(None, &env(&[("REGIMEN__WEBHOOKS__KEPT", span)]));
        assert_eq!(kept("7d").unwrap().webhooks.kept, TimeDelta::days(7));
        assert!(!kept("7d").unwrap().webhooks.allow_private);
        assert_eq!(kept("3d").unwrap_err().0.len(), 1);
        assert_eq!(kept("soon").unwrap_err().0.len(), 1);
    }
}
