//! Words of the pages, English and Korean, chosen by `Accept-Language`.

use actix_web::http::header::{self, HeaderMap};

/// Language of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lang {
    En,
    Ko,
}

impl Lang {
    /// Korean when it is the reader's first language, else English.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let value = headers.get(header::ACCEPT_LANGUAGE).and_then(|v| v.to_str().ok()).unwrap_or_default();
        let first = value.split([',', ';']).next().unwrap_or_default().trim().to_ascii_lowercase();
        if first == "ko" || first.starts_with("ko-") { Self::Ko } else { Self::En }
    }

    pub(super) const fn tag(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Ko => "ko",
        }
    }

    /// The text in this language.
    pub(super) const fn pick<'a>(self, en: &'a str, ko: &'a str) -> &'a str {
        match self {
            Self::En => en,
            Self::Ko => ko,
        }
    }
}

/// What a scope lets an application do, in plain words; unknown scopes are shown by name.
pub(super) fn explain(scope: &str, lang: Lang) -> Option<&'static str> {
    let (en, ko) = match scope {
        "User.Read" => ("See who you are (name, address, photo)", "사용자 정보(이름, 주소, 사진) 보기"),
        "Mail.ReadBasic" => {
            ("See your mail without bodies and attachments", "본문과 첨부를 제외한 메일 보기")
        }
        "Mail.Read" => ("Read your mail", "메일 읽기"),
        "Mail.ReadWrite" => ("Read, change and delete your mail", "메일 읽기, 수정 및 삭제"),
        "Mail.Send" => ("Send mail as you", "사용자 이름으로 메일 보내기"),
        "MailboxSettings.Read" => ("See your mailbox settings", "사서함 설정 보기"),
        "MailboxSettings.ReadWrite" => ("See and change your mailbox settings", "사서함 설정 보기 및 변경"),
        "Calendars.Read" => ("Read your calendars", "일정 읽기"),
        "Calendars.ReadWrite" => ("Read and change your calendars", "일정 읽기 및 변경"),
        "Chat.Read" => ("Read your Teams chats", "Teams 채팅 읽기"),
        "Chat.ReadWrite" => ("Read and write your Teams chats", "Teams 채팅 읽기 및 쓰기"),
        "ChatMessage.Send" => ("Send Teams messages as you", "사용자 이름으로 Teams 메시지 보내기"),
        "Notes.Read" => ("Read your OneNote notebooks", "OneNote 전자 필기장 읽기"),
        "Notes.ReadWrite" => ("Read and change your OneNote notebooks", "OneNote 전자 필기장 읽기 및 변경"),
        "Files.Read" => ("Read your OneDrive files", "OneDrive 파일 읽기"),
        "Files.ReadWrite" => {
            ("Read, change and delete your OneDrive files", "OneDrive 파일 읽기, 수정 및 삭제")
        }
        "offline_access" => ("Stay connected while you are away", "사용자가 없을 때에도 연결 유지"),
        _ => return None,
    };
    Some(lang.pick(en, ko))
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::HeaderValue;

    #[test]
    fn the_first_language_counts() {
        let lang = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_LANGUAGE, HeaderValue::from_static(value));
            Lang::of(&headers)
        };
        assert_eq!(lang("ko-KR,ko;q=0.9,en;q=0.8"), Lang::Ko);
        assert_eq!(lang("en-US,ko;q=0.5"), Lang::En);
        assert_eq!(lang("kok"), Lang::En);
        assert_eq!(Lang::of(&HeaderMap::new()), Lang::En);
    }
}
