//! Regular automatic mail: build results, digests, reminders; the bulk of what an inbox really holds.
use std::sync::OnceLock;

use chrono::{DateTime, Datelike, Duration, Utc};

use super::SeededMailbox;
use super::folders::{DELETED, INBOX, JUNK, named};
use super::model::{Body, Contact, Flag, Importance, Mail};
use super::rng::{hash, mix};

/// A sender that writes again and again.
struct Series {
    subject: &'static str,
    from: Contact,
    /// Folder by English or Korean name.
    folder: [&'static str; 2],
    /// Hours between two messages, and how many there are.
    every: i64,
    count: u32,
    html: &'static str,
    read_after: u32,
}

const ENGLISH: [Series; 6] = [
    Series {
        subject: "[alerts] Nightly build {n} finished",
        from: Contact::fixed("Build Robot", "robot@alerts.contoso.example"),
        folder: ["Alerts", "알림"],
        every: 26,
        count: 9,
        html: "<p>Build <b>{n}</b> finished with 0 errors and 3 warnings.</p><p>Duration 14 min. Artifacts \
            are kept for 30 days.</p>",
        read_after: 2,
    },
    Series {
        subject: "Weekly digest: maritime news {n}",
        from: Contact::fixed("Maritime Weekly", "digest@maritime-weekly.example"),
        folder: ["Newsletters", "뉴스레터"],
        every: 168,
        count: 6,
        html: "<h1>Maritime Weekly {n}</h1><p>Freight rates rose for the third week. Two new dual-fuel \
            carriers were named in Ulsan.</p><p><a \
            href=\"https://maritime-weekly.example/u?id={n}\">Unsubscribe</a></p>",
        read_after: 3,
    },
    Series {
        subject: "Reminder: submit your timesheet (week {n})",
        from: Contact::fixed("People & Culture", "people@contoso.example"),
        folder: ["HR", "알림"],
        every: 168,
        count: 6,
        html: "<p>Your timesheet of week {n} is still open.</p><p>Please submit it by Friday 17:00.</p>",
        read_after: 1,
    },
    Series {
        subject: "Meeting room 4.12 booked (#{n})",
        from: Contact::fixed("Room Desk", "rooms@contoso.example"),
        folder: ["Inbox", "받은 편지함"],
        every: 75,
        count: 6,
        html: "<p>Your booking #{n} of room 4.12 is confirmed. Cancel at least two hours before.</p>",
        read_after: 0,
    },
    Series {
        subject: "Invoice {n} is due",
        from: Contact::fixed("Finance Team", "finance@contoso.example"),
        folder: ["Invoices", "알림"],
        every: 140,
        count: 6,
        html: "<table><tr><td>Invoice</td><td>{n}</td></tr><tr><td>Amount</td><td>EUR \
            4,210.00</td></tr></table><p>Due within 14 days.</p>",
        read_after: 2,
    },
    Series {
        subject: "You have won parcel {n}!!!",
        from: Contact::fixed("Parcel Centre", "win@parcel-centre.invalid"),
        folder: ["", ""],
        every: 200,
        count: 3,
        html: "<p>Claim parcel {n} now. Limited time.</p>",
        read_after: 9,
    },
];
const KOREAN: [Series; 6] = [
    Series {
        subject: "[알림] 야간 배치 {n}번 작업이 완료되었습니다",
        from: Contact::fixed("시스템 알림", "noreply@alerts.contoso.example"),
        folder: ["Alerts", "알림"],
        every: 26,
        count: 9,
        html: "<p>배치 작업 <b>{n}</b>번이 오류 없이 완료되었습니다.</p><p>소요 시간은 14분입니다.</p>",
        read_after: 2,
    },
    Series {
        subject: "주간 해운 소식 {n}호",
        from: Contact::fixed("해운주간", "digest@haeun-weekly.example"),
        folder: ["Newsletters", "뉴스레터"],
        every: 168,
        count: 6,
        html: "<h1>해운주간 {n}호</h1><p>운임 지수가 3주 연속 상승했습니다. 울산에서 이중연료 운반선 두 척이 명명되었습니다.</p>",
        read_after: 3,
    },
    Series {
        subject: "{n}주차 근태 입력 안내",
        from: Contact::fixed("인사팀", "hr-kr@contoso.example"),
        folder: ["HR", "알림"],
        every: 168,
        count: 6,
        html: "<p>{n}주차 근태가 아직 입력되지 않았습니다.</p><p>금요일 오후 5시까지 입력해 주시기 바랍니다.</p>",
        read_after: 1,
    },
    Series {
        subject: "회의실 4층 대회의실 예약 확인 (#{n})",
        from: Contact::fixed("총무팀", "ga-kr@contoso.example"),
        folder: ["Inbox", "받은 편지함"],
        every: 75,
        count: 6,
        html: "<p>예약 번호 {n}번으로 대회의실이 예약되었습니다. 취소는 두 시간 전까지 가능합니다.</p>",
        read_after: 0,
    },
    Series {
        subject: "전자세금계산서 {n} 발행 안내",
        from: Contact::fixed("재무팀", "finance-kr@contoso.example"),
        folder: ["Invoices", "알림"],
        every: 140,
        count: 6,
        html: "<p>전자세금계산서 {n}번이 발행되었습니다. 공급가액은 ₩4,210,000입니다.</p>",
        read_after: 2,
    },
    Series {
        subject: "(광고) 택배 {n} 당첨을 축하합니다!!!",
        from: Contact::fixed("택배센터", "win@parcel-centre.invalid"),
        folder: ["", ""],
        every: 200,
        count: 3,
        html: "<p>지금 바로 택배 {n}을 수령하세요.</p>",
        read_after: 9,
    },
];

/// Adds them to a mailbox.
pub(super) fn add(mailbox: &mut SeededMailbox, now: DateTime<Utc>) {
    let series = if mailbox.owner.korean { &KOREAN } else { &ENGLISH };
    for one in series {
        for turn in 0..one.count {
            let mail = one.mail(mailbox, turn, now);
            mailbox.written.push(mail);
        }
    }
}

impl Series {
    fn mail(&self, mailbox: &SeededMailbox, turn: u32, now: DateTime<Utc>) -> Mail {
        let start = hash(self.subject.as_bytes()) ^ hash(mailbox.owner.oid.as_bytes());
        let hours = self.every * i64::from(turn) + 1 + (start % 20) as i64;
        let at = now - Duration::hours(hours) - Duration::minutes((start % 53) as i64);
        let number = if self.every == 168 { at.iso_week().week() } else { 4100 - turn };
        let number = number.to_string();
        let body = format!("<html><head></head><body>{}</body></html>", self.html.replace("{n}", &number));
        let [english, korean] = self.folder;
        let folder = match if mailbox.owner.korean { korean } else { english } {
            "" => JUNK,
            _ if turn + 1 == self.count && self.every < 100 => DELETED,
            name => named(&mailbox.folders, name),
        };
        Mail {
            subject: self.subject.replace("{n}", &number).into(),
            from: Some(self.from.clone()),
            to: vec![mailbox.owner.contact.clone()],
            cc: Vec::new(),
            bcc: Vec::new(),
            reply_to: Vec::new(),
            sent: at,
            received: at + Duration::seconds(3),
            folder,
            read: turn >= self.read_after,
            draft: false,
            focused: folder == INBOX,
            importance: if folder == JUNK { Importance::Low } else { Importance::Normal },
            flag: Flag::None,
            categories: Vec::new(),
            conversation: mix(start ^ (u64::from(turn) + 77)),
            place: 0,
            message: mix(start ^ (u64::from(turn) + 7700)),
            body: Body::Html { full: body.clone(), unique: body },
            attachments: Vec::new(),
            headers: vec![("List-Unsubscribe", "<mailto:unsubscribe@contoso.example>".to_owned())],
            preview: OnceLock::new(),
            revision: 0,
            modified: None,
        }
    }
}
