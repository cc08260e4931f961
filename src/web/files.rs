//! Readers as a file that is sent while it is made. A file that breaks off is cut off for its receiver, too, and so never
//! taken for a whole one.
use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use futures::{StreamExt as _, stream};

use super::AppState;
use crate::actions::ActionError;
use crate::actions::readers::export::Export;
use crate::model::Format;

/// The first piece is waited for: what cannot even begin is told as an error.
pub(super) async fn of_readers(state: &AppState, mut export: Export, format: Format) -> Result<Response, ActionError> {
    let (kind, name) = match format {
        Format::Csv => ("text/csv; charset=utf-8; header=present", "attachment; filename=\"readers.csv\""),
        Format::JsonLines => ("application/jsonl; charset=utf-8", "attachment; filename=\"readers.jsonl\""),
    };
    let first = export.next().await?.map(|piece| Ok(Bytes::from(piece)));
    let stopping = state.stopping.clone();
    let others = stream::try_unfold((export, stopping), async |(mut export, stopping)| {
        if stopping.is_cancelled() {
            return Err(std::io::Error::other("the process ends"));
        }
        match export.next().await {
            Ok(piece) => Ok(piece.map(|piece| (Bytes::from(piece), (export, stopping)))),
            Err(error) => {
                tracing::error!(%error, "a file of readers broke off");
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
