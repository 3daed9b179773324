//! The network between a replica and its store: a TCP relay that can be slow, silent, or cut.

use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What the line does to what passes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Weather {
    /// Each piece comes so much later.
    delay: Duration,
    /// Nothing passes, and nobody is told; what was sent meanwhile comes afterwards.
    is_silent: bool,
    /// Connections of an earlier number have ended.
    cuts: u64,
}

/// A relay from a port of its own to another one on this machine.
pub(crate) struct Line {
    port: u16,
    weather: Arc<watch::Sender<Weather>>,
    accepting: JoinHandle<()>,
}

impl Line {
    /// Leads to `port`.
    pub(crate) async fn to(port: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let own = listener.local_addr().unwrap().port();
        let weather = Arc::new(watch::Sender::new(Weather::default()));
        let of_all = Arc::clone(&weather);
        let accepting = tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                // Whoever is not there answers nothing: the caller's connection ends.
                let Ok(far) = TcpStream::connect(("127.0.0.1", port)).await else { continue };
                relay(near, far, &of_all);
            }
        });
        Self { port: own, weather, accepting }
    }

    /// Store setting that leads here, for Redis.
    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/0", self.port)
    }

    /// Everything comes later, either way.
    pub(crate) fn slow(&self, delay: Duration) {
        self.weather.send_modify(|weather| weather.delay = delay);
    }

    /// Nothing comes, and no connection ends (half open).
    pub(crate) fn silence(&self, is_silent: bool) {
        self.weather.send_modify(|weather| weather.is_silent = is_silent);
    }

    /// Every connection ends, in the middle of whatever it was at.
    pub(crate) fn cut(&self) {
        self.weather.send_modify(|weather| weather.cuts += 1);
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.accepting.abort();
        self.cut();
    }
}

fn relay(near: TcpStream, far: TcpStream, weather: &Arc<watch::Sender<Weather>>) {
    let (near_read, near_write) = near.into_split();
    let (far_read, far_write) = far.into_split();
    for (from, to) in [(near_read, far_write), (far_read, near_write)] {
        tokio::spawn(pass(from, to, weather.subscribe()));
    }
}

/// One direction, until it ends or is cut; then the other side hears of it.
async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut weather: watch::Receiver<Weather>) {
    let born = weather.borrow().cuts;
    let mut cut = weather.clone();
    let moving = async {
        let mut piece = vec![0; 64 * 1024];
        while let Ok(length @ 1..) = from.read(&mut piece).await {
            let delay = weather.borrow().delay;
            if !delay.is_zero() {
                tokio::time::sleep(delay).await;
            }
            if weather.wait_for(|weather| !weather.is_silent).await.is_err()
                || to.write_all(&piece[..length]).await.is_err()
            {
                break;
            }
        }
    };
    tokio::select! {
        () = moving => {}
        _ = cut.wait_for(|weather| weather.cuts > born) => {}
    }
}
