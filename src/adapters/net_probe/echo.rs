//! Echoes: ICMP where the system lets an ordinary process ask (`net.ipv4.ping_group_range`), else TCP.

use crate::ports::probe::{EchoBy, Echoes};
use std::io::ErrorKind;
use std::net::IpAddr;
use std::time::{Duration, Instant};
use surge_ping::{Client, Config, ICMP, PingIdentifier, PingSequence};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Between two echoes, as `ping` waits at least for users.
const PAUSE: Duration = Duration::from_millis(200);
/// As much as `ping` sends.
const PAYLOAD: [u8; 56] = [0; 56];
/// Where something usually listens, for systems without ICMP.
const PORTS: [u16; 2] = [443, 80];

pub(super) async fn ask(address: IpAddr, count: u16, limit: Duration) -> Echoes {
    let kind = if address.is_ipv4() { ICMP::V4 } else { ICMP::V6 };
    match Client::new(&Config::builder().kind(kind).build()) {
        Ok(client) => by_icmp(&client, address, count, limit).await,
        Err(error) => {
            tracing::debug!(%error, "no ICMP for this process: TCP instead");
            by_tcp(address, count, limit).await
        }
    }
}

async fn by_icmp(client: &Client, address: IpAddr, count: u16, limit: Duration) -> Echoes {
    let mut pinger = client.pinger(address, PingIdentifier(std::process::id() as u16)).await;
    pinger.timeout(limit);
    let mut times = Vec::new();
    for sequence in 0..count {
        if sequence > 0 {
            tokio::time::sleep(PAUSE).await;
        }
        times.push(pinger.ping(PingSequence(sequence), &PAYLOAD).await.ok().map(|(_, time)| time));
    }
    Echoes { by: EchoBy::Icmp, times }
}

async fn by_tcp(address: IpAddr, count: u16, limit: Duration) -> Echoes {
    let [usual, other] = PORTS;
    // A port at which nothing answers is a filter as often as a dead host: the next one.
    let (port, first) = match knock(address, usual, limit).await {
        Some(time) => (usual, Some(time)),
        None => (other, knock(address, other, limit).await),
    };
    let mut times = vec![first];
    while times.len() < usize::from(count) {
        tokio::time::sleep(PAUSE).await;
        times.push(knock(address, port, limit).await);
    }
    Echoes { by: EchoBy::Tcp(port), times }
}

/// Time to an accepted or refused connection: either way somebody is there.
async fn knock(address: IpAddr, port: u16, limit: Duration) -> Option<Duration> {
    let started = Instant::now();
    match timeout(limit, TcpStream::connect((address, port))).await {
        Ok(Ok(_)) => Some(started.elapsed()),
        Ok(Err(error)) if error.kind() == ErrorKind::ConnectionRefused => Some(started.elapsed()),
        Ok(Err(_)) | Err(_) => None,
    }
}
