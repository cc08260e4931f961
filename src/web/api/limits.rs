//! How many calls a token may make in a minute, of this process: a program that runs wild is not to keep readers waiting.
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use axum::Extension;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};

use crate::web::AppState;
use crate::web::caller::Token;
use crate::web::error::{Problem, WebError};

// draft-ietf-httpapi-ratelimit-headers
const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const LEFT: HeaderName = HeaderName::from_static("ratelimit");

const WINDOW: i64 = 60;

/// Calls within the current minute by the clock, by token.
#[derive(Debug)]
pub(in crate::web) struct Limits {
    /// 0: no limit.
    per_minute: u32,
    calls: Mutex<(i64, HashMap<[u8; 16], u32>)>,
}

/// What is left of a minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Left {
    calls: u32,
    seconds: i64,
}

impl Limits {
    pub(in crate::web) fn new(per_minute: u32) -> Self {
        Self { per_minute, calls: Mutex::default() }
    }

    /// Counts a call. An error has in how many seconds to try again.
    fn take(&self, token: [u8; 16], real: DateTime<Utc>) -> Result<Left, u64> {
        let minute = real.timestamp().div_euclid(WINDOW);
        let seconds = WINDOW - real.timestamp().rem_euclid(WINDOW);
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        if calls.0 != minute {
            *calls = (minute, HashMap::new());
        }
        let made = calls.1.entry(token).or_default();
        if *made >= self.per_minute {
            return Err(seconds.unsigned_abs());
        }
        *made += 1;
        Ok(Left { calls: self.per_minute - *made, seconds })
    }
}

/// Stands behind the look at the token, so that only known ones are counted.
pub(super) async fn limited(
    State(state): State<AppState>,
    Extension(token): Extension<Token>,
    request: Request,
    next: Next,
) -> Response {
    let limits = &state.limits;
    if limits.per_minute == 0 {
        return next.run(request).await;
    }
    let (mut response, left) = match limits.take(token.0, state.service.clock().real()) {
        Ok(left) => (next.run(request).await, left),
        Err(seconds) => {
            let text = format!("At most {} calls a minute: try again in {seconds} seconds.", limits.per_minute);
            let refused = Problem(WebError::TooMany { text, seconds }).into_response();
            (refused, Left { calls: 0, seconds: i64::try_from(seconds).unwrap_or(WINDOW) })
        }
    };
    let policy = format!("\"minute\";q={};w={WINDOW}", limits.per_minute);
    let left = format!("\"minute\";r={};t={}", left.calls, left.seconds);
    for (name, text) in [(POLICY, policy), (LEFT, left)] {
        response.headers_mut().extend(HeaderValue::try_from(text).ok().map(|value| (name, value)));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_token_has_its_minute_and_the_next_begins_anew() {
        let at = |second: i64| DateTime::from_timestamp(1_800_000_000 + second, 0).unwrap();
        let limits = Limits::new(2);
        assert_eq!(limits.take([1; 16], at(0)), Ok(Left { calls: 1, seconds: 60 }));
        assert_eq!(limits.take([1; 16], at(20)), Ok(Left { calls: 0, seconds: 40 }));
        assert_eq!(limits.take([1; 16], at(59)), Err(1));
        assert_eq!(limits.take([2; 16], at(59)), Ok(Left { calls: 1, seconds: 1 }), "another token has its own");
        assert_eq!(limits.take([1; 16], at(60)), Ok(Left { calls: 1, seconds: 60 }));
        assert_eq!(limits.calls.lock().unwrap().1.len(), 1, "what is over is forgotten");
    }
}
