//! The pages: the rules that all of them keep in `every_page`, then a file for each part of the site.
mod admins;
mod articles;
mod calendar;
mod dashboard;
mod embed;
mod every_page;
mod imports;
mod readers;
mod runs;
mod samples;
mod series;
mod sign_up;
mod webhooks;

use super::admin::{AdminPage as _, Shell};
use super::*;
use Language::{English, Spanish};

fn between<'a>(html: &'a str, from: &str, to: &str) -> &'a str {
    let start = html.find(from).expect("it begins") + from.len();
    &html[start..start + html[start..].find(to).expect("it ends")]
}

/// The inside of every opening tag; good enough for what our own templates write.
fn all_tags(html: &str) -> impl Iterator<Item = &str> {
    html.split('<').skip(1).map(|rest| rest.split('>').next().unwrap_or_default())
}

fn tags<'a>(html: &'a str, name: &str) -> Vec<&'a str> {
    all_tags(html).filter(|tag| tag.split_whitespace().next() == Some(name)).collect()
}

fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    let start = tag.find(&format!(" {name}=\""))? + name.len() + 3;
    tag[start..].split('"').next()
}
