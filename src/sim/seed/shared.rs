//! The mailboxes that people share: what customers wrote to them, and what was answered from there.
use chrono::{DateTime, Utc};

use super::files::FileKind::{Csv, Pdf, Txt};
use super::people::Cast;
use super::script::{self, POST, Post, THREAD, Thread};
use super::{Directory, SeededMailbox, documents as doc, folders, owner};

const THREADS: [Thread; 5] = [
    Thread {
        subject: "Claim 4711: hatch cover leaks",
        hours_ago: 52,
        folder: "Northsea",
        posts: &[
            Post {
                from: "grace",
                to: &["support"],
                text: "Dear support,\nthe hatch cover of hold 3 leaks since the last port. The survey report is attached.\n\
                    Grace Holm",
                files: &[
                    ("claim-4711.pdf", Pdf(doc::DRAWING_NOTE)),
                    ("photos.txt", Txt("hold 3, starboard side")),
                ],
                ..POST
            },
            Post {
                from: "support",
                to: &["grace"],
                later: 4,
                text: "Dear Grace,\nthank you, we have opened claim 4711 and come back with a date.\nCustomer Support",
                ..POST
            },
            Post {
                from: "grace",
                to: &["support"],
                later: 20,
                text: "Any news on claim 4711? We sail on Friday.",
                unread: true,
                ..POST
            },
        ],
        ..THREAD
    },
    Thread {
        subject: "How do I reset the crane controller?",
        hours_ago: 30,
        posts: &[Post {
            from: "ops",
            to: &["support"],
            text: "Hello,\nafter the power cut the controller shows E-17. How do we reset it?\nOperations Desk",
            unread: true,
            ..POST
        }],
        ..THREAD
    },
    Thread {
        subject: "Spare parts list",
        hours_ago: 75,
        posts: &[Post {
            from: "maria",
            to: &["support"],
            text: "Attached is the list of spare parts that you asked for.",
            files: &[("spares.csv", Csv("part,count\nseal,4\nvalve,2\n"))],
            ..POST
        }],
        ..THREAD
    },
    Thread {
        subject: "크레인 부품 문의",
        hours_ago: 20,
        korean: true,
        posts: &[Post {
            from: "sujin",
            to: &["support"],
            text: "안녕하세요.\n부산항 크레인의 예비 부품 재고를 알려 주십시오.\n이수진 드림",
            unread: true,
            ..POST
        }],
        ..THREAD
    },
    Thread {
        subject: "Invoice 2026-0817",
        hours_ago: 26,
        posts: &[Post {
            from: "maria",
            to: &["invoices"],
            text: "Please find our invoice for the ballast valves: EUR 4,210.00, due within 30 days.",
            ..POST
        }],
        ..THREAD
    },
];

/// All of them.
pub(super) fn mailboxes(directory: &Directory, cast: &Cast, now: DateTime<Utc>) -> Vec<SeededMailbox> {
    let empty = |owner: super::Owner| SeededMailbox {
        folders: folders::of(&owner),
        owner,
        written: Vec::new(),
        bulk: Vec::new(),
    };
    let mut all: Vec<SeededMailbox> = directory.shared.iter().map(|person| empty(owner(person))).collect();
    for thread in &THREADS {
        script::deliver(thread, cast, &mut all, now);
    }
    all
}
