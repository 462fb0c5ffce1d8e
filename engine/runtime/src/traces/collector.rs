//! A collector of traces, and how spans get there.

use super::otlp;
use super::settings::Settings;
use super::trace::Span;
use crate::web::{self, Scheme, cause};
use piton_core::id::RunId;
use reqwest::header::CONTENT_TYPE;
use std::fmt;
use std::sync::{Mutex, OnceLock, PoisonError};

/// Takes spans over HTTP.
pub struct Collector {
    settings: Settings,
    client: OnceLock<Result<reqwest::Client, String>>,
    trouble: Mutex<Trouble>,
}

/// What went wrong, which is told once.
#[derive(Default)]
struct Trouble {
    why: Option<String>,
    told: bool,
}

impl fmt::Debug for Collector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Collector").field(&self.host()).finish()
    }
}

impl Collector {
    /// The collector that this process's environment names, with `host` as the origin of what is sent; `None` when it
    /// names none.
    ///
    /// # Errors
    /// What is wrong with the environment, for people.
    pub fn from_environment(host: &str) -> Result<Option<Collector>, String> {
        let settings = Settings::read(|name| std::env::var(name).ok(), host)?;
        Ok(settings.map(|settings| Collector {
            settings,
            client: OnceLock::new(),
            trouble: Mutex::default(),
        }))
    }

    /// Why spans did not get there, for people: once, however often that happens.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        let mut trouble = self.lock();
        if trouble.told {
            return None;
        }
        trouble.told = trouble.why.is_some();
        trouble.why.clone()
    }

    /// Sends spans of a run.
    ///
    /// # Errors
    /// When they did not arrive, or that is not known. They may be sent again.
    pub(crate) async fn send(&self, run: &RunId, spans: &[Span]) -> Result<(), NotSent> {
        let sent = self.post(otlp::body(&self.settings.resource, run, spans));
        sent.await.map_err(|why| {
            self.failed(&why);
            NotSent
        })
    }

    /// It did not answer before the engine had to leave.
    pub(crate) fn is_slow(&self) {
        self.failed("it did not answer in time");
    }

    fn failed(&self, why: &str) {
        let mut trouble = self.lock();
        if trouble.why.is_none() {
            let why = format!("traces do not reach {}: {why}", self.host());
            tracing::debug!("{why}");
            trouble.why = Some(why);
        }
    }

    async fn post(&self, body: String) -> Result<(), String> {
        let settings = &self.settings;
        let scheme = Scheme::named(settings.url.scheme()).unwrap_or(Scheme::Secure);
        let client = self.client.get_or_init(|| web::client(scheme));
        let request = client
            .as_ref()
            .map_err(Clone::clone)?
            .post(settings.url.clone())
            .headers(settings.headers.clone())
            .header(CONTENT_TYPE, "application/json")
            .timeout(settings.patience)
            .body(body);
        match request.send().await {
            Ok(answer) if answer.status().is_success() => Ok(()),
            Ok(answer) => Err(format!("it answered {}", answer.status())),
            Err(error) => Err(cause(&error)),
        }
    }

    /// Its host: the rest of the address may be secret.
    fn host(&self) -> &str {
        self.settings.url.host_str().unwrap_or_default()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Trouble> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Spans did not arrive, for all that is known. The collector says why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotSent;
