//! A way to a server that breaks, or stops, at a chosen moment.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What happens when the client sends the words that are waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The connection breaks before the server has read them.
    BreakBefore,
    /// The server reads them, and its answer is lost with the connection.
    BreakAfter,
    /// The same, once: connections after that hold.
    BreakBeforeOnce,
    /// As [`Trouble::BreakAfter`], once.
    BreakAfterOnce,
    /// From then on nothing goes through, on any connection.
    Silence,
}

/// Listens on a port of its own, until dropped.
pub struct Proxy {
    pub port: u16,
    task: JoinHandle<()>,
}

impl Proxy {
    pub async fn to(server: u16, words: &'static str, trouble: Trouble) -> Proxy {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let silent = Arc::new(AtomicBool::new(false));
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(pass(client, server, words, trouble, Arc::clone(&silent)));
            }
        });
        Proxy { port, task }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn pass(
    mut client: TcpStream,
    server: u16,
    words: &str,
    trouble: Trouble,
    silent: Arc<AtomicBool>,
) {
    let mut server = TcpStream::connect(("127.0.0.1", server)).await.unwrap();
    let (mut asked, mut answered) = (vec![0; 65536], vec![0; 65536]);
    loop {
        tokio::select! {
            length = client.read(&mut asked) => {
                let Ok(length @ 1..) = length else { return };
                let bytes = &asked[..length];
                if bytes.windows(words.len()).any(|part| part == words.as_bytes()) {
                    let once = matches!(trouble, Trouble::BreakBeforeOnce | Trouble::BreakAfterOnce);
                    // Of a proxy that breaks once, this says whether it has.
                    let spent = once && silent.swap(true, Ordering::SeqCst);
                    match trouble {
                        _ if spent => {}
                        Trouble::BreakBefore | Trouble::BreakBeforeOnce => return,
                        Trouble::BreakAfter | Trouble::BreakAfterOnce => {
                            server.write_all(bytes).await.unwrap();
                            // The answer is there, so what was asked is done.
                            assert!(server.read(&mut answered).await.unwrap() > 0);
                            return;
                        }
                        Trouble::Silence => silent.store(true, Ordering::SeqCst),
                    }
                }
                if trouble == Trouble::Silence && silent.load(Ordering::SeqCst) {
                    std::future::pending::<()>().await;
                }
                server.write_all(bytes).await.unwrap();
            }
            length = server.read(&mut answered) => {
                let Ok(length @ 1..) = length else { return };
                if client.write_all(&answered[..length]).await.is_err() {
                    return;
                }
            }
        }
    }
}
