//! Lists: options, pages, and the next links that OneNote gives, or does not.

use serde_json::{Map, Value, json};

use super::errors::bad;
use super::filter::{Filter, property, sort};
use super::render::Paint;
use super::shape::{Kind, Shape};
use super::store::Shelf;
use crate::sim::graph::call::{Answer, Call};
use crate::sim::graph::error::GraphError;

/// Entries when none is asked for, and the most.
const PAGE: usize = 20;
const MAX_PAGE: usize = 100;

/// A list that is asked for.
pub(super) struct Listing<'a> {
    pub(super) call: &'a Call<'a>,
    pub(super) shelf: &'a Shelf,
    pub(super) kind: Kind,
    /// Index of each row in its table; pages of a section with their place in it.
    pub(super) rows: Vec<usize>,
    /// Pages of one section, in order.
    pub(super) in_section: bool,
}

impl Listing<'_> {
    fn paint(&self) -> Paint<'_> {
        Paint { shelf: self.shelf, origin: self.call.origin }
    }

    fn show(&self, row: usize, order: Option<usize>, shape: &Shape) -> Value {
        let (paint, shelf) = (self.paint(), self.shelf);
        let shown = match self.kind {
            Kind::Notebook => shelf.notebooks.get(row).map(|one| paint.notebook(one, shape)),
            Kind::Group => shelf.groups.get(row).map(|one| paint.group(one, shape)),
            Kind::Section => shelf.sections.get(row).map(|one| paint.section(one, shape)),
            Kind::Page => shelf.pages.get(row).map(|one| paint.page(one, order, shape)),
        };
        shown.unwrap_or_default()
    }

    pub(super) fn answer(self) -> Result<Answer, GraphError> {
        let call = self.call;
        check(call, self.in_section)?;
        let (top, skip) = (number(call, "$top")?, number(call, "$skip")?.unwrap_or(0));
        if top.is_some_and(|top| !(1..=MAX_PAGE).contains(&top)) {
            return Err(bad("20129", "The top query option must be between 1 and 100."));
        }
        let shape = Shape::of(call, self.kind)?;
        let whole = Shape::whole(self.kind);
        let levelled = call.query.get("pagelevel") == Some("true");
        let mut rows: Vec<(usize, Value)> = self
            .rows
            .iter()
            .enumerate()
            .map(|(order, row)| (order, self.show(*row, Some(order), &whole)))
            .collect();
        let sample = rows.first().map(|(_, row)| row.clone()).unwrap_or_default();
        let known = |path: &str| sample.is_null() || !property(&sample, path).is_null();
        if let Some(text) = call.query.get("$filter") {
            let filter = Filter::parse(text, known)?;
            rows.retain(|(_, row)| filter.holds(row));
        }
        let default = if self.kind == Kind::Page { "lastModifiedDateTime desc" } else { "displayName" };
        sort(&mut rows, call.query.get("$orderby").unwrap_or(default), known)?;
        let end = skip.saturating_add(top.unwrap_or(PAGE));
        let shown: Vec<Value> = rows
            .iter()
            .skip(skip)
            .take(end - skip)
            .filter_map(|(order, _)| {
                let row = self.rows.get(*order)?;
                Some(self.show(*row, levelled.then_some(*order), &shape))
            })
            .collect();
        let mut body = Map::new();
        let context = format!("{}/v1.0/$metadata#users('{}')/onenote", call.origin, self.shelf.oid);
        body.insert("@odata.context".to_owned(), json!(context));
        if call.query.get("$count") == Some("true") {
            body.insert("@odata.count".to_owned(), json!(rows.len()));
        }
        body.insert("value".to_owned(), json!(shown));
        // Whoever says how many pages to list gets no link to the rest.
        let linked = self.kind != Kind::Page || top.is_none();
        if linked && end < rows.len() {
            body.insert("@odata.nextLink".to_owned(), json!(next(call, end)));
        }
        Ok(Answer::json(Value::from(body).to_string().into_bytes()))
    }
}

fn check(call: &Call<'_>, in_section: bool) -> Result<(), GraphError> {
    for name in call.query.names() {
        match name {
            "$filter" | "$orderby" | "$select" | "$expand" | "$top" | "$skip" | "$count" => {}
            "pagelevel" if in_section => {}
            "pagelevel" => {
                return Err(bad("20104", "The pagelevel query option is not supported for this request."));
            }
            _ => return Err(bad("20108", "The request contains unsupported OData query parameters.")),
        }
    }
    Ok(())
}

fn number(call: &Call<'_>, name: &str) -> Result<Option<usize>, GraphError> {
    let read = |text: &str| text.parse::<u32>().map(|n| n as usize);
    call.query.get(name).map(read).transpose().map_err(|_| bad("20143", "The OData query is invalid."))
}

fn next(call: &Call<'_>, skip: usize) -> String {
    let query = call.query.without(&["$skip"]);
    let joint = if query.is_empty() { "" } else { "&" };
    format!("{}{}?{query}{joint}$skip={skip}", call.origin, call.raw_path)
}
