//! What holds for every file that somebody attaches: it becomes text within its bounds, or a typed refusal.

use super::document;
use super::html::{drop_invisible, mail_html_to_markdown, mail_html_to_text};
use super::types::{ExtractError, ExtractOptions, Extraction, Kind, Limits};
use std::cell::Cell;
use std::panic::{catch_unwind, resume_unwind, set_hook, take_hook};
use std::sync::Once;

/// Names that a file may bear, and what it may claim to be; only texts are told apart by them.
const CLAIMS: [(&str, &str); 8] = [
    ("file.bin", "application/octet-stream"),
    ("page.html", "text/html"),
    ("list.csv", "text/csv"),
    ("mail.eml", "message/rfc822"),
    ("report.docx", "application/pdf"),
    ("sheet.xlsx", "application/vnd.ms-excel"),
    ("\u{202e}fdp.exe", ""),
    ("", "text/plain; charset=euc-kr"),
];
/// Bounds under which a file of a few kilobytes that reaches one has found a bomb.
const LIMITS: Limits = Limits {
    input: 1 << 20,
    unpacked: 4 << 20,
    ratio: 100,
    ratio_floor: 1 << 20,
    entries: 200,
    xml_depth: 256,
    pages: 20,
    cells: 2_000,
    chars: 20_000,
};

/// The file; its first byte says what it claims to be and what is wanted of it.
///
/// The crates that read formats may panic: the child process is there for it. Code of ours may not.
pub(crate) fn file(data: &[u8]) {
    let Some((how, bytes)) = data.split_first() else { return };
    let (name, content_type) = CLAIMS.get(usize::from(how & 7)).copied().unwrap_or_default();
    let options = ExtractOptions {
        max_chars: if how & 8 == 0 { 50_000 } else { 100 },
        pages: (how & 16 != 0).then_some((2, u32::MAX)),
        sheet: (how & 32 != 0).then(|| "Hidden".to_owned()),
    };
    let read = || document::extract(name, content_type, bytes, &options, &LIMITS);
    let Some(found) = tolerant(read) else { return };
    checked(&found, &options);
    let wire = serde_json::to_string(&found).unwrap_or_default();
    assert!(serde_json::from_str::<Extraction>(&wire).is_ok_and(|back| back == found), "{wire}");
}

fn checked(found: &Extraction, options: &ExtractOptions) {
    match found {
        Ok(text) => {
            let (count, most) = (text.text.chars().count(), options.max_chars.min(LIMITS.chars));
            let markup = if text.kind == Kind::Html { most / 4 } else { 0 };
            assert!(count <= most + markup, "{count} characters of {:?}", text.kind);
            assert_eq!(drop_invisible(&text.text).1, 0, "{:?}", text.kind);
            assert!(text.notes.iter().all(|note| note.len() < 300), "{:?}", text.notes);
        }
        Err(ExtractError::NoSuchPage { pages }) => assert!(options.pages.is_some() && *pages < 2),
        Err(ExtractError::NoSuchSheet { .. }) => assert!(options.sheet.is_some()),
        Err(ExtractError::TimedOut | ExtractError::WorkerFailed | ExtractError::Busy) => {
            unreachable!("no reader says that of itself")
        }
        Err(error) => assert!(error.to_string().len() < 300, "{error}"),
    }
}

/// HTML of a mail: text within the budget, nothing invisible in it, and no markup that a reader would act on.
pub(crate) fn html(data: &[u8]) {
    let html = String::from_utf8_lossy(data);
    for budget in [80, 20_000] {
        let read = || [mail_html_to_markdown(&html, budget), mail_html_to_text(&html, budget)];
        for read in tolerant(read).into_iter().flatten() {
            let count = read.text.chars().count();
            assert!(count <= budget + budget / 4, "{count} of {budget}");
            assert_eq!(drop_invisible(&read.text).1, 0);
        }
    }
}

thread_local! {
    /// A file is being read here.
    static READING: Cell<bool> = const { Cell::new(false) };
    /// Code of ours panicked at it.
    static OURS: Cell<bool> = const { Cell::new(false) };
}

/// What `read` makes; none when a crate of others panicked.
fn tolerant<T>(read: impl FnOnce() -> T + std::panic::UnwindSafe) -> Option<T> {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = take_hook();
        let sources = file!().trim_end_matches("extract/fuzzing.rs");
        set_hook(Box::new(move |panic| {
            let is_ours = panic.location().is_some_and(|at| at.file().starts_with(sources));
            OURS.set(is_ours);
            if is_ours || !READING.get() {
                before(panic);
            }
        }));
    });
    READING.set(true);
    let read = catch_unwind(read);
    READING.set(false);
    match read {
        Err(panic) if OURS.get() => resume_unwind(panic),
        read => read.ok(),
    }
}
