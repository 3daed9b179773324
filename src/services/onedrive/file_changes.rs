//! `file_changes`: what was added, changed or removed in the drive since a day, or since the last look.

use super::item::{FileItem, Frame, ItemView, item_schema};
use super::{Desk, READ, SCOPES, asker, fault};
use crate::domain::clock::Timestamp;
use crate::graph::encode::Target;
use crate::graph::error::GraphError;
use crate::graph::page::Page;
use crate::graph::request::Request;
use crate::services::answer::{Answer, Applied, Room, listing_schema, output, with_notes};
use crate::services::args::{OutputFormat, max_chars_schema, output_format_schema, typed};
use crate::services::drive_address::Address;
use crate::services::since;
use crate::services::time::{Edge, instant, local_text, moment, utc_text};
use crate::tools::context::CallContext;
use crate::tools::error::ToolError;
use crate::tools::output::ToolOutput;
use crate::tools::tool::{Annotations, Args, Tool, ToolSpec};
use async_trait::async_trait;
use chrono::{DateTime, SubsecRound, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

const DEFAULT_LIMIT: usize = 100;
/// Changes looked at for one answer.
const MAX_SCANNED: usize = 1_000;
/// Folders asked for their path in one call; Graph tells changes without it.
const MAX_LOOKUPS: usize = 30;
/// Deepest folder.
const MAX_LEVELS: usize = 40;
/// How long the place of the last look is kept. Graph keeps its own longer.
const LIFE: Duration = Duration::from_hours(24 * 7);
const PROPERTIES: &str =
    "id,name,size,createdDateTime,lastModifiedDateTime,file,folder,webUrl,parentReference,eTag,deleted";

/// The tool.
pub(super) struct FileChanges {
    desk: Arc<Desk>,
    spec: ToolSpec,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Wish {
    since: Option<String>,
    since_cursor: Option<String>,
    folder: Option<String>,
    limit: Option<usize>,
    max_chars: Option<usize>,
    output_format: OutputFormat,
}

/// Where the next look begins; kept behind a cursor.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Look {
    /// A target of ours, or Graph's own next or delta link.
    link: String,
    /// Changes at `link` that were told already.
    skip: usize,
    /// What was made after this is new to the caller.
    since: DateTime<Utc>,
    /// Path of a folder; changes elsewhere are left out.
    folder: Option<String>,
    zone: String,
}

/// One change.
#[derive(Clone, Debug, Serialize)]
struct Change {
    change: &'static str,
    #[serde(flatten)]
    item: FileItem,
}

/// A page of changes as it came, with what is needed to tell where they are.
struct Read {
    changes: Vec<(Change, Option<String>)>,
    next: Option<String>,
    delta: Option<String>,
}

/// Paths of folders by id; what Graph does not know any more has none.
#[derive(Default)]
struct Folders {
    paths: HashMap<String, Option<String>>,
    asked: usize,
}

impl FileChanges {
    pub(super) fn new(desk: Arc<Desk>) -> Self {
        let text = |what: &str| json!({"type": "string", "description": what});
        let mut item = item_schema();
        if let Some(all) = item.as_object_mut() {
            all.insert(
                "change".to_owned(),
                json!({"type": "string", "enum": ["added", "changed", "removed"]}),
            );
        }
        let spec = ToolSpec {
            name: "file_changes",
            title: "File Changes",
            description: "What was added, changed or removed in the user's OneDrive since a day, or since the last look. \
                          Without arguments it only gives the cursor to look from.",
            input_schema: json!({"type": "object", "properties": {
                "since": text("Day or time, e.g. 2026-03-31"),
                "since_cursor": text("next_cursor of the last look, good for a week"),
                "folder": text("Path or id of a folder; the whole drive unless given"),
                "limit": {"type": "integer", "minimum": 1, "maximum": 200, "description": "Changes per answer; 100 unless given"},
                "max_chars": max_chars_schema("the whole answer"),
                "output_format": output_format_schema(),
            }}),
            output_schema: listing_schema(&item),
            annotations: Annotations::READ_UNTRUSTED,
            scopes: SCOPES,
            aliases: &[
                ("user_id", "user_id"),
                ("mailbox", "mailbox"),
                ("cursor", "since_cursor"),
                ("folder_path", "folder"),
                ("modified_since", "since"),
            ],
        };
        Self { desk, spec }
    }

    async fn look(&self, context: &CallContext, wish: &Wish) -> Result<Look, ToolError> {
        if let Some(cursor) = &wish.since_cursor {
            let kept = self.desk.deps.cursors.load(context, self.spec.name, cursor).await;
            return since::kept(kept, forgotten);
        }
        let zone = self.desk.zone(context).await;
        let now = second(self.desk.deps.clock.now());
        let since = wish.since.as_deref().map(|text| moment("since", text, zone, Edge::Start)).transpose()?;
        if since.is_some_and(|since| since > now) {
            return Err(ToolError::invalid("since", "`since` is in the future: give a day that has been."));
        }
        let folder = match &wish.folder {
            Some(text) => self.folder(context, text).await?,
            None => None,
        };
        // A time instead of a token is for work accounts, which alone sign in here.
        let token = since.map_or_else(|| "latest".to_owned(), utc_text);
        let target = Target::new("/me/drive/root/delta").with("token", &token).with("$select", PROPERTIES);
        let zone = zone.name().to_owned();
        Ok(Look { link: target.build(), skip: 0, since: since.unwrap_or(now), folder, zone })
    }

    /// Path of the folder that is wanted; nothing for the root.
    async fn folder(&self, context: &CallContext, text: &str) -> Result<Option<String>, ToolError> {
        let address = super::change::own("folder", text)?;
        if address == Address::Root {
            return Ok(None);
        }
        let found = self.desk.lookup(context, &address).await?;
        if found.is_folder() {
            return Ok(Some(found.path));
        }
        Err(ToolError::invalid("folder", format!("\"{}\" is a file, not a folder.", found.label())))
    }

    /// `GET /me/drive/root/delta` (Files.Read), 1 unit with a token.
    async fn page(&self, context: &CallContext, look: &Look, zone: Tz) -> Result<Read, GraphError> {
        let request = Request::files(look.link.clone());
        let answer = self.desk.deps.graph.send(asker(context), request).await?;
        let page: Page<'_, ItemView<'_>> = answer.view()?;
        // The root comes along with every change below it.
        let views = page.value.iter().filter(|view| view.parent_id().is_some());
        let changes = views.map(|view| {
            let change = if view.is_deleted() {
                "removed"
            } else if view.created().is_some_and(|created| created >= look.since) {
                "added"
            } else {
                "changed"
            };
            let item = FileItem::new(view, Frame { zone, own_drive: None });
            (Change { change, item }, view.parent_id().map(str::to_owned))
        });
        Ok(Read { changes: changes.collect(), next: page.next_link(), delta: page.delta_link() })
    }

    /// Puts paths on the changes of a page. Folders that changed themselves tell those of what is in them.
    async fn place(
        &self,
        context: &CallContext,
        read: &mut Read,
        folders: &mut Folders,
    ) -> Result<(), ToolError> {
        let known: HashMap<String, (String, String)> = read
            .changes
            .iter()
            .filter_map(|(change, parent)| {
                Some((change.item.id.clone(), (change.item.name.clone(), parent.clone()?)))
            })
            .collect();
        for (change, parent) in &mut read.changes {
            let Some(parent) = parent.as_ref().filter(|_| change.item.path.is_empty()) else { continue };
            // Up to a folder whose path is known, then down again.
            let (mut below, mut here) = (vec![change.item.name.clone()], parent.clone());
            while let Some((name, above)) = known.get(&here).filter(|_| below.len() < MAX_LEVELS) {
                below.push(name.clone());
                here.clone_from(above);
            }
            if let Some(start) = self.path(context, folders, &here).await? {
                below.reverse();
                let start = Some(start).filter(|start| !start.is_empty());
                change.item.path = start.into_iter().chain(below).collect::<Vec<_>>().join("/");
            }
        }
        Ok(())
    }

    /// Path of a folder; empty for the root.
    async fn path(
        &self,
        context: &CallContext,
        folders: &mut Folders,
        id: &str,
    ) -> Result<Option<String>, ToolError> {
        if let Some(path) = folders.paths.get(id) {
            return Ok(path.clone());
        }
        if folders.asked >= MAX_LOOKUPS {
            return Ok(None);
        }
        folders.asked += 1;
        let found = self.desk.try_lookup(context, &Address::of_id(id)).await?;
        let path = found.map(|folder| folder.path);
        folders.paths.insert(id.to_owned(), path.clone());
        Ok(path)
    }
}

/// An answer in the making.
struct Told {
    room: Room<Change>,
    scanned: usize,
    /// Left out because nobody can tell where they were.
    lost: usize,
}

impl Told {
    /// Takes changes until one has no room; how many of the page were used up.
    fn take(&mut self, page: Vec<Change>, look: &Look) -> usize {
        let all = page.len();
        for (used, change) in page.into_iter().enumerate().skip(look.skip) {
            if let Some(folder) = &look.folder {
                let inside = change.item.path.strip_prefix(folder.as_str());
                self.lost += usize::from(change.item.path.is_empty());
                if !inside.is_some_and(|rest| rest.starts_with('/')) {
                    continue;
                }
            }
            let line = format!("{}: {}", change.change, change.item.print().trim_start_matches("- "));
            if !self.room.put(change, &line) {
                return used;
            }
        }
        all
    }
}

/// Now, as exactly as Graph tells when a file was made.
fn second(now: Timestamp) -> DateTime<Utc> {
    instant(now).trunc_subsecs(0)
}

/// Our cursor is not good any more.
fn forgotten() -> ToolError {
    let text = "`since_cursor` is unknown or older than a week. Give a day as `since` instead.";
    ToolError::invalid("since_cursor", text)
}

/// Graph's link is not good any more.
fn gone() -> ToolError {
    let text = "Microsoft 365 cannot tell the changes since then any more. Give a later day as `since`, or list the \
                files.";
    ToolError::invalid("since", text)
}

#[async_trait]
impl Tool for FileChanges {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn call(&self, context: &CallContext, args: Args) -> Result<ToolOutput, ToolError> {
        let mut warnings = self.desk.notes(context, &args).await?;
        let wish: Wish = typed(&args)?;
        let mut look = self.look(context, &wish).await?;
        let zone: Tz = look.zone.parse().unwrap_or(Tz::UTC);
        let (started, since) = (second(self.desk.deps.clock.now()), look.since);
        let limit = wish.limit.unwrap_or(DEFAULT_LIMIT);
        let max_chars = wish.max_chars.unwrap_or(self.desk.deps.settings.max_chars);
        let mut told = Told { room: Room::new(limit, max_chars), scanned: 0, lost: 0 };
        let mut folders = Folders::default();
        let more = loop {
            let read = self.page(context, &look, zone).await;
            let mut read = read.map_err(|error| since::failed(error, gone, |error| fault(error, READ)))?;
            self.place(context, &mut read, &mut folders).await?;
            let all = read.changes.len();
            told.scanned += all - look.skip.min(all);
            let changes = read.changes.into_iter().map(|(change, _)| change).collect();
            let used = told.take(changes, &look);
            if used < all {
                look.skip = used;
                break true;
            }
            look.skip = 0;
            if let Some(next) = read.next {
                look.link = next;
                if told.room.is_full() || told.scanned >= MAX_SCANNED {
                    break true;
                }
                continue;
            }
            let Some(delta) = read.delta else {
                let broken = GraphError::Malformed("changes without a link to go on".to_owned());
                return Err(fault(broken, READ));
            };
            look.link = delta;
            look.since = started;
            break false;
        };
        if told.lost > 0 {
            warnings.push(format!("{} changes are left out: nobody can tell where they were.", told.lost));
        }
        let cursors = &self.desk.deps.cursors;
        let next = cursors.keep(context, self.spec.name, &look, LIFE).await?;
        let folder = look.folder.clone().unwrap_or_else(|| "/".to_owned());
        let heading = match (told.room.items.len(), wish.since.is_some() || wish.since_cursor.is_some()) {
            (_, false) => format!("Changes of {folder} are told from now on.\n"),
            (count, true) => format!("{count} changes in {folder} since {}\n", local_text(since, zone)),
        };
        let how = if more { "More changes are waiting" } else { "For later changes" };
        let text = format!("{heading}{}\n{how}: call again with since_cursor \"{next}\".\n", told.room.text);
        let answer = Answer {
            count: told.room.items.len(),
            has_more: more,
            next_cursor: Some(next),
            applied: Applied {
                engine: "delta",
                folder: Some(folder),
                scanned: told.scanned,
                time_zone: zone.name().to_owned(),
                ..Applied::default()
            },
            truncated: told.room.truncated,
            max_chars,
            items: told.room.items,
            warnings,
        };
        output(|| with_notes(text, &answer.warnings, None), &answer, wish.output_format)
    }
}
