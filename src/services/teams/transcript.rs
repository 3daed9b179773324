//! The transcript of a meeting: WebVTT as it comes from Graph, and as people read it.

use crate::services::answer::line;
use std::fmt::Write as _;

/// What one person said without a break.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Turn {
    speaker: String,
    /// `00:01:02`.
    at: String,
    text: String,
}

/// A transcript as Markdown, one paragraph for each turn: who, when, what. Unknown lines are left out.
pub(super) fn readable(vtt: &str) -> String {
    let mut turns: Vec<Turn> = Vec::new();
    let mut at = String::new();
    for part in vtt.lines() {
        let part = part.trim();
        if let Some((start, _)) = part.split_once("-->") {
            at = clock(start.trim());
        } else if !at.is_empty() && !part.is_empty() {
            let (speaker, text) = spoken(part);
            let text = line(&text);
            let same = turns
                .last_mut()
                .filter(|last| speaker.is_none() || speaker.as_deref() == Some(&last.speaker));
            match same {
                _ if text.is_empty() => {}
                Some(last) => {
                    last.text.push(' ');
                    last.text.push_str(&text);
                }
                None => turns.push(Turn { speaker: speaker.unwrap_or_default(), at: at.clone(), text }),
            }
        } else if part.is_empty() {
            at.clear();
        }
    }
    turns.iter().fold(String::new(), |mut out, turn| {
        let speaker = if turn.speaker.is_empty() { "(unknown)" } else { &turn.speaker };
        let _ = writeln!(out, "**{speaker}** ({}): {}\n", turn.at, turn.text);
        out
    })
}

/// `00:01:02.500` or `01:02.500` without the fraction.
fn clock(start: &str) -> String {
    let whole = start.split(['.', ',', ' ']).next().unwrap_or_default();
    if whole.matches(':').count() == 1 { format!("00:{whole}") } else { whole.to_owned() }
}

/// Speaker and text of a line: `<v Alice Anderson>text</v>`, with the characters that WebVTT escapes.
fn spoken(part: &str) -> (Option<String>, String) {
    let (speaker, text) = match part.strip_prefix("<v").and_then(|rest| rest.split_once('>')) {
        Some((name, text)) => (Some(plain(name.trim_start_matches('.').trim())), text),
        None => (None, part),
    };
    (speaker, plain(text.trim_end_matches("</v>")))
}

fn plain(text: &str) -> String {
    let text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&nbsp;", " ");
    text.replace("&lrm;", "").replace("&rlm;", "").replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_of_one_person_are_one_paragraph() {
        let vtt = "WEBVTT\n\nNOTE nobody said this\n\n1\n00:00:03.120 --> 00:00:06.000\n<v Alice Anderson>Crane 2 &amp; 3 &lt;ok&gt;.</v>\n\n\
                   00:00:06.500 --> 00:00:08.000\n<v Alice Anderson>\"100%\"\nnow</v>\n\n\
                   00:09.000 --> 00:11.000\n<v 김민지>네 🙏</v>\n\n00:01:11.000 --> 00:01:12.000\nשלום\n";
        assert_eq!(
            readable(vtt),
            "**Alice Anderson** (00:00:03): Crane 2 & 3 <ok>. \"100%\" now\n\n**김민지** (00:00:09): 네 🙏 שלום\n\n"
        );
    }

    #[test]
    fn what_is_no_transcript_says_nothing() {
        for odd in ["", "WEBVTT", "<html>-->", "-->\n", "00:00 -->\n<v", "\u{feff}WEBVTT\n\nx"] {
            assert!(!readable(odd).contains("html"), "{odd}");
        }
    }
}
