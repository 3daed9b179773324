use super::*;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::net::TcpListener;

fn answering(addresses: &[&str]) -> (PublicHttp, Arc<AtomicUsize>) {
    let addresses: Vec<IpAddr> = addresses.iter().map(|one| one.parse().unwrap()).collect();
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let lookup: Lookup = Arc::new(move |_| {
        count.fetch_add(1, Ordering::SeqCst);
        let addresses = addresses.clone();
        Box::pin(async move { Ok(addresses) })
    });
    (PublicHttp::with_lookup(Stand::default(), lookup).unwrap(), asked)
}

async fn fetch(http: &PublicHttp, url: &str) -> Result<Document, FetchError> {
    http.fetch(&Url::parse(url).unwrap(), 5 * 1024).await
}

#[tokio::test]
async fn nothing_that_is_not_public_is_ever_dialled() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    for addresses in
        [&["127.0.0.1"][..], &["10.0.0.1"], &["::ffff:127.0.0.1"], &["1.1.1.1", "127.0.0.1"], &["fd00::1"]]
    {
        let (http, asked) = answering(addresses);
        let answer = fetch(&http, &format!("https://app.example:{port}/c")).await;
        assert_eq!(answer, Err(FetchError::Forbidden), "{addresses:?}");
        assert_eq!(asked.load(Ordering::SeqCst), 1, "a name is resolved once");
    }
    let (http, asked) = answering(&["1.1.1.1"]);
    for host in [
        "127.0.0.1",
        "2130706433",
        "0177.0.0.1",
        "0x7f.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[64:ff9b::7f00:1]",
    ] {
        let answer = fetch(&http, &format!("https://{host}:{port}/c")).await;
        assert_eq!(answer, Err(FetchError::Forbidden), "{host}");
    }
    assert_eq!(fetch(&http, &format!("http://app.example:{port}/c")).await, Err(FetchError::Forbidden));
    assert_eq!(asked.load(Ordering::SeqCst), 0);
    let dialled = tokio::select! {
        biased;
        connection = listener.accept() => connection.is_ok(),
        () = std::future::ready(()) => false,
    };
    assert!(!dialled, "somebody connected");
}

#[test]
fn indisposed_hosts_are_told_from_wrong_answers() {
    let head = |pairs: &[(&'static str, &'static str)]| {
        let pair = |&(name, value): &(&'static str, &'static str)| {
            (name.parse::<reqwest::header::HeaderName>().unwrap(), value.parse().unwrap())
        };
        pairs.iter().map(pair).collect::<HeaderMap>()
    };
    let json = head(&[("content-type", "application/json; charset=utf-8")]);
    assert_eq!(check_head(StatusCode::OK, &json), Ok(()));
    assert_eq!(check_head(StatusCode::OK, &head(&[("content-type", "application/x+json")])), Ok(()));
    let challenge = head(&[("content-type", "text/html"), ("cf-mitigated", "challenge")]);
    for (status, headers) in [(503, &json), (429, &json), (403, &challenge)] {
        let answer = check_head(StatusCode::from_u16(status).unwrap(), headers);
        assert!(matches!(answer, Err(FetchError::Unreachable(_))), "{status}");
    }
    let zipped = head(&[("content-type", "application/json"), ("content-encoding", "gzip")]);
    let html = head(&[("content-type", "text/html")]);
    for (status, headers) in
        [(404, &json), (410, &json), (403, &json), (302, &json), (200, &zipped), (200, &html)]
    {
        let answer = check_head(StatusCode::from_u16(status).unwrap(), headers);
        assert!(matches!(answer, Err(FetchError::Refused(_))), "{status}");
    }
}

#[test]
fn cache_control_is_read() {
    let age = |text: &'static str| {
        max_age(&HeaderMap::from_iter([(CACHE_CONTROL, text.parse().unwrap())])).map(|age| age.as_secs())
    };
    assert_eq!(age("public, max-age=300"), Some(300));
    assert_eq!(age("max-age=10, no-store"), Some(0));
    assert_eq!(age("public"), None);
    assert_eq!(max_age(&HeaderMap::new()), None);
}
