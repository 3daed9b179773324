//! The seed is the same each time, believable in size, and its files can be read.
use std::collections::HashSet;
use std::io::{Cursor, Read as _};

use chrono::{TimeZone as _, Utc};

use super::*;
use crate::sim::seed::files::FileKind;

/// The mailboxes of people.
fn seeded(extra: usize) -> Vec<SeededMailbox> {
    let now = Utc.with_ymd_and_hms(2026, 3, 2, 9, 0, 0).unwrap();
    let mut all = mailboxes(&Directory::contoso(), extra, now);
    let shared = all.split_off(all.len() - 2);
    assert!(shared.iter().all(|mailbox| !mailbox.written.is_empty() && mailbox.bulk.is_empty()));
    all
}

fn tenant() -> Vec<SeededMailbox> {
    seeded(50)
}

#[test]
fn every_mailbox_has_sixty_to_ninety_messages_with_distinct_identities() {
    for mailbox in tenant() {
        let count = mailbox.written.len();
        assert!((60..=90).contains(&count), "{}: {count}", mailbox.owner.key);
        let ids: HashSet<String> = mailbox.written.iter().map(Mail::internet_message_id).collect();
        assert_eq!(ids.len(), count, "{}", mailbox.owner.key);
        let unread = mailbox.written.iter().filter(|m| !m.read).count();
        assert!(unread >= 5 && unread * 2 < count, "{}: {unread} unread", mailbox.owner.key);
        assert!(mailbox.written.iter().all(|m| m.folder > 0 && m.folder < mailbox.folders.len()));
        assert!(mailbox.written.iter().filter(|m| m.has_attachments()).count() >= 8);
        assert_eq!(mailbox.bulk.len(), 50);
    }
}

#[test]
fn the_same_moment_gives_the_same_mail_and_none_from_the_future() {
    let now = Utc.with_ymd_and_hms(2026, 3, 2, 9, 0, 0).unwrap();
    for (a, b) in tenant().iter().zip(&tenant()) {
        let lines = |m: &SeededMailbox| {
            m.written.iter().map(|m| format!("{} {}", m.received, m.subject)).collect::<Vec<_>>()
        };
        assert_eq!(lines(a), lines(b));
        assert!(a.written.iter().all(|m| m.received <= now));
        assert!(a.written.iter().filter(|m| now - m.received < chrono::Duration::days(30)).count() > 25);
        assert!(a.bulk.iter().zip(&b.bulk).all(|(x, y)| x.received() == y.received()));
    }
}

#[test]
fn answers_quote_history_and_are_shared_by_their_people() {
    let all = tenant();
    let find = |key: &str| all.iter().find(|m| m.owner.key == key).unwrap();
    let last = find("alice")
        .written
        .iter()
        .filter(|m| m.subject.contains("revised drawings"))
        .max_by_key(|m| m.place)
        .unwrap();
    assert_eq!(last.place, 3);
    assert!(last.body.full().contains("frame 88") && !last.body.unique().contains("frame 88"));
    let twin = find("bob").written.iter().find(|m| m.message == last.message).unwrap();
    assert_eq!((twin.conversation, twin.folder), (last.conversation, folders::SENT));
    let korean = find("minji").written.iter().find(|m| m.subject.starts_with("회신: 부산항")).unwrap();
    assert!(korean.body.full().contains("보낸 사람:"));
}

fn part_of(kind: FileKind) -> Option<&'static str> {
    let word = matches!(kind, FileKind::Docx(_) | FileKind::Bomb).then_some("word/document.xml");
    let excel = matches!(kind, FileKind::Xlsx(_)).then_some("xl/worksheets/sheet2.xml");
    let slides = matches!(kind, FileKind::Pptx(_)).then_some("ppt/slides/slide2.xml");
    word.or(excel).or(slides)
}

#[test]
fn office_files_are_archives_with_their_text_and_the_bomb_is_one() {
    for mail in tenant().iter().flat_map(|m| &m.written) {
        for attachment in &mail.attachments {
            let Some(part) = part_of(attachment.kind) else { continue };
            let mut zip = zip::ZipArchive::new(Cursor::new(attachment.bytes().to_vec())).unwrap();
            let mut entry = zip.by_name(part).unwrap();
            if attachment.kind == FileKind::Bomb {
                assert!(entry.size() > 300_000_000 && entry.compressed_size() < 3_000_000);
                let mut start = [0; 4096];
                entry.read_exact(&mut start).unwrap();
                assert!(start.starts_with(b"<?xml") && start.ends_with(b"AAAA"));
            } else {
                let mut text = String::new();
                entry.read_to_string(&mut text).unwrap();
                assert!(text.len() > 200, "{}", attachment.name);
            }
        }
    }
}

#[test]
fn awkward_messages_are_there() {
    for mailbox in tenant() {
        let bodies: Vec<_> = mailbox.written.iter().map(|m| (m, m.body.full())).collect();
        assert!(bodies.iter().any(|(_, b)| b.len() > 100_000 && b.contains("o.gif")));
        assert!(bodies.iter().any(|(_, b)| b.matches("<div>").count() == 20_000));
        assert!(bodies.iter().any(|(_, b)| b.contains("display:none")));
        assert!(bodies.iter().any(|(m, b)| b.is_empty() && !m.draft));
        assert!(mailbox.written.iter().any(|m| m.draft && m.from.is_none()));
        let sizes: Vec<usize> =
            mailbox.written.iter().flat_map(|m| &m.attachments).map(|a| a.bytes().len()).collect();
        let mut files = mailbox.written.iter().flat_map(|m| &m.attachments);
        let logo = files.find(|a| a.content_id.is_some()).expect("an inline picture");
        assert!(logo.bytes().starts_with(b"\x89PNG") && logo.bytes().ends_with(b"IEND\xaeB`\x82"));
        assert!(sizes.contains(&0) && sizes.iter().any(|s| *s > 3_000_000));
    }
}

#[test]
fn one_file_name_is_decomposed() {
    let all = tenant();
    let minji = all.iter().find(|m| m.owner.key == "minji").unwrap();
    let names: Vec<_> = minji.written.iter().flat_map(|m| &m.attachments).map(|a| a.name.as_ref()).collect();
    assert!(names.iter().any(|n| n.starts_with('\u{1107}')) && names.contains(&"계약서_최종.docx"));
}

#[test]
fn korean_tables_are_in_code_page_949() {
    let bytes = FileKind::CsvCp949("품목,수량\r\n밸브,24\r\n").make(1);
    assert!(std::str::from_utf8(&bytes).is_err());
    assert_eq!(encoding_rs::EUC_KR.decode(&bytes).0, "품목,수량\r\n밸브,24\r\n");
}

#[test]
fn a_large_tenant_is_cheap_to_make() {
    // A bound on work, not on the clock: nothing is written for a generated message until it is read.
    let big = seeded(20_000);
    assert!(big.iter().all(|m| m.bulk.len() == 20_000 && size_of_val(m.bulk.as_slice()) <= 24 * 20_000));
}

#[test]
fn sheets_and_pdfs_satisfy_real_readers() {
    let mut book: calamine::Xlsx<_> =
        calamine::open_workbook_from_rs(Cursor::new(FileKind::Xlsx(documents::QUOTE).make(1))).unwrap();
    assert_eq!(calamine::Reader::sheet_names(&book), ["Quote", "Freight"]);
    let freight = calamine::Reader::worksheet_range(&mut book, "Freight").unwrap();
    let Some(calamine::Data::DateTime(date)) = freight.get_value((1, 1)) else {
        panic!("not a date: {freight:?}")
    };
    assert!((date.as_f64() - 46_083.0).abs() < 0.1, "2 March 2026 is day 46083 of Excel");
    let text = pdf_extract::extract_text_from_mem(&FileKind::Pdf(documents::ORDER).make(1)).unwrap();
    assert!(text.contains("PURCHASE ORDER 4500012877") && text.contains("42,000.00 (net)"), "{text}");
}
