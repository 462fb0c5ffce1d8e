//! Keys of an `http` block.

use super::key::{Block, Key, Takes};

/// A request to a web server.
pub static HTTP: Block = Block {
    keyword: "http",
    doc: "A request to a web server. Redirects are not followed and no proxy is asked; at most 1 MiB of the answer is read. A request that changes something (`POST`, `PUT`, `PATCH`, `DELETE`) and gets no answer, or 502 or 504 from something in between, may have happened all the same: it is `interrupted`, not failed. Such a request of a step or an `undo` carries the header `Idempotency-Key`, the same at every try of a pass, unless it has its own.",
    keys: &[
        &HTTP_URL,
        &HTTP_METHOD,
        &HTTP_HEADERS,
        &HTTP_BODY,
        &HTTP_JSON,
        &HTTP_STATUS,
    ],
};

/// Where the request goes.
pub static HTTP_URL: Key = Key {
    name: "url",
    takes: Takes::Template,
    required: true,
    default: None,
    doc: "Where the request goes: `http://…` or `https://…`.",
    example: "url = \"https://${{ params.host }}/health\"",
    yaml: "url: https://${{ params.host }}/health",
};

/// What is asked of the server.
pub static HTTP_METHOD: Key = Key {
    name: "method",
    takes: Takes::OneOf(&["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"]),
    required: false,
    default: Some("GET"),
    doc: "What is asked of the server.",
    example: "method = \"POST\"",
    yaml: "method: POST",
};

/// Headers of the request.
pub static HTTP_HEADERS: Key = Key {
    name: "headers",
    takes: Takes::MapOf(&Takes::Template),
    required: false,
    default: None,
    doc: "Headers of the request.",
    example: "headers { Accept = \"application/json\" }",
    yaml: "headers: {Accept: application/json}",
};

/// What is sent, as text.
pub static HTTP_BODY: Key = Key {
    name: "body",
    takes: Takes::Template,
    required: false,
    default: None,
    doc: "What is sent, as it stands; its type is said by the header `Content-Type`.",
    example: "body = \"state=off\"",
    yaml: "body: state=off",
};

/// What is sent, as JSON.
pub static HTTP_JSON: Key = Key {
    name: "json",
    takes: Takes::Template,
    required: false,
    default: None,
    doc: "What is sent, as JSON. A value put in within quotes becomes part of that text, one outside of them JSON of its own type, lists and maps included; none can change what stands around it.",
    example: "json = \"{\\\"name\\\": ${{ params.name }}}\"",
    yaml: "json: \"{\\\"name\\\": ${{ params.name }}}\"",
};

/// The statuses that mean success.
pub static HTTP_STATUS: Key = Key {
    name: "status",
    takes: Takes::OneOrList(&Takes::HttpStatus),
    required: false,
    default: None,
    doc: "The statuses that mean success; without it, 200 to 299. Where `expect`, `until` or `success` asks for `status`, that decides instead.",
    example: "status = [200, 404]",
    yaml: "status: [200, 404]",
};
