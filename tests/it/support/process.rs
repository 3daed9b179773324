//! Children: the product's own binary and `redis-server`, ended by process id and never left behind.

use super::http::GUARD;
use rustix::process::{self, Signal};
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// A running child whose output is read as it comes.
pub(crate) struct Process {
    name: String,
    child: Child,
    lines: Receiver<String>,
    printed: Vec<String>,
    stderr: Arc<Mutex<String>>,
    log_reader: Option<JoinHandle<()>>,
}

impl Process {
    /// Starts `entrada` with nothing of this process's environment but `PATH` and `HOME`.
    pub(crate) fn entrada(args: &[&str], settings: &[(String, String)]) -> Self {
        Self::entrada_after("", args, settings)
    }

    /// The same behind commands of a shell, which becomes the server.
    pub(crate) fn entrada_after(prelude: &str, args: &[&str], settings: &[(String, String)]) -> Self {
        let binary = binary();
        let mut command = if prelude.is_empty() {
            Command::new(binary)
        } else {
            let mut shell = Command::new("sh");
            shell.args(["-c", &format!("{prelude}; exec \"$0\" \"$@\""), &binary]);
            shell
        };
        command.args(args).env_clear().env("RUST_BACKTRACE", "1");
        for (name, value) in std::env::vars().filter(|(name, _)| name == "PATH" || name == "HOME") {
            command.env(name, value);
        }
        command.envs(settings.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        Self::start(&format!("entrada {}", args.join(" ")), command)
    }

    /// Starts any command.
    pub(crate) fn start(name: &str, mut command: Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {name}: {error}"));
        let (sender, lines) = channel();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                // Reading goes on when nobody listens: a full pipe would stop the child.
                let _ = sender.send(line);
            }
        });
        let stderr = Arc::new(Mutex::new(String::new()));
        let sink = Arc::clone(&stderr);
        let mut source = child.stderr.take().unwrap();
        let log_reader = std::thread::spawn(move || {
            let mut chunk = [0; 4096];
            while let Ok(count @ 1..) = source.read(&mut chunk) {
                sink.lock().unwrap().push_str(&String::from_utf8_lossy(&chunk[..count]));
            }
        });
        let log_reader = Some(log_reader);
        Self { name: name.to_owned(), child, lines, printed: Vec::new(), stderr, log_reader }
    }

    /// What follows `prefix` on the first line that starts with it, up to the next blank.
    pub(crate) fn wait_for(&mut self, prefix: &str) -> String {
        let known = |lines: &[String]| {
            let line = lines.iter().find_map(|line| line.trim().strip_prefix(prefix))?;
            Some(line.split_whitespace().next().unwrap_or_default().to_owned())
        };
        if let Some(found) = known(&self.printed) {
            return found;
        }
        let deadline = Instant::now() + GUARD;
        loop {
            match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => {
                    self.printed.push(line);
                    if let Some(found) = known(&self.printed[self.printed.len() - 1..]) {
                        return found;
                    }
                }
                Err(reason) => self.give_up(prefix, reason),
            }
        }
    }

    /// Waits for a line that contains `text`; false when the process ends first.
    pub(crate) fn wait_for_line(&mut self, text: &str) -> bool {
        let deadline = Instant::now() + GUARD;
        while let Ok(line) = self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            let found = line.contains(text);
            self.printed.push(line);
            if found {
                return true;
            }
        }
        false
    }

    fn give_up(&mut self, prefix: &str, reason: RecvTimeoutError) -> ! {
        panic!(
            "`{}` never printed `{prefix}` ({reason}); exit: {:?}\nstdout:\n{}\nstderr:\n{}",
            self.name,
            self.child.try_wait(),
            self.printed.join("\n"),
            self.stderr()
        )
    }

    /// Everything logged so far.
    pub(crate) fn stderr(&self) -> String {
        self.stderr.lock().unwrap().clone()
    }

    /// Everything printed to stdout by a process that has ended.
    pub(crate) fn stdout_at_end(&mut self) -> String {
        // The channel closes when the reader has seen the end of the pipe.
        self.printed.extend(self.lines.iter());
        self.printed.join("\n")
    }

    /// Everything logged by a process that has ended.
    pub(crate) fn stderr_at_end(&mut self) -> String {
        if let Some(reader) = self.log_reader.take() {
            reader.join().unwrap();
        }
        self.stderr()
    }

    /// Process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether the process still runs.
    pub(crate) fn is_alive(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// `SIGTERM`.
    pub(crate) fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// `SIGSTOP`.
    pub(crate) fn pause(&self) {
        self.signal(Signal::STOP);
    }

    /// `SIGCONT`.
    pub(crate) fn go_on(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        process::kill_process(process::Pid::from_child(&self.child), signal).unwrap();
    }

    /// From here on no file may grow beyond so many bytes; none: without bound. The process must ignore `SIGXFSZ`.
    pub(crate) fn limit_files(&self, bytes: Option<u64>) {
        let limit = process::Rlimit { current: bytes, maximum: None };
        process::prlimit(Some(process::Pid::from_child(&self.child)), process::Resource::Fsize, limit)
            .unwrap();
    }

    /// `SIGKILL`, and waits until the process is gone.
    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Waits for the process to end by itself.
    pub(crate) fn wait_exit(&mut self) -> ExitStatus {
        let deadline = Instant::now() + GUARD;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("`{}` does not end\nstderr:\n{}", self.name, self.stderr())
    }
}

/// The product's own binary, or another build of it that the environment names.
fn binary() -> String {
    let named = std::env::vars().find(|(name, _)| name == "ENTRADA_BIN");
    named.map_or_else(|| env!("CARGO_BIN_EXE_entrada").to_owned(), |(_, path)| path)
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            let log = self.stderr();
            let start = log.len().saturating_sub(6000);
            let tail = log.get(log.ceil_char_boundary(start)..).unwrap_or_default();
            println!("--- end of the log of `{}` ({}) ---\n{tail}", self.name, self.id());
        }
    }
}
