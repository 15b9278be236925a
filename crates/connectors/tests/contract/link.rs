//! A link to a server that breaks in the middle of a conversation.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// When the link goes down.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Cut {
    /// The server never sees the statement.
    Before,
    /// The server has done it, and its answer is lost.
    After,
}

/// A link to the server that breaks once, at the first statement that holds a word.
pub(crate) struct Link {
    pub(crate) port: u16,
    armed: Arc<AtomicBool>,
}

impl Link {
    pub(crate) async fn start(server_port: u16, word: &'static str, cut: Cut) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let armed = Arc::new(AtomicBool::new(true));
        let still_armed = Arc::clone(&armed);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(carry(client, server_port, word, cut, Arc::clone(&still_armed)));
            }
        });
        Self { port, armed }
    }

    /// Whether it broke.
    pub(crate) fn is_cut(&self) -> bool {
        !self.armed.load(Ordering::SeqCst)
    }
}

async fn carry(mut client: TcpStream, server_port: u16, word: &str, cut: Cut, armed: Arc<AtomicBool>) {
    let mut server = TcpStream::connect(("127.0.0.1", server_port)).await.unwrap();
    let (mut from_client, mut from_server) = (vec![0; 65536], vec![0; 65536]);
    loop {
        tokio::select! {
            read = client.read(&mut from_client) => {
                let Ok(count @ 1..) = read else { return };
                let sent = &from_client[..count];
                let has_word = sent.windows(word.len()).any(|window| window == word.as_bytes());
                if has_word && armed.swap(false, Ordering::SeqCst) {
                    if matches!(cut, Cut::After) {
                        server.write_all(sent).await.unwrap();
                        // Only once the server answers has it done it.
                        let _answer = server.read(&mut from_server).await;
                    }
                    return;
                }
                server.write_all(sent).await.unwrap();
            }
            read = server.read(&mut from_server) => {
                let Ok(count @ 1..) = read else { return };
                if client.write_all(&from_server[..count]).await.is_err() { return }
            }
        }
    }
}
