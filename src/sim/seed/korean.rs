//! Threads in Korean, around Minji.
use super::script::{POST, Post, THREAD, Thread};

/// All of them.
pub(super) const THREADS: &[Thread] = &[Thread {
    subject: "부산항 크레인 계약서 검토 요청",
    hours_ago: 28,
    folder: "부산항 크레인",
    korean: true,
    posts: &[
        Post {
            from: "sujin",
            to: &["minji"],
            text: "민지 과장님, 안녕하세요.\n계약서를 첨부하여 보내드립니다.",
            ..POST
        },
        Post {
            from: "minji", to: &["sujin"], prefix: "회신: ", text: "확인 후 회신드리겠습니다.", ..POST
        },
    ],
    ..THREAD
}];
