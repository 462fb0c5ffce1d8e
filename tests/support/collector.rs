//! A collector of traces, as far as tests need one: it keeps what is posted, and can be away or refuse.

use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// What was posted.
#[derive(Clone, Debug)]
pub struct Posted {
    pub path: String,
    /// The header fields, as they came.
    pub head: String,
    pub body: Value,
}

/// The server; it ends when dropped.
pub struct Collector {
    pub address: SocketAddr,
    kept: Arc<Kept>,
}

#[derive(Default)]
struct Kept {
    posted: Mutex<Vec<Posted>>,
    refuses: AtomicBool,
    asked: AtomicU32,
    over: AtomicBool,
}

impl Collector {
    pub fn serve() -> Collector {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let kept = Arc::new(Kept::default());
        let keeps = Arc::clone(&kept);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if keeps.over.load(Ordering::Relaxed) {
                    return;
                }
                // A client that went away in the middle posted nothing.
                let _ = keeps.answer(&stream);
            }
        });
        Collector { address, kept }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on, or until now, it answers 503 to everything.
    pub fn refuses(&self, refuses: bool) {
        self.kept.refuses.store(refuses, Ordering::Relaxed);
    }

    /// How many requests came.
    pub fn asked(&self) -> u32 {
        self.kept.asked.load(Ordering::Relaxed)
    }

    pub fn posted(&self) -> Vec<Posted> {
        let posted = self.kept.posted.lock();
        posted.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// All spans by their ids, as they came last. Panics when one came twice and differed.
    pub fn spans(&self) -> BTreeMap<String, Value> {
        let mut spans: BTreeMap<String, Value> = BTreeMap::new();
        for posted in self.posted() {
            let sent = &posted.body["resourceSpans"][0]["scopeSpans"][0]["spans"];
            for span in sent.as_array().expect("spans") {
                let id = span["spanId"].as_str().expect("an id").to_owned();
                let before = spans.insert(id, span.clone());
                assert!(before.is_none_or(|before| before == *span), "{span:#}");
            }
        }
        spans
    }
}

impl Kept {
    fn answer(&self, mut stream: &TcpStream) -> std::io::Result<()> {
        let mut reader = BufReader::new(stream);
        let (mut first, mut head, mut length) = (String::new(), String::new(), 0);
        reader.read_line(&mut first)?;
        loop {
            let mut line = String::new();
            reader.read_line(&mut line)?;
            let Some((name, value)) = line.trim().split_once(':') else {
                break;
            };
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse().unwrap_or_default();
            }
            head.push_str(&line);
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        self.asked.fetch_add(1, Ordering::Relaxed);
        let refuses = self.refuses.load(Ordering::Relaxed);
        if !refuses && !first.is_empty() {
            let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
            let body = serde_json::from_slice(&body).unwrap_or_default();
            let posted = Posted { path, head, body };
            let mut all = self.posted.lock().unwrap_or_else(PoisonError::into_inner);
            all.push(posted);
        }
        let status = if refuses { "503 Away" } else { "200 OK" };
        let answer =
            format!("HTTP/1.1 {status}\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{{}}");
        stream.write_all(answer.as_bytes())
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.kept.over.store(true, Ordering::Relaxed);
        // Wakes the thread that waits for a connection.
        let _ = TcpStream::connect(self.address);
    }
}

/// The value of an attribute of a span or an event.
pub fn attribute<'a>(of: &'a Value, name: &str) -> &'a str {
    let all = of["attributes"].as_array().map(Vec::as_slice);
    let mut all = all.unwrap_or_default().iter();
    let found = all.find(|attribute| attribute["key"] == name);
    let value = found.map(|attribute| &attribute["value"]);
    let text = value.and_then(|value| value["stringValue"].as_str().or(value["intValue"].as_str()));
    text.unwrap_or_default()
}
