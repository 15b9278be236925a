//! AWS in one process: moto's HTTP server on a free port.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A running server; stopped when dropped.
#[derive(Debug)]
pub struct Moto {
    server: Child,
    port: u16,
}

/// A minute in all.
const CHECKS: u32 = 1_200;
const BETWEEN_CHECKS: Duration = Duration::from_millis(50);

impl Moto {
    /// Starts one.
    pub fn start() -> Self {
        let port = TcpListener::bind("127.0.0.1:0")
            .and_then(|listener| listener.local_addr())
            .unwrap_or_else(|error| panic!("no free port: {error}"))
            .port();
        let server = Command::new("moto_server")
            .args(["-H", "127.0.0.1", "-p", &port.to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("moto_server of the Python package moto[server]: {error}"));
        let moto = Self { server, port };
        moto.await_answer();
        moto
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Makes it silent, as a broken network would: it takes connections and says nothing. Or wakes it.
    pub fn set_silent(&self, is_silent: bool) {
        let signal = if is_silent { "-STOP" } else { "-CONT" };
        let sent = Command::new("kill")
            .args([signal, &self.server.id().to_string()])
            .status();
        assert!(sent.is_ok_and(|status| status.success()), "moto is gone");
    }

    /// Asks the service `service` (such as `TrentService.CreateKey`'s KMS) with a JSON body; gives the whole reply.
    pub fn ask(&self, service: &str, target: &str, body: &str) -> String {
        // moto chooses the service by the scope of the signature, which it does not check.
        let scope = format!("Credential=test/20260101/us-east-1/{service}/aws4_request");
        let request = format!(
            "POST / HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nContent-Type: application/x-amz-json-1.1\r\nX-Amz-Target: {target}\r\n\
             Authorization: AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=0\r\nContent-Length: {}\r\n\
             Connection: close\r\n\r\n{body}",
            self.port,
            body.len()
        );
        let mut reply = String::new();
        TcpStream::connect(("127.0.0.1", self.port))
            .and_then(|mut stream| {
                stream.write_all(request.as_bytes())?;
                stream.read_to_string(&mut reply)
            })
            .unwrap_or_else(|error| panic!("moto does not answer: {error}"));
        reply
    }

    fn await_answer(&self) {
        for _ in 0..CHECKS {
            if TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
                return;
            }
            std::thread::sleep(BETWEEN_CHECKS);
        }
        panic!("moto did not start");
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ended_already = self.server.kill();
        let _ended_already = self.server.wait();
    }
}
