//! Working out a request to a web server, and the name by which the server knows it again.

use super::{Rendered, cannot, render};
use crate::expr::Template;
use crate::plan::{Http, HttpBody};
use crate::record::{RenderedAction, RenderedBody, RenderedHttp};
use crate::run::scope::NodeScope;

/// The header by which servers know a request that they have seen before.
const KEY: &str = "idempotency-key";

/// A request with everything in it worked out.
///
/// # Errors
/// Which part cannot be worked out, and why.
pub(super) fn request(http: &Http, scope: &NodeScope<'_>) -> Rendered<RenderedHttp> {
    let header = |name: &String, template: &Template| -> Rendered<_> {
        let text = render(template, &format!("the header `{name}` of `http`"), scope)?;
        Ok((name.clone(), text))
    };
    let body = http.body.as_ref().map(|body| -> Rendered<RenderedBody> {
        Ok(match body {
            HttpBody::Text(text) => RenderedBody::Text(render(text, "the body of `http`", scope)?),
            HttpBody::Json(json) => RenderedBody::Json(
                json.render_json(scope)
                    .map_err(|error| cannot("`json` of `http`", &error))?,
            ),
        })
    });
    Ok(RenderedHttp {
        url: render(&http.url, "the address of `http`", scope)?,
        method: http.method,
        headers: http
            .headers
            .iter()
            .map(|(name, template)| header(name, template))
            .collect::<Rendered<_>>()?,
        body: body.transpose()?,
        status: http.status.clone(),
        key: None,
    })
}

/// Gives a request that changes something its name: the same for every attempt of this pass, and for nothing else.
/// What the author gave it counts instead.
pub(super) fn name(action: &mut RenderedAction, what: &str, scope: &NodeScope<'_>) {
    let RenderedAction::Http(request) = action else {
        return;
    };
    let mut given = request.headers.keys();
    if request.method.only_looks() || given.any(|name| name.eq_ignore_ascii_case(KEY)) {
        return;
    }
    let (Some(node), Some(state)) = (scope.plan.node(scope.node), scope.state.node(scope.node))
    else {
        return;
    };
    let mut key = format!("{}/{}/{}", scope.state.run, node.id, state.pass);
    if let Some((item, _)) = scope.item {
        key.push('/');
        key.push_str(item);
    }
    key.push_str(what);
    request.key = Some(in_header(&key));
}

/// A text as a header can hold it: what is not visible ASCII as `%XX`.
fn in_header(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'%' => "%25".to_owned(),
            b'!'..=b'~' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_key_of_an_item_fits_into_a_header() {
        assert_eq!(in_header("r/n/1/a b\r\né%"), "r/n/1/a%20b%0D%0A%C3%A9%25");
    }
}
