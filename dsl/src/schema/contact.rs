//! Keys of a contact.

use super::key::{Block, Key, Takes};

/// Somebody who can be reached, and may be named in `by`.
pub static CONTACT: Block = Block {
    keyword: "contact",
    doc: "Somebody who can be reached, and may be named in `by`.",
    keys: &[&CONTACT_NAME, &ROLES, &VIA],
};

/// What people call them.
pub static CONTACT_NAME: Key = Key {
    name: "name",
    takes: Takes::Text,
    required: false,
    default: None,
    doc: "What people call them.",
    example: "name = \"On-call infra lead\"",
    yaml: "name: On-call infra lead",
};

/// What they may act as: `by` takes a role as well as a contact's name.
pub static ROLES: Key = Key {
    name: "roles",
    takes: Takes::OneOrList(&Takes::Text),
    required: false,
    default: None,
    doc: "What they may act as: `by` takes a role as well as a contact's name.",
    example: "roles = [\"on-call-lead\"]",
    yaml: "roles: [on-call-lead]",
};

/// How they are reached: in each of these ways, every time. `params`, `secrets` and `run` may be used in them.
pub static VIA: Key = Key {
    name: "via",
    takes: Takes::Blocks(&[&CHANNEL]),
    required: false,
    default: None,
    doc: "How they are reached: in each of these ways, every time. `params`, `secrets` and `run` may be used in them.",
    example: "via = [{ webhook = \"${{ secrets.pager_url }}\" }]",
    yaml: "via: [{webhook: \"${{ secrets.pager_url }}\"}]",
};

/// A way to reach somebody: exactly one of `webhook` and `command`.
pub static CHANNEL: Block = Block {
    keyword: "via",
    doc: "A way to reach somebody: exactly one of `webhook` and `command`.",
    keys: &[&WEBHOOK, &CHANNEL_COMMAND],
};

/// An address that the page is posted to as JSON; `params`, `secrets` and `run` may be used.
pub static WEBHOOK: Key = Key {
    name: "webhook",
    takes: Takes::Template,
    required: false,
    default: None,
    doc: "An address that the page is posted to as JSON; `params`, `secrets` and `run` may be used.",
    example: "webhook = \"https://pager.example.com/infra\"",
    yaml: "webhook: https://pager.example.com/infra",
};

/// A program with its arguments, which gets the page as JSON on its standard input; `params`, `secrets` and `run`
/// may be used.
pub static CHANNEL_COMMAND: Key = Key {
    name: "command",
    takes: Takes::List(&Takes::Template),
    required: false,
    default: None,
    doc: "A program with its arguments, which gets the page as JSON on its standard input; `params`, `secrets` and `run` may be used.",
    example: "command = [\"mail-page\", \"infra@example.com\"]",
    yaml: "command: [mail-page, infra@example.com]",
};
