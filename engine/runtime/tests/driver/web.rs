//! A web server of a few lines, which answers, waits and breaks off as it is told.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

/// A request that came.
#[derive(Clone, Debug)]
pub struct Seen {
    pub line: String,
    pub headers: BTreeMap<String, String>,
    pub body: String,
}

/// What is done about a request.
#[derive(Clone, Debug)]
pub enum Reply {
    /// These bytes are sent, and the connection is closed.
    Send(Vec<u8>),
    /// These bytes are sent, and the connection stays open until the other side closes it.
    Hold(Vec<u8>),
}

/// An answer with a body.
pub fn answer(status: &str, body: &str) -> Reply {
    with_headers(status, "", body)
}

/// An answer with further headers, each with its line end.
pub fn with_headers(status: &str, headers: &str, body: &str) -> Reply {
    let length = body.len();
    let text = format!("HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\n\r\n{body}");
    Reply::Send(text.into_bytes())
}

/// The server. Its requests stay to be asked for.
pub struct Web {
    pub address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    ending: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Web {
    /// A server that does about its n-th request, from 0, what it is told here.
    pub fn new(reply: impl Fn(usize, &Seen) -> Reply + Send + Sync + 'static) -> Web {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let ending = Arc::new(AtomicBool::new(false));
        let (shared, over, reply) = (Arc::clone(&seen), Arc::clone(&ending), Arc::new(reply));
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if over.load(Ordering::Acquire) {
                    break;
                }
                let (seen, reply) = (Arc::clone(&shared), Arc::clone(&reply));
                std::thread::spawn(move || drop(serve(&stream.unwrap(), &seen, &*reply)));
            }
        });
        Web {
            address,
            seen,
            ending,
            thread: Some(thread),
        }
    }

    /// A server that does the same about every request.
    pub fn always(reply: Reply) -> Web {
        Web::new(move |_, _| reply.clone())
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The requests that came.
    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

impl Drop for Web {
    fn drop(&mut self) {
        self.ending.store(true, Ordering::Release);
        drop(TcpStream::connect(self.address));
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

fn serve(
    mut stream: &TcpStream,
    seen: &Mutex<Vec<Seen>>,
    reply: &(dyn Fn(usize, &Seen) -> Reply + Send + Sync),
) -> std::io::Result<()> {
    let request = receive(stream)?;
    let number = {
        let mut seen = seen.lock().unwrap();
        seen.push(request.clone());
        seen.len() - 1
    };
    let (bytes, hold) = match reply(number, &request) {
        Reply::Send(bytes) => (bytes, false),
        Reply::Hold(bytes) => (bytes, true),
    };
    stream.write_all(&bytes)?;
    if hold {
        stream.read_to_end(&mut Vec::new())?;
    }
    stream.shutdown(Shutdown::Both)
}

fn receive(stream: &TcpStream) -> std::io::Result<Seen> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut headers = BTreeMap::new();
    loop {
        let mut header = String::new();
        reader.read_line(&mut header)?;
        match header.trim_end().split_once(": ") {
            None => break,
            Some((name, value)) => headers.insert(name.to_lowercase(), value.to_owned()),
        };
    }
    let length = headers.get("content-length");
    let length = length.map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(Seen {
        line: line.trim_end().to_owned(),
        headers,
        body: String::from_utf8(body).unwrap(),
    })
}
