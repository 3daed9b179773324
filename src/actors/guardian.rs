//! Keeps actors alive. actix's own `Supervisor` dies with the actor on a panic, so the guardian holds a factory per
//! actor, notices a dead address, builds a fresh actor from the factory and swaps the address in the handle.

use super::ask::Handle;
use actix::{Actor, Addr, Arbiter, Context};
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

const POLL: Duration = Duration::from_millis(100);
const MAX_RESTARTS: usize = 5;
const WINDOW: Duration = Duration::from_mins(1);

/// What to do when an actor does not stay up.
pub(crate) type GiveUp = Arc<dyn Fn() + Send + Sync>;

/// Rebuilds a dead actor; false when it lives.
type Revive = Box<dyn Fn() -> bool + Send + Sync>;

struct Ward {
    name: &'static str,
    revive: Revive,
}

/// Watches the actors it started.
pub(crate) struct Guardian {
    wards: Vec<Ward>,
    arbiters: Arc<Mutex<Vec<Arbiter>>>,
    stop: CancellationToken,
    give_up: GiveUp,
}

impl Guardian {
    pub(crate) fn new(give_up: GiveUp) -> Self {
        Self { wards: Vec::new(), arbiters: Arc::default(), stop: CancellationToken::new(), give_up }
    }

    /// Starts an actor on an arbiter of its own and keeps it alive from then on.
    pub(crate) fn start<A, F>(
        &mut self,
        name: &'static str,
        limits: (usize, Duration),
        factory: F,
    ) -> Handle<A>
    where
        A: Actor<Context = Context<A>> + Send,
        F: Fn() -> A + Send + Sync + Clone + 'static,
    {
        let (permits, timeout) = limits;
        let start = start_on(self.arbiters.clone(), factory);
        let handle = Handle::new(start(), permits, timeout);
        let ward = handle.clone();
        let revive = Box::new(move || {
            if ward.is_alive() {
                return false;
            }
            ward.replace(start());
            true
        });
        self.wards.push(Ward { name, revive });
        handle
    }

    /// Begins watching; call once, after every actor was started.
    pub(crate) fn watch(&mut self) {
        let wards = std::mem::take(&mut self.wards);
        let (stop, give_up) = (self.stop.clone(), self.give_up.clone());
        actix_rt::spawn(async move {
            let mut restarts = VecDeque::new();
            loop {
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = tokio::time::sleep(POLL) => {}
                }
                for ward in &wards {
                    if (ward.revive)() {
                        tracing::error!(actor.name = ward.name, "actor died and was rebuilt");
                        restarts.push_back(Instant::now());
                    }
                }
                if too_many(&mut restarts, Instant::now()) {
                    tracing::error!("actors keep dying; giving up");
                    give_up();
                    return;
                }
            }
        });
    }

    /// Ends the watch and the arbiters with everything on them.
    pub(crate) fn stop(&self) {
        self.stop.cancel();
        for arbiter in self.arbiters.lock().drain(..) {
            arbiter.stop();
        }
    }
}

impl Drop for Guardian {
    fn drop(&mut self) {
        self.stop();
    }
}

fn start_on<A, F>(arbiters: Arc<Mutex<Vec<Arbiter>>>, factory: F) -> impl Fn() -> Addr<A> + Send + Sync
where
    A: Actor<Context = Context<A>> + Send,
    F: Fn() -> A + Send + Sync + Clone + 'static,
{
    move || {
        // A fresh arbiter each time: the old one may have gone down with its actor.
        let arbiter = Arbiter::new();
        let factory = factory.clone();
        let address = A::start_in_arbiter(&arbiter.handle(), move |_| factory());
        arbiters.lock().push(arbiter);
        address
    }
}

/// More restarts within the window than a transient fault explains.
fn too_many(restarts: &mut VecDeque<Instant>, now: Instant) -> bool {
    while restarts.front().is_some_and(|first| now.duration_since(*first) > WINDOW) {
        restarts.pop_front();
    }
    restarts.len() > MAX_RESTARTS
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix::{Handler, Message};
    use std::sync::atomic::{AtomicUsize, Ordering};

    struct Fragile;
    impl Actor for Fragile {
        type Context = Context<Self>;
    }

    #[derive(Message)]
    #[rtype(result = "u32")]
    struct Echo(u32);
    impl Handler<Echo> for Fragile {
        type Result = u32;
        fn handle(&mut self, message: Echo, _: &mut Context<Self>) -> u32 {
            assert!(message.0 != 0, "zero breaks this actor");
            message.0
        }
    }

    async fn until_answers(handle: &Handle<Fragile>) {
        while handle.ask(Echo(7)).await != Ok(7) {
            tokio::task::yield_now().await;
        }
    }

    #[actix_rt::test]
    async fn a_panicking_actor_is_rebuilt_behind_the_same_handle() {
        let mut guardian = Guardian::new(Arc::new(|| {}));
        let handle = guardian.start("fragile", (8, Duration::from_secs(5)), || Fragile);
        guardian.watch();
        assert_eq!(handle.ask(Echo(3)).await, Ok(3));
        assert!(handle.ask(Echo(0)).await.is_err());
        until_answers(&handle).await;
    }

    #[actix_rt::test]
    async fn an_actor_that_keeps_dying_makes_the_guardian_give_up() {
        let given_up = Arc::new(AtomicUsize::new(0));
        let seen = given_up.clone();
        let mut guardian = Guardian::new(Arc::new(move || {
            seen.fetch_add(1, Ordering::SeqCst);
        }));
        let handle = guardian.start("fragile", (8, Duration::from_secs(5)), || Fragile);
        guardian.watch();
        while given_up.load(Ordering::SeqCst) == 0 {
            let _ = handle.ask(Echo(0)).await;
            tokio::task::yield_now().await;
        }
    }
}
