//! All messages that a query finds, for counting.

use super::args::Shape;
use super::listing::Listing;
use super::message::Item;
use super::query_email::{QueryEmail, applied, scan_note};
use crate::services::answer::Applied;
use crate::tools::context::CallContext;
use crate::tools::error::ToolError;
use crate::tools::tool::Args;

/// Messages to be counted.
pub(super) struct Census {
    pub(super) items: Vec<Item>,
    /// There are more of them.
    pub(super) has_more: bool,
    pub(super) applied: Applied,
    pub(super) warnings: Vec<String>,
}

impl QueryEmail {
    /// Everything that the arguments ask for, up to `most` messages.
    pub(super) async fn census(
        &self,
        context: &CallContext,
        args: &Args,
        most: usize,
        mut warnings: Vec<String>,
    ) -> Result<Census, ToolError> {
        let mut frame = self.mail.frame(context).await?;
        let mut query = self.prepare(context, args, &Shape::default(), &frame).await?;
        query.limit = most;
        frame.folder = query.plan.folder.as_ref().map(|folder| folder.name.clone());
        warnings.extend(scan_note(&query));
        let (query, listing) = self.answered(context, query, &frame, &mut warnings).await?;
        let Listing { found, next, scanned, total, warnings: more } = listing;
        warnings.extend(more);
        Ok(Census {
            items: found.into_iter().map(|found| found.item).collect(),
            has_more: next.is_some(),
            applied: applied(&query.plan, &frame, scanned, total),
            warnings,
        })
    }
}
