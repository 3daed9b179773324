//! Threads in Korean, around Minji: particles on nouns, 회신/전달 prefixes, mixed scripts.
use super::documents as doc;
use super::files::FileKind::{CsvCp949, Docx, Html, Pdf, Pptx, Txt, Xlsx};
use super::model::{Flag, Importance};
use super::script::{POST, Post, THREAD, Thread};

const KO: Thread = Thread { korean: true, ..THREAD };

/// All of them.
pub(super) const THREADS: &[Thread] = &[
    Thread {
        subject: "부산항 크레인 계약서 검토 요청",
        hours_ago: 28,
        folder: "부산항 크레인",
        categories: &["중요"],
        posts: &[
            Post {
                from: "sujin",
                to: &["minji"],
                cc: &["jungho"],
                text: "민지 과장님, 안녕하세요.\n한빛마린 이수진입니다.\n수정된 계약서를 첨부하여 보내드립니다. 4조 2항을 중점적으로 검토해 주시기 바랍니다.\n\
                    감사합니다.",
                files: &[("계약서_최종.docx", Docx(doc::CONTRACT_KO))],
                flag: Flag::Due(3),
                ..POST
            },
            Post {
                from: "minji",
                to: &["sujin"],
                cc: &["jungho"],
                prefix: "회신: ",
                text: "수진 차장님, 안녕하세요.\n계약서가 잘 도착했습니다. 법무팀과 함께 확인한 뒤 회신드리겠습니다.\n김민지 드림",
                later: 3,
                ..POST
            },
            Post {
                from: "minji",
                to: &["law"],
                prefix: "FW: ",
                text: "법무팀 담당자님, 첨부한 계약서의 4조 2항 검토를 부탁드립니다.",
                later: 1,
                ..POST
            },
            Post {
                from: "law",
                to: &["minji"],
                prefix: "RE: ",
                text: "책임 한도를 직접 손해로 제한하는 문구가 필요합니다. 수정안을 보내드립니다.",
                files: &[(
                    "수정안.txt",
                    Txt("4조 2항: 책임은 직접 손해에 한한다.\n7조 1항: 기간은 2년으로 한다.\n"),
                )],
                later: 12,
                unread: true,
                ..POST
            },
        ],
        ..KO
    },
    Thread {
        subject: "밸러스트 밸브 견적서 송부",
        hours_ago: 80,
        folder: "견적/계약",
        posts: &[
            Post {
                from: "jungho",
                to: &["minji"],
                text: "김민지 과장님께,\n요청하신 밸러스트 밸브 24대의 견적서를 보내드립니다. 유효 기간은 30일입니다.\n박정호 드림",
                files: &[("견적서 2026-03.xlsx", Xlsx(doc::QUOTE_KO)), ("품목.csv", CsvCp949(doc::ITEMS_KO))],
                ..POST
            },
            Post {
                from: "minji",
                to: &["jungho"],
                prefix: "회신: ",
                text: "부장님, 견적서를 잘 받았습니다. 운임을 별도 항목으로 나누어 주실 수 있을까요?",
                later: 4,
                ..POST
            },
            Post {
                from: "jungho",
                to: &["minji"],
                prefix: "RE: ",
                text: "네, 두 번째 시트에 운임을 분리했습니다.",
                files: &[("견적서 2026-03 수정.xlsx", Xlsx(doc::QUOTE_KO))],
                later: 18,
                unread: true,
                ..POST
            },
        ],
        ..KO
    },
    Thread {
        subject: "3월 영업 회의 자료",
        hours_ago: 190,
        folder: "프로젝트",
        posts: &[
            Post {
                from: "jihoon",
                to: &["minji"],
                text: "민지 씨, 월요일 영업 회의 발표 자료입니다. 3쪽의 수치를 확인해 주세요.",
                files: &[("발표.pptx", Pptx(doc::DECK_KO))],
                ..POST
            },
            Post {
                from: "minji",
                to: &["jihoon"],
                prefix: "회신: ",
                text: "수치를 확인했습니다. 2월 실적은 4,120만 원이 맞습니다.",
                later: 5,
                ..POST
            },
        ],
        ..KO
    },
    Thread {
        subject: "선급 검사 일정 조율 (KR)",
        hours_ago: 60,
        folder: "고객사",
        importance: Importance::High,
        posts: &[
            Post {
                from: "yuna",
                to: &["minji"],
                text: "과장님, KR 검사원이 21일 오전 9시에 승선할 예정입니다. 선석은 7번입니다.",
                ..POST
            },
            Post {
                from: "minji",
                to: &["yuna"],
                cc: &["alice"],
                prefix: "회신: ",
                text: "확인했습니다. Alice 팀장에게도 공유하겠습니다.",
                later: 2,
                ..POST
            },
            Post {
                from: "yuna",
                to: &["minji"],
                prefix: "RE: ",
                text: "안개로 입항이 07시 15분으로 변경되었습니다.",
                later: 9,
                ..POST
            },
            Post {
                from: "yuna",
                to: &["minji"],
                prefix: "RE: ",
                text: "검사원에게 안내를 마쳤습니다. 도선사는 06시 50분에 승선합니다.",
                later: 2,
                unread: true,
                ..POST
            },
        ],
        ..KO
    },
    Thread {
        subject: "부산 출장 보고서",
        hours_ago: 300,
        posts: &[
            Post {
                from: "minji",
                to: &["jihoon"],
                text: "팀장님, 지난주 부산 출장의 보고서를 제출합니다.",
                files: &[
                    ("출장보고서.html", Html(doc::REPORT_KO)),
                    // Decomposed jamo, as macOS names files.
                    (
                        "\u{1107}\u{1169}\u{1100}\u{1169}\u{1109}\u{1165}.txt",
                        Txt("보고서 요약: 계약 조건 협의, 선석 여건 확인.\n"),
                    ),
                ],
                ..POST
            },
            Post {
                from: "jihoon",
                to: &["minji"],
                prefix: "RE: ",
                text: "수고했습니다. 경비는 금요일까지 정산해 주세요.",
                later: 20,
                ..POST
            },
        ],
        ..KO
    },
    Thread {
        subject: "드론 검사 시범 사업 협의",
        hours_ago: 560,
        folder: "한빛마린",
        posts: &[
            Post {
                from: "minji",
                to: &["sujin"],
                text: "차장님, 5월에 검사 드론의 시범 사업을 함께 진행할 수 있을지 문의드립니다.",
                ..POST
            },
            Post {
                from: "sujin",
                to: &["minji"],
                prefix: "RE: ",
                text: "내부 검토 결과 긍정적입니다. 계약서 초안을 먼저 받아볼 수 있을까요?",
                later: 22,
                ..POST
            },
            Post {
                from: "minji",
                to: &["sujin"],
                prefix: "회신: ",
                text: "초안을 준비하여 다음 주에 보내드리겠습니다.",
                later: 3,
                ..POST
            },
            Post {
                from: "sujin",
                to: &["minji"],
                prefix: "RE: ",
                text: "감사합니다. 현장 안전 교육 일정도 함께 알려 주세요.",
                later: 30,
                ..POST
            },
        ],
        ..KO
    },
    Thread {
        subject: "점심 메뉴 투표 🍜",
        hours_ago: 26,
        plain: true,
        posts: &[
            Post {
                from: "jihoon",
                to: &["minji"],
                cc: &["carol"],
                text: "목요일 점심은 칼국수와 비빔밥 중에 무엇이 좋을까요?",
                ..POST
            },
            Post {
                from: "minji", to: &["jihoon"], cc: &["carol"], text: "저는 칼국수요!", later: 1, ..POST
            },
        ],
        ..KO
    },
    Thread {
        subject: "도면 개정 118-02 (rev.C)",
        hours_ago: 680,
        folder: "도면",
        posts: &[
            Post {
                from: "jungho",
                to: &["minji"],
                text: "개정 도면을 보내드립니다. 늑골 88번의 용접 상세가 변경되었습니다.",
                files: &[("118-02_revC.pdf", Pdf(doc::DRAWING_NOTE))],
                ..POST
            },
            Post {
                from: "minji",
                to: &["alice"],
                prefix: "전달: ",
                text: "Alice 팀장님, 개정 도면을 전달드립니다. Please see the weld detail at frame 88.",
                later: 2,
                ..POST
            },
        ],
        ..KO
    },
    Thread {
        subject: "개인정보 보호 교육 안내",
        hours_ago: 900,
        folder: "알림",
        posts: &[Post {
            from: "hr",
            to: &["minji"],
            text: "올해 개인정보 보호 교육을 이번 달 말까지 이수해 주시기 바랍니다.",
            ..POST
        }],
        ..KO
    },
    Thread {
        subject: "지난해 기본 계약 (보관용)",
        hours_ago: 4500,
        folder: "보관",
        posts: &[Post {
            from: "law",
            to: &["minji"],
            text: "지난해 종료된 기본 계약의 사본을 보내드립니다.",
            files: &[("기본계약.docx", Docx(doc::CONTRACT_KO))],
            ..POST
        }],
        ..KO
    },
];
