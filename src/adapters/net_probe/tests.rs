use super::*;
use std::io::{Read, Write};
use std::net::TcpListener;

const LIMIT: Duration = Duration::from_secs(5);

fn open(ranges: &[&str]) -> NetProbe {
    NetProbe::new(Policy { allowed: ranges.iter().map(|range| range.parse().unwrap()).collect() })
}

/// A server that gives every connection the next of these answers, and its port.
fn server(answers: Vec<String>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for answer in answers {
            let (mut socket, _) = listener.accept().unwrap();
            let mut request = [0; 4096];
            let _ = socket.read(&mut request);
            let _ = socket.write_all(answer.as_bytes());
        }
    });
    port
}

fn page(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

fn url(text: &str) -> Url {
    Url::parse(text).unwrap()
}

#[tokio::test]
async fn addresses_of_the_inside_are_refused_in_every_spelling() {
    let probe = open(&[]);
    for host in [
        "127.0.0.1",
        "0x7f.1",
        "2130706433",
        "10.0.0.1",
        "169.254.169.254",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[fd00::1]",
        "localhost",
    ] {
        let host = Host::parse(host).unwrap();
        assert_eq!(probe.resolve(&host).await, Err(ProbeError::Forbidden), "{host}");
    }
    let inside: IpAddr = "127.0.0.1".parse().unwrap();
    assert_eq!(probe.echo(inside, 1, LIMIT).await, Err(ProbeError::Forbidden));
    assert_eq!(probe.is_open((inside, 80).into(), LIMIT).await, Err(ProbeError::Forbidden));
    let refused = probe.get(&url("http://127.0.0.1/"), &[80], 100, LIMIT).await;
    assert_eq!(refused, Err(ProbeError::Forbidden));
    let nowhere = Host::parse("no-such-host.invalid").unwrap();
    assert_eq!(probe.resolve(&nowhere).await, Err(ProbeError::NoSuchHost));
}

#[tokio::test]
async fn a_page_is_read_up_to_its_bound_and_redirects_are_checked_anew() {
    let probe = open(&["127.0.0.0/8"]);
    let to = |target: &str| format!("HTTP/1.1 302 Found\r\nLocation: {target}\r\nContent-Length: 0\r\n\r\n");
    let last = server(vec![page("0123456789"), page("0123456789")]);
    let first = server(vec![
        to(&format!("http://127.0.0.1:{last}/there?x=1")),
        to("http://10.0.0.1/"),
        to("http://127.0.0.1:1/"),
        to("file:///etc/passwd"),
    ]);
    let ports = [first, last];
    let start = url(&format!("http://127.0.0.1:{first}/"));
    let found = probe.get(&start, &ports, 4, LIMIT).await.unwrap();
    assert_eq!((found.status, found.body.as_slice(), found.truncated), (200, &b"0123"[..], true));
    assert_eq!(found.url.as_str(), format!("http://127.0.0.1:{last}/there?x=1"));
    let whole = probe.get(&url(&format!("http://127.0.0.1:{last}/")), &ports, 10, LIMIT).await.unwrap();
    assert_eq!((whole.body.len(), whole.truncated), (10, false));
    for refused in ["a private address", "another port", "another scheme"] {
        let answer = probe.get(&start, &ports, 4, LIMIT).await;
        assert_eq!(answer, Err(ProbeError::Forbidden), "{refused}");
    }
}

#[tokio::test]
async fn ports_and_echoes_of_a_living_host_are_told() {
    let probe = open(&["127.0.0.0/8"]);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let socket = listener.local_addr().unwrap();
    assert_eq!(probe.is_open(socket, LIMIT).await, Ok(true));
    drop(listener);
    assert_eq!(probe.is_open(socket, LIMIT).await, Ok(false));
    let echoes = probe.echo(socket.ip(), 2, LIMIT).await.unwrap();
    assert!(echoes.times.len() == 2 && echoes.times.iter().all(Option::is_some), "{echoes:?}");
}
