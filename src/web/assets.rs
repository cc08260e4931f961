//! The style sheet, the script and the icon, embedded in the binary.
//!
//! Each is served under a name that carries a hash of its octets, so a browser may keep it for ever: a changed file has
//! another name. Templates ask for that name with `{{asset "style.css"}}`.
use std::sync::LazyLock;

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use sha2::{Digest as _, Sha256};

/// One file, ready to be served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asset {
    pub content_type: &'static str,
    pub bytes: &'static [u8],
    /// Quoted, as the `ETag` header wants it.
    pub etag: &'static str,
}

/// How long a browser may keep an asset: the value of `Cache-Control`.
pub const CACHE_CONTROL: &str = "public, max-age=31536000, immutable";

/// The asset of this hashed name (`style.0123456789abcdef.css`, without a folder), if there is one.
pub fn get(name: &str) -> Option<Asset> {
    ASSETS.iter().find(|entry| entry.hashed_name == name).map(|entry| entry.asset)
}

/// Where the asset with this plain name (`style.css`) is served: `/assets/style.0123456789abcdef.css`.
pub fn path(plain_name: &str) -> Option<String> {
    ASSETS.iter().find(|entry| entry.plain_name == plain_name).map(|entry| format!("/assets/{}", entry.hashed_name))
}

struct Entry {
    plain_name: &'static str,
    hashed_name: String,
    asset: Asset,
}

static ASSETS: LazyLock<[Entry; 9]> = LazyLock::new(|| {
    [
        entry("style.css", "text/css; charset=utf-8", style()),
        entry("site.js", "text/javascript; charset=utf-8", include_bytes!("assets/site.js")),
        entry("pow.js", "text/javascript; charset=utf-8", include_bytes!("assets/pow.js")),
        entry("embed.css", "text/css; charset=utf-8", embed_style()),
        entry("admin.css", "text/css; charset=utf-8", include_bytes!("assets/style/admin.css")),
        entry("watch.js", "text/javascript; charset=utf-8", include_bytes!("assets/watch.js")),
        entry("admin.js", "text/javascript; charset=utf-8", include_bytes!("assets/admin.js")),
        entry("embed-frame.js", "text/javascript; charset=utf-8", include_bytes!("assets/embed-frame.js")),
        entry("favicon.svg", "image/svg+xml", include_bytes!("assets/favicon.svg")),
    ]
});

/// One file to fetch, put together from one for each theme.
fn style() -> &'static [u8] {
    const THEMES: [&str; 4] = [
        FIRST_STYLE,
        include_str!("assets/style/article.css"),
        include_str!("assets/style/calendar.css"),
        include_str!("assets/style/api.css"),
    ];
    Box::leak(THEMES.concat().into_boxed_str()).as_bytes()
}

const FIRST_STYLE: &str = include_str!("assets/style.css");

/// What the sign-up box in a frame needs beyond that: its own shell, and the colours of both schemes under a name each, for
/// sites that have only one of them. They are taken from where they stand, so that they are written once.
fn embed_style() -> &'static [u8] {
    let colours = |from: &str| {
        let (_, rest) = FIRST_STYLE.split_once(from).expect("both schemes are in the first style sheet");
        let (_, block) = rest.split_once(":root {").unwrap_or(("", rest));
        block.split('}').next().unwrap_or_default().trim().to_owned()
    };
    let (light, dark) = (colours(""), colours("prefers-color-scheme: dark)"));
    let named =
        |name: &str, colours: &str| format!(":root[data-theme=\"{name}\"] {{ {colours} color-scheme: {name}; }}\n");
    let sheet = [&named("light", &light), &named("dark", &dark), include_str!("assets/style/embed.css")].concat();
    Box::leak(sheet.into_boxed_str()).as_bytes()
}

fn entry(plain_name: &'static str, content_type: &'static str, bytes: &'static [u8]) -> Entry {
    let asset = asset(content_type, bytes);
    let (stem, extension) = plain_name.split_once('.').unwrap_or((plain_name, ""));
    Entry { plain_name, hashed_name: format!("{stem}.{}.{extension}", asset.etag.trim_matches('"')), asset }
}

/// A file with its mark. There are a few of these in a process's life, so the leak is a plain static by another name.
pub fn asset(content_type: &'static str, bytes: &'static [u8]) -> Asset {
    // 64 bits are plenty to tell one version of a file from the next.
    let hash = Sha256::digest(bytes).iter().take(8).fold(0_u64, |hash, octet| hash << 8 | u64::from(*octet));
    Asset { content_type, bytes, etag: Box::leak(format!("\"{hash:016x}\"").into_boxed_str()) }
}

/// The file, or that it has not changed since.
pub fn answer(asset: &Asset, asked: &HeaderMap, cache_control: &'static str) -> Response {
    // A proxy that has compressed the file has weakened its mark.
    let known = asked.get_all(header::IF_NONE_MATCH).into_iter().filter_map(|line| line.to_str().ok());
    let mut known = known.flat_map(|line| line.split(',')).map(str::trim);
    let unchanged = known.any(|mark| mark.trim_start_matches("W/") == asset.etag || mark == "*");
    let mut response = if unchanged { StatusCode::NOT_MODIFIED.into_response() } else { asset.bytes.into_response() };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(asset.content_type));
    headers.insert(header::ETAG, HeaderValue::from_static(asset.etag));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache_control));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(plain_name: &str) -> &'static str {
        let path = path(plain_name).expect("it exists");
        let asset = get(path.strip_prefix("/assets/").expect("it is under /assets/")).expect("it is served");
        std::str::from_utf8(asset.bytes).expect("it is text")
    }

    #[test]
    fn every_asset_is_served_under_its_hashed_name_only() {
        for name in ["style.css", "site.js", "favicon.svg"] {
            assert!(!text(name).is_empty());
            assert_eq!(get(name), None);
        }
        assert_eq!(get("../style.css"), None);
        assert_eq!(get(""), None);
        assert_eq!(path("other.css"), None);
    }

    #[test]
    fn the_etag_is_quoted_and_is_the_hash_in_the_name() {
        let path = path("style.css").expect("it exists");
        let name = path.strip_prefix("/assets/").expect("it is under /assets/");
        let etag = get(name).expect("it is served").etag;
        assert!(etag.starts_with('"') && etag.ends_with('"') && etag.len() == 18);
        assert!(name.contains(etag.trim_matches('"')));
    }

    #[test]
    fn nothing_is_fetched_from_elsewhere() {
        for name in ["style.css", "site.js", "embed.css", "embed-frame.js"] {
            let text = text(name);
            for foreign in ["http:", "https:", "url(", "@import", "//"] {
                let found = text.lines().find(|line| line.contains(foreign) && !line.trim_start().starts_with("//"));
                assert_eq!(found, None, "{name} mentions {foreign}");
            }
        }
        // The name space is not fetched; a link or a script would be.
        let icon = text("favicon.svg").replace("http://www.w3.org/2000/svg", "");
        assert!(!icon.contains("http") && !icon.contains("href") && !icon.contains("<script"));
    }

    #[test]
    fn they_leave_room_for_the_article_in_sixty_kilobytes() {
        let octets: usize = ["style.css", "site.js", "favicon.svg"].iter().map(|name| text(name).len()).sum();
        assert!(octets < 32 * 1024, "{octets} octets");
    }

    #[test]
    fn a_frame_can_have_the_colours_of_either_scheme() {
        let (first, css) = (text("style.css"), text("embed.css"));
        let (light, dark) = css.split_once(":root[data-theme=\"dark\"]").unwrap();
        assert!(light.starts_with(":root[data-theme=\"light\"] {"));
        let (first_light, first_dark) = first.split_once("prefers-color-scheme: dark").unwrap();
        for name in ["ground", "sheet", "ink", "quiet", "accent", "wrong", "edge", "focus", "on-accent"] {
            assert!((luminance(light, name) - luminance(first_light, name)).abs() < 1e-9, "{name}");
            assert!((luminance(dark, name) - luminance(first_dark, name)).abs() < 1e-9, "{name}");
        }
        assert!(light.contains("color-scheme: light; }") && dark.contains("color-scheme: dark; }"));
    }

    #[test]
    fn what_has_not_changed_is_not_sent_again() {
        let asset = ASSETS[0].asset;
        let status = |marks: &[&str]| {
            let mut asked = HeaderMap::new();
            for mark in marks {
                asked.append(header::IF_NONE_MATCH, mark.parse().unwrap());
            }
            answer(&asset, &asked, CACHE_CONTROL).status()
        };
        assert_eq!(status(&[]), StatusCode::OK);
        assert_eq!(status(&["\"0123456789abcdef\""]), StatusCode::OK);
        for marks in [asset.etag.to_owned(), format!("W/{}", asset.etag), format!("\"other\", {}", asset.etag)] {
            assert_eq!(status(&[&marks]), StatusCode::NOT_MODIFIED, "{marks}");
        }
    }

    /// Text needs a contrast of 4.5 with its ground, the outline of a field or of the focus 3 (WCAG 2.2, level AA).
    #[test]
    fn colours_can_be_told_apart_in_light_and_dark() {
        let css = text("style.css");
        let dark = css.find("prefers-color-scheme: dark").expect("there is a dark scheme");
        for scheme in [&css[..dark], &css[dark..]] {
            for ground in ["ground", "sheet", "tint"] {
                for ink in ["ink", "quiet", "accent", "accent-strong", "wrong"] {
                    assert!(contrast(scheme, ink, ground) >= 4.5, "{ink} on {ground}");
                }
                for shape in ["edge", "focus", "figure-cancer", "figure-brake", "figure-inhibitor"] {
                    assert!(contrast(scheme, shape, ground) >= 3.0, "{shape} on {ground}");
                }
            }
            for (ink, ground) in [("on-accent", "accent"), ("on-accent", "accent-strong"), ("wrong", "wrong-tint")] {
                assert!(contrast(scheme, ink, ground) >= 4.5, "{ink} on {ground}");
            }
        }
    }

    fn contrast(scheme: &str, one: &str, other: &str) -> f64 {
        let (one, other) = (luminance(scheme, one), luminance(scheme, other));
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    fn luminance(scheme: &str, name: &str) -> f64 {
        let property = format!("--{name}: #");
        let start = scheme.find(&property).expect("the scheme has this colour") + property.len();
        let linear = |at: usize| {
            let octet = u8::from_str_radix(&scheme[start + at..start + at + 2], 16).expect("six hex digits");
            let share = f64::from(octet) / 255.0;
            if share <= 0.04045 { share / 12.92 } else { ((share + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(0) + 0.7152 * linear(2) + 0.0722 * linear(4)
    }
}
