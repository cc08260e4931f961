//! Reads a mail, whatever it is made of: nothing here fails, at worst a field is empty.

use mail_parser::{Address, Message, MessageParser, PartType};
use serde::Serialize;

/// What the list shows of a mail.
#[derive(Debug, Clone, Default)]
pub(super) struct Summary {
    pub(super) from: String,
    pub(super) to: String,
    pub(super) subject: String,
    /// The Date header, as RFC 3339.
    pub(super) date: Option<String>,
}

/// A mail as a whole.
#[derive(Debug, Default)]
pub(super) struct Content {
    pub(super) headers: Vec<Field>,
    pub(super) text: Option<String>,
    pub(super) html: Option<String>,
    pub(super) attachments: usize,
}

/// One header, unfolded but not decoded.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) value: String,
}

/// A stretch of text, or a link in it.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Stretch<'a> {
    pub(super) text: &'a str,
    pub(super) link: bool,
}

/// Reads the headers of a mail, of which `head` is at least the beginning.
pub(super) fn summarize(head: &[u8]) -> Summary {
    let Some(message) = MessageParser::default().parse_headers(head) else { return Summary::default() };
    Summary {
        from: message.from().map(addresses).unwrap_or_default(),
        to: message.to().map(addresses).unwrap_or_default(),
        subject: one_line(message.subject().unwrap_or_default()),
        date: message.date().filter(|it| it.is_valid()).map(mail_parser::DateTime::to_rfc3339),
    }
}

/// Reads the whole of a mail.
pub(super) fn parse(data: &[u8]) -> Content {
    let Some(message) = MessageParser::default().parse(data) else {
        return Content { text: non_empty(String::from_utf8_lossy(data).into_owned()), ..Content::default() };
    };
    let headers = message.headers().iter().map(|header| {
        let value = data.get(header.offset_start as usize..header.offset_end as usize).unwrap_or_default();
        let value = String::from_utf8_lossy(value).replace(['\r', '\n'], "");
        Field { name: header.name.as_str().to_owned(), value: value.trim().to_owned() }
    });
    let text = bodies(&message, &message.text_body, |part| match part {
        PartType::Text(text) => Some(text),
        _ => None,
    });
    let html = bodies(&message, &message.html_body, |part| match part {
        PartType::Html(html) => Some(html),
        _ => None,
    });
    Content { headers: headers.collect(), text, html, attachments: message.attachment_count() }
}

/// Divides text into links and what is between them.
pub(super) fn stretches(text: &str) -> Vec<Stretch<'_>> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(start) = ["https://", "http://"].iter().filter_map(|it| rest.find(it)).min() {
        let (before, link) = rest.split_at(start);
        let end = link.find(|it: char| it.is_whitespace() || it.is_control() || "<>\"".contains(it));
        let link = link[..end.unwrap_or(link.len())].trim_end_matches(['.', ',', ';', ':', '!', '?', ')', ']', '\'']);
        found.extend([Stretch { text: before, link: false }, Stretch { text: link, link: true }]);
        rest = &rest[start + link.len()..];
    }
    found.push(Stretch { text: rest, link: false });
    found.retain(|it| !it.text.is_empty());
    found
}

fn bodies<'a>(
    message: &'a Message<'_>,
    parts: &[u32],
    pick: impl Fn(&'a PartType<'_>) -> Option<&'a std::borrow::Cow<'a, str>>,
) -> Option<String> {
    let picked: Vec<&str> =
        parts.iter().filter_map(|it| pick(&message.part(*it)?.body)).map(std::convert::AsRef::as_ref).collect();
    non_empty(picked.join("\n"))
}

fn non_empty(text: String) -> Option<String> {
    (!text.trim().is_empty()).then_some(text)
}

fn addresses(list: &Address<'_>) -> String {
    let each = list.iter().map(|it| match (it.name(), it.address()) {
        (Some(name), Some(address)) => format!("{name} <{address}>"),
        (name, address) => name.or(address).unwrap_or_default().to_owned(),
    });
    one_line(&each.collect::<Vec<_>>().join(", "))
}

/// An encoded word may hold line breaks and other controls; what is shown in a line has none.
fn one_line(text: &str) -> String {
    let words = text.split(|it: char| it.is_control() || it.is_whitespace()).filter(|it| !it.is_empty());
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_end_where_a_reader_would_end_them() {
        let text = "See (https://example.com/a?b=c). Or <http://example.org/>, not javascript:x";
        let links: Vec<_> = stretches(text).into_iter().filter(|it| it.link).map(|it| it.text).collect();
        assert_eq!(links, ["https://example.com/a?b=c", "http://example.org/"]);
        assert_eq!(stretches(text).iter().map(|it| it.text).collect::<String>(), text);
        assert_eq!(stretches("http://"), [Stretch { text: "http://", link: true }]);
    }

    #[test]
    fn any_bytes_make_a_mail() {
        for data in [
            &b""[..],
            b"\r\n",
            b"\xff\xfe\x00",
            b"Subject",
            b"Subject: \xe9\xff\r\n\r\n\x80",
            b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n--x\r\n",
        ] {
            let content = parse(data);
            assert!(content.html.is_none(), "{data:?}");
            summarize(data);
        }
        assert!(parse(b"Subject: no body\r\n\r\n").text.is_none());
    }
}
