//! Whole bundles: the built-in one, small ones, broken ones and hostile ones.
mod articles;
mod bundles;
mod changes;
mod faults;
mod files;
mod golden;
mod hostile;
mod lint;
mod parts;
mod rendering;
mod voices;

use std::collections::BTreeMap;

use super::{Bundle, Library, Series, compile};
use crate::model::SeriesSlug;

/// The files of a bundle, to be broken.
type Files = BTreeMap<String, String>;

const SERIES: &str = r#"title = "Reading & Resting"
language = "en"
from = "Reading & Resting <series@example.com>"
postal_address = "Example Publisher, 1 Example Street, Example City"
sponsor = "No sponsor <has> been named."
default_zone = "America/New_York"
min_gap = "20h"

[window]
from = "08:00"
to = "20:00"
preferred = "09:00"

[review]
last_edited = "2026-11-05"

[[conditions]]
key = "knee"
name = "A \"sore\" knee"

[[conditions]]
key = "other"
name = "Something else"

[[steps]]
key = "first"
delay = "0"
folder = "01-first"

[[steps]]
key = "second"
delay = "3d"
folder = "02-second"
"#;

const FIRST: &str = r#"+++
subject = "Part {{part_number}}: why rest?"
preheader = "What {{series_title}} means"

[[sources]]
publisher = "Example Institute"
title = "Rest & Sleep"
url = "https://example.org/rest?a=1&b=2"
+++
This is part {{part_number}} of {{parts}}, with **strong** and *soft* words, `code`, and a [link](https://example.org/a?b=c&d=e).

## A list, and "quotes"

1. One line that is long enough to be broken somewhere in its middle, so that the second half hangs.
2. Two
   - inner one
   - inner two

> Quoted words
> on two lines.

### Smaller

First line\
second line; write to <reader@example.org> or see <https://example.org/very/long/address/that/is/not/broken/even/where/it/does/not/fit>.

{{> condition}}

{{> goodbye}}
"#;

const SECOND: &str = r#"+++
subject = "What to do"
preheader = "The rest"

[[sources]]
publisher = "Example Institute"
title = "More Rest"
url = "https://example.org/more"
+++
Do little. You can [stop]({{unsubscribe_url}}) or [change]({{manage_url}}) this.

[Read the page]({{site_url}} "button")
"#;

const CONDITIONS: &str = "## knee\n\nRest **{{condition_name}}**.\n\n## other\n\nRest, whatever it is.\n";

const CONFIRMATION: &str = r#"+++
subject = "Please confirm"
preheader = "One press"
+++
Did you ask for {{series_title}}?

[Yes]({{confirm_url}} "button")

The link works for {{expires_in}}. Or: [not me]({{never_url}}). See [privacy]({{privacy_url}}) and [terms]({{terms_url}}).
"#;

const ALREADY: &str =
    "+++\nsubject = \"Already\"\npreheader = \"Nothing to do\"\n+++\nSee [your page]({{manage_url}}).\n";

const FRESH: &str =
    "+++\nsubject = \"Your link\"\npreheader = \"For a while\"\n+++\nOpen [your page]({{fresh_url}}).\n";

const MOVE: &str = r#"+++
subject = "Here from now on?"
preheader = "One press"
+++
[Yes]({{confirm_url}} "button")

Or [not me]({{never_url}}).
"#;

const MOVED: &str = r#"+++
subject = "It goes to another address now"
preheader = "Nothing to do"
+++
Not you? [Stop it]({{unsubscribe_url}}), or [no more mail]({{never_url}}).
"#;

const ARTICLE: &str = r#"+++
title = "Why we rest"
description = "About rest."
byline = "The editors"

[[sources]]
publisher = "Example Institute"
title = "Rest"
url = "https://example.org/rest"
+++
Rest is good.

## The basics

{{> figure}}

{{> sign-up}}

## The basics

More of {{series_title}}, on [a page](/page).
"#;

const FIGURE: &str = r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><!-- A dot. -->
  <title>A dot &amp; more</title>
  <defs><circle id="dot" r="2" fill="var(--accent, #123456)"/></defs>
  <use href="#dot" transform="translate(3 3)"/>
</svg>
"##;

const POLICY: &str =
    "+++\ntitle = \"A policy\"\nversion = \"2026-11-25\"\n+++\n## We keep little\n\nAnd we say what.\n";

/// A bundle with one series of two steps and two conditions, in the built-in layout.
fn small() -> Files {
    let embedded = Bundle::embedded();
    let layouts = embedded.files().filter(|(path, _)| path.starts_with("layouts/"));
    let mut files: Files = layouts.map(|(path, text)| (path.to_owned(), text.to_owned())).collect();
    let texts = [
        ("rest/series.toml", SERIES),
        ("rest/01-first/body.md", FIRST),
        ("rest/01-first/conditions.md", CONDITIONS),
        ("rest/02-second/body.md", SECOND),
        ("rest/article/article.md", ARTICLE),
        ("rest/article/figure.svg", FIGURE),
        ("confirmation/body.md", CONFIRMATION),
        ("reminder/body.md", CONFIRMATION),
        ("already-signed-up/body.md", ALREADY),
        ("fresh-link/body.md", FRESH),
        ("move/body.md", MOVE),
        ("moved/body.md", MOVED),
        ("partials/goodbye.md", "Until next time,\nyour {{series_title}}\n"),
        ("policies/privacy.md", POLICY),
        ("policies/terms.md", POLICY),
    ];
    files.extend(texts.map(|(path, text)| (path.to_owned(), text.to_owned())));
    files
}

fn bundle(files: &Files) -> Bundle {
    Bundle::from_files(files.clone()).unwrap()
}

fn library(files: &Files) -> Library {
    compile(&bundle(files)).unwrap_or_else(|faults| panic!("{}", lines(&faults).join("\n")))
}

fn lines(faults: &[super::Fault]) -> Vec<String> {
    faults.iter().map(ToString::to_string).collect()
}

/// The faults of the small bundle after `change`.
fn faults_after(change: impl FnOnce(&mut Files)) -> Vec<String> {
    let mut files = small();
    change(&mut files);
    match compile(&bundle(&files)) {
        Ok(_) => Vec::new(),
        Err(faults) => lines(&faults),
    }
}

/// Replaces a piece of a file that must be in it.
fn edit(files: &mut Files, path: &str, old: &str, new: &str) {
    let text = files.get_mut(path).unwrap();
    assert!(text.contains(old), "{path} has no {old:?}");
    *text = text.replacen(old, new, 1);
}

fn series(library: &Library) -> &Series {
    &library.series[&SeriesSlug::parse("rest").unwrap()]
}
