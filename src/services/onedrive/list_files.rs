//! `list_files`: a folder, a search, what was used lately, what others share.

use super::item::{FileItem, Frame, ItemView, SELECT, item_schema};
use super::{Desk, READ, READ_ALL, SCOPES, asker, fault, require};
use crate::graph::encode::{Target, odata, segment};
use crate::graph::error::GraphError;
use crate::graph::page::Page;
use crate::graph::request::Request;
use crate::services::answer::{Answer, Applied, Room, listing_schema};
use crate::services::args::{OutputFormat, max_chars_schema, output_format_schema, typed};
use crate::services::drive_address::Address;
use crate::services::time::{Edge, moment};
use crate::tools::context::CallContext;
use crate::tools::error::ToolError;
use crate::tools::output::ToolOutput;
use crate::tools::tool::{Annotations, Args, Tool, ToolSpec};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::sync::Arc;

const DEFAULT_LIMIT: usize = 100;
/// Largest page of Graph's.
const PAGE: usize = 200;
/// Items looked at for one answer.
const MAX_SCANNED: usize = 2_000;
/// Longest text to search for.
const MAX_SEARCH: usize = 255;

/// The tool.
pub(super) struct ListFiles {
    desk: Arc<Desk>,
    spec: ToolSpec,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum View {
    #[default]
    Folder,
    Recent,
    Shared,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Wish {
    folder_path: String,
    search: Option<String>,
    view: View,
    drive: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    modified_since: Option<String>,
    limit: Option<usize>,
    cursor: Option<String>,
    max_chars: Option<usize>,
    output_format: OutputFormat,
}

/// What a listing asks; kept in cursors, so that a page goes on with what was asked.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Question {
    place: Place,
    /// Where the items come from, for people.
    folder: String,
    kind: Option<String>,
    since: Option<DateTime<Utc>>,
    own_drive: Option<String>,
    zone: String,
    /// Items of the page at `place` that were answered already.
    skip: usize,
}

/// The page to read next.
#[derive(Clone, Debug, Serialize, Deserialize)]
enum Place {
    /// A target of ours, or Graph's own next link.
    Link(String),
    /// `POST /search/query` from this hit on.
    Hits { text: String, from: usize },
}

impl Place {
    /// In a drive that may be another's.
    fn is_away(&self) -> bool {
        matches!(self, Self::Link(link) if link.starts_with("/drives/"))
    }
}

/// One page as it came.
struct Read {
    items: Vec<FileItem>,
    next: Option<Place>,
}

impl Question {
    fn wants(&self, item: &FileItem) -> bool {
        let kind = self.kind.as_deref().is_none_or(|kind| match kind {
            "file" => !item.is_folder(),
            "folder" => item.is_folder(),
            ending => item.name.to_lowercase().ends_with(&format!(".{ending}")),
        });
        let fresh = self.since.is_none_or(|since| item.modified_at.is_some_and(|modified| modified >= since));
        kind && fresh
    }

    /// Items of the own drive are left out: everything is "shared" with its owner.
    fn is_shared(&self) -> bool {
        matches!(self.place, Place::Hits { .. })
    }
}

impl ListFiles {
    pub(super) fn new(desk: Arc<Desk>) -> Self {
        let text = |what: &str| json!({"type": "string", "description": what});
        let spec = ToolSpec {
            name: "list_files",
            title: "List Files",
            description: "List files and folders of the user's OneDrive: a folder, a search over names and contents, \
                          recent files, or files that others shared.",
            input_schema: json!({"type": "object", "properties": {
                "folder_path": text("Path or id of a folder, e.g. Documents/2026; the root unless given"),
                "search": text("Words to search for in the whole drive (or in what is shared)"),
                "view": {"type": "string", "enum": ["folder", "recent", "shared"], "description": "folder unless given"},
                "drive": text("Id of another drive, instead of the own one"),
                "type": text("file, folder, or an ending such as pdf"),
                "modified_since": text("Day or time, e.g. 2026-03-31: only what changed since"),
                "limit": {"type": "integer", "minimum": 1, "maximum": 200, "description": "Items per page; 100 unless given"},
                "cursor": text("next_cursor of the page before"),
                "max_chars": max_chars_schema("the whole answer"),
                "output_format": output_format_schema(),
            }}),
            output_schema: listing_schema(&item_schema()),
            annotations: Annotations::READ_UNTRUSTED,
            scopes: SCOPES,
            aliases: &[
                ("user_id", "user_id"),
                ("mailbox", "mailbox"),
                ("path", "folder_path"),
                ("query", "search"),
            ],
        };
        Self { desk, spec }
    }

    async fn question(&self, context: &CallContext, wish: &Wish) -> Result<Question, ToolError> {
        if let Some(cursor) = &wish.cursor {
            return self.desk.deps.cursors.load(context, self.spec.name, cursor).await;
        }
        let zone = self.desk.zone(context).await;
        let since = wish.modified_since.as_deref();
        let since = since.map(|text| moment("modified_since", text, zone, Edge::Start)).transpose()?;
        let text = wish.search.as_deref().map(str::trim).filter(|text| !text.is_empty());
        if text.is_some_and(|text| text.chars().count() > MAX_SEARCH) {
            let text = format!("`search` has more than {MAX_SEARCH} characters: use fewer words.");
            return Err(ToolError::invalid("search", text));
        }
        let top = wish.limit.unwrap_or(DEFAULT_LIMIT).min(PAGE).to_string();
        let (place, folder) = Self::place(context, wish, text, &top)?;
        let mixed = matches!(place, Place::Hits { .. }) || place.is_away();
        let own_drive = if mixed {
            let own = self.desk.own_drive(context).await;
            Some(own.map_err(|error| fault(error, READ))?)
        } else {
            None
        };
        let kind = wish.kind.as_deref().map(|kind| kind.trim().trim_start_matches('.').to_lowercase());
        Ok(Question {
            place,
            folder,
            kind: kind.filter(|kind| !kind.is_empty()),
            since,
            own_drive,
            zone: zone.name().to_owned(),
            skip: 0,
        })
    }

    fn place(
        context: &CallContext,
        wish: &Wish,
        text: Option<&str>,
        top: &str,
    ) -> Result<(Place, String), ToolError> {
        if wish.view == View::Shared {
            require(context, READ_ALL)?;
            let place = Place::Hits { text: text.unwrap_or("*").to_owned(), from: 0 };
            return Ok((place, "shared".to_owned()));
        }
        let mut address = Address::parse("folder_path", &wish.folder_path)?;
        if let Some(drive) = wish.drive.as_deref().map(str::trim).filter(|id| !id.is_empty()) {
            if address != Address::Root {
                let text = "With `drive` the root is listed: leave `folder_path` out and go on with the ids from there.";
                return Err(ToolError::invalid("folder_path", text));
            }
            address = Address::Remote { drive: drive.to_owned(), item: "root".to_owned() };
        }
        if matches!(address, Address::Share(_)) {
            let text =
                "`folder_path` must be a path or an id; get_file_info tells the id behind a sharing link.";
            return Err(ToolError::invalid("folder_path", text));
        }
        require(context, address.scope())?;
        let target = match (wish.view, text) {
            (View::Recent, _) => {
                return Ok((link(Target::new("/me/drive/recent"), top), "recent".to_owned()));
            }
            (_, Some(text)) => link(Target::new(address.graph_path(&search_call(text))), top),
            (_, None) => link(Target::new(address.graph_path("children")).with("$orderby", "name"), top),
        };
        let folder = wish.folder_path.trim().trim_matches('/');
        Ok((target, if folder.is_empty() { "/".to_owned() } else { folder.to_owned() }))
    }

    /// One page: `GET …/children`, `…/search(q='…')` or `/me/drive/recent` (Files.Read), or `POST /search/query` for
    /// driveItem (Files.Read.All); 2 units.
    async fn page(&self, context: &CallContext, question: &Question, zone: Tz) -> Result<Read, GraphError> {
        let frame = Frame { zone, own_drive: question.own_drive.as_deref() };
        let graph = &self.desk.deps.graph;
        match &question.place {
            Place::Link(link) => {
                let answer = graph.send(asker(context), Request::files(link.clone()).costing(2)).await?;
                let page: Page<'_, ItemView<'_>> = answer.view()?;
                let items = page.value.iter().map(|view| FileItem::new(view, frame)).collect();
                Ok(Read { items, next: page.next_link().map(Place::Link) })
            }
            Place::Hits { text, from } => {
                let body = json!({ "requests": [{
                    "entityTypes": ["driveItem"], "query": { "queryString": text }, "from": from, "size": PAGE,
                }]});
                let request = Request::files_query(Target::new("/search/query"), body.to_string().into());
                let answer = graph.send(asker(context), request.costing(2)).await?;
                let found: Found<'_> = answer.view()?;
                let container = found.value.into_iter().flat_map(|answer| answer.hits_containers).next();
                let container = container.unwrap_or_default();
                let next = Place::Hits { text: text.clone(), from: from + container.hits.len() };
                let more = container.more_results_available && !container.hits.is_empty();
                let items = container.hits.iter().map(|hit| FileItem::new(&hit.resource, frame)).collect();
                Ok(Read { items, next: more.then_some(next) })
            }
        }
    }
}

/// `search(q='…')`: quotes doubled, then everything encoded but the quotes around it.
fn search_call(text: &str) -> String {
    let literal = odata(text);
    format!("search(q='{}')", segment(literal.get(1..literal.len() - 1).unwrap_or_default()))
}

fn link(target: Target, top: &str) -> Place {
    Place::Link(target.with("$top", top).with("$select", SELECT).build())
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Found<'a> {
    #[serde(borrow)]
    value: Vec<Searched<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Searched<'a> {
    #[serde(borrow)]
    hits_containers: Vec<Container<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Container<'a> {
    #[serde(borrow)]
    hits: Vec<Hit<'a>>,
    more_results_available: bool,
}

#[derive(Deserialize)]
struct Hit<'a> {
    #[serde(borrow, default)]
    resource: ItemView<'a>,
}

/// Puts what is wanted of a page into the answer until something has no room; how many of the page were used up.
fn take(room: &mut Room<FileItem>, page: Vec<FileItem>, question: &Question) -> usize {
    let all = page.len();
    for (used, item) in page.into_iter().enumerate().skip(question.skip) {
        let foreign = item.id.contains(':');
        if !question.wants(&item) || (question.is_shared() && !foreign) {
            continue;
        }
        let line = item.print();
        if !room.put(item, &line) {
            return used;
        }
    }
    all
}

#[async_trait]
impl Tool for ListFiles {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn call(&self, context: &CallContext, args: Args) -> Result<ToolOutput, ToolError> {
        let warnings = self.desk.notes(context, &args).await?;
        let wish: Wish = typed(&args)?;
        let mut question = self.question(context, &wish).await?;
        let scope = if question.own_drive.is_some() { READ_ALL } else { READ };
        let zone: Tz = question.zone.parse().unwrap_or(Tz::UTC);
        let limit = wish.limit.unwrap_or(DEFAULT_LIMIT);
        let max_chars = wish.max_chars.unwrap_or(self.desk.deps.settings.max_chars);
        let (mut room, mut scanned) = (Room::new(limit, max_chars), 0);
        let more = loop {
            let read = self.page(context, &question, zone).await.map_err(|error| fault(error, scope))?;
            let all = read.items.len();
            scanned += all - question.skip.min(all);
            let used = take(&mut room, read.items, &question);
            if used < all {
                question.skip = used;
                break true;
            }
            let Some(next) = read.next else { break false };
            question.place = next;
            question.skip = 0;
            if room.is_full() || scanned >= MAX_SCANNED {
                break true;
            }
        };
        let cursors = &self.desk.deps.cursors;
        let next_cursor =
            if more { Some(cursors.save(context, self.spec.name, &question).await?) } else { None };
        let heading = match room.items.len() {
            0 if more => {
                format!("Nothing that fits in the first {scanned} items of {}\n", question.folder)
            }
            0 => format!("Nothing in {}\n", question.folder),
            count => format!("{count} items in {}\n", question.folder),
        };
        let answer = Answer {
            count: room.items.len(),
            has_more: more,
            next_cursor,
            applied: Applied {
                engine: if question.is_shared() { "search" } else { "list" },
                folder: Some(question.folder.clone()),
                query: wish.search.clone().unwrap_or_default(),
                post_filters: filters(&question),
                scanned,
                time_zone: zone.name().to_owned(),
                ..Applied::default()
            },
            truncated: room.truncated,
            max_chars,
            items: room.items,
            warnings,
        };
        answer.output(heading + &room.text, wish.output_format)
    }
}

/// Names of the filters that were applied here and not by Graph.
fn filters(question: &Question) -> Vec<&'static str> {
    let kind = question.kind.is_some().then_some("type");
    kind.into_iter().chain(question.since.is_some().then_some("modified_since")).collect()
}
