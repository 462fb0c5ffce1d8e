//! Where traces go: the environment variables that OpenTelemetry names.

use reqwest::Url;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use std::collections::BTreeMap;
use std::time::Duration;

/// How long a collector may take to answer, unless the environment says otherwise.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where traces go, and what is said of their origin.
pub struct Settings {
    /// The address that spans are posted to.
    pub url: Url,
    /// What goes with each request; may hold secrets.
    pub headers: HeaderMap,
    /// What is said of this engine.
    pub resource: BTreeMap<String, String>,
    /// How long an answer may take.
    pub patience: Duration,
}

impl Settings {
    /// What these variables say; `None` when they ask for no traces.
    ///
    /// # Errors
    /// What is wrong with them, for people; holds none of their values.
    pub fn read(
        variable: impl Fn(&str) -> Option<String>,
        host: &str,
    ) -> Result<Option<Settings>, String> {
        let set = |name: &str| variable(name).filter(|value| !value.trim().is_empty());
        let is = |name: &str, word: &str| {
            set(name).is_some_and(|value| value.trim().eq_ignore_ascii_case(word))
        };
        if is("OTEL_SDK_DISABLED", "true") || is("OTEL_TRACES_EXPORTER", "none") {
            return Ok(None);
        }
        // What is said of traces alone counts more than what is said of everything.
        let of_traces = |what: &str| {
            let own = format!("OTEL_EXPORTER_OTLP_TRACES_{what}");
            let common = format!("OTEL_EXPORTER_OTLP_{what}");
            set(&own)
                .map(|value| (own, value))
                .or_else(|| set(&common).map(|value| (common, value)))
        };
        let Some((name, address)) = of_traces("ENDPOINT") else {
            return Ok(None);
        };
        if let Some((name, protocol)) = of_traces("PROTOCOL")
            && protocol.trim() == "grpc"
        {
            return Err(format!(
                "{name} asks for gRPC, and piton sends traces over HTTP only: set it to http/json, and the endpoint to \
                 the collector's port for HTTP, 4318 as a rule"
            ));
        }
        let address = match name.contains("TRACES") {
            true => address.trim().to_owned(),
            false => format!("{}/v1/traces", address.trim().trim_end_matches('/')),
        };
        let url = Url::parse(&address)
            .ok()
            .filter(|url| url.host_str().is_some() && ["http", "https"].contains(&url.scheme()))
            .ok_or_else(|| format!("{name} is not an address of the form http://HOST:4318"))?;
        let headers = match of_traces("HEADERS") {
            Some((name, text)) => headers(&text)
                .ok_or_else(|| format!("{name} is not a list of the form NAME=VALUE,NAME=VALUE"))?,
            None => HeaderMap::new(),
        };
        let patience = of_traces("TIMEOUT").and_then(|(_, text)| text.trim().parse().ok());
        Ok(Some(Settings {
            url,
            headers,
            resource: resource(set, host),
            patience: patience.map_or(PATIENCE, Duration::from_millis),
        }))
    }
}

fn headers(text: &str) -> Option<HeaderMap> {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs(text)? {
        let mut value = HeaderValue::from_bytes(value.as_bytes()).ok()?;
        value.set_sensitive(true);
        headers.insert(HeaderName::from_bytes(name.as_bytes()).ok()?, value);
    }
    Some(headers)
}

fn resource(set: impl Fn(&str) -> Option<String>, host: &str) -> BTreeMap<String, String> {
    let mut resource = BTreeMap::from([
        ("service.name", "piton"),
        ("service.version", env!("CARGO_PKG_VERSION")),
        ("host.name", host),
    ])
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .collect::<BTreeMap<_, _>>();
    // A list that is none says nothing, as the standard has it.
    let said = set("OTEL_RESOURCE_ATTRIBUTES").and_then(|text| pairs(&text));
    resource.extend(said.unwrap_or_default());
    if let Some(name) = set("OTEL_SERVICE_NAME") {
        resource.insert("service.name".to_owned(), name);
    }
    resource
}

/// `NAME=VALUE,NAME=VALUE`, percent-encoded.
fn pairs(text: &str) -> Option<Vec<(String, String)>> {
    let words = text.split(',').filter(|word| !word.trim().is_empty());
    let pair = |word: &str| {
        let (name, value) = word.split_once('=')?;
        let name = name.trim();
        (!name.is_empty()).then(|| (decoded(name), decoded(value.trim())))
    };
    words.map(pair).collect()
}

fn decoded(text: &str) -> String {
    let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
    while let Some((&byte, after)) = rest.split_first() {
        let code = after.get(..2).filter(|_| byte == b'%');
        let code = code.and_then(|code| std::str::from_utf8(code).ok());
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(code) => {
                bytes.push(code);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(byte);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(set: &[(&str, &str)]) -> Result<Option<Settings>, String> {
        let variable = |name: &str| {
            let found = set.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        Settings::read(variable, "rack-7")
    }

    #[test]
    fn an_endpoint_asks_for_traces_unless_they_are_switched_off() {
        let common = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318/");
        let own = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "https://traces/x");
        let url = |set: &[(&str, &str)]| read(set).unwrap().map(|it| it.url.to_string());
        assert_eq!(url(&[]), None);
        assert_eq!(url(&[(common.0, " ")]), None);
        let expected = "http://collector:4318/v1/traces";
        assert_eq!(url(&[common]).as_deref(), Some(expected));
        assert_eq!(url(&[common, own]).as_deref(), Some("https://traces/x"));
        assert_eq!(url(&[common, ("OTEL_SDK_DISABLED", "TRUE")]), None);
        assert_eq!(url(&[common, ("OTEL_TRACES_EXPORTER", "none")]), None);
    }

    #[test]
    fn names_and_headers_are_decoded() {
        let settings = read(&[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c"),
            (
                "OTEL_EXPORTER_OTLP_HEADERS",
                "authorization=Basic%20abc%3D, x-team = a=b ",
            ),
            (
                "OTEL_RESOURCE_ATTRIBUTES",
                "deployment.environment=prod,service.name=other",
            ),
            ("OTEL_SERVICE_NAME", "restores"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "250"),
        ]);
        let settings = settings.unwrap().unwrap();
        assert_eq!(settings.headers["authorization"], "Basic abc=");
        assert!(settings.headers["authorization"].is_sensitive());
        assert_eq!(settings.headers["x-team"], "a=b");
        let said = |name: &str| settings.resource[name].as_str();
        assert_eq!(said("deployment.environment"), "prod");
        assert_eq!(
            (said("service.name"), said("host.name")),
            ("restores", "rack-7")
        );
        assert_eq!(settings.patience, Duration::from_millis(250));
    }

    #[test]
    fn what_cannot_be_used_is_said_without_its_value() {
        for (name, value) in [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "hunter2:4318"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "file:///hunter2"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "hunter2"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "hun ter2=x"),
        ] {
            let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c");
            let why = read(&[(name, value), endpoint]).err().unwrap();
            assert!(why.contains(name) && !why.contains("hunter2"), "{why}");
        }
        let grpc = [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4317"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ];
        assert!(read(&grpc).err().unwrap().contains("http/json"));
    }
}
