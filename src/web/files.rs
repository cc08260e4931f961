//! Files that are sent while they are made. One that breaks off is cut off for its receiver, too, and so never taken for a whole
//! one.
use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use futures::{StreamExt as _, stream};

use super::AppState;
use crate::actions::ActionError;
use crate::actions::imports::RefusedLines;
use crate::actions::readers::export::Export;
use crate::model::Format;

const CSV: &str = "text/csv; charset=utf-8; header=present";

pub(super) async fn of_readers(state: &AppState, export: Export, format: Format) -> Result<Response, ActionError> {
    let named = match format {
        Format::Csv => (CSV, "attachment; filename=\"readers.csv\""),
        Format::JsonLines => ("application/jsonl; charset=utf-8", "attachment; filename=\"readers.jsonl\""),
    };
    sent(state, named, export).await
}

pub(super) async fn of_refused_lines(state: &AppState, lines: RefusedLines) -> Result<Response, ActionError> {
    sent(state, (CSV, "attachment; filename=\"refused.csv\""), lines).await
}

/// What is made piece by piece.
trait Pieces: Send + 'static {
    fn next(&mut self) -> impl Future<Output = Result<Option<Vec<u8>>, ActionError>> + Send;
}

impl Pieces for Export {
    async fn next(&mut self) -> Result<Option<Vec<u8>>, ActionError> {
        Self::next(self).await
    }
}

impl Pieces for RefusedLines {
    async fn next(&mut self) -> Result<Option<Vec<u8>>, ActionError> {
        Self::next(self).await
    }
}

/// The first piece is waited for: what cannot even begin is told as an error.
async fn sent(
    state: &AppState,
    (kind, name): (&'static str, &'static str),
    mut file: impl Pieces,
) -> Result<Response, ActionError> {
    let first = file.next().await?.map(|piece| Ok(Bytes::from(piece)));
    let others = stream::try_unfold((file, state.stopping.clone()), async |(mut file, stopping)| {
        if stopping.is_cancelled() {
            return Err(std::io::Error::other("the process ends"));
        }
        match file.next().await {
            Ok(piece) => Ok(piece.map(|piece| (Bytes::from(piece), (file, stopping)))),
            Err(error) => {
                tracing::error!(%error, "a file broke off");
                Err(std::io::Error::other("the file broke off"))
            }
        }
    });
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (header::CONTENT_DISPOSITION, HeaderValue::from_static(name)),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    Ok((headers, Body::from_stream(stream::iter(first).chain(others))).into_response())
}
