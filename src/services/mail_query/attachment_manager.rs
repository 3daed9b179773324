//! `attachmentManager`: finds files in mail by name, sender, subject and period, reads their text, and keeps them in
//! OneDrive. Saving goes from Graph to Graph.

use super::args::Filters;
use super::attachment_view::{self, AttachmentItem, Sort};
use super::message::{Frame, MessageView, project};
use super::plan::{Plan, plan};
use super::post::{PostFilter, is_address};
use super::window::{Period, Window};
use super::{Mail, SCOPES, asker, bulk, fault};
use crate::domain::mailbox::Mailbox;
use crate::graph::encode::Target;
use crate::graph::error::{Fault, GraphError};
use crate::graph::page::Page;
use crate::graph::request::Request;
use crate::services::answer::{output, with_notes};
use crate::services::args::{OutputFormat, output_format_schema, typed};
use crate::services::drive;
use crate::services::file_text::{self, Named, Part};
use crate::services::mailbox::mailbox_schema;
use crate::services::time::{instant, local_text};
use crate::tools::confirm::{self, Write};
use crate::tools::context::CallContext;
use crate::tools::error::{ToolError, ToolErrorKind};
use crate::tools::output::ToolOutput;
use crate::tools::tool::{Annotations, Args, Tool, ToolSpec};
use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Months, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::fmt::Write as _;
use std::sync::Arc;
use unicode_normalization::UnicodeNormalization;

const NAME: &str = "attachmentManager";
/// Without a start the search walks back so far at a time, and so often, until it finds something.
const STEP: Months = Months::new(3);
const STEPS: usize = 4;
const DEFAULT_LIMIT: usize = 20;
const MAX_LIMIT: usize = 100;
const MAX_PATHS: usize = 5;
/// Messages of a page; each comes with the list of its files.
const PAGE: usize = 50;
/// Most pages of one call.
const MAX_PAGES: usize = 24;

/// The tool.
pub(super) struct AttachmentManager {
    mail: Arc<Mail>,
    spec: ToolSpec,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Wish {
    start_date: Option<String>,
    end_date: Option<String>,
    filename_keywords: Vec<String>,
    case_sensitive: bool,
    sender_filter: Option<String>,
    subject_filter: Option<String>,
    extract_text: bool,
    save_enabled: bool,
    save_paths: Vec<String>,
    limit: Option<usize>,
    output_format: OutputFormat,
}

/// A file that was found.
#[derive(Serialize)]
struct Match {
    message_id: String,
    subject: String,
    from: String,
    received_local: String,
    #[serde(flatten)]
    file: AttachmentItem,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    no_text: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    saved_to: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// A period that was looked through.
#[derive(Serialize)]
struct Tried {
    start: String,
    end: String,
    found: usize,
}

/// `structuredContent`.
#[derive(Default, Serialize)]
struct Done {
    status: &'static str,
    matches: Vec<Match>,
    count: usize,
    saved: usize,
    windows_tried: Vec<Tried>,
    scanned: usize,
    /// There is, or may be, more.
    has_more: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

/// A search under way.
struct Walk<'a> {
    wish: &'a Wish,
    keywords: Vec<String>,
    limit: usize,
    pages: usize,
    done: Done,
}

impl Wish {
    /// A name as it is compared: Macs write Korean names in pieces, and case matters only when asked.
    fn folded(&self, name: &str) -> String {
        let whole: String = name.nfc().collect();
        if self.case_sensitive { whole } else { whole.to_lowercase() }
    }

    /// The folders to save to.
    fn folders(&self) -> Result<Vec<Vec<String>>, ToolError> {
        if self.save_enabled && self.save_paths.is_empty() {
            let text = "`save_paths` is needed to save: at least one folder of OneDrive, such as Mail/2026.";
            return Err(ToolError::invalid("save_paths", text));
        }
        if self.save_paths.len() > MAX_PATHS {
            return Err(ToolError::invalid(
                "save_paths",
                format!("`save_paths` may name {MAX_PATHS} folders."),
            ));
        }
        self.save_paths.iter().map(|path| drive::folder("save_paths", path)).collect()
    }

    fn filters(&self) -> Filters {
        let whole = |sender: &&String| is_address(sender.trim());
        Filters {
            has_attachments: Some(true),
            sender_address: self.sender_filter.as_ref().filter(whole).cloned(),
            ..Filters::default()
        }
    }

    /// The periods to look through, newest first: the one that was given, or steps back.
    fn windows(&self, frame: &Frame, now: DateTime<Utc>) -> Result<Vec<Window>, ToolError> {
        let period = Period {
            start_date: self.start_date.as_deref(),
            end_date: self.end_date.as_deref(),
            days_back: Some(0),
        };
        let first = period.window(frame.zone, now)?;
        if self.start_date.is_some() {
            return Ok(vec![first]);
        }
        let mut end = first.end.unwrap_or(now);
        let mut windows = Vec::new();
        for step in 0..STEPS {
            let Some(start) = end.checked_sub_months(STEP) else { break };
            // The first one is open: what comes while we look is part of it.
            windows.push(Window { start, end: if step == 0 { first.end } else { Some(end) } });
            end = start;
        }
        Ok(windows)
    }
}

impl AttachmentManager {
    pub(super) fn new(mail: Arc<Mail>) -> Self {
        let spec = spec(mail.deps.settings.read_only);
        Self { mail, spec }
    }

    /// `GET /me/messages?$filter=…hasAttachments eq true&$expand=attachments($select=…)` (Mail.Read), page by page. The
    /// words of names, subjects and senders are looked for here: Exchange knows only beginnings of words.
    async fn walk(&self, context: &CallContext, walk: &mut Walk<'_>, frame: &Frame) -> Result<(), ToolError> {
        let blocked = &self.mail.deps.settings.blocked_senders;
        let now = instant(self.mail.deps.clock.now());
        let windows = walk.wish.windows(frame, now)?;
        let low = |text: &Option<String>| text.as_ref().map(|text| text.trim().to_lowercase());
        let post = PostFilter {
            sender: low(&walk.wish.sender_filter),
            subject: low(&walk.wish.subject_filter),
            attachments: Some(true),
            blocked: blocked.clone(),
            ..PostFilter::default()
        };
        let filters = walk.wish.filters();
        for window in windows {
            let mut plan = plan(&filters, window, None, blocked, false)?;
            let first = self.window(context, walk, (&plan, &post), frame).await;
            let outcome = match first {
                // Some mailboxes call the combination inefficient: the rest is checked here anyway.
                Err(GraphError::Refused { fault: Fault::InternalQuery, .. }) => {
                    plan = plan.relaxed(&filters, blocked);
                    self.window(context, walk, (&plan, &post), frame).await
                }
                other => other,
            };
            outcome.map_err(fault)?;
            let before: usize = walk.done.windows_tried.iter().map(|tried| tried.found).sum();
            walk.done.windows_tried.push(Tried {
                start: local_text(window.start, frame.zone),
                end: window.end.map_or_else(|| "now".to_owned(), |end| local_text(end, frame.zone)),
                found: walk.done.matches.len() - before,
            });
            if !walk.done.matches.is_empty() || walk.pages == 0 {
                break;
            }
        }
        Ok(())
    }

    async fn window(
        &self,
        context: &CallContext,
        walk: &mut Walk<'_>,
        (plan, post): (&Plan, &PostFilter),
        frame: &Frame,
    ) -> Result<(), GraphError> {
        let expand = format!("attachments($select={})", attachment_view::SELECT);
        let mut link = plan.filter_target(&plan.window, PAGE).with("$expand", &expand).build();
        loop {
            if walk.pages == 0 {
                walk.done.has_more = true;
                let text = "Stopped after many messages: go on with `end_date` before the oldest one seen.";
                walk.done.warnings.push(text.to_owned());
                return Ok(());
            }
            walk.pages -= 1;
            let answer = self.mail.deps.graph.send(asker(context), Request::next(link)).await?;
            let page: Page<'_, MessageView<'_>> = answer.view()?;
            for view in &page.value {
                walk.done.scanned += 1;
                if post.keeps(view) && !walk.take(view, frame) {
                    walk.done.has_more = true;
                    return Ok(());
                }
            }
            match page.next_link() {
                Some(next) => link = next,
                None => return Ok(()),
            }
        }
    }

    /// Reads and saves one file; what goes wrong is said of that file.
    async fn file(&self, context: &CallContext, found: &mut Match, job: &Job<'_>) -> Result<(), ToolError> {
        let deps = &self.mail.deps;
        let limit = deps.settings.max_attachment_bytes;
        file_text::check_size(&found.file.name, found.file.size, limit, "Outlook")?;
        let (_, message) = Mailbox::split(&found.message_id);
        let path = attachment_view::path(message, &found.file.attachment_id, "/$value");
        let request = Request::outlook(Target::new(path)).download(limit);
        let bytes: Bytes = deps.graph.send(asker(context), request).await.map_err(fault)?.body;
        let is_item = found.file.kind == Sort::Item;
        let name = if is_item { format!("{}.eml", found.file.name) } else { found.file.name.clone() };
        let kind = if is_item { "message/rfc822" } else { &found.file.content_type };
        for folder in job.folders {
            let saved = drive::save(deps, context, folder, &name, (kind, bytes.clone())).await?;
            found.saved_to.push(saved.path);
        }
        if job.extract {
            let named = Named { name: &name, content_type: kind };
            let read = file_text::read(deps, named, bytes, &Part::limited(job.max_chars)).await?;
            found.text = read.text;
            found.no_text = read.no_text;
        }
        Ok(())
    }

    async fn files(&self, context: &CallContext, done: &mut Done, job: &Job<'_>) -> Result<(), ToolError> {
        for found in &mut done.matches {
            if found.file.kind == Sort::Reference {
                found.error = Some("A link to a file in OneDrive or SharePoint; open it there.".to_owned());
                continue;
            }
            if bulk::is_late(context) {
                found.error =
                    Some("Not done: the time of this call is over. Call again for fewer files.".to_owned());
                continue;
            }
            match self.file(context, found, job).await {
                Ok(()) => {}
                Err(error) if is_for_everything(&error.kind) => return Err(error),
                Err(error) => found.error = Some(error.public),
            }
            done.saved += found.saved_to.len();
        }
        Ok(())
    }
}

/// What is to be done with each file.
struct Job<'a> {
    folders: &'a [Vec<String>],
    extract: bool,
    max_chars: usize,
}

/// A failure that the next file would meet as well.
fn is_for_everything(kind: &ToolErrorKind) -> bool {
    matches!(kind, ToolErrorKind::SignInRequired | ToolErrorKind::InsufficientScope { .. })
}

impl Walk<'_> {
    /// Takes the files of a message that are meant; says no when there is no room for one more.
    fn take(&mut self, view: &MessageView<'_>, frame: &Frame) -> bool {
        let files = view.attachments.iter().map(AttachmentItem::of).filter(|file| !file.inline);
        for file in files {
            let name = self.wish.folded(&file.name);
            if !self.keywords.is_empty() && !self.keywords.iter().any(|word| name.contains(word.as_str())) {
                continue;
            }
            if self.done.matches.len() == self.limit {
                return false;
            }
            let item = project(view, frame);
            self.done.matches.push(Match {
                message_id: item.id,
                subject: item.subject,
                from: item.from,
                received_local: item.received_local,
                file,
                text: None,
                no_text: None,
                saved_to: Vec::new(),
                error: None,
            });
        }
        true
    }
}

impl Done {
    fn printed(&self) -> String {
        let periods: Vec<String> =
            self.windows_tried.iter().map(|tried| format!("{} to {}", tried.start, tried.end)).collect();
        let mut text =
            format!("{} files found, {} saved; looked at {}.\n", self.count, self.saved, periods.join(", "));
        if self.matches.is_empty() {
            text.push_str("Give `start_date` to look further back, or fewer words.\n");
        }
        for (number, found) in (1..).zip(&self.matches) {
            let when = found.received_local.get(..16).unwrap_or(&found.received_local).replace('T', " ");
            let file = &found.file;
            let _ = writeln!(
                text,
                "{number}. **{}** ({} bytes) · {when} · {}",
                file.name, file.size, found.subject
            );
            let _ = writeln!(text, "   from {}\n   message_id: {}", found.from, found.message_id);
            let _ = writeln!(text, "   attachment_id: {}", file.attachment_id);
            for path in &found.saved_to {
                let _ = writeln!(text, "   saved to {path}");
            }
            if let Some(why) = found.no_text {
                let _ = writeln!(text, "   no text: {why}");
            }
            if let Some(error) = &found.error {
                let _ = writeln!(text, "   failed: {error}");
            }
            if let Some(body) = &found.text {
                let _ = writeln!(text, "\n{body}\n");
            }
        }
        text
    }
}

#[async_trait]
impl Tool for AttachmentManager {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn call(&self, context: &CallContext, mut args: Args) -> Result<ToolOutput, ToolError> {
        let (context, mut warnings) = self.mail.enter(context, &self.spec, &mut args).await?;
        let context = &context;
        let mut wish: Wish = typed(&args)?;
        if self.mail.deps.settings.read_only && wish.save_enabled {
            return Err(ToolError::invalid("save_enabled", "This server only reads: nothing is saved."));
        }
        let mut folders = wish.folders()?;
        if !wish.save_enabled && !folders.is_empty() {
            warnings.push("`save_paths` was ignored: pass save_enabled=true to save.".to_owned());
            folders.clear();
        }
        if wish.save_enabled {
            drive::require(context, SCOPES, drive::WRITE)?;
        }
        wish.filename_keywords.retain(|word| !word.trim().is_empty());
        let keywords = wish.filename_keywords.iter().map(|word| wish.folded(word.trim())).collect();
        let frame = self.mail.frame(context).await?;
        let limit = wish.limit.unwrap_or(DEFAULT_LIMIT).clamp(1, MAX_LIMIT);
        let done = Done { status: "done", warnings, ..Done::default() };
        let mut walk = Walk { wish: &wish, keywords, limit, pages: MAX_PAGES, done };
        self.walk(context, &mut walk, &frame).await?;
        let mut done = walk.done;
        done.count = done.matches.len();
        if wish.save_enabled {
            let names: Vec<&str> = done.matches.iter().map(|found| found.file.name.as_str()).collect();
            let preview = format!(
                "Save {} files to {}: {}.",
                names.len(),
                wish.save_paths.join(" and "),
                names.join(", ")
            );
            let write = Write {
                service: "mail-query",
                tool: NAME,
                payload: &serde_json::Value::Null,
                preview,
                leaves: false,
                recipients: ("save_paths", &[]),
            };
            if let Some(answer) = self.mail.deps.writes.hold(context, &args, &write).await? {
                return Ok(answer);
            }
        }
        if wish.save_enabled || wish.extract_text {
            let share = self.mail.deps.settings.max_chars / done.count.clamp(1, 10);
            let job = Job { folders: &folders, extract: wish.extract_text, max_chars: share.max(500) };
            self.files(context, &mut done, &job).await?;
        }
        output(|| with_notes(done.printed(), &done.warnings, None), &done, wish.output_format)
    }
}

fn spec(read_only: bool) -> ToolSpec {
    let words = |text: &str, most: usize| json!({"type": "array", "items": {"type": "string"}, "maxItems": most, "description": text});
    let mut inputs = json!({
        "mailbox": mailbox_schema(),
        "start_date": {"type": "string", "description": "First day; unless given, back up to a year until something is found"},
        "end_date": {"type": "string", "description": "Last day, included; today unless given"},
        "filename_keywords": words("Parts of file names, any of them", 20),
        "case_sensitive": {"type": "boolean", "description": "Case of names matters"},
        "sender_filter": {"type": "string", "description": "Part of the sender's name or address"},
        "subject_filter": {"type": "string", "description": "Part of the subject"},
        "extract_text": {"type": "boolean", "description": "Read the text of each file"},
        "limit": {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "description": "Most files; 20 unless given"},
        "output_format": output_format_schema(),
    });
    if !read_only && let Some(all) = inputs.as_object_mut() {
        let save = json!({"type": "boolean", "description": "Save each file to save_paths"});
        all.insert("save_enabled".to_owned(), save);
        all.insert("save_paths".to_owned(), words("Folders of OneDrive, made if missing", MAX_PATHS));
        inputs = confirm::inputs(inputs, false);
    }
    let found = json!({"type": "array", "items": {"type": "object"}});
    let outputs = json!({
        "matches": found, "count": {"type": "integer"}, "saved": {"type": "integer"}, "windows_tried": found,
        "scanned": {"type": "integer"}, "has_more": {"type": "boolean"},
    });
    ToolSpec {
        name: NAME,
        title: "Attachment Manager",
        description: "Find files attached to mail by name, sender, subject and period; read their text, or save them to \
                      OneDrive.",
        input_schema: json!({"type": "object", "properties": inputs}),
        output_schema: confirm::written_schema(outputs),
        annotations: if read_only { Annotations::READ_UNTRUSTED } else { Annotations::WRITE.open_world() },
        scopes: SCOPES,
        aliases: &[("user_id", "user_id"), ("save_enabled", "save_enabled"), ("save_paths", "save_paths")],
    }
}
