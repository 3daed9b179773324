//! Plain-language requests to OneDrive: files by words, kind, folder and time; recent and shared ones.

use super::Desk;
use crate::planner::{Area, Noun, Period, Reading};
use crate::services::asked::{Wanted, is_for, mentions, named, read};
use crate::tools::context::CallContext;
use crate::tools::error::ToolError;
use crate::tools::plan::{Plan, Planner};
use async_trait::async_trait;
use std::sync::Arc;

/// Largest page of the tool.
const MOST: usize = 200;
/// Longest text that is searched for.
const MAX_SEARCH: usize = 255;
/// Words for kinds of files, and the ending that they mean.
const KINDS: &[(&[&str], &str)] = &[
    (&["pdf", "pdfs"], "pdf"),
    (&["excel", "spreadsheet", "spreadsheets", "workbook", "workbooks", "엑셀", "스프레드시트"], "xlsx"),
    (
        &["powerpoint", "presentation", "presentations", "slides", "deck", "decks", "파워포인트", "피피티"],
        "pptx",
    ),
    (&["워드"], "docx"),
    (&["한글파일", "아래아한글", "hwp"], "hwp"),
];

/// The planner.
pub(super) struct OneDrivePlanner {
    pub(super) desk: Arc<Desk>,
}

impl OneDrivePlanner {
    fn files(&self, reading: &Reading, request: &str) -> Plan {
        let mut wanted = Wanted::default();
        // "report.pdf" is a name and no kind.
        let is_name = |word: &str| word.contains('.');
        let kind = KINDS.iter().find(|(words, _)| {
            mentions(request, words)
                && !reading.words.iter().any(|word| is_name(word) && mentions(word, words))
        });
        let kind_words = kind.map_or(&[][..], |(words, _)| words);
        let people = reading.people().map(|party| named(&self.desk.deps, party));
        let words = reading.subject.iter().chain(&reading.words).cloned();
        let words: Vec<String> =
            words.filter(|word| is_name(word) || !mentions(word, kind_words)).chain(people).collect();
        let text: String = words.join(" ").chars().take(MAX_SEARCH).collect();
        let is_shared = mentions(request, &["shared"]) && mentions(request, &["me", "us"])
            || mentions(request, &["공유받은", "공유된"]);
        let since = reading.period.as_ref().and_then(Period::start_text);
        if reading.noun == Some(Noun::Folder) && !text.is_empty() {
            wanted.put("folder_path", text);
        } else {
            if is_shared {
                wanted.put("view", "shared");
            } else if text.is_empty()
                && (since.is_some() || mentions(request, &["recent", "recently", "latest", "최근"]))
            {
                wanted.put("view", "recent");
            }
            if !text.is_empty() {
                wanted.put("search", text);
            }
        }
        wanted.put_some("type", kind.map(|(_, ending)| *ending));
        wanted.put_some("modified_since", since);
        wanted.put_limit(reading, MOST);
        let ends = reading.period.is_some_and(|period| period.end.is_some());
        let note = if ends { "Files that changed after the period are among it." } else { "" };
        wanted.plan("list_files", reading, note)
    }
}

#[async_trait]
impl Planner for OneDrivePlanner {
    async fn plan(&self, context: &CallContext, request: &str) -> Result<Option<Plan>, ToolError> {
        let (reading, _) = read(&self.desk.deps, &self.desk.zones, context, request, Area::File).await;
        Ok(is_for(&reading, Area::File).then(|| self.files(&reading, request)))
    }

    fn examples(&self) -> [&'static str; 3] {
        ["Show my recent files", "원드라이브에서 제안서 파일 찾아줘", "Find the spreadsheet about the budget"]
    }
}
