//! Threads in English, most of them between Alice, Bob and their suppliers.
use super::documents as doc;
use super::files::FileKind::{Csv, Docx, Html, Pdf, Pptx, Txt, Xlsx};
use super::model::{Flag, Importance};
use super::script::{POST, Post, THREAD, Thread};

/// All of them.
pub(super) const THREADS: &[Thread] = &[
    Thread {
        subject: "Harbor crane: revised drawings",
        hours_ago: 30,
        folder: "Harbor Crane",
        categories: &["Blue category"],
        posts: &[
            Post {
                from: "bob",
                to: &["alice"],
                cc: &["carol"],
                text: "Hi Alice,\nthe yard sent revision C of the boom drawings. The weld detail at frame \
                    88 changed, please have a look before we order plate.\nBob",
                files: &[("crane-rev-C.pdf", Pdf(doc::DRAWING_NOTE))],
                ..POST
            },
            Post {
                from: "alice",
                to: &["bob"],
                cc: &["carol"],
                text: "Thanks Bob. I will check the boom today and come back before six.",
                later: 2,
                ..POST
            },
            Post {
                from: "carol",
                to: &["alice", "bob"],
                text: "One question from planning: does revision C move the delivery date?",
                later: 1,
                ..POST
            },
            Post {
                from: "bob",
                to: &["alice", "carol"],
                text: "It does not, the plate is cut from the same stock.",
                later: 2,
                unread: true,
                ..POST
            },
        ],
        ..THREAD
    },
    Thread {
        subject: "Quote 2026-118: ballast valves",
        hours_ago: 96,
        folder: "Fabrikam Valves",
        posts: &[
            Post {
                from: "maria",
                to: &["bob"],
                text: "Dear Bob,\nplease find our quote for 24 ballast valves attached. The price is valid \
                    for 30 days.\nKind regards,\nMaria Rossi",
                files: &[("quote-2026-118.xlsx", Xlsx(doc::QUOTE))],
                ..POST
            },
            Post {
                from: "bob",
                to: &["maria"],
                text: "Dear Maria,\nthank you. Could you split the freight from the unit price?",
                later: 5,
                ..POST
            },
            Post {
                from: "maria",
                to: &["bob"],
                text: "Of course, the second sheet now has freight on its own line.",
                files: &[("quote-2026-118-v2.xlsx", Xlsx(doc::QUOTE))],
                later: 20,
                unread: true,
                flag: Flag::Due(2),
                ..POST
            },
            Post {
                from: "bob",
                to: &["alice"],
                prefix: "FW: ",
                text: "Alice, is this within the budget of the crane project?",
                later: 1,
                unread: true,
                ..POST
            },
        ],
        ..THREAD
    },
    Thread {
        subject: "Class survey on 14th: findings",
        hours_ago: 150,
        folder: "Projects",
        importance: Importance::High,
        posts: &[
            Post {
                from: "henrik",
                to: &["alice"],
                cc: &["bob"],
                text: "Dear Alice,\nattached is the survey report with three findings. Finding 2 is a \
                    condition of class and must be closed within 90 days.\nHenrik Lund",
                files: &[("survey-report.docx", Docx(doc::SURVEY))],
                flag: Flag::Due(7),
                ..POST
            },
            Post {
                from: "alice",
                to: &["henrik"],
                cc: &["bob"],
                text: "Dear Henrik,\nunderstood. We will send the repair procedure for finding 2 next week.",
                later: 7,
                ..POST
            },
            Post {
                from: "henrik",
                to: &["alice"],
                cc: &["bob"],
                text: "Thank you, that works for us. Please copy the Busan station.",
                later: 16,
                unread: true,
                ..POST
            },
        ],
        ..THREAD
    },
    Thread {
        subject: "Lunch on Thursday?",
        hours_ago: 52,
        plain: true,
        posts: &[
            Post {
                from: "carol",
                to: &["alice", "bob"],
                text: "The new noodle place opens on Thursday. 12:15?",
                ..POST
            },
            Post { from: "bob", to: &["carol", "alice"], text: "In.", later: 1, ..POST },
            Post {
                from: "alice",
                to: &["carol", "bob"],
                text: "Me too, but I have to be back at 13:30.",
                later: 1,
                ..POST
            },
        ],
        ..THREAD
    },
    Thread {
        subject: "Steering committee deck",
        hours_ago: 210,
        folder: "Projects",
        posts: &[
            Post {
                from: "dave",
                to: &["alice"],
                cc: &["bob", "minji"],
                text: "Here is the deck for Monday. Slide 3 needs your numbers.",
                files: &[("steering-committee.pptx", Pptx(doc::DECK))],
                ..POST
            },
            Post {
                from: "alice",
                to: &["dave"],
                text: "Numbers are in: 412 hours spent, 88 left.",
                later: 9,
                ..POST
            },
        ],
        ..THREAD
    },
    Thread {
        subject: "Purchase order 4500012877",
        hours_ago: 320,
        folder: "Orders & Returns",
        posts: &[
            Post {
                from: "bob",
                to: &["maria"],
                cc: &["finance"],
                text: "Dear Maria,\nplease find our purchase order attached. Delivery to Busan, gate 4.",
                files: &[("PO-4500012877.pdf", Pdf(doc::ORDER)), ("items.csv", Csv(doc::ITEMS))],
                ..POST
            },
            Post {
                from: "maria",
                to: &["bob"],
                text: "Order confirmed, delivery in week 12.",
                later: 22,
                ..POST
            },
            Post {
                from: "finance",
                to: &["bob"],
                text: "The cost centre on page 2 is missing, can you add it?",
                later: 30,
                unread: true,
                ..POST
            },
        ],
        ..THREAD
    },
    Thread {
        subject: "Travel to Busan 3-6 March",
        hours_ago: 400,
        folder: "Travel/Expenses",
        categories: &["Travel"],
        posts: &[
            Post {
                from: "travel",
                to: &["alice"],
                cc: &["bob"],
                text: "Your itinerary is attached. Seat 14A, one bag.",
                files: &[("itinerary.html", Html(doc::ITINERARY))],
                ..POST
            },
            Post {
                from: "alice",
                to: &["bob"],
                prefix: "FW: ",
                text: "Booked. Shall we share the taxi from Gimhae?",
                later: 3,
                ..POST
            },
            Post {
                from: "bob",
                to: &["alice"],
                text: "Yes, my flight lands 40 minutes after yours.",
                later: 4,
                ..POST
            },
        ],
        ..THREAD
    },
    Thread {
        subject: "NDA with Lakeshore: final wording",
        hours_ago: 260,
        folder: "Legal",
        posts: &[
            Post {
                from: "tom",
                to: &["alice"],
                cc: &["bob"],
                text: "Alice,\nclause 4.2 now limits liability to direct damage. Please approve.",
                files: &[
                    ("NDA final.docx", Docx(doc::NDA)),
                    ("changes.txt", Txt("4.2 direct damage only\n7.1 two years instead of five\n")),
                ],
                ..POST
            },
            Post { from: "alice", to: &["tom"], text: "Approved from my side.", later: 26, ..POST },
        ],
        ..THREAD
    },
    Thread {
        subject: "Port call Rotterdam: MV Sea Heron",
        hours_ago: 75,
        folder: "Northsea Shipping",
        posts: &[
            Post {
                from: "grace",
                to: &["alice"],
                cc: &["ops"],
                text: "Hi Alice,\nSea Heron arrives on the 21st at 04:30. The surveyor can board at 09:00.",
                ..POST
            },
            Post { from: "alice", to: &["grace"], text: "Great, I will tell Henrik.", later: 1, ..POST },
            Post { from: "grace", to: &["alice"], text: "Update: fog, new ETA 07:15.", later: 9, ..POST },
            Post {
                from: "ops",
                to: &["alice", "grace"],
                text: "Berth 7 confirmed for 07:45.",
                later: 2,
                ..POST
            },
            Post {
                from: "grace",
                to: &["alice"],
                text: "Surveyor informed. Pilot at 06:50.",
                later: 1,
                unread: true,
                ..POST
            },
        ],
        ..THREAD
    },
    Thread {
        subject: "Budget 2026: second round",
        hours_ago: 500,
        posts: &[
            Post {
                from: "finance",
                to: &["alice", "bob", "minji"],
                text: "Please enter your second-round figures by the 20th. Anything above plan needs a \
                    sentence of explanation.",
                files: &[("budget-2026.xlsx", Xlsx(doc::BUDGET))],
                ..POST
            },
            Post {
                from: "bob",
                to: &["finance"],
                text: "Procurement is in, 2% under plan.",
                later: 40,
                ..POST
            },
            Post {
                from: "alice",
                to: &["finance"],
                text: "Classification is in, the new survey drones are explained in the comment.",
                later: 12,
                ..POST
            },
        ],
        ..THREAD
    },
    Thread {
        subject: "Drone survey pilot with Hanbit Marine",
        hours_ago: 620,
        folder: "Projects",
        posts: &[
            Post {
                from: "alice",
                to: &["minji", "bob"],
                text: "Minji, could you ask Hanbit Marine whether they would host a pilot of the survey \
                    drones in May?",
                ..POST
            },
            Post {
                from: "minji",
                to: &["alice"],
                cc: &["bob"],
                text: "Hi Alice, I spoke with 이수진 at Hanbit. They are interested, and ask for a contract \
                    draft (계약서 초안) first.",
                later: 20,
                ..POST
            },
            Post {
                from: "alice",
                to: &["minji"],
                cc: &["bob"],
                text: "Very good. Bob, can legal use the template of last year?",
                later: 3,
                ..POST
            },
            Post {
                from: "bob",
                to: &["alice", "minji"],
                text: "Yes, with a new liability cap. Draft attached.",
                files: &[("pilot-contract-draft.docx", Docx(doc::NDA))],
                later: 28,
                ..POST
            },
            Post {
                from: "minji",
                to: &["alice", "bob"],
                text: "Sent to Hanbit, answer expected on Friday.",
                later: 4,
                ..POST
            },
        ],
        ..THREAD
    },
    Thread {
        subject: "Spare parts: 'urgent' shipment #77 & customs",
        hours_ago: 44,
        posts: &[
            Post {
                from: "ops",
                to: &["bob"],
                text: "Customs holds shipment #77. They ask for the certificate of origin.",
                unread: true,
                ..POST
            },
            Post {
                from: "bob",
                to: &["ops"],
                cc: &["maria"],
                text: "Maria, can you send the certificate today?",
                later: 1,
                ..POST
            },
            Post {
                from: "maria",
                to: &["bob", "ops"],
                text: "Attached. Sorry for the trouble.",
                files: &[("certificate.pdf", Pdf(doc::CERTIFICATE))],
                later: 6,
                unread: true,
                ..POST
            },
        ],
        ..THREAD
    },
    Thread {
        subject: "ABS plan review: comments on 118-02",
        hours_ago: 700,
        folder: "Drawings",
        posts: &[
            Post {
                from: "abs",
                to: &["alice"],
                text: "ABS has reviewed drawing 118-02 and returns it with two comments. Please resubmit \
                    within 30 days.",
                files: &[("comments.csv", Csv(doc::COMMENTS))],
                ..POST
            },
            Post {
                from: "alice",
                to: &["abs"],
                text: "Comments noted. Resubmission follows with revision C.",
                later: 50,
                ..POST
            },
        ],
        ..THREAD
    },
    Thread {
        subject: "Handover notes while I am away",
        hours_ago: 1300,
        plain: true,
        posts: &[
            Post {
                from: "bob",
                to: &["alice"],
                text: "Open points:\n1. Fabrikam quote\n2. Customs papers\n3. Year-end stock count\nI am \
                    back on the 9th.",
                ..POST
            },
            Post { from: "alice", to: &["bob"], text: "Got it, enjoy the mountains.", later: 2, ..POST },
        ],
        ..THREAD
    },
    Thread {
        subject: "Old contract archive",
        hours_ago: 4300,
        folder: "Archive",
        posts: &[Post {
            from: "tom",
            to: &["alice", "bob"],
            text: "For your files: the frame contract that ended last year.",
            files: &[("frame-contract.docx", Docx(doc::NDA))],
            ..POST
        }],
        ..THREAD
    },
    Thread {
        subject: "Welcome to the survey drones working group",
        hours_ago: 2100,
        folder: "HR",
        posts: &[Post {
            from: "hr",
            to: &["alice", "bob", "minji"],
            text: "You were added to the working group. The first meeting is on the second Tuesday.",
            ..POST
        }],
        ..THREAD
    },
];
