//! Pages for admins, behind HTTP Basic authentication (RFC 7617). The user may be anything, the password is the admin
//! token. They only show: what changes something is in the API.
mod embed;
mod figures;
mod readers;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::get;
use base64::prelude::{BASE64_STANDARD, Engine as _};
use subtle::ConstantTimeEq as _;

use super::AppState;
use super::language::Lang;
use super::public::{error_page, html};
use crate::web::pages::{AdminPage, AdminSeries};
pub(super) use figures::as_csv;

pub(super) fn router(state: AppState) -> Router<AppState> {
    Router::new()
        .route("/admin", get(index))
        .merge(figures::router())
        .merge(embed::router())
        .merge(readers::router())
        .route_layer(middleware::from_fn_with_state(state, authorised))
}

/// Compares in constant time. Without an admin token nobody is let in.
async fn authorised(State(state): State<AppState>, lang: Lang, request: Request, next: Next) -> Response {
    let given = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let password = given.and_then(password).unwrap_or_default();
    match &state.admin_token {
        Some(token) if bool::from(token.0.as_bytes().ct_eq(password.as_bytes())) => next.run(request).await,
        _ => {
            let mut response = error_page(lang.get(), StatusCode::UNAUTHORIZED, "error-admins");
            let basic = HeaderValue::from_static("Basic realm=\"regimen\", charset=\"UTF-8\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, basic);
            response
        }
    }
}

fn password(header: &str) -> Option<String> {
    let (scheme, credentials) = header.split_once(' ')?;
    let octets = BASE64_STANDARD.decode(credentials.trim()).ok().filter(|_| scheme.eq_ignore_ascii_case("basic"))?;
    String::from_utf8(octets).ok()?.split_once(':').map(|(_, password)| password.to_owned())
}

/// What there is of each series.
async fn index(State(state): State<AppState>, lang: Lang) -> Response {
    let library = state.service.library();
    let series = library.series.values().map(|series| AdminSeries {
        title: series.title.clone(),
        article_path: format!("/articles/{}", series.slug),
        embed_path: embed::path(&series.slug),
        figures_path: series.survey.is_some().then(|| format!("/admin/survey/{}", series.slug)),
    });
    html(StatusCode::OK, AdminPage { series: series.collect() }.render(lang.get()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_is_what_follows_the_first_colon() {
        let header = |text: &str| format!("Basic {}", BASE64_STANDARD.encode(text));
        assert_eq!(password(&header("anybody:a:token")).as_deref(), Some("a:token"));
        assert_eq!(password(&header(":token")).as_deref(), Some("token"));
        for broken in ["", "Basic", "Basic !", "Bearer YTpi", &header("no colon")] {
            assert_eq!(password(broken), None, "{broken}");
        }
    }
}
