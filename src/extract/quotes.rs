//! Folds the quoted history at the end of a mail, so that a reader gets the new part first.

/// Quote runs shorter than this are part of the conversation (inline answers).
const MIN_RUN: usize = 3;

/// Text with quoted history replaced by one line each, and how many lines went.
pub(crate) fn fold_quotes(text: &str) -> (String, usize) {
    let lines: Vec<&str> = text.lines().collect();
    let mut kept: Vec<String> = Vec::with_capacity(lines.len());
    let mut folded = 0;
    let mut at = 0;
    while let Some(line) = lines.get(at) {
        let rest = lines.get(at..).unwrap_or_default();
        let run = if starts_history(rest) && kept.iter().any(|line| !line.trim().is_empty()) {
            history_length(rest)
        } else {
            Some(quote_run(rest)).filter(|run| *run >= MIN_RUN)
        };
        if let Some(run) = run {
            folded += run;
            kept.push(format!("[{run} quoted lines folded]"));
            at += run;
        } else {
            kept.push((*line).to_owned());
            at += 1;
        }
    }
    (kept.join("\n"), folded)
}

/// A header of older mail: everything below belongs to it, unless only a `>` block follows an "On … wrote:".
fn history_length(rest: &[&str]) -> Option<usize> {
    let header = if is_attribution(rest) {
        usize::from(!ends_attribution(plain(rest.first()?))) + 1
    } else {
        return Some(rest.len());
    };
    let blank = rest.iter().skip(header).take_while(|line| line.trim().is_empty()).count();
    let quoted = quote_run(rest.get(header + blank..)?);
    Some(if quoted == 0 { rest.len() } else { header + blank + quoted })
}

fn starts_history(rest: &[&str]) -> bool {
    let Some(first) = rest.first().map(|line| plain(line)) else {
        return false;
    };
    !first.is_empty() && (is_separator(first) || is_header_block(rest) || is_attribution(rest))
}

/// A line without Markdown dressing.
fn plain(line: &str) -> &str {
    line.trim_matches(|c: char| c.is_whitespace() || matches!(c, '*' | '_' | '|' | '\\'))
}

/// "-----Original Message-----" in the languages our tenants write.
fn is_separator(line: &str) -> bool {
    let words = line.trim_matches(|c: char| matches!(c, '-' | '=') || c.is_whitespace());
    line.starts_with("--")
        && matches!(
            words.to_lowercase().as_str(),
            "original message"
                | "original appointment"
                | "forwarded message"
                | "원본 메시지"
                | "원본 메일"
                | "전달된 메시지"
        )
}

/// "From:" followed soon by "Sent:" or "Date:", as Outlook writes it.
fn is_header_block(rest: &[&str]) -> bool {
    let starts = |line: &str, names: &[&str]| {
        let line = plain(line).to_lowercase();
        names.iter().any(|name| {
            line.strip_prefix(name)
                .is_some_and(|rest| rest.trim_start_matches(['*', ' ']).starts_with([':', '：']))
        })
    };
    let mut lines = rest.iter().filter(|line| !line.trim().is_empty());
    lines.next().is_some_and(|line| starts(line, &["from", "보낸 사람", "보낸사람", "发件人", "差出人"]))
        && lines.take(3).any(|line| {
            starts(
                line,
                &["sent", "date", "보낸 날짜", "보낸날짜", "날짜", "发送时间", "送信日時", "to", "받는 사람"],
            )
        })
}

/// `On <date>, <who> wrote:`, perhaps over two lines, or its Korean form.
fn is_attribution(rest: &[&str]) -> bool {
    let Some(first) = rest.first().map(|line| plain(line)) else {
        return false;
    };
    if first.chars().count() > 300 {
        return false;
    }
    if first.starts_with("On ") && first.contains(|c: char| c.is_ascii_digit()) {
        let second = rest.get(1).map(|line| plain(line)).unwrap_or_default();
        return ends_attribution(first) || ends_attribution(second);
    }
    first.ends_with("님이 작성:") || first.ends_with("작성했습니다:") || first.ends_with("님의 말:")
}

fn ends_attribution(line: &str) -> bool {
    ["wrote:", "작성:", "작성했습니다:", "말:"].iter().any(|end| line.ends_with(end))
}

/// Length of the `>` block at the start, blank lines inside included.
fn quote_run(rest: &[&str]) -> usize {
    let mut run = 0;
    for (index, line) in rest.iter().enumerate() {
        if line.trim_start().starts_with('>') {
            run = index + 1;
        } else if !line.trim().is_empty() || index == 0 {
            break;
        }
    }
    run
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quote_block_folds_and_the_answer_stays() {
        let mail =
            "Agreed.\n\nOn Mon, 5 Jan 2026 at 10:00, Kim wrote:\n> one\n> two\n>\n> three\n\nMore below.";
        let (text, folded) = fold_quotes(mail);
        assert_eq!(text, "Agreed.\n\n[5 quoted lines folded]\n\nMore below.");
        assert_eq!(folded, 5);
    }

    #[test]
    fn outlook_and_korean_headers_end_the_new_part() {
        for header in [
            "-----Original Message-----\nFrom: a",
            "**From:** Kim <kim@contoso.example>\n**Sent:** Monday\n**To:** Lee",
            "보낸 사람: 김민수\n보낸 날짜: 2026년 1월 5일\n받는 사람: 이영희",
            "On Mon, 5 Jan 2026, Kim Minsu\n<kim@contoso.example> wrote:\nold text",
            "2026년 1월 5일 (월) 오전 10:00, 김민수님이 작성:\nold text",
        ] {
            let (text, folded) = fold_quotes(&format!("새 내용\n\n{header}\n\nold body"));
            assert!(text.starts_with("새 내용\n\n["), "{text}");
            assert!(!text.contains("old body"), "{text}");
            assert!(folded >= 4, "{folded}");
        }
    }

    #[test]
    fn honest_text_is_left_alone() {
        for mail in [
            "On Monday we wrote a plan.\nFrom: the start it was good.",
            "> short\nquote",
            "From: Kim\nSent: Monday\n\nA forwarded mail with nothing above it.",
            "",
        ] {
            assert_eq!(fold_quotes(mail), (mail.to_owned(), 0));
        }
    }
}
