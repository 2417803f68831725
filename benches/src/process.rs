//! A server as a process of its own, and what it takes of the machine.

use std::{
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, bail};

/// A server that runs; killed when dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
    /// From the start of the process until it said that it is ready.
    pub(crate) ready_after: Duration,
}

impl Server {
    /// Starts it, and waits until `GET /readyz` is answered with 200.
    pub(crate) fn start(command: Command, address: SocketAddr) -> anyhow::Result<Self> {
        Self::start_within(command, address, Duration::from_secs(30))
    }

    /// The same for one that may take longer.
    pub(crate) fn start_within(
        mut command: Command,
        address: SocketAddr,
        longest: Duration,
    ) -> anyhow::Result<Self> {
        let begun = Instant::now();
        let child =
            command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().context("a server does not start")?;
        let mut server = Self { child, address, ready_after: Duration::ZERO };
        while !is_ready(address) {
            if begun.elapsed() > longest || server.child.try_wait()?.is_some() {
                bail!("{command:?} did not become ready");
            }
            std::thread::sleep(Duration::from_micros(500));
        }
        server.ready_after = begun.elapsed();
        Ok(server)
    }

    /// One that runs and listens already.
    pub(crate) fn adopt(child: Child, address: SocketAddr) -> Self {
        Self { child, address, ready_after: Duration::ZERO }
    }

    /// A field of its `/proc/…/status` in KiB, such as `VmRSS`.
    pub(crate) fn memory(&self, field: &str) -> anyhow::Result<u64> {
        memory_of(&self.child.id().to_string(), field)
    }

    /// Asks it to end, and waits until it has.
    pub(crate) fn stop(mut self) -> anyhow::Result<()> {
        Command::new("kill").arg(self.child.id().to_string()).status()?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A field of a process's `/proc/…/status` in KiB.
pub(crate) fn memory_of(process: &str, field: &str) -> anyhow::Result<u64> {
    let path = Path::new("/proc").join(process).join("status");
    let status =
        std::fs::read_to_string(&path).with_context(|| format!("{} cannot be read", path.display()))?;
    let line = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    let number = line.and_then(|line| line.split_whitespace().next()).context("no such field")?;
    Ok(number.parse()?)
}

/// An address on this machine that nobody listens on.
pub(crate) fn free_address() -> anyhow::Result<SocketAddr> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

fn is_ready(address: SocketAddr) -> bool {
    use std::io::{Read, Write};
    let ask = || -> std::io::Result<[u8; 12]> {
        let mut stream = std::net::TcpStream::connect_timeout(&address, Duration::from_millis(200))?;
        stream.set_read_timeout(Some(Duration::from_millis(500)))?;
        stream.write_all(b"GET /readyz HTTP/1.1\r\nhost: bench\r\nconnection: close\r\n\r\n")?;
        let mut head = [0; 12];
        stream.read_exact(&mut head)?;
        Ok(head)
    };
    ask().is_ok_and(|head| head.ends_with(b"200"))
}
