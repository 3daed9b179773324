//! Threads in English, most of them between Alice, Bob and their suppliers.
use super::script::{POST, Post, THREAD, Thread};

/// All of them.
pub(super) const THREADS: &[Thread] = &[Thread {
    subject: "Harbor crane: revised drawings",
    hours_ago: 30,
    folder: "Harbor Crane",
    posts: &[
        Post { from: "bob", to: &["alice"], text: "Hi Alice,\nthe yard sent the revised drawings.", ..POST },
        Post { from: "alice", to: &["bob"], text: "Thanks, I will check the boom today.", ..POST },
    ],
    ..THREAD
}];
