//! The list of deliveries, also of those that were uncertain.
use super::readers::{cursor, full, parse_cursor};
use super::{ActionError, Page, Service};
use crate::model::DeliveryState;
pub use crate::store::admin::DeliveryLine;
use crate::store::admin::{self, DeliveryFilter};

/// What is asked of the list.
#[derive(Debug, Default)]
pub struct ListDeliveries {
    pub state: Option<DeliveryState>,
    /// Only those that were uncertain at some time, also when they were sent again since.
    pub was_uncertain: bool,
    pub after: Option<String>,
    /// 1 to 500; 100 when none is given.
    pub limit: Option<u32>,
}

/// Names no address and no condition.
pub async fn list(service: &Service, ask: &ListDeliveries) -> Result<Page<DeliveryLine>, ActionError> {
    let limit = i64::from(ask.limit.unwrap_or(100).clamp(1, 500));
    let filter = DeliveryFilter {
        state: ask.state.map(|state| state.as_str().to_owned()),
        was_uncertain: ask.was_uncertain,
        subscriber: None,
        after: ask.after.as_deref().map(parse_cursor).transpose()?,
        limit,
    };
    let items = admin::deliveries(service.db(), &filter).await?;
    let next = full(items.len(), limit).then(|| items.last().map(|last| cursor(last.bucket, last.id))).flatten();
    Ok(Page { items, next })
}
