//! Korean.

use super::{
    AccountTexts, AdminTexts, AppTexts, ConsentTexts, FaultText, FaultTexts, LandingTexts, ScopeTexts,
    ShellTexts, Texts, Words,
};

/// Where both directions are said alike.
const fn both(words: &'static str) -> Words {
    Words { can: words, cannot: words }
}

pub(in crate::html) const KO: Texts = Texts {
    shell: ShellTexts {
        slogan: "AI를 위한 Microsoft 365의 문",
        language: "한국어",
        reference: "관리자에게 알려 줄 참조 번호:",
        what_to_do: "이렇게 해 보세요",
        back: "앱으로 돌아가기",
    },
    app: AppTexts {
        nameless: "이름 없는 앱",
        unverified: "확인되지 않음",
        unverified_hint: "앱이 스스로 밝힌 이름이며 확인되지 않았습니다.",
        verified: "확인된 주소",
        configured: "운영자가 등록함",
        new: "새로운 앱",
        new_hint: "이 앱은 등록된 지 하루가 지나지 않았습니다.",
    },
    consent: ConsentTexts {
        title: |name| format!("{name} 앱이 Microsoft 365를 사용하도록 허용할까요?"),
        lead: "이 앱이 이 서버를 통해 사용자를 대신해 작업하려고 합니다. 결정은 사용자가 합니다.",
        app: "앱",
        destination: "이동할 곳",
        service: "서비스",
        account: "계정",
        account_later: "다음 단계에서 Microsoft에서 선택합니다",
        can: "할 수 있는 작업",
        cannot: "할 수 없는 작업",
        never_password: "비밀번호나 Microsoft 로그인 정보 보기",
        never_others: "사용자 본인이 볼 수 없는 내용 보기",
        device_title: "이 앱은 사용자의 기기에서 실행됩니다",
        device: "기기의 어떤 프로그램이든 이렇게 요청할 수 있습니다. 방금 직접 시작한 경우에만 허용하세요.",
        unsure: "요청한 적이 없거나 위 주소를 모르면 허용하지 마세요.",
        approve: "허용",
        deny: "허용 안 함",
        next: "다음 단계에서 Microsoft에 로그인합니다.",
        undo: "‘연결된 앱’에서 언제든지 취소할 수 있습니다.",
    },
    scopes: ScopeTexts {
        profile: both("사용자 정보(이름, 주소, 사진) 보기"),
        mail_basic: Words { can: "본문과 첨부를 제외한 메일 보기", cannot: "메일 보기" },
        mail_read: both("메일 읽기"),
        mail_write: Words { can: "메일 읽기, 수정 및 삭제", cannot: "메일 수정 또는 삭제" },
        mail_send: both("사용자 이름으로 메일 보내기"),
        mailbox_read: both("사서함 설정 보기"),
        mailbox_write: Words { can: "사서함 설정 보기 및 변경", cannot: "사서함 설정 변경" },
        calendar_read: both("일정 읽기"),
        calendar_write: Words { can: "일정 읽기 및 변경", cannot: "일정 변경" },
        teams_list: both("사용자가 속한 팀 보기"),
        channels_list: both("팀의 채널 보기"),
        channel_read: both("팀 채널의 메시지 읽기"),
        channel_send: both("사용자 이름으로 채널에 게시하기"),
        chat_basic: both("메시지 없이 Teams 채팅 목록 보기"),
        chat_read: both("Teams 채팅 읽기"),
        chat_write: Words { can: "Teams 채팅 읽기 및 쓰기", cannot: "Teams 채팅 쓰기" },
        chat_create: both("사용자 이름으로 Teams 채팅 시작하기"),
        chat_send: both("사용자 이름으로 Teams 메시지 보내기"),
        presence: both("사용자의 상태(대화 가능 여부) 보기"),
        notes_read: both("OneNote 전자 필기장 읽기"),
        notes_create: both("OneNote 전자 필기장에 페이지 추가"),
        notes_write: Words {
            can: "OneNote 전자 필기장 읽기 및 변경", cannot: "OneNote 전자 필기장 변경"
        },
        files_read: both("OneDrive 파일 읽기"),
        files_write: Words {
            can: "OneDrive 파일 읽기, 수정 및 삭제",
            cannot: "OneDrive 파일 수정 또는 삭제",
        },
        files_read_all: Words {
            can: "다른 사람의 파일을 포함해 사용자가 열 수 있는 모든 파일 읽기",
            cannot: "다른 사람이 공유한 파일 읽기",
        },
        files_all: Words {
            can: "사용자가 열 수 있는 모든 파일 읽기, 수정 및 삭제",
            cannot: "다른 사람이 공유한 파일 다루기",
        },
        people: both("함께 일하는 사람 보기"),
        directory: both("조직의 사람 찾기"),
        contacts: both("연락처 읽기"),
        tasks_read: both("할 일 읽기"),
        tasks_write: Words { can: "할 일 읽기 및 변경", cannot: "할 일 변경" },
        offline: both("사용자가 없을 때에도 연결 유지"),
    },
    faults: FaultTexts {
        unknown_client: FaultText {
            title: "등록되지 않은 앱입니다",
            text: "앱이 이 서버에 없거나 더 이상 없는 등록 정보를 사용하고 있습니다. 계정에는 문제가 없습니다.",
            steps: &[
                "앱에서 이 연결을 제거하세요.",
                "같은 주소로 다시 추가하세요. 그러면 앱이 새로 등록됩니다.",
                "그래도 안 되면 앱에 저장된 로그인 데이터를 지우고 다시 시도하세요.",
            ],
        },
        unusable_client: FaultText {
            title: "앱을 확인할 수 없습니다",
            text: "앱이 자신의 정보를 게시한 주소의 내용을 사용할 수 없습니다.",
            steps: &["잠시 후 다시 시도하세요.", "계속되면 위에 적힌 내용을 앱 제작자에게 알려 주세요."],
        },
        foreign_redirect: FaultText {
            title: "앱의 주소가 아닙니다",
            text: "앱이 등록하지 않은 주소로 응답을 요청했습니다. 로그인이 다른 사람에게 전달되지 않도록 여기서 멈춥니다.",
            steps: &[
                "직접 로그인을 시작하지 않았다면 이 페이지를 닫으세요.",
                "직접 시작했다면 앱에서 연결을 제거하고 다시 추가하세요.",
            ],
        },
        malformed: FaultText {
            title: "요청을 이해할 수 없습니다",
            text: "앱이 잘못된 요청을 보냈습니다.",
            steps: &["이 페이지를 닫으세요.", "앱으로 돌아가 다시 연결하세요."],
        },
        too_long: FaultText {
            title: "요청이 너무 깁니다",
            text: "앱이 로그인에 필요한 것보다 많은 데이터를 보냈습니다.",
            steps: &["이 페이지를 닫으세요.", "앱으로 돌아가 다시 연결하세요."],
        },
        expired: FaultText {
            title: "끝난 로그인입니다",
            text: "알 수 없거나 이미 끝났거나 10분이 지난 로그인입니다.",
            steps: &["이 페이지를 닫으세요.", "앱으로 돌아가 다시 연결하세요."],
        },
        other_browser: FaultText {
            title: "다른 곳에서 시작한 로그인입니다",
            text: "다른 브라우저에서 시작했거나 쿠키가 꺼져 있습니다. 안전을 위해 여기서 멈춥니다.",
            steps: &[
                "누군가 보낸 링크로 들어왔다면 이 페이지를 닫으세요.",
                "아니라면 이 사이트의 쿠키를 허용하고 앱으로 돌아가 다시 연결하세요.",
            ],
        },
        foreign_form: FaultText {
            title: "이곳에서 보낸 양식이 아닙니다",
            text: "이 페이지에서 내린 결정이 아니므로 반영하지 않았습니다. 바뀐 것은 없습니다.",
            steps: &["이 페이지를 닫으세요.", "돌아가서 다시 시도하세요."],
        },
        unavailable: FaultText {
            title: "지금은 로그인할 수 없습니다",
            text: "Microsoft 로그인이나 이 서버의 저장소에 연결할 수 없습니다. 잃은 것은 없으며 연결된 앱은 그대로입니다.",
            steps: &["잠시 후 이 페이지를 새로 고치세요.", "계속되면 관리자에게 알리세요."],
        },
        too_many: FaultText {
            title: "로그인 시도가 너무 많습니다",
            text: "짧은 시간에 이 네트워크에서 로그인이 너무 많이 시작되었습니다.",
            steps: &["잠시 기다린 후 다시 시도하세요."],
        },
        declined: FaultText {
            title: "Microsoft에서 거부했습니다",
            text: "Microsoft에서 로그인을 취소했으므로 앱에 권한을 주지 않았습니다.",
            steps: &["실수였다면 앱으로 돌아가 다시 연결하세요."],
        },
        consent_missing: FaultText {
            title: "Microsoft에서 동의가 필요합니다",
            text: "Microsoft에서 권한에 동의하지 않았으므로 앱에 권한을 주지 않았습니다.",
            steps: &["앱으로 돌아가 다시 연결하고 Microsoft가 보여 주는 권한을 수락하세요."],
        },
        step_missing: FaultText {
            title: "Microsoft에서 추가 단계를 요구합니다",
            text: "조직에서 2단계 인증이나 관리되는 기기 같은 추가 로그인 단계를 요구합니다.",
            steps: &[
                "앱으로 돌아가 다시 연결하세요. Microsoft가 단계를 안내합니다.",
                "이 기기나 장소가 거부되면 관리자에게 문의하세요.",
            ],
        },
        not_allowed: FaultText {
            title: "Microsoft에서 이 계정을 허용하지 않습니다",
            text: "계정이 차단되었거나 이 서버에 할당되지 않았거나 사용할 수 없는 조직의 계정입니다.",
            steps: &[
                "앱으로 돌아가 다시 연결하고 다른 계정을 선택하세요.",
                "맞는 계정이라면 관리자에게 할당을 요청하세요.",
            ],
        },
        not_admitted: FaultText {
            title: "이 서버를 사용할 수 없는 계정입니다",
            text: "Microsoft 로그인은 되었지만 이 서버의 운영자가 허용하지 않은 계정입니다.",
            steps: &[
                "앱으로 돌아가 다시 연결하고 회사 계정을 선택하세요.",
                "맞는 계정이라면 운영자에게 허용을 요청하세요.",
            ],
        },
        unverified: FaultText {
            title: "로그인을 확인할 수 없습니다",
            text: "Microsoft에서 온 응답이 검증을 통과하지 못했습니다. 권한을 주지 않았습니다.",
            steps: &["앱으로 돌아가 다시 연결하세요.", "다시 발생하면 관리자에게 알리세요."],
        },
        misconfigured: FaultText {
            title: "서버 설정이 올바르지 않습니다",
            text: "Microsoft가 이 서버의 등록 정보를 받아들이지 않습니다. 운영자만 고칠 수 있으며 기존 연결은 유지됩니다.",
            steps: &["시각과 이 페이지의 주소를 관리자에게 알리세요."],
        },
    },
    admin: AdminTexts {
        title: "먼저 관리자의 승인이 필요합니다",
        text: "조직에서 관리자만 다음 권한을 승인할 수 있습니다. 한 번 승인하면 모두가 사용할 수 있습니다.",
        permissions: "승인할 권한",
        message_title: "관리자에게 이 내용을 보내세요",
        message_hint: "메시지",
        message: |server, scopes, link| {
            format!(
                "안녕하세요.\n\nMicrosoft 365 계정으로 “Entrada” 앱({server})을 사용하려고 합니다. 다음 위임된 권한의 승인이 \
                 필요합니다.\n\n{scopes}\n\n관리자로 이 링크를 열고 수락해 주세요.\n{link}\n\n감사합니다."
            )
        },
        subject: "Entrada 승인 요청",
        mail: "이메일 쓰기",
        link: "승인 링크",
        i_am_admin: "저는 관리자입니다: 지금 승인",
        retry_title: "그사이에 승인되었나요?",
        retry: "다시 시도",
        granted_title: "조직에서 사용할 수 있도록 승인했습니다",
        granted: "이제 조직의 모든 사용자가 앱을 연결할 수 있습니다. 이 페이지를 닫아도 됩니다.",
    },
    account: AccountTexts {
        title: "연결된 앱",
        lead: "이 앱들은 이 서버를 통해 사용자를 대신해 작업합니다. 쓰지 않는 앱은 연결을 끊으세요. 즉시 적용됩니다.",
        signed_in_as: "로그인한 계정",
        sign_out: "로그아웃",
        signed_out_title: "로그아웃했습니다",
        signed_out: "이 페이지는 더 이상 사용자가 누구인지 알지 못합니다. 앱은 연결된 상태로 유지됩니다.",
        sign_in_again: "다시 로그인",
        none_title: "연결된 앱이 없습니다",
        none: "앱이 Microsoft 365를 사용하도록 허용하면 여기에 표시됩니다.",
        none_link: "앱을 연결하는 방법",
        connected: "연결한 때",
        last_used: "마지막 사용",
        key_bound: "토큰이 앱의 키에 묶여 있음",
        can: "할 수 있는 작업",
        revoke: "연결 끊기",
        revoke_label: |app, service| format!("{service}에서 {app} 연결 끊기"),
        revoke_all: "모든 앱 연결 끊기",
        revoke_all_hint: "모든 앱이 무엇이든 하려면 다시 허락을 받아야 합니다.",
        revoke_all_button: "예, 모두 끊습니다",
        revoked: "연결을 끊었습니다. 더 이상 접근할 수 없습니다.",
        failed_title: "바뀐 것이 없습니다",
        failed: "페이지가 오래되었거나 이 페이지에서 보낸 요청이 아닙니다. 다시 시도하세요.",
        moment: "%Y년 %-m월 %-d일 %H:%M UTC",
    },
    landing: LandingTexts {
        title: "내 Microsoft 365를 AI에서",
        lead: "AI 앱에 아래 주소를 추가하세요. 앱이 Microsoft 로그인을 요청하며, 무엇을 허용할지는 사용자가 정합니다.",
        account: "내 연결된 앱",
        services: "서비스",
        connect: "앱 연결하기",
        connect_hint: "예시는 첫 번째 서비스를 사용합니다. 다른 주소도 같은 방법으로 연결합니다.",
        hosted: "설정 → 커넥터 → 사용자 지정 커넥터 추가에서 주소를 붙여 넣으세요.",
        others: "다른 MCP 클라이언트",
        others_hint: "주소만 입력하면 로그인 방법은 스스로 찾습니다(MCP 2024-11-05부터 2026-07-28까지).",
        privacy_title: "지켜지는 것",
        privacy: &[
            "앱은 사용자가 볼 수 있고 허용한 것만 봅니다.",
            "Microsoft 토큰은 이 서버를 떠나지 않으며 암호화되어 저장됩니다.",
            "언제든지 앱의 연결을 끊을 수 있으며 즉시 적용됩니다.",
        ],
    },
};
