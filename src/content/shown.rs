//! A mail's HTML as a document that is looked at in a browser: a stranger to every origin, in which nothing runs.

/// The policy that it is served with. It may style itself, and its links open in windows of their own; `sandbox` holds also when
/// it is opened outside of our frame.
pub const MAIL_POLICY: &str = "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; \
     style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'";

/// Makes every link in the HTML open in a window of its own, since the frame that shows it must not go elsewhere. The
/// first `<base>` of a document counts, so ours goes before anything else that the document holds.
pub fn with_links_outward(html: &str) -> String {
    const BASE: &str = "<base target=\"_blank\">";
    let start = html.len() - html.trim_start_matches(|it: char| it.is_whitespace() || it == '\u{feff}').len();
    let is_doctype = html[start..].get(..9).is_some_and(|it| it.eq_ignore_ascii_case("<!doctype"));
    let doctype_end = html[start..].find('>').filter(|_| is_doctype).map_or(0, |it| start + it + 1);
    let (doctype, rest) = html.split_at(doctype_end);
    [doctype, BASE, rest].concat()
}

/// A mail in dark or in light colours, whatever the browser prefers: its rules for dark mode hold always, or never. Every
/// layout has such rules, since `compile` asks for them.
pub fn in_colours(html: &str, dark: bool) -> String {
    let (query, scheme) = if dark { ("all", "dark") } else { ("not all", "light") };
    html.replace("(prefers-color-scheme: dark)", query)
        .replace("content=\"light dark\"", &format!("content=\"{scheme}\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_base_is_the_first_and_the_doctype_stays_in_front() {
        let base = "<base target=\"_blank\">";
        assert_eq!(with_links_outward("<p>x"), format!("{base}<p>x"));
        assert_eq!(
            with_links_outward("\u{feff}\n<!DOCTYPE html><head><base target=_self>"),
            format!("\u{feff}\n<!DOCTYPE html>{base}<head><base target=_self>")
        );
        assert_eq!(with_links_outward("<!doctype html"), format!("{base}<!doctype html"));
        assert_eq!(with_links_outward("é<!doctype"), format!("{base}é<!doctype"));
        assert_eq!(with_links_outward(""), base);
    }

    #[test]
    fn a_mail_is_dark_or_light_whatever_the_browser_prefers() {
        let mail =
            "<meta name=\"color-scheme\" content=\"light dark\"><style>@media (prefers-color-scheme: dark) {}</style>";
        let dark = "<meta name=\"color-scheme\" content=\"dark\"><style>@media all {}</style>";
        let light = "<meta name=\"color-scheme\" content=\"light\"><style>@media not all {}</style>";
        assert_eq!([in_colours(mail, true), in_colours(mail, false)], [dark, light]);
    }
}
