//! The files that the simulated people keep: all kinds of documents, names that need care, a folder longer than a page,
//! and what they have shared with one another.

use chrono::{DateTime, Duration, SubsecRound as _, Utc};

use super::documents;
use super::files::FileKind;
use super::owners;
use crate::sim::directory::Directory;

/// Files of the folder that takes several pages.
const MANY: usize = 1_200;
/// Bytes of a file that is larger than readers take.
const HUGE: usize = 30 << 20;

/// What a seeded item holds.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kept {
    Folder,
    File(FileKind),
    /// So many zero bytes.
    Zeros(usize),
    /// A short text that names its number.
    Numbered(usize),
}

/// One item, by its path.
#[derive(Clone, Debug)]
pub(crate) struct SeededItem {
    /// `Documents/notes.md`; the folders above it are made on the way.
    pub(crate) path: String,
    pub(crate) kept: Kept,
    pub(crate) modified: DateTime<Utc>,
    /// Who may see it besides its owner: the part of the address before the `@`, and whether to change it as well.
    pub(crate) shared: Option<(&'static str, bool)>,
    /// Somebody has it open: changes are refused with 423.
    pub(crate) locked: bool,
}

/// The files of one person.
#[derive(Debug)]
pub(crate) struct SeededDrive {
    pub(crate) oid: String,
    pub(crate) items: Vec<SeededItem>,
}

const ALICE: &[(&str, FileKind)] = &[
    ("notes.txt", FileKind::Txt("Things to do:\n- book the survey\n- answer Grace\n")),
    ("Documents/Budget 2026.xlsx", FileKind::Xlsx(documents::BUDGET)),
    ("Documents/Steering committee.pptx", FileKind::Pptx(documents::DECK)),
    ("Documents/NDA Lakeshore.docx", FileKind::Docx(documents::NDA)),
    ("Documents/Survey MV Sea Heron.docx", FileKind::Docx(documents::SURVEY)),
    ("Documents/Purchase order 4500012877.pdf", FileKind::Pdf(documents::ORDER)),
    ("Documents/itinerary.html", FileKind::Html(documents::ITINERARY)),
    ("Documents/items.csv", FileKind::Csv(documents::ITEMS)),
    ("Documents/README.md", FileKind::Txt("# Class documents\n\nSurvey reports are filed by *vessel*.\n")),
    ("Documents/berth plan.png", FileKind::Png),
    ("Documents/empty.txt", FileKind::Empty),
    ("Documents/damaged.pdf", FileKind::Garbage),
    ("Documents/measuring log.csv", FileKind::Large),
    ("Odd names/it's here.txt", FileKind::Txt("The apostrophe file of the harbour crane.")),
    ("Odd names/report#1 100%.docx", FileKind::Docx(documents::DRAWING_NOTE)),
    ("Odd names/50%25 off.txt", FileKind::Txt("A name that looks encoded and is not.")),
    ("Odd names/a+b&c=d.txt", FileKind::Txt("Plus, ampersand, equals.")),
    ("Odd names/\u{1f6a2} ships \u{2693}.md", FileKind::Txt("# Ships\n\nOne emoji on each side.\n")),
    ("Odd names/\u{5ea}\u{5e7}\u{5e6}\u{5d9}\u{5d1} 2026.txt", FileKind::Txt("Right to left.")),
    ("Odd names/cafe\u{301}.txt", FileKind::Txt("A decomposed accent.")),
    ("Projects/Harbor crane/Drawings/118-02.txt", FileKind::Txt(documents::DRAWING_NOTE)),
    ("Projects/Harbor crane/contract.docx", FileKind::Bomb),
];

const BOB: &[(&str, FileKind)] = &[
    ("Documents/Certificate of origin.pdf", FileKind::Pdf(documents::CERTIFICATE)),
    ("Documents/comments.csv", FileKind::Csv(documents::COMMENTS)),
    ("For Alice/Valve prices.xlsx", FileKind::Xlsx(documents::QUOTE)),
    ("Private/Salary talks.txt", FileKind::Txt("Nobody but Bob may read this line.")),
];

const MINJI: &[(&str, FileKind)] = &[
    ("보고서/부산 출장 보고서.html", FileKind::Html(documents::REPORT_KO)),
    ("보고서/3월 영업 회의.pptx", FileKind::Pptx(documents::DECK_KO)),
    ("계약/부산항 크레인 계약서.docx", FileKind::Docx(documents::CONTRACT_KO)),
    ("계약/견적서 2026-03.xlsx", FileKind::Xlsx(documents::QUOTE_KO)),
    ("계약/품목.csv", FileKind::CsvCp949(documents::ITEMS_KO)),
    ("메모.txt", FileKind::Txt("오늘 할 일: 견적서 확인\n")),
    // As a Mac writes it: decomposed Hangul.
    (
        "\u{1112}\u{1161}\u{11ab}\u{1100}\u{1173}\u{11af} \u{110c}\u{116e}\u{110b}\u{1174}.txt",
        FileKind::Txt("자모가 나뉜 이름."),
    ),
];

/// A drive for everybody in the directory.
pub(crate) fn drives(directory: &Directory, now: DateTime<Utc>) -> Vec<SeededDrive> {
    let now = now.trunc_subsecs(0);
    let drive = |owner: super::Owner| SeededDrive {
        items: match owner.key.as_str() {
            "alice" => alice(now),
            "bob" => files(BOB, now),
            _ => files(MINJI, now),
        },
        oid: owner.oid,
    };
    owners(directory).into_iter().map(drive).collect()
}

fn files(list: &[(&str, FileKind)], now: DateTime<Utc>) -> Vec<SeededItem> {
    let days = (1..).map(|day| now - Duration::days(day * 3));
    list.iter()
        .zip(days)
        .map(|((path, kind), modified)| SeededItem {
            shared: path.starts_with("For Alice/").then_some(("alice", false)),
            ..item(path, Kept::File(*kind), modified)
        })
        .collect()
}

fn alice(now: DateTime<Utc>) -> Vec<SeededItem> {
    let mut all = files(ALICE, now);
    let long_ago = now - Duration::days(200);
    all.push(item("Nothing here", Kept::Folder, long_ago));
    all.push(item("Documents/recording.mp4", Kept::Zeros(HUGE), long_ago));
    all.push(SeededItem {
        locked: true,
        ..item("Documents/open elsewhere.txt", Kept::Numbered(0), long_ago)
    });
    all.push(SeededItem {
        shared: Some(("minji", true)),
        ..item("Team space/agenda.txt", Kept::Numbered(1), long_ago)
    });
    all.extend((1..=MANY).map(|n| item(&format!("Archive/record {n:04}.txt"), Kept::Numbered(n), long_ago)));
    all
}

fn item(path: &str, kept: Kept, modified: DateTime<Utc>) -> SeededItem {
    SeededItem { path: path.to_owned(), kept, modified, shared: None, locked: false }
}
