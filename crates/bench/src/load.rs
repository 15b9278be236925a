//! Load over HTTP/1.1 on connections that stay open: raw bytes, one thread, no client library, so that the generator
//! leaves the cores to the server.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde::de::DeserializeOwned;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::process;
use crate::server::Server;

/// Requests as they go over the wire, taken in turn: none is sent twice before all were sent.
#[derive(Debug, Clone)]
pub struct Requests(Arc<Vec<Vec<u8>>>);

impl Requests {
    /// `GET path`, without a token.
    pub fn get(path: &str) -> Self {
        Self::of(vec![
            format!("GET {path} HTTP/1.1\r\nhost: rota\r\n\r\n").into_bytes(),
        ])
    }

    /// `POST path` with each of these JSON bodies.
    pub fn post(path: &str, token: &str, bodies: &[String]) -> Self {
        Self::of(bodies.iter().map(|body| post(path, token, body)).collect())
    }

    fn of(requests: Vec<Vec<u8>>) -> Self {
        Self(Arc::new(requests))
    }
}

/// One request as it goes over the wire.
pub fn post(path: &str, token: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nhost: rota\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

/// `GET` with a token, as it goes over the wire.
fn get(path: &str, token: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nhost: rota\r\nauthorization: Bearer {token}\r\n\r\n").into_bytes()
}

/// So many clients for so long.
#[derive(Debug, Clone)]
pub struct Load {
    pub requests: Requests,
    pub clients: usize,
    pub lasts: Duration,
    /// Requests a second over all clients; none: each sends as soon as it was answered.
    pub rate: Option<f64>,
}

/// What came of it.
#[derive(Debug, Clone, Default)]
pub struct Run {
    /// One for each request that was answered with success.
    pub latencies: Vec<Duration>,
    pub elapsed: Duration,
    /// Of the server's process, in user mode and in the kernel.
    pub cpu: Duration,
}

impl Run {
    pub fn per_second(&self) -> f64 {
        self.latencies.len() as f64 / self.elapsed.as_secs_f64()
    }

    pub fn cpu_micros(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / self.latencies.len().max(1) as f64
    }
}

/// Drives the server and measures the processor time it took.
pub async fn drive(server: &Server, load: Load) -> Result<Run> {
    let address = server.address();
    let pid = server.pid()?;
    let thread = move || -> Result<Run> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        runtime.block_on(run(&address, &load, pid))
    };
    tokio::task::spawn_blocking(thread).await?
}

async fn run(address: &str, load: &Load, pid: u32) -> Result<Run> {
    let mut connections = Vec::with_capacity(load.clients);
    for _ in 0..load.clients {
        connections.push(Connection::open(address).await?);
    }
    let cpu = process::cpu_time(pid)?;
    let began = Instant::now();
    let mut clients: JoinSet<Result<Vec<Duration>>> = JoinSet::new();
    for (number, connection) in connections.into_iter().enumerate() {
        clients.spawn(client(connection, number, load.clone(), began));
    }
    let mut latencies = Vec::new();
    while let Some(client) = clients.join_next().await {
        latencies.extend(client??);
    }
    Ok(Run {
        latencies,
        elapsed: began.elapsed(),
        cpu: process::cpu_time(pid)?.saturating_sub(cpu),
    })
}

async fn client(
    mut connection: Connection,
    number: usize,
    load: Load,
    began: Instant,
) -> Result<Vec<Duration>> {
    let requests = &load.requests.0;
    let mut latencies = Vec::with_capacity(4_096);
    for turn in 0_usize.. {
        let place = turn * load.clients + number;
        if let Some(rate) = load.rate {
            tokio::time::sleep_until(began + Duration::from_secs_f64(place as f64 / rate)).await;
        }
        let sent = Instant::now();
        if sent.duration_since(began) >= load.lasts {
            break;
        }
        let request = requests
            .get(place % requests.len().max(1))
            .context("there is a request")?;
        let status = connection.ask(request).await?;
        latencies.push(sent.elapsed());
        ensure!(
            status < 300,
            "the server answers {status}: {}",
            String::from_utf8_lossy(connection.body())
        );
    }
    Ok(latencies)
}

/// One connection, one request at a time.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    received: Vec<u8>,
    filled: usize,
    body_at: usize,
}

impl Connection {
    pub async fn open(address: &str) -> Result<Self> {
        let stream = TcpStream::connect(address).await.context("the server accepts")?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            received: vec![0; 16 * 1024],
            filled: 0,
            body_at: 0,
        })
    }

    /// Sends a request and waits for the whole reply; gives its status.
    pub async fn ask(&mut self, request: &[u8]) -> Result<u16> {
        self.stream.write_all(request).await?;
        self.filled = 0;
        let head = loop {
            self.receive().await?;
            if let Some(head) = Head::read(&self.received[..self.filled])? {
                break head;
            }
        };
        while self.filled < head.length + head.body {
            self.receive().await?;
        }
        self.body_at = head.length;
        Ok(head.status)
    }

    /// The body of the last reply.
    pub fn body(&self) -> &[u8] {
        self.received.get(self.body_at..self.filled).unwrap_or_default()
    }

    /// Asks for JSON and reads it; everything but a success is an error.
    pub async fn get_json<T: DeserializeOwned>(&mut self, path: &str, token: &str) -> Result<T> {
        self.json(path, &get(path, token)).await
    }

    /// The same with a body.
    pub async fn post_json<T: DeserializeOwned>(
        &mut self,
        path: &str,
        token: &str,
        body: &serde_json::Value,
    ) -> Result<T> {
        self.json(path, &post(path, token, &body.to_string())).await
    }

    async fn json<T: DeserializeOwned>(&mut self, path: &str, request: &[u8]) -> Result<T> {
        let status = self.ask(request).await?;
        ensure!(
            status < 300,
            "{path} answers {status}: {}",
            String::from_utf8_lossy(self.body())
        );
        serde_json::from_slice(self.body()).with_context(|| format!("what {path} answers"))
    }

    async fn receive(&mut self) -> Result<()> {
        if self.filled == self.received.len() {
            self.received.resize(self.filled * 2, 0);
        }
        let read = self.stream.read(&mut self.received[self.filled..]).await?;
        ensure!(read > 0, "the server hung up in the middle of a reply");
        self.filled += read;
        Ok(())
    }
}

/// The head of a reply.
#[derive(Debug, PartialEq, Eq)]
struct Head {
    status: u16,
    length: usize,
    body: usize,
}

impl Head {
    /// None while it is not there in whole.
    fn read(bytes: &[u8]) -> Result<Option<Self>> {
        let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else {
            return Ok(None);
        };
        let text = std::str::from_utf8(&bytes[..end]).context("a reply's head is text")?;
        let status = text.get(9..12).and_then(|status| status.parse().ok());
        let body = text
            .lines()
            .filter_map(|line| line.split_once(':'))
            .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
            .and_then(|(_, length)| length.trim().parse().ok());
        Ok(Some(Self {
            status: status.context("a reply has a status")?,
            length: end + 4,
            body: body.context("a reply says its length")?,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_once_it_is_whole() {
        let reply = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nx: y\r\n\r\nok\n";
        for cut in 0..reply.len() - 3 {
            let head = Head::read(&reply[..cut]).unwrap();
            assert_eq!(head, None, "{cut}");
        }
        let head = Head::read(reply).unwrap().unwrap();
        assert_eq!((head.status, head.body), (200, 3));
        assert_eq!(&reply[head.length..], b"ok\n");
        assert!(Head::read(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
    }
}
