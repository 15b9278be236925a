//! Server-sent events, as the WHATWG standard defines them.

use reqwest::Response;

use super::{Client, ClientError};
use crate::RotationEvent;
use crate::reencryption::Reencryption;

/// The open stream of a rotation's events.
#[derive(Debug)]
pub struct RotationEvents(EventStream);

impl RotationEvents {
    pub(super) fn new(client: Client, response: Response) -> Self {
        Self(EventStream::new(client, response))
    }

    /// The next event; `None` when the server ends the stream.
    ///
    /// # Errors
    /// When the connection breaks or an event is not what its name promises.
    pub async fn next(&mut self) -> Result<Option<RotationEvent>, ClientError> {
        while let Some((name, data)) = self.0.next().await? {
            let event = RotationEvent::parse(&name, &data).map_err(|error| self.0.unfit(&name, &error))?;
            if event.is_some() {
                return Ok(event);
            }
        }
        Ok(None)
    }
}

/// The open stream of a re-encryption: the whole job whenever it changed.
#[derive(Debug)]
pub struct ReencryptionEvents(EventStream);

impl ReencryptionEvents {
    pub(super) fn new(client: Client, response: Response) -> Self {
        Self(EventStream::new(client, response))
    }

    /// The job as it is next; `None` when it is over, or the server ends the stream.
    ///
    /// # Errors
    /// When the connection breaks or an event is not what its name promises.
    pub async fn next(&mut self) -> Result<Option<Reencryption>, ClientError> {
        while let Some((name, data)) = self.0.next().await? {
            if name == "state" {
                let job = serde_json::from_str(&data).map_err(|error| self.0.unfit(&name, &error))?;
                return Ok(Some(job));
            }
        }
        Ok(None)
    }
}

/// Names and data of events as they come.
#[derive(Debug)]
struct EventStream {
    client: Client,
    response: Response,
    parser: EventParser,
}

impl EventStream {
    fn new(client: Client, response: Response) -> Self {
        Self {
            client,
            response,
            parser: EventParser::default(),
        }
    }

    async fn next(&mut self) -> Result<Option<(String, String)>, ClientError> {
        loop {
            if let Some(event) = self.parser.next_event() {
                return Ok(Some(event));
            }
            match self
                .response
                .chunk()
                .await
                .map_err(|error| self.client.unreachable(&error))?
            {
                Some(chunk) => self.parser.push(&chunk),
                None => return Ok(None),
            }
        }
    }

    fn unfit(&self, name: &str, error: &dyn std::fmt::Display) -> ClientError {
        let reason = format!("the event {name} does not fit: {error}");
        self.client.unexpected(self.response.status(), &reason)
    }
}

/// Cuts a stream of bytes into events.
#[derive(Debug, Default)]
struct EventParser {
    buffer: Vec<u8>,
    name: String,
    data: String,
}

impl EventParser {
    fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole event in the buffer. Comments and events without data are skipped.
    fn next_event(&mut self) -> Option<(String, String)> {
        while let Some(line) = self.next_line() {
            if line.is_empty() {
                let name = std::mem::take(&mut self.name);
                let data = std::mem::take(&mut self.data);
                if let Some(data) = data.strip_suffix('\n') {
                    return Some((name, data.to_owned()));
                }
                continue;
            }
            let (field, value) = line.split_once(':').unwrap_or((&line, ""));
            let value = value.strip_prefix(' ').unwrap_or(value);
            match field {
                "event" => value.clone_into(&mut self.name),
                "data" => {
                    self.data.push_str(value);
                    self.data.push('\n');
                }
                _ => {}
            }
        }
        None
    }

    /// A line ends with CR, LF or both; a CR at the very end waits, since its LF may be on the way.
    fn next_line(&mut self) -> Option<String> {
        let end = self
            .buffer
            .iter()
            .position(|byte| matches!(byte, b'\r' | b'\n'))?;
        let next = match (self.buffer[end], self.buffer.get(end + 1)) {
            (b'\r', None) => return None,
            (b'\r', Some(b'\n')) => end + 2,
            _ => end + 1,
        };
        let line = String::from_utf8_lossy(&self.buffer[..end]).into_owned();
        self.buffer.drain(..next);
        Some(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_survive_any_cut() {
        let stream = ": alive\r\n\r\nevent: step\ndata: {\"a\":\ndata: 1}\n\nid: 3\nevent:signal\rdata:é\r\revent: empty\n\nx";
        for cut in 1..stream.len() {
            let mut parser = EventParser::default();
            let mut events = Vec::new();
            for chunk in stream.as_bytes().chunks(cut) {
                parser.push(chunk);
                while let Some(event) = parser.next_event() {
                    events.push(event);
                }
            }
            let expected = [
                ("step".to_owned(), "{\"a\":\n1}".to_owned()),
                ("signal".to_owned(), "é".to_owned()),
            ];
            assert_eq!(events, expected, "cut every {cut} bytes");
        }
    }
}
