//! The application of the pretend site: a small server that answers from the database its secret points to.
//!
//! `GET /health`, `POST /auth/login`, `GET|POST /events` and `DELETE /events/ID` are the API: away while it has no
//! replicas. `GET /dashboard` is the frontend, with or without its maintenance page. What is posted under `/hooks/` is kept.

use super::postgres::pg_bin;
use super::{Ended, until};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

/// Whom the smoke test signs in as; a user of the data, with events.
pub const TEST_USER: &str = "User1@Example.test";
/// Their password.
pub const TEST_PASSWORD: &str = "correct-horse-7";

/// The server; it ends when dropped.
pub struct Api {
    pub address: SocketAddr,
    world: Arc<World>,
}

struct World {
    /// `$STANDIN_STATE`.
    state: PathBuf,
    over: AtomicBool,
    broken: AtomicBool,
    sign_ins: AtomicU64,
    /// Tokens, and whom they were given to.
    signed_in: Mutex<HashMap<String, String>>,
    /// Paths and bodies of what was posted to the hooks.
    posted: Mutex<Vec<(String, String)>>,
}

impl Api {
    /// Serves the application whose deployments and secrets are in this folder.
    pub fn serve(state: &Path) -> Api {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let world = Arc::new(World {
            state: state.to_owned(),
            over: AtomicBool::new(false),
            broken: AtomicBool::new(false),
            sign_ins: AtomicU64::new(0),
            signed_in: Mutex::default(),
            posted: Mutex::default(),
        });
        let served = Arc::clone(&world);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if served.over.load(Ordering::Relaxed) {
                    return;
                }
                let world = Arc::clone(&served);
                std::thread::spawn(move || world.answer(stream));
            }
        });
        Api { address, world }
    }

    /// Where it is.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// From now on, or until now, the API answers 500 to everything.
    pub fn breaks(&self, broken: bool) {
        self.world.broken.store(broken, Ordering::Relaxed);
    }

    /// The bodies that were posted to this path.
    pub fn posted(&self, path: &str) -> Vec<String> {
        let posted = locked(&self.world.posted);
        let bodies = posted.iter().filter(|(to, _)| to == path);
        bodies.map(|(_, body)| body.clone()).collect()
    }
}

impl Drop for Api {
    fn drop(&mut self) {
        self.world.over.store(true, Ordering::Relaxed);
        // Wakes the thread that waits for a connection.
        let _ = TcpStream::connect(self.address);
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// What was asked.
struct Request {
    method: String,
    path: String,
    token: Option<String>,
    body: String,
}

impl Request {
    fn read(stream: &TcpStream) -> Option<Request> {
        let mut reader = BufReader::new(stream);
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let mut words = line.split_whitespace();
        let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
        let (mut token, mut length) = (None, 0);
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).ok()?;
            let Some((name, value)) = line.trim().split_once(':') else {
                break;
            };
            let value = value.trim();
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = value.parse().ok()?,
                "authorization" => token = value.strip_prefix("Bearer ").map(str::to_owned),
                _ => {}
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        let body = String::from_utf8_lossy(&body).into_owned();
        Some(Request {
            method,
            path,
            token,
            body,
        })
    }
}

type Answer = (u16, Value);

impl World {
    fn answer(&self, mut stream: TcpStream) {
        let _ = stream.set_read_timeout(Some(Duration::from_secs(10)));
        let Some(request) = Request::read(&stream) else {
            return;
        };
        let (status, body) = self.route(&request);
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let head = format!(
            "HTTP/1.1 {status} -\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            body.len()
        );
        let _ = stream.write_all((head + &body).as_bytes());
    }

    fn route(&self, request: &Request) -> Answer {
        if request.path.starts_with("/hooks/") {
            locked(&self.posted).push((request.path.clone(), request.body.clone()));
            return (200, json!({}));
        }
        if request.path == "/dashboard" {
            let maintenance = self.state.join("maintenance").exists();
            return if maintenance {
                (503, json!({"maintenance": true}))
            } else {
                (200, json!({}))
            };
        }
        if !self.has_replicas() {
            return (503, json!({"error": "no replicas"}));
        }
        if self.broken.load(Ordering::Relaxed) {
            return (500, json!({"error": "broken"}));
        }
        self.application(request)
            .unwrap_or_else(|error| (500, json!({ "error": error })))
    }

    fn has_replicas(&self) -> bool {
        let file = self
            .state
            .join("kubectl/deployments/guestguard-api/replicas");
        let count = std::fs::read_to_string(file).unwrap_or_default();
        count.trim().parse().unwrap_or(0) > 0
    }

    fn application(&self, request: &Request) -> Result<Answer, String> {
        let id = request.path.strip_prefix("/events/");
        match (request.method.as_str(), request.path.as_str(), id) {
            ("GET", "/health", _) => {
                self.sql("select 1", &[])?;
                Ok((200, json!({"status": "ok"})))
            }
            ("POST", "/auth/login", _) => self.sign_in(&request.body),
            (method, "/events", _) => match (self.user(request), method) {
                (None, _) => Ok((401, json!({"error": "sign in first"}))),
                (Some(user), "GET") => Ok((200, self.events(&user)?)),
                (Some(user), "POST") => self.create(&user, &request.body),
                _ => Ok((405, Value::Null)),
            },
            ("DELETE", _, Some(id)) => match self.user(request) {
                None => Ok((401, json!({"error": "sign in first"}))),
                Some(user) => self.remove(&user, id),
            },
            _ => Ok((404, Value::Null)),
        }
    }

    fn user(&self, request: &Request) -> Option<String> {
        locked(&self.signed_in)
            .get(request.token.as_ref()?)
            .cloned()
    }

    fn sign_in(&self, body: &str) -> Result<Answer, String> {
        let body: Value = serde_json::from_str(body).unwrap_or_default();
        let user = body["email"].as_str().unwrap_or_default();
        let known =
            "select count(*) from users where lower(email) = lower(:'user') and email_verified";
        if body["password"] != TEST_PASSWORD || self.sql(known, &[("user", user)])? != "1" {
            return Ok((401, json!({"error": "wrong e-mail address or password"})));
        }
        let number = self.sign_ins.fetch_add(1, Ordering::Relaxed);
        let token = format!("token-{}-{number}", self.state.display()).replace('/', "-");
        locked(&self.signed_in).insert(token.clone(), user.to_owned());
        Ok((200, json!({ "access_token": token })))
    }

    fn events(&self, user: &str) -> Result<Value, String> {
        let sql = "select coalesce(json_agg(e order by e.created_at desc, e.title), '[]') from (select v.id, v.title, v.created_at \
                   from events v join users u on u.id = v.host_id where lower(u.email) = lower(:'user')) e";
        let text = self.sql(sql, &[("user", user)])?;
        serde_json::from_str(&text).map_err(|error| error.to_string())
    }

    fn create(&self, user: &str, body: &str) -> Result<Answer, String> {
        let body: Value = serde_json::from_str(body).unwrap_or_default();
        let Some(title) = body["title"].as_str() else {
            return Ok((400, json!({"error": "an event has a title"})));
        };
        let sql = "insert into events (host_id, title) select id, :'title' from users where lower(email) = lower(:'user') returning id";
        let id = self.sql(sql, &[("user", user), ("title", title)])?;
        Ok((201, json!({ "id": id, "title": title })))
    }

    fn remove(&self, user: &str, id: &str) -> Result<Answer, String> {
        let sql = "delete from events where id::text = :'id' and host_id = (select id from users where lower(email) = lower(:'user')) returning 1";
        let found = self.sql(sql, &[("user", user), ("id", id)])? == "1";
        Ok(if found {
            (204, Value::Null)
        } else {
            (404, Value::Null)
        })
    }

    /// Runs SQL where the application's secret points to.
    fn sql(&self, sql: &str, values: &[(&str, &str)]) -> Result<String, String> {
        let url = self.database().ok_or("no secret holds a database URL")?;
        let mut psql = Command::new(pg_bin().join("psql"));
        psql.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"]);
        url.environment(&mut psql);
        for (name, value) in values {
            psql.arg("-v").arg(format!("{name}={value}"));
        }
        // Variables are filled in where the text comes from a file, and not in `-c`.
        psql.args(["-f", "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut running = psql.spawn().map_err(|error| error.to_string())?;
        if let Some(mut input) = running.stdin.take() {
            input
                .write_all(sql.as_bytes())
                .map_err(|error| error.to_string())?;
        }
        let ended = Ended::from(
            running
                .wait_with_output()
                .map_err(|error| error.to_string())?,
        );
        match ended.code {
            Some(0) => Ok(ended.stdout.trim().to_owned()),
            _ => Err(ended.stderr),
        }
    }

    /// The URL in the application's secret, whatever its key is called.
    fn database(&self) -> Option<Url> {
        let folder = self.state.join("kubectl/secrets").join(SECRET);
        let files = std::fs::read_dir(folder).ok()?.flatten();
        files
            .filter_map(|file| std::fs::read_to_string(file.path()).ok())
            .find_map(|text| Url::read(&text))
    }
}

/// The secret that the application's deployments take their database URL from.
pub const SECRET: &str = "guestguard-database";

/// As much of a Postgres URL as the site uses.
struct Url {
    user: String,
    password: String,
    host: String,
    port: String,
    database: String,
}

impl Url {
    fn read(text: &str) -> Option<Url> {
        let (_, rest) = text.trim().split_once("://")?;
        let (who, rest) = rest.split_once('@')?;
        let (user, password) = who.split_once(':').unwrap_or((who, ""));
        let (place, database) = rest.split_once('/')?;
        let (host, port) = place.split_once(':').unwrap_or((place, "5432"));
        let database = database.split('?').next()?;
        let [user, password, host, port, database] =
            [user, password, host, port, database].map(str::to_owned);
        Some(Url {
            user,
            password,
            host,
            port,
            database,
        })
    }

    /// As variables, because other users see the arguments of a program.
    fn environment(&self, command: &mut Command) {
        command
            .env("PGUSER", &self.user)
            .env("PGPASSWORD", &self.password)
            .env("PGHOST", &self.host)
            .env("PGPORT", &self.port)
            .env("PGDATABASE", &self.database);
    }
}

/// Asks the API, as a browser would: the status and the body.
pub fn ask(api: &Api, method: &str, path: &str, token: &str, body: &str) -> (u16, Value) {
    let mut answer = String::new();
    until("the API answers", || {
        let Ok(mut stream) = TcpStream::connect(api.address) else {
            return false;
        };
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: api\r\nAuthorization: Bearer {token}\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        answer.clear();
        stream.write_all(request.as_bytes()).is_ok() && stream.read_to_string(&mut answer).is_ok()
    });
    let status = answer.split(' ').nth(1).and_then(|word| word.parse().ok());
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    (
        status.expect("a status"),
        serde_json::from_str(body).unwrap_or_default(),
    )
}
