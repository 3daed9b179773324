//! Generated mail for load: 24 bytes each in the index, rebuilt whenever it is read.
use std::borrow::Cow;
use std::sync::OnceLock;

use chrono::{DateTime, Duration, Utc};

use super::Owner;
use super::files::FileKind;
use super::model::{Attachment, Body, Contact, Flag, Importance, Mail};
use super::rng::{Rng, mix};

/// One generated message.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct BulkMail {
    seed: u64,
    received: i64,
    folder: u16,
}

const EN_TOPICS: [&str; 12] = [
    "Weekly progress report",
    "Berth schedule",
    "Survey findings",
    "Invoice reminder",
    "Crew change",
    "Drawing revision",
    "Spare parts delivery",
    "Audit follow-up",
    "Fuel consumption",
    "Port call summary",
    "Training records",
    "Dry dock planning",
];
const KO_TOPICS: [&str; 12] = [
    "주간 업무 보고",
    "선석 일정 안내",
    "검사 결과 공유",
    "세금계산서 확인 요청",
    "선원 교대 계획",
    "도면 개정 안내",
    "예비품 납기 확인",
    "심사 후속 조치",
    "연료 소모량 보고",
    "입항 결과 요약",
    "교육 이수 현황",
    "건선거 계획 검토",
];
const SENDERS: [Contact; 8] = [
    Contact::fixed("Operations Desk", "ops@northsea-shipping.example"),
    Contact::fixed("Grace Holm", "grace.holm@northsea-shipping.example"),
    Contact::fixed("이수진", "sujin.lee@hanbit-marine.example"),
    Contact::fixed("Carol Chen", "carol@contoso.example"),
    Contact::fixed("Dave Okafor", "dave@contoso.example"),
    Contact::fixed("Build Robot", "robot@alerts.contoso.example"),
    Contact::fixed("Harbour Office", "office@harbour.example"),
    Contact::fixed("박정호", "jungho.park@hanbit-marine.example"),
];

/// `count` messages spread over the 18 months before `now`, most of them recent.
pub(super) fn generate(owner: &Owner, folders: &[usize], count: usize, now: DateTime<Utc>) -> Vec<BulkMail> {
    let mut rng = Rng::new(mix(super::rng::hash(owner.oid.as_bytes())));
    let span = Duration::days(540).num_minutes() as f64;
    (0..count)
        .map(|_| {
            let share = f64::from(rng.below(1_000_000)) / 1_000_000.0;
            let age = Duration::minutes((share * share * span) as i64 + 1);
            let folder = if rng.below(100) < 70 { folders.first() } else { rng.pick(folders) };
            BulkMail {
                seed: rng.next(),
                received: (now - age).timestamp(),
                folder: u16::try_from(folder.copied().unwrap_or(1)).unwrap_or(1),
            }
        })
        .collect()
}

impl BulkMail {
    /// When it came.
    pub(crate) fn received(self) -> DateTime<Utc> {
        DateTime::from_timestamp(self.received, 0).unwrap_or_default()
    }

    /// The folder it lies in.
    pub(crate) fn folder(self) -> usize {
        usize::from(self.folder)
    }

    /// 22 in 100 are unread.
    pub(crate) fn read(self) -> bool {
        self.seed % 100 >= 22
    }

    /// 18 in 100 carry a file.
    pub(crate) fn has_attachment(self) -> bool {
        (self.seed >> 8) % 100 < 18
    }

    /// The message itself.
    pub(crate) fn rebuild(self, owner: &Owner) -> Mail {
        let mut rng = Rng::new(self.seed);
        let (topic, number) = topic(&mut rng, owner.korean);
        let from = rng.pick(&SENDERS).cloned();
        let mut attachments = Vec::new();
        if self.has_attachment() {
            let name = format!("report-{number}.csv");
            attachments.push(Attachment::new(
                name,
                FileKind::Csv("day,value\r\n1,42\r\n2,43\r\n"),
                self.seed,
            ));
        }
        Mail {
            subject: Cow::Owned(format!("{topic} #{number}")),
            from,
            to: vec![owner.contact.clone()],
            cc: Vec::new(),
            bcc: Vec::new(),
            reply_to: Vec::new(),
            sent: self.received() - Duration::seconds(2),
            received: self.received(),
            folder: self.folder(),
            read: self.read(),
            draft: false,
            focused: rng.below(3) > 0,
            importance: if rng.below(20) == 0 { Importance::High } else { Importance::Normal },
            flag: Flag::None,
            categories: Vec::new(),
            conversation: mix(self.seed ^ 1),
            place: 0,
            message: self.seed,
            body: Body::Generated { seed: self.seed, korean: owner.korean },
            attachments,
            headers: Vec::new(),
            preview: OnceLock::new(),
            revision: 0,
            modified: None,
        }
    }
}

fn topic(rng: &mut Rng, korean: bool) -> (&'static str, u32) {
    let number = rng.below(90_000) + 10_000;
    (rng.pick(if korean { &KO_TOPICS } else { &EN_TOPICS }).copied().unwrap_or("Report"), number)
}

/// The body of a generated message: a few paragraphs around its topic.
pub(super) fn body(seed: u64, korean: bool) -> String {
    let en = [
        "The figures below were checked against the log and agree with it.",
        "Please confirm the date by the end of the week so that we can book the berth.",
        "Two items are still open and will be closed at the next survey.",
        "The attached list replaces the one of last month.",
    ];
    let ko = [
        "아래 수치는 기록과 대조하여 이상이 없음을 확인했습니다.",
        "선석 예약을 위해 이번 주까지 일정을 회신해 주시기 바랍니다.",
        "미결 사항 두 건은 다음 검사에서 종결할 예정입니다.",
        "첨부한 목록은 지난달 목록을 대체합니다.",
    ];
    let lines = if korean { &ko } else { &en };
    let mut rng = Rng::new(seed);
    let (topic, number) = topic(&mut rng, korean);
    let mut html = format!("<html><head></head><body><p>{topic} {number}</p>");
    for _ in 0..=rng.below(6) {
        html.push_str("<p>");
        html.push_str(rng.pick(lines).copied().unwrap_or_default());
        html.push_str("</p>");
    }
    html.push_str("</body></html>");
    html
}
