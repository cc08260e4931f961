//! Every page, with ordinary and with hostile values.
mod embed;

use super::*;
use Language::{English, Spanish};

fn sign_up() -> SignUpBox {
    let condition = |key: &str, name: &str| ConditionOption { key: key.into(), name: name.into(), selected: false };
    SignUpBox {
        post_to: "/subscribe".into(),
        series_slug: "fighting-cancer-with-immunotherapy".into(),
        series_title: "Fighting Cancer With Immunotherapy".into(),
        parts: 6,
        conditions: vec![condition("melanoma", "Melanoma"), condition("lung", "Lung cancer")],
        email: String::new(),
        email_error: None,
        condition_error: None,
        passing_error: None,
        timezone: String::new(),
        language: "en".into(),
        guards: GuardFields::default(),
    }
}

fn head() -> ArticleHead {
    ArticleHead {
        title: "What is immunotherapy?".into(),
        description: "How it helps the body.".into(),
        byline: "The editorial team".into(),
        text_language: "en".into(),
        review: Review { date: "2026-11-05".into(), day: 5, month: 11, year: 2026, reviewer: None },
        sponsor: "No sponsor has been named.".into(),
        canonical: "https://series.example.org/articles/fighting-cancer-with-immunotherapy".into(),
    }
}

fn sources() -> Vec<Source> {
    vec![Source {
        publisher: "National Cancer Institute".into(),
        title: "Immunotherapy".into(),
        url: "https://www.cancer.gov/".into(),
    }]
}

fn after() -> AfterArticle {
    let path = "/articles/fighting-cancer-with-immunotherapy/side-effects";
    AfterArticle {
        helpful: HelpfulBox { post_to: "/helpful/s/articles/article".into(), yes: 12, all: 15 },
        share: Share::new(English, "What is immunotherapy?", "https://series.example.org/a?b=c&d=e"),
        related: vec![Card { title: "Side effects".into(), description: "What to watch.".into(), path: path.into() }],
        survey: Some(SurveyOffer { path: "/survey/s".into(), minutes: 2 }),
    }
}

fn article() -> ArticlePage {
    ArticlePage {
        head: head(),
        before_sign_up_html: "<p>Before the box.</p>".into(),
        after_sign_up_html: "<h2>After the box</h2>".into(),
        sources: sources(),
        sign_up: sign_up(),
        language: "en".into(),
        after: Some(after()),
    }
}

fn related() -> RelatedPage {
    RelatedPage {
        head: head(),
        html: "<p>Its text.</p>".into(),
        sources: sources(),
        series_title: "Fighting Cancer With Immunotherapy".into(),
        parts: 6,
        sign_up_path: "/articles/s#sign-up".into(),
        language: "en".into(),
        after: Some(after()),
    }
}

fn survey(text: &str) -> SurveyPage {
    let text = || text.to_owned();
    let answer =
        |kind, id: &str| SurveyAnswer { kind, id: id.into(), name: text(), value: text(), text: text(), chosen: false };
    SurveyPage {
        series_title: text(),
        title: text(),
        introduction: text(),
        minutes: 2,
        text_language: text(),
        post_to: text(),
        ballot: text(),
        stale: true,
        questions: vec![
            SurveyQuestion {
                text: text(),
                many: true,
                ends: None,
                answers: vec![answer("checkbox", "q-a-1"), answer("checkbox", "q-a-2")],
            },
            SurveyQuestion {
                text: text(),
                many: false,
                ends: Some((text(), text())),
                answers: vec![answer("radio", "q-b-1"), SurveyAnswer { chosen: true, ..answer("radio", "q-b-2") }],
            },
        ],
    }
}

fn helpful(text: &str) -> HelpfulPage {
    HelpfulPage {
        series_title: text.into(),
        title: text.into(),
        post_to: text.into(),
        ballot: text.into(),
        pressed: None,
        said: None,
        yes: 3,
        all: 4,
        read_at: Some(text.into()),
    }
}

fn figures(text: &str) -> SurveyFiguresPage {
    let bar = |count, percent| Bar { text: text.into(), count, percent };
    SurveyFiguresPage {
        title: text.into(),
        series_title: text.into(),
        day: 2,
        month: 3,
        year: 2026,
        smallest: 5,
        forms: Some(10),
        csv_path: text.into(),
        questions: vec![FiguresOfQuestion {
            text: text.into(),
            many: true,
            answers: vec![bar(Some(10), 100), bar(None, 0)],
        }],
    }
}

/// The pages of votes, survey and related articles.
fn voices_saying(text: &str) -> Vec<(&'static str, String)> {
    let hostile_head = || {
        let text = || text.to_owned();
        ArticleHead {
            title: text(),
            description: text(),
            byline: text(),
            text_language: text(),
            review: Review { date: text(), reviewer: Some(text()), ..head().review },
            sponsor: text(),
            canonical: text(),
        }
    };
    let card = || Card { title: text.into(), description: text.into(), path: text.into() };
    let after = AfterArticle {
        helpful: HelpfulBox { post_to: text.into(), yes: 1, all: 1 },
        share: Share::new(English, text, text),
        related: vec![card()],
        survey: Some(SurveyOffer { path: text.into(), minutes: 1 }),
    };
    let related_page = RelatedPage {
        head: hostile_head(),
        sources: vec![Source { publisher: text.into(), title: text.into(), url: text.into() }],
        series_title: text.into(),
        sign_up_path: text.into(),
        language: text.into(),
        after: Some(after.clone()),
        ..related()
    };
    vec![
        ("article-full", ArticlePage { head: hostile_head(), after: Some(after), ..article() }.render(English)),
        ("related", related_page.render(English)),
        ("series-list", SeriesListPage { series: vec![card(), card()], canonical: text.into() }.render(English)),
        ("helpful", helpful(text).render(English)),
        ("helpful-pressed", HelpfulPage { pressed: Some("no"), ..helpful(text) }.render(English)),
        ("helpful-said", HelpfulPage { said: Some("yes"), ..helpful(text) }.render(English)),
        ("survey", survey(text).render(English)),
        ("survey-thanks", SurveyThanksPage { series_title: text.into(), article_path: text.into() }.render(English)),
        ("figures", figures(text).render(English)),
    ]
}

fn manage(state: ManageState) -> ManagePage {
    let at = |day: u32| chrono::NaiveDate::from_ymd_opt(2026, 3, day).unwrap().and_hms_opt(9, 0, 0).unwrap();
    let ended = state == ManageState::Ended;
    let part = |number: u32| TimelinePart {
        number,
        subject: format!("Subject {number}"),
        when: match number {
            1 => When::Received(Some(at(4))),
            2 => When::Received(None),
            _ if ended => When::NotComing,
            _ if state == ManageState::Paused => When::Waits,
            3 => When::Next(at(10)),
            _ => When::Later(at(10 + number)),
        },
        read_at: (number < 3).then(|| format!("/manage/t/parts/part-{number}")),
    };
    let choice = |value: &str, selected| Choice { value: value.into(), label: value.into(), selected };
    ManagePage {
        series_title: "Fighting Cancer With Immunotherapy".into(),
        state,
        may_move: false,
        series_paused: false,
        paused_until: None,
        said: None,
        zone: "America/New_York".into(),
        parts: (1..=6).map(part).collect(),
        path: "/manage/t".into(),
        may_hurry: state == ManageState::Active,
        pause_days: (at(11).date(), at(31).date()),
        zones: vec![ZoneGroup { region: "America".into(), zones: vec![choice("America/New_York", true)] }],
        hours: vec![choice("09:00", false), choice("10:00", true)],
        series_hour: "9:00".into(),
        spacings: vec![(1, false), (7, true)],
        unsubscribe_to: (!ended).then(|| "/unsubscribe/t".into()),
    }
}

fn read_part() -> ReadPartPage {
    ReadPartPage {
        series_title: "Fighting Cancer With Immunotherapy".into(),
        title: "What is immunotherapy?".into(),
        text_language: "en".into(),
        number: 1,
        parts: 6,
        html: "<p>It helps the body.</p>".into(),
        sources: article().sources,
        review_line: "Medical review is pending.".into(),
        sponsor: "No sponsor has been named.".into(),
        back_to: "/manage/t".into(),
        helpful: "/helpful/series/part".into(),
    }
}

fn fresh(is_open: bool) -> FreshPage {
    FreshPage {
        series_title: "Fighting Cancer With Immunotherapy".into(),
        path: "/fresh/t".into(),
        said: None,
        conditions: vec![Choice { value: "lung".into(), label: "Lung cancer".into(), selected: false }],
        is_open,
        may_start_again: !is_open,
        may_go_on: !is_open,
        address: String::new(),
        address_error: None,
    }
}

fn once_more(text: &str) -> OnceMorePage {
    let text = || text.to_owned();
    OnceMorePage {
        why: text(),
        post_to: text(),
        again_path: text(),
        series_slug: text(),
        series_title: text(),
        email: text(),
        condition: text(),
        condition_name: text(),
        timezone: text(),
        language: text(),
        guards: GuardFields { token: text(), challenge: None },
    }
}

/// Every page with every value that can be hostile set to `text`, except for the trusted HTML.
fn pages_saying(text: &str) -> Vec<(&'static str, String)> {
    let text = || text.to_owned();
    let mut faulty = article();
    faulty.after = None;
    faulty.sources = vec![Source { publisher: text(), title: text(), url: text() }];
    faulty.sign_up = SignUpBox {
        post_to: text(),
        series_slug: text(),
        series_title: text(),
        parts: 1,
        conditions: vec![ConditionOption { key: text(), name: text(), selected: true }],
        email: text(),
        email_error: Some(text()),
        condition_error: Some(text()),
        passing_error: Some(text()),
        timezone: text(),
        language: text(),
        guards: GuardFields { token: text(), challenge: Some("/subscribe/challenge") },
    };
    faulty.head = ArticleHead {
        title: text(),
        description: text(),
        byline: text(),
        text_language: text(),
        sponsor: text(),
        ..head()
    };
    let choice = || Choice { value: text(), label: text(), selected: true };
    let managed = |state| ManagePage {
        series_title: text(),
        said: Some(Said::Date),
        zone: text(),
        parts: vec![TimelinePart { number: 1, subject: text(), when: When::Received(None), read_at: Some(text()) }],
        path: text(),
        zones: vec![ZoneGroup { region: text(), zones: vec![choice()] }],
        hours: vec![choice()],
        series_hour: text(),
        unsubscribe_to: Some(text()),
        ..manage(state)
    };
    let read = ReadPartPage {
        series_title: text(),
        title: text(),
        text_language: text(),
        sources: faulty.sources.clone(),
        review_line: text(),
        sponsor: text(),
        back_to: text(),
        helpful: text(),
        ..read_part()
    };
    let freshly = |is_open| FreshPage {
        series_title: text(),
        path: text(),
        said: Some(Said::Address),
        conditions: vec![choice()],
        address: text(),
        address_error: Some("address-syntax"),
        ..fresh(is_open)
    };
    let others = vec![
        ("article", article().render(English)),
        ("article-errors", faulty.render(English)),
        ("once-more", once_more(&text()).render_in(English, None)),
        ("check-inbox", CheckInboxPage { again_path: text() }.render_in(English, None)),
        ("confirm", ConfirmPage { series_title: text(), post_to: text() }.render(English)),
        ("confirmed", ConfirmedPage { series_title: text(), parts: 6 }.render(English)),
        ("confirmed-one", ConfirmedPage { series_title: text(), parts: 1 }.render(English)),
        ("already-confirmed", AlreadyConfirmedPage { series_title: text() }.render(English)),
        ("expired", ExpiredPage { series_title: text(), post_to: text() }.render(English)),
        ("superseded", SupersededPage { series_title: text() }.render(English)),
        ("confirm move", ConfirmMovePage { series_title: text(), post_to: text() }.render(English)),
        ("moved here", MovedHerePage { series_title: text() }.render(English)),
        ("nothing moved", NothingMovedPage { series_title: text() }.render(English)),
        ("elsewhere", ElsewherePage { series_title: text(), post_to: text() }.render(English)),
        ("new-link-sent", NewLinkSentPage {}.render(English)),
        ("unsubscribe", UnsubscribePage { series_title: text(), post_to: text() }.render(English)),
        ("unsubscribed", UnsubscribedPage { series_title: text() }.render(English)),
        ("manage-active", managed(ManageState::Active).render(English)),
        ("manage-paused", managed(ManageState::Paused).render(English)),
        ("manage-ended", managed(ManageState::Ended).render(English)),
        ("manage-pending", managed(ManageState::Pending).render(English)),
        ("read-part", read.render(English)),
        ("fresh", freshly(true).render(English)),
        ("fresh-ended", freshly(false).render(English)),
        ("fresh-sent", FreshSentPage {}.render(English)),
        ("fresh-expired", FreshExpiredPage { post_to: text() }.render(English)),
        ("erased", ErasedPage {}.render(English)),
        ("never", NeverPage { post_to: text() }.render(English)),
        ("never-done", NeverDonePage {}.render(English)),
        ("policy", PolicyPage { title: text(), version: text(), html: "<p>Text.</p>".into() }.render(English)),
        ("error", ErrorPage { status: 404, title: text(), detail: text() }.render(English)),
    ];
    others.into_iter().chain(voices_saying(&text())).chain(embed::admin_saying(&text())).collect()
}

#[test]
fn every_page_is_a_whole_document() {
    for (name, html) in pages_saying("Fighting Cancer") {
        assert!(html.starts_with("<!doctype html>\n<html lang=\"en\">"), "{name}");
        assert!(html.trim_end().ends_with("</html>"), "{name}");
        assert_eq!(html.matches("<h1").count(), 1, "{name} has one main heading");
        assert_eq!(html.matches("<title>").count(), 1, "{name}");
        assert!(!html.contains("<title></title>"), "{name}");
        assert!(html.contains("<main id=\"main\"") && html.contains("href=\"#main\""), "{name} can be skipped into");
        assert!(!html.contains("{{") && !html.contains("}}"), "{name} has nothing left to fill in");
    }
}

#[test]
fn every_page_is_in_the_readers_language_and_can_be_switched() {
    let page = ConfirmPage { series_title: "Fighting <Cancer>".into(), post_to: "/confirm/t".into() };
    let html = page.render(Spanish);
    assert!(html.contains("<html lang=\"es\">") && html.contains("Sí, envíenme la serie"));
    assert!(
        html.contains("le enviaremos <strong>Fighting &lt;Cancer&gt;</strong>"),
        "values are escaped, markup is not"
    );
    assert!(html.contains("<a href=\"?lang=en\" lang=\"en\" hreflang=\"en\">English</a>"));
    // What answers a form cannot be asked for again.
    assert!(!CheckInboxPage { again_path: "/#sign-up".into() }.render_in(Spanish, None).contains("?lang="));
}

#[test]
fn what_a_stranger_typed_stays_text() {
    let hostile = r#""><script>alert(1)</script><img src=x onerror=alert(1)> '{{title}}' & javascript:alert(1)"#;
    for (name, html) in pages_saying(hostile).into_iter().chain(embed::framed_saying(hostile)) {
        assert!(!html.contains("<script>"), "{name}");
        assert!(!html.contains("<img"), "{name}");
        assert!(!html.contains(r#"">&lt;"#), "{name}: no attribute ends early");
        assert!(!html.contains("href=\"javascript:"), "{name}");
    }
    let html = ErrorPage { status: 404, title: hostile.into(), detail: "Go on.".into() }.render(English);
    assert!(html.contains("{{title}}"), "braces are shown, not filled in");
    assert!(html.contains("&quot;&gt;&lt;script&gt;"));
}

#[test]
fn trusted_html_stays_html() {
    let html = article().render(English);
    assert!(html.contains("<p>Before the box.</p>") && html.contains("<h2>After the box</h2>"));
    let before = html.find("Before the box").expect("it is there");
    let form = html.find("action=\"/subscribe").expect("it is there");
    let after = html.find("After the box").expect("it is there");
    assert!(before < form && form < after);
}

#[test]
fn the_strict_content_policy_holds() {
    for (name, html) in pages_saying("Plain").into_iter().chain(embed::framed_saying("Plain")) {
        assert!(!html.contains("<style") && !html.contains(" style="), "{name} has no inline style");
        let handler =
            all_tags(&html).flat_map(str::split_whitespace).find(|word| word.starts_with("on") && word.contains('='));
        assert_eq!((handler, html.contains("javascript:")), (None, false), "{name} has no inline script");
        for script in tags(&html, "script") {
            assert!(attribute(script, "src").is_some(), "{name}: {script}");
        }
        let loaded = tags(&html, "link").into_iter().filter(|tag| attribute(tag, "rel") != Some("canonical"));
        for link in loaded.chain(tags(&html, "script")) {
            let url = attribute(link, "href").or_else(|| attribute(link, "src")).expect("it points somewhere");
            let asset = url.strip_prefix("/assets/").and_then(crate::web::assets::get);
            assert!(asset.is_some() || url == "/embed.js", "{name}: {url} is served");
        }
    }
}

#[test]
fn few_pages_have_a_script() {
    for (name, html) in pages_saying("Plain") {
        let has_one = name.starts_with("article") || ["related", "snippets"].contains(&name);
        assert_eq!(html.contains("<script"), has_one, "{name}");
    }
}

#[test]
fn every_input_has_a_label_and_every_reference_a_target() {
    for (name, html) in pages_saying("Plain").into_iter().chain(embed::framed_saying("Plain")) {
        let ids: Vec<&str> = all_tags(&html).filter_map(|tag| attribute(tag, "id")).collect();
        for input in tags(&html, "input").into_iter().chain(tags(&html, "select")) {
            if attribute(input, "type") != Some("hidden") {
                let id = attribute(input, "id").expect("it has an id");
                assert!(html.contains(&format!("<label for=\"{id}\">")), "{name}: {id}");
            }
        }
        for tag in all_tags(&html) {
            for reference in ["aria-labelledby", "aria-describedby", "for"] {
                for id in attribute(tag, reference).unwrap_or_default().split_whitespace() {
                    assert_eq!(ids.iter().filter(|known| **known == id).count(), 1, "{name}: {reference} {id}");
                }
            }
            let link = attribute(tag, "href").and_then(|href| href.strip_prefix('#'));
            assert!(link.is_none_or(|id| ids.contains(&id)), "{name}: {tag}");
        }
    }
}

#[test]
fn one_button_posts_where_it_was_told() {
    let series_title = || "Fighting Cancer".to_owned();
    let post_to = || "/do/token".to_owned();
    for html in [
        ConfirmPage { series_title: series_title(), post_to: post_to() }.render(English),
        ExpiredPage { series_title: series_title(), post_to: post_to() }.render(English),
        UnsubscribePage { series_title: series_title(), post_to: post_to() }.render(English),
        NeverPage { post_to: post_to() }.render(English),
        FreshExpiredPage { post_to: post_to() }.render(English),
    ] {
        assert_eq!(html.matches("<form method=\"post\" action=\"/do/token\">").count(), 1);
        assert_eq!((html.matches("<form").count(), html.matches("<button type=\"submit\"").count()), (1, 1));
    }
}

#[test]
fn pages_for_one_reader_are_kept_out_of_search_and_history() {
    let series = "Fighting Cancer With Immunotherapy";
    for (name, html) in pages_saying(series) {
        let private = !["article", "article-full", "related", "series-list", "policy"].contains(&name);
        assert_eq!(html.contains("content=\"noindex, nofollow\""), private, "{name}");
        assert_eq!(html.contains("name=\"referrer\" content=\"no-referrer\""), private, "{name}");
        let title = between(&html, "<title>", "</title>");
        // The article and an error are titled by whoever wrote them.
        let titled_by_us = private && !["article-errors", "error", "survey", "figures", "snippets"].contains(&name);
        assert!(!(titled_by_us && title.contains(series)), "{name}: {title}");
    }
}

#[test]
fn the_sign_up_box_asks_for_what_the_handler_reads() {
    let html = article().render(English);
    assert!(html.contains("You will receive six e-mails"));
    assert!(html.contains("<form method=\"post\" action=\"/subscribe#problem\""));
    let names: Vec<&str> = all_tags(&html).filter_map(|tag| attribute(tag, "name")).collect();
    for name in ["series", "timezone", "condition", "email"] {
        assert!(names.contains(&name), "{name}");
    }
    assert!(html.contains("name=\"series\" value=\"fighting-cancer-with-immunotherapy\""));
    assert!(html.contains("<option value=\"lung\">Lung cancer</option>"));
    assert!(html.contains("href=\"/privacy\"") && html.contains("href=\"/terms\""));
    assert!(!html.contains("aria-invalid") && !html.contains("role=\"alert\""), "nothing is wrong yet");
}

#[test]
fn a_faulty_sign_up_keeps_what_was_typed_and_leads_to_the_fault() {
    let mut page = article();
    page.sign_up.conditions[1].selected = true;
    page.sign_up.email = "reader@@example.com".into();
    page.sign_up.timezone = "Europe/Paris".into();
    page.sign_up.email_error = Some("Enter an address such as name@example.com".into());
    let html = page.render(English);
    assert!(between(&html, "<title>", "</title>").starts_with("Please look again: "));
    assert!(html.contains("<option value=\"lung\" selected>"));
    assert!(html.contains("name=\"timezone\" value=\"Europe/Paris\""));
    let email = tags(&html, "input").into_iter().find(|tag| attribute(tag, "name") == Some("email")).expect("a field");
    assert_eq!(attribute(email, "value"), Some("reader@@example.com"));
    assert_eq!(attribute(email, "aria-invalid"), Some("true"));
    assert_eq!(attribute(email, "aria-describedby"), Some("email-error"));
    assert!(html.contains("<li><a href=\"#email\">Enter an address such as name@example.com</a></li>"));
    let select = tags(&html, "select")[0];
    assert_eq!(
        (attribute(select, "aria-invalid"), attribute(select, "aria-describedby")),
        (None, Some("condition-hint"))
    );

    page.sign_up.condition_error = Some("Choose a condition".into());
    let html = page.render(English);
    let select = tags(&html, "select")[0];
    assert_eq!(attribute(select, "aria-invalid"), Some("true"));
    assert_eq!(attribute(select, "aria-describedby"), Some("condition-hint condition-error"));
    assert!(html.contains("<li><a href=\"#condition\">Choose a condition</a></li>"));
}

#[test]
fn what_passes_by_itself_is_said_above_the_form_and_no_field_is_called_faulty() {
    let mut page = article();
    page.sign_up.email = "reader@example.com".into();
    page.sign_up.passing_error = Some("Please try again in a few seconds.".into());
    let html = page.render(English);
    assert!(between(&html, "<title>", "</title>").starts_with("Please try again: "));
    assert!(between(&html, "<section class=\"", "\"").ends_with("faulty"));
    let said = between(&html, "role=\"alert\"", "</div>");
    assert!(said.contains("You are not signed up yet") && said.contains("Please try again in a few seconds."));
    assert!(html.contains("value=\"reader@example.com\"") && !html.contains("aria-invalid"));
}

#[test]
fn only_a_web_address_becomes_a_link_to_a_source() {
    let mut page = article();
    page.sources[0].url = "javascript:alert(1)".into();
    let html = page.render(English);
    assert!(!html.contains("javascript:"));
    assert!(html.contains("<li>National Cancer Institute: Immunotherapy</li>"));
    assert!(article().render(English).contains("<a href=\"https://www.cancer.gov/\">Immunotherapy</a>"));
}

#[test]
fn the_series_page_offers_what_can_be_done() {
    let active = manage(ManageState::Active).render(English);
    assert!(active.contains("Part 3 arrives Tuesday, March 10, about 9:00, your time (America/New_York)."), "{active}");
    assert!(active.contains("2 of 6 parts received") && active.contains("Received Wednesday, March 4"));
    assert_eq!((active.matches("<li class=\"done\">").count(), active.matches("<li></li>").count()), (2, 4));
    for verb in ["pause", "now", "clock", "spacing", "fresh-link"] {
        assert!(active.contains(&format!("action=\"/manage/t/{verb}\"")), "{verb}");
    }
    assert!(active.contains("action=\"/unsubscribe/t\"") && active.contains("href=\"/manage/t/calendar.ics\""));
    assert!(
        active.contains("<option value=\"10:00\" selected>") && active.contains("<option value=\"7\" selected>7 days")
    );
    assert!(!active.contains("/manage/t/resume"));

    let paused = manage(ManageState::Paused).render(English);
    assert!(paused.contains("action=\"/manage/t/resume\"") && !paused.contains("/manage/t/now"));
    let until = chrono::NaiveDate::from_ymd_opt(2026, 3, 20);
    let until = ManagePage { paused_until: until, ..manage(ManageState::Paused) };
    assert!(until.render(English).contains(">Paused until Friday, March 20<"));
    assert!(until.render(Spanish).contains(">En pausa hasta el viernes 20 de marzo<"));

    let may_move = ManagePage { may_move: true, ..manage(ManageState::Active) };
    assert!(may_move.render(Spanish).contains("action=\"/manage/t/stay\"") && !active.contains("/manage/t/stay"));
    let elsewhere = ManagePage { unsubscribe_to: Some("/unsubscribe/t".into()), ..manage(ManageState::Elsewhere) };
    let elsewhere = elsewhere.render(English);
    assert!(elsewhere.contains(">The series goes to another address now<") && elsewhere.contains("/unsubscribe/t"));
    assert!(!elsewhere.contains("/manage/t/pause"));

    let stopped = manage(ManageState::Ended).render(English);
    assert!(stopped.contains(">Stopped<") && stopped.contains("Not planned"));
    assert_eq!(stopped.matches("<form").count(), 1, "only the fresh link is left");
    let parts = vec![TimelinePart { number: 1, subject: "A".into(), when: When::Received(None), read_at: None }];
    let finished = ManagePage { parts, ..manage(ManageState::Ended) }.render(English);
    assert!(finished.contains("You have had every part"));
    let no_choice = ManagePage { spacings: vec![], hours: vec![], ..manage(ManageState::Active) }.render(English);
    assert!(!no_choice.contains("/spacing") && no_choice.contains("selected>As the series has it (9:00)"));
}

#[test]
fn every_word_about_a_change_reads_back_and_says_something() {
    for word in ["saved", "hurried", "nothing", "date", "choice", "condition", "address", "again"] {
        let said = Said::parse(word).unwrap();
        assert_eq!(said.word(), word);
        let html = ManagePage { said: Some(said), ..manage(ManageState::Active) }.render(English);
        assert!(html.contains("role=\"status\"") != html.contains("role=\"alert\""), "{word}");
    }
    assert_eq!(Said::parse("<script>"), None);
}

#[test]
fn the_page_behind_a_fresh_link_offers_what_can_be_done_and_chooses_nothing() {
    let open = fresh(true).render(English);
    for verb in ["condition", "address", "export", "erase"] {
        assert!(open.contains(&format!("action=\"/fresh/t/{verb}\"")), "{verb}");
    }
    assert!(open.contains("<option value=\"\" selected>") && !open.contains("/again"));
    let ended = fresh(false).render(English);
    assert!(!ended.contains("/fresh/t/condition") && ended.matches("action=\"/fresh/t/again\"").count() == 2);
}

#[test]
fn a_part_that_is_read_keeps_its_own_language() {
    let html = read_part().render(Spanish);
    assert!(html.contains("<div class=\"story-text\" lang=\"en\">\n<p>It helps the body.</p>"), "{html}");
    assert!(html.contains("href=\"/manage/t\""));
}

#[test]
fn the_pages_say_what_comes_next() {
    let series_title = || "Fighting Cancer".to_owned();
    assert!(CheckInboxPage { again_path: "/#sign-up".into() }.render_in(English, None).contains("spam"));
    assert!(SupersededPage { series_title: series_title() }.render(English).contains("newer"));
    let confirmed = |parts| ConfirmedPage { series_title: series_title(), parts }.render(English);
    assert!(confirmed(6).contains("There are 6 in all"));
    assert!(confirmed(1).contains("The first and only part") && !confirmed(1).contains("in all"));
    assert!(confirmed(13).contains("There are 13 in all"));
    let unsubscribed = UnsubscribedPage { series_title: series_title() }.render(English);
    assert!(unsubscribed.contains("come back any time") && unsubscribed.contains("href=\"/#sign-up\""));
    let error =
        ErrorPage { status: 429, title: "Too many tries".into(), detail: "Wait a minute.".into() }.render(English);
    assert!(error.contains("Error 429") && error.contains("Wait a minute."));
}

#[test]
fn the_frame_of_the_article_is_small() {
    let octets = article().render(English).len();
    assert!(octets < 10 * 1024, "{octets} octets");
}

#[test]
fn an_article_says_when_it_was_edited_and_who_pays_before_it_begins() {
    let reviewed = Review { reviewer: Some("Example Reviewer".into()), ..head().review };
    for (page, line) in [
        (article().render(English), "Medical review is pending."),
        (related().render(English), "Medical review is pending."),
        (
            RelatedPage { head: ArticleHead { review: reviewed, ..head() }, ..related() }.render(English),
            "Example Reviewer.",
        ),
    ] {
        let head = between(&page, "<header class=\"story-head\">", "</header>");
        assert!(
            head.contains("<time datetime=\"2026-11-05\">November 5, 2026</time>") && head.contains(line),
            "{head}"
        );
        assert!(head.contains("Who pays for this:") && head.contains("No sponsor has been named."), "{head}");
    }
    assert!(article().render(Spanish).contains("<time datetime=\"2026-11-05\">5 de noviembre de 2026</time>"));
}

#[test]
fn an_article_tells_machines_what_it_is_and_where() {
    let html = article().render(English);
    let url = "https://series.example.org/articles/fighting-cancer-with-immunotherapy";
    assert!(html.contains(&format!("<link rel=\"canonical\" href=\"{url}\">")));
    for (property, content) in [
        ("og:title", "What is immunotherapy?"),
        ("og:description", "How it helps the body."),
        ("og:type", "article"),
        ("og:url", url),
    ] {
        assert!(html.contains(&format!("<meta property=\"{property}\" content=\"{content}\">")), "{property}");
    }
    // What answers a form is nowhere to be found again.
    let mut faulty = article();
    faulty.sign_up.email_error = Some("Please look".into());
    assert!(!faulty.render(English).contains("canonical"));
}

#[test]
fn a_share_link_says_what_it_should_and_no_more() {
    let html = article().render(English);
    let link = between(&html, "href=\"mailto:", "\"");
    let expected = "?subject=An%20article%3A%20What%20is%20immunotherapy%3F&amp;body=";
    assert!(link.starts_with(expected), "{link}");
    assert!(link.ends_with("https%3A%2F%2Fseries.example.org%2Fa%3Fb%3Dc%26d%3De"), "{link}");
    // Without the script there is only that link.
    for tag in tags(&html, "button").into_iter().filter(|tag| tag.contains("data-share") || tag.contains("data-copy")) {
        assert!(tag.contains(" hidden"), "{tag}");
    }
}

#[test]
fn a_figure_of_few_is_a_word() {
    let html = figures("Plain").render(English);
    assert!(html.contains("10 or more") && html.contains("fewer than 5"));
    assert!(html.contains("<rect class=\"bar-length\" width=\"100\"") && html.contains("width=\"0\""));
    assert!(SurveyFiguresPage { forms: None, ..figures("Plain") }.render(English).contains("Fewer than 5 people"));
}

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
