//! A page of each kind, with ordinary values and with whatever text a test wants to see in it.
use super::*;

pub(super) fn sign_up() -> SignUpBox {
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

pub(super) fn head() -> ArticleHead {
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

pub(super) fn sources() -> Vec<Source> {
    vec![Source {
        publisher: "National Cancer Institute".into(),
        title: "Immunotherapy".into(),
        url: "https://www.cancer.gov/".into(),
    }]
}

pub(super) fn after() -> AfterArticle {
    let path = "/articles/fighting-cancer-with-immunotherapy/side-effects";
    AfterArticle {
        helpful: HelpfulBox { post_to: "/helpful/s/articles/article".into(), yes: 12, all: 15 },
        share: Share::new(English, "What is immunotherapy?", "https://series.example.org/a?b=c&d=e"),
        related: vec![Card { title: "Side effects".into(), description: "What to watch.".into(), path: path.into() }],
        survey: Some(SurveyOffer { path: "/survey/s".into(), minutes: 2 }),
    }
}

pub(super) fn article() -> ArticlePage {
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

pub(super) fn related() -> RelatedPage {
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

pub(super) fn survey(text: &str) -> SurveyPage {
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

pub(super) fn helpful(text: &str) -> HelpfulPage {
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

pub(super) fn figures(text: &str) -> SurveyFiguresPage {
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
pub(super) fn voices_saying(text: &str) -> Vec<(&'static str, String)> {
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
        ("figures", figures(text).render(English, &Shell::default())),
    ]
}

pub(super) fn manage(state: ManageState) -> ManagePage {
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

pub(super) fn read_part() -> ReadPartPage {
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

pub(super) fn fresh(is_open: bool) -> FreshPage {
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

pub(super) fn once_more(text: &str) -> OnceMorePage {
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
pub(super) fn pages_saying(text: &str) -> Vec<(&'static str, String)> {
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
    others
        .into_iter()
        .chain(voices_saying(&text()))
        .chain(embed::admin_saying(&text()))
        .chain(readers::saying(&text()))
        .chain(imports::saying(&text()))
        .chain(runs::saying(&text()))
        .chain(series::saying(&text()))
        .chain(webhooks::saying(&text()))
        .chain(dashboard::saying(&text()))
        .chain(admins::saying(&text()))
        .collect()
}
