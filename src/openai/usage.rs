//! Tokens, counted with the vocabulary of OpenAI's current models (`o200k_base`).

use super::conversation::{Call, Conversation};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::HashSet;
use tiktoken_rs::{CoreBPE, o200k_base_singleton};
use tokio::sync::OnceCell;

/// What the roles and limits of a message cost beside its text, by OpenAI's own account.
const PER_MESSAGE: u64 = 3;

/// Tokens of one request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Usage {
    pub(super) input: u64,
    pub(super) output: u64,
}

impl Usage {
    pub(super) fn total(self) -> u64 {
        self.input.saturating_add(self.output)
    }

    pub(super) fn plus(self, other: Self) -> Self {
        Self {
            input: self.input.saturating_add(other.input),
            output: self.output.saturating_add(other.output),
        }
    }
}

fn tokenizer() -> &'static CoreBPE {
    o200k_base_singleton()
}

/// Waits until the vocabulary has been read: most of a second, once, off the workers.
pub(super) async fn ready() {
    static READ: OnceCell<()> = OnceCell::const_new();
    let read = async || drop(tokio::task::spawn_blocking(tokenizer).await);
    READ.get_or_init(read).await;
}

/// The tokens of a text.
fn encoded(text: &str) -> Vec<u32> {
    let Ok((tokens, _)) = tokenizer().encode(text, &HashSet::new()) else {
        // Its regex gives up on a million blanks in a row. Halves differ by a token where they meet.
        let (begin, end) = text.split_at(text.floor_char_boundary(text.len() / 2));
        return if begin.is_empty() { Vec::new() } else { [encoded(begin), encoded(end)].concat() };
    };
    tokens
}

/// Tokens of a text.
pub(super) fn tokens(text: &str) -> u64 {
    encoded(text).len() as u64
}

/// The beginning of a text that has at most `most` tokens, and whether that is less than all of it.
pub(super) fn cut(text: &str, most: u64) -> (&str, bool) {
    if text.len() as u64 <= most {
        return (text, false);
    }
    let mut tokens = encoded(text);
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    if tokens.len() <= most {
        return (text, false);
    }
    tokens.truncate(most);
    let bytes = tokenizer().decode_bytes(&tokens).map_or(0, |bytes| bytes.len());
    // A token may end within a letter.
    (text.get(..text.floor_char_boundary(bytes)).unwrap_or(text), true)
}

/// Tokens of what a client said: its messages and functions.
pub(super) fn of_input(conversation: &Conversation) -> u64 {
    let message = |message: &Value| PER_MESSAGE + texts(message);
    let messages: u64 = conversation.messages.iter().map(message).sum();
    let tools: u64 = conversation.tools.iter().map(|tool| tokens(&tool.to_string())).sum();
    messages + tools + PER_MESSAGE
}

/// Tokens of an answer.
pub(super) fn of_output(text: &str, calls: &[Call]) -> u64 {
    let call = |call: &Call| tokens(&call.name) + tokens(&call.arguments);
    tokens(text) + calls.iter().map(call).sum::<u64>()
}

/// Tokens of all texts within a message, pictures left out.
fn texts(value: &Value) -> u64 {
    match value {
        Value::String(text) => tokens(text),
        Value::Array(items) => items.iter().map(texts).sum(),
        Value::Object(members) => {
            let is_text = |name: &str| !matches!(name, "image_url" | "input_audio" | "file");
            members.iter().filter(|(name, _)| is_text(name)).map(|(_, value)| texts(value)).sum()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn counts_are_those_of_the_vocabulary() {
        // Counted with OpenAI's own tokenizer.
        for (text, expected) in [("", 0), ("hello world", 2), ("안녕하세요", 2), ("2026-11-29", 6)] {
            assert_eq!(tokens(text), expected, "{text}");
        }
    }

    #[test]
    fn a_long_run_of_one_letter_counts() {
        // A million blanks are more than the regex takes at once.
        for (run, tokens_at_most) in [(" ".repeat(1_200_000), 20_000), ("a".repeat(50_000), 10_000)] {
            let text = format!("hello{run}world");
            let counted = tokens(&text);
            assert!(counted > 100 && counted < tokens_at_most, "{counted}");
        }
    }

    #[test]
    fn a_text_is_cut_at_a_letter_within_its_tokens() {
        let text = "지난주에 온 메일을 모두 보여 주세요 👩‍👩‍👧‍👦 and more of it";
        for most in 0..40 {
            let (begin, is_cut) = cut(text, most);
            assert!(text.starts_with(begin) && tokens(begin) <= most.max(1) + 2, "{most}: {begin}");
            assert_eq!(is_cut, begin.len() < text.len(), "{most}");
        }
        assert_eq!(cut("short", 100), ("short", false));
    }

    #[test]
    fn all_that_was_said_counts() {
        let conversation = |content: Value| Conversation {
            messages: vec![json!({"role": "user", "content": content})],
            ..Conversation::default()
        };
        let plain = of_input(&conversation(json!("hello world")));
        assert_eq!(plain, 3 + 3 + 1 + 2);
        let with_picture = json!([{"type": "text", "text": "hello world"},
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAAAAAAAAAAAAAAAAAAAA"}}]);
        assert!(of_input(&conversation(with_picture)) < plain + 8);
    }
}
