//! Folder trees: more than a page in the root, three deep, one with a slash in its name, one hidden.
use std::borrow::Cow;

use super::Owner;
use super::model::Folder;

/// Indexes that every tree shares.
pub(super) const INBOX: usize = 1;
pub(super) const DRAFTS: usize = 2;
pub(super) const SENT: usize = 3;
pub(super) const DELETED: usize = 4;
pub(super) const JUNK: usize = 5;

const WELL_KNOWN: [(&str, &str, &str); 9] = [
    ("Top of Information Store", "정보 저장소 상단", "msgfolderroot"),
    ("Inbox", "받은 편지함", "inbox"),
    ("Drafts", "임시 보관함", "drafts"),
    ("Sent Items", "보낸 편지함", "sentitems"),
    ("Deleted Items", "지운 편지함", "deleteditems"),
    ("Junk Email", "정크 메일", "junkemail"),
    ("Archive", "보관", "archive"),
    ("Outbox", "보낼 편지함", "outbox"),
    ("Conversation History", "대화 내용", "conversationhistory"),
];

/// Name and parent's name; an empty parent is the root. A leading `.` hides the folder.
const ALICE: [(&str, &str); 13] = [
    ("Projects", ""),
    ("Harbor Crane", "Projects"),
    ("Drawings", "Harbor Crane"),
    ("Travel/Expenses", ""),
    ("Newsletters", ""),
    ("Customers", ""),
    ("Northsea Shipping", "Customers"),
    ("Fabrikam Valves", "Customers"),
    ("HR", ""),
    ("Invoices", ""),
    ("Legal", ""),
    ("Alerts", ""),
    (".Sync Issues", ""),
];
const BOB: [(&str, &str); 8] = [
    ("Suppliers", ""),
    ("Fabrikam Valves", "Suppliers"),
    ("Quotes 2026", "Fabrikam Valves"),
    ("Orders & Returns", ""),
    ("Newsletters", ""),
    ("Invoices", ""),
    ("Alerts", ""),
    (".Sync Issues", ""),
];
const MINJI: [(&str, &str); 9] = [
    ("프로젝트", ""),
    ("부산항 크레인", "프로젝트"),
    ("도면", "부산항 크레인"),
    ("견적/계약", ""),
    ("고객사", ""),
    ("한빛마린", "고객사"),
    ("뉴스레터", ""),
    ("알림", ""),
    (".동기화 문제", ""),
];

const SHARED: [(&str, &str); 3] = [("Claims", ""), ("Northsea", "Claims"), ("Answered", "")];

/// The folders of a mailbox; the root is at 0.
pub(super) fn of(owner: &Owner) -> Vec<Folder> {
    let mut folders: Vec<Folder> = WELL_KNOWN
        .iter()
        .enumerate()
        .map(|(at, (english, korean, well_known))| Folder {
            name: Cow::Borrowed(if owner.korean { korean } else { english }),
            parent: (at > 0).then_some(0),
            well_known: Some(well_known),
            hidden: false,
        })
        .collect();
    let own: &[(&'static str, &str)] = match owner.key.as_str() {
        "alice" => &ALICE,
        "bob" => &BOB,
        "support" | "invoices" => &SHARED,
        _ => &MINJI,
    };
    for (name, parent) in own {
        let parent = folders.iter().position(|f| f.name == *parent).unwrap_or(0);
        let hidden = name.starts_with('.');
        folders.push(Folder {
            name: Cow::Borrowed(name.trim_start_matches('.')),
            parent: Some(parent),
            well_known: None,
            hidden,
        });
    }
    folders
}

/// A folder by name, else the inbox.
pub(super) fn named(folders: &[Folder], name: &str) -> usize {
    folders.iter().position(|f| f.name == name).unwrap_or(INBOX)
}

/// Where generated mail may lie: the inbox first.
pub(super) fn for_bulk(folders: &[Folder]) -> Vec<usize> {
    let own =
        folders.iter().enumerate().filter(|(_, f)| f.well_known.is_none() && !f.hidden).map(|(at, _)| at);
    std::iter::once(INBOX).chain(own).collect()
}
