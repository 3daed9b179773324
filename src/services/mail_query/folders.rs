//! Mail folders: names, trees, look-up.

use super::fault;
use super::plan::Folder;
use crate::graph::client::GraphClient;
use crate::graph::encode::{Target, segment};
use crate::graph::error::GraphError;
use crate::graph::page::{Page, Text};
use crate::graph::request::{Asker, Request};
use crate::tools::error::{ToolError, ToolErrorKind};
use serde::{Deserialize, Serialize};

const SELECT: &str = "id,displayName,parentFolderId,childFolderCount,totalItemCount,unreadItemCount";
/// Folders read in one call of a tool.
pub(super) const MAX_FOLDERS: usize = 1000;
/// Parents whose children are asked for.
const MAX_PARENTS: usize = 60;
const MAX_PAGES: usize = 12;

/// Names people use, and Graph's well-known name.
const WELL_KNOWN: [(&str, &str, &[&str]); 8] = [
    ("inbox", "Inbox", &["inbox", "받은편지함", "받은 편지함"]),
    (
        "sentitems",
        "Sent Items",
        &["sent", "sentitems", "sent items", "sent mail", "보낸편지함", "보낸 편지함"],
    ),
    ("drafts", "Drafts", &["drafts", "draft", "임시보관함", "임시 보관함"]),
    (
        "deleteditems",
        "Deleted Items",
        &["deleted", "deleteditems", "deleted items", "trash", "지운편지함", "지운 편지함"],
    ),
    ("junkemail", "Junk Email", &["junk", "junkemail", "junk email", "spam", "정크 메일", "스팸"]),
    ("archive", "Archive", &["archive", "보관", "보관함"]),
    ("outbox", "Outbox", &["outbox", "보낼편지함", "보낼 편지함"]),
    ("conversationhistory", "Conversation History", &["conversationhistory", "conversation history"]),
];

/// A folder as callers get it.
#[derive(Clone, Debug, Serialize)]
pub(super) struct FolderItem {
    pub(super) id: String,
    pub(super) name: String,
    /// Names from the top, joined by slashes.
    pub(super) path: String,
    pub(super) depth: usize,
    pub(super) total: i64,
    pub(super) unread: i64,
    #[serde(skip)]
    children: i64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct FolderView<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow)]
    display_name: Text<'a>,
    child_folder_count: i64,
    total_item_count: i64,
    unread_item_count: i64,
}

/// Which part of the tree to read.
#[derive(Clone, Copy, Debug)]
pub(super) struct TreeRequest<'a> {
    /// Path segment of the parent; the top unless given.
    pub(super) parent: Option<&'a str>,
    pub(super) hidden: bool,
    pub(super) depth: usize,
}

/// The folders below a parent, depth first in Graph's order; true when something was left out.
///
/// `GET /me/mailFolders` and `/me/mailFolders/{id}/childFolders` (Mail.Read); the default page is 10, so both page.
pub(super) async fn tree(
    graph: &GraphClient,
    asker: Asker<'_>,
    request: TreeRequest<'_>,
) -> Result<(Vec<FolderItem>, bool), GraphError> {
    let mut out = level(graph, asker, request.parent, request.hidden, None).await?;
    let (mut parents, mut cut, mut at) = (0, false, 0);
    while let Some(folder) = out.get(at).cloned() {
        at += 1;
        if folder.children == 0 || folder.depth + 1 >= request.depth {
            continue;
        }
        if parents == MAX_PARENTS || out.len() >= MAX_FOLDERS {
            cut = true;
            break;
        }
        parents += 1;
        let below = level(graph, asker, Some(&folder.id), request.hidden, Some(&folder)).await?;
        out.splice(at..at, below);
    }
    Ok((out, cut))
}

async fn level(
    graph: &GraphClient,
    asker: Asker<'_>,
    parent: Option<&str>,
    hidden: bool,
    above: Option<&FolderItem>,
) -> Result<Vec<FolderItem>, GraphError> {
    let path = match parent {
        Some(id) => format!("/me/mailFolders/{}/childFolders", segment(id)),
        None => "/me/mailFolders".to_owned(),
    };
    let mut target = Target::new(path).with("$select", SELECT).with("$top", "100");
    if hidden {
        target = target.with("includeHiddenFolders", "true");
    }
    let (mut out, mut link) = (Vec::new(), target.build());
    for _ in 0..MAX_PAGES {
        let answer = graph.send(asker, Request::next(link)).await?;
        let page: Page<'_, FolderView<'_>> = answer.view()?;
        out.extend(page.value.iter().map(|view| item(view, above)));
        match page.next_link() {
            Some(next) => link = next,
            None => break,
        }
    }
    Ok(out)
}

fn item(view: &FolderView<'_>, above: Option<&FolderItem>) -> FolderItem {
    let name = crate::services::answer::line(&view.display_name);
    FolderItem {
        id: view.id.to_string(),
        path: above.map_or_else(|| name.clone(), |above| format!("{}/{name}", above.path)),
        name,
        depth: above.map_or(0, |above| above.depth + 1),
        total: view.total_item_count,
        unread: view.unread_item_count,
        children: view.child_folder_count,
    }
}

/// A well-known folder by any of its names.
pub(super) fn well_known(name: &str) -> Option<Folder> {
    let wanted = name.trim().to_lowercase();
    WELL_KNOWN
        .iter()
        .find(|(_, _, names)| names.contains(&wanted.as_str()))
        .map(|(id, shown, _)| Folder { id: (*id).to_owned(), name: (*shown).to_owned() })
}

/// Folder ids are long and without spaces; names are neither.
pub(super) fn is_id(text: &str) -> bool {
    text.len() >= 60
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '=' | '+' | '/'))
}

/// The folder that a caller means: well-known name, id, display name or path.
pub(super) async fn find(graph: &GraphClient, asker: Asker<'_>, name: &str) -> Result<Folder, ToolError> {
    let name = name.trim();
    if let Some(folder) = well_known(name) {
        return Ok(folder);
    }
    if is_id(name) {
        return Ok(Folder { id: name.to_owned(), name: "the given folder".to_owned() });
    }
    let request = TreeRequest { parent: None, hidden: false, depth: 5 };
    let (folders, _) = tree(graph, asker, request).await.map_err(fault)?;
    let wanted = name.to_lowercase();
    let hit = folders
        .iter()
        .find(|folder| folder.path.to_lowercase() == wanted || folder.id == name)
        .or_else(|| folders.iter().find(|folder| folder.name.to_lowercase() == wanted));
    if let Some(folder) = hit {
        return Ok(Folder { id: folder.id.clone(), name: folder.path.clone() });
    }
    let known: Vec<_> = folders.iter().take(20).map(|folder| folder.path.as_str()).collect();
    let shown: String = name.chars().filter(|c| !c.is_control()).take(60).collect();
    Err(ToolError::new(
        ToolErrorKind::NotFound,
        format!("There is no mail folder \"{shown}\". Folders: {}. See list_mail_folders.", known.join(", ")),
    ))
}
