//! Files beside the one that is checked.

use piton_core::plan::{NodeIndex, Plan};
use piton_dsl::source::SourceFile;
use piton_dsl::{LoadError, Loader, Params, check_with, compile_mode};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Files by the names that they are called by: there are no folders here, a path is a name.
#[derive(Default)]
pub(crate) struct Files(BTreeMap<String, String>);

impl Files {
    /// These files.
    pub(crate) fn of(files: &[(&str, &str)]) -> Files {
        let files = files
            .iter()
            .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
        Files(files.collect())
    }

    /// Those that examples on the pages of rules call.
    pub(crate) fn called() -> Files {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/called");
        let entries = std::fs::read_dir(folder).expect("a folder of fixtures");
        let file = |entry: std::io::Result<std::fs::DirEntry>| {
            let path = entry.expect("an entry").path();
            let name = path
                .file_name()
                .expect("a name")
                .to_string_lossy()
                .into_owned();
            #[allow(clippy::disallowed_methods, reason = "a test reads its fixtures")]
            let text = std::fs::read_to_string(&path).expect("a fixture");
            (name, text)
        };
        Files(entries.map(file).collect())
    }

    /// The same with one more, under the last part of its name.
    pub(crate) fn with(mut self, name: &str, text: &str) -> Files {
        let last = name.rsplit('/').next().unwrap_or(name);
        self.0.insert(last.to_owned(), text.to_owned());
        self
    }

    /// The plan of a text beside these files; else what is wrong, a line each.
    pub(crate) fn plan(
        &self,
        name: &str,
        text: &str,
        given: &[(&str, &str)],
        mode: Option<&str>,
    ) -> Result<Plan, String> {
        let checked = check_with(&SourceFile::new(name, text), self);
        let called = checked.called.iter().flat_map(|called| &called.diagnostics);
        let all: Vec<_> = checked
            .diagnostics
            .iter()
            .chain(called)
            .map(|it| format!("{}: {}", it.code, it.message))
            .collect();
        let runbook = checked.runbook.ok_or_else(|| all.join("\n"))?;
        assert!(all.is_empty(), "{all:#?}");
        let given: Params = given
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        compile_mode(&runbook, &given, mode).map_err(|errors| {
            let errors: Vec<_> = errors.iter().map(ToString::to_string).collect();
            errors.join("\n")
        })
    }
}

impl Loader for Files {
    fn load(&self, from: &SourceFile, path: &str) -> Result<SourceFile, LoadError> {
        // The fixtures' own names have a folder; what they call stands beside them.
        let last = from.name.rsplit('/').next().unwrap_or(&from.name);
        match self.0.get(path) {
            Some(_) if path == last => Ok(from.clone()),
            Some(text) => Ok(SourceFile::new(path, text.as_str())),
            None => Err(LoadError::Missing(path.to_owned())),
        }
    }
}

/// Each node of a plan on a line: `name < needs`.
pub(crate) fn order(plan: &Plan) -> Vec<String> {
    let name = |index: &NodeIndex| plan.node(*index).map_or("?", |node| node.id.as_str());
    let line = |node: &piton_core::plan::Node| {
        let needs: Vec<_> = node.needs.iter().map(name).collect();
        format!("{} < {}", node.id, needs.join(" "))
            .trim_end()
            .to_owned()
    };
    plan.nodes.iter().map(line).collect()
}
