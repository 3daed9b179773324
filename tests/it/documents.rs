//! Documents of every kind in a user's OneDrive, read over MCP by the running binary: their text, or why there is none.

use super::support::cluster::Cluster;
use super::support::login::Client;
use super::support::mcp::Mcp;
use serde_json::{Value, json};
use std::io::{Cursor, Write};

const ALICE: &str = "alice@contoso.example";
const BOB: &str = "bob@contoso.example";

/// A zip of these entries.
pub(crate) fn zip(entries: &[(&str, &str)]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in entries {
        zip.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// An OLE container of these streams.
fn cfb(streams: &[(&str, &[u8])]) -> Vec<u8> {
    let mut file = cfb::CompoundFile::create(Cursor::new(Vec::new())).unwrap();
    for (path, bytes) in streams {
        if let Some((storage, _)) = path.rsplit_once('/').filter(|(storage, _)| !storage.is_empty()) {
            file.create_storage_all(storage).unwrap();
        }
        file.create_stream(path).unwrap().write_all(bytes).unwrap();
    }
    file.flush().unwrap();
    file.into_inner().into_inner()
}

fn wide(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// A Hangul document of one paragraph, with the flags of its header.
pub(crate) fn hwp(flags: u32, text: &str) -> Vec<u8> {
    let mut header = b"HWP Document File".to_vec();
    header.resize(36, 0);
    header.extend(flags.to_le_bytes());
    header.resize(256, 0);
    let text = wide(&format!("{text}\r"));
    let mut section = (0x42_u32 | 22 << 20).to_le_bytes().to_vec();
    section.extend([0; 22]);
    section.extend((0x43_u32 | 1 << 10 | u32::try_from(text.len()).unwrap() << 20).to_le_bytes());
    section.extend(text);
    cfb(&[("/FileHeader", &header), ("/DocInfo", b""), ("/BodyText/Section0", &section)])
}

async fn onedrive(cluster: &Cluster, user: &str) -> Mcp {
    let resource = format!("{}/onedrive/mcp", cluster.url);
    let client = Client::register(&cluster.url).await.for_resource(&resource);
    let mut mcp = Mcp::modern(&cluster.url, &client.sign_in(user).await.access);
    mcp.endpoint = resource;
    mcp
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_of_korean_offices_and_their_neighbours_are_read() {
    let cluster = Cluster::embedded().await;
    let alice = onedrive(&cluster, ALICE).await;
    let odt = "<o:d xmlns:o='o' xmlns:t='t'><t:p>열린 문서</t:p></o:d>";
    let hwpx = "<s:sec xmlns:s='s' xmlns:p='p'><p:p><p:run><p:t>한글 표준</p:t></p:run></p:p></s:sec>";
    let eml =
        "MIME-Version: 1.0\r\nSubject: =?EUC-KR?B?sdTAzA==?=\r\nFrom: eve@fabrikam.example\r\n\r\nhello";
    let (subject, body) = (wide("견적"), wide("본문"));
    let msg: [(&str, &[u8]); 3] = [
        ("/__properties_version1.0", &[0; 32]),
        ("/__substg1.0_0037001F", &subject),
        ("/__substg1.0_1000001F", &body),
    ];
    let files: [(&str, &str, Vec<u8>, &str); 7] = [
        ("a.hwp", "a.hwp", hwp(0, "한글 문서"), "한글 문서"),
        (
            "%EA%B3%84%EC%95%BD%20%231%20100%25%20'%F0%9F%9A%A2'.hwpx",
            "계약 #1 100% '🚢'.hwpx",
            zip(&[("mimetype", "application/hwp+zip"), ("Contents/section0.xml", hwpx)]),
            "한글 표준",
        ),
        (
            "b.odt",
            "b.odt",
            zip(&[("mimetype", "application/vnd.oasis.opendocument.text"), ("content.xml", odt)]),
            "열린 문서",
        ),
        ("c.rtf", "c.rtf", br"{\rtf1\ansi\ansicpg949 \'c7\'d1\'b1\'db\par}".to_vec(), "한글"),
        ("d.eml", "d.eml", eml.as_bytes().to_vec(), "Subject: 규이\nFrom: eve@fabrikam.example"),
        ("e.msg", "e.msg", cfb(&msg), "Subject: 견적\n\n본문"),
        ("f.txt", "f.txt", b"\xC7\xD1\xB1\xDB".to_vec(), "한글"),
    ];
    for (encoded, name, bytes, text) in files {
        cluster.tenant.put_file(ALICE, encoded, bytes).await;
        let found = alice.call("read_file", json!({"file_path": name})).await.output().clone();
        assert!(found["text"].as_str().is_some_and(|found| found.contains(text)), "{name}: {found}");
    }
    let bob = onedrive(&cluster, BOB).await;
    let refused = bob.call("read_file", json!({"file_path": "a.hwp"})).await.refusal();
    assert!(!refused.contains("한글"), "{refused}");
    cluster.assert_wire();
}

#[tokio::test(flavor = "multi_thread")]
async fn protected_and_hostile_documents_are_an_answer_and_harm_nobody() {
    let cluster = Cluster::embedded().await;
    let alice = onedrive(&cluster, ALICE).await;
    let read = async |name: &str, bytes: Vec<u8>| {
        cluster.tenant.put_file(ALICE, name, bytes).await;
        alice.call("read_file", json!({"file_path": name})).await
    };
    let why =
        async |name: &str, bytes: Vec<u8>| -> Value { read(name, bytes).await.output()["no_text"].clone() };
    assert_eq!(why("password.hwp", hwp(1 << 1, "SECRET")).await, "encrypted");
    assert_eq!(why("copy.hwp", hwp(1 << 2, "SECRET")).await, "unsupported");
    assert_eq!(why("old.doc", cfb(&[("/WordDocument", b"x")])).await, "unsupported");
    assert_eq!(why("locked.docx", cfb(&[("/EncryptedPackage", b"x")])).await, "encrypted");
    let deep = format!("{{\\rtf1 {}", "{".repeat(100_000)).into_bytes();
    assert!(read("deep.rtf", deep).await.refusal().contains("nested too deeply"));
    let spaces = " ".repeat(32 << 20);
    let bomb = zip(&[("mimetype", "application/vnd.oasis.opendocument.text"), ("content.xml", &spaces)]);
    assert!(read("bomb.odt", bomb).await.refusal().contains("refused"));
    assert!(read("half.hwp", hwp(1, "packed, it says")).await.refusal().contains("damaged"));
    // The server reads on.
    assert!(read("after.rtf", br"{\rtf1 fine}".to_vec()).await.output()["text"] == "fine");
}
