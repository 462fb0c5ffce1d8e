//! What is in a folder, byte for byte, to be compared with what is in it later.

use std::collections::BTreeMap;
use std::path::Path;

/// Every file and folder below a folder, by its path: what it holds, and when it was last written.
#[derive(PartialEq, Eq)]
pub struct Snapshot(BTreeMap<String, Entry>);

#[derive(PartialEq, Eq)]
struct Entry {
    /// None of a folder.
    contents: Option<Vec<u8>>,
    written: std::time::SystemTime,
}

impl Snapshot {
    pub fn of(folder: &Path) -> Snapshot {
        let mut found = BTreeMap::new();
        collect(folder, folder, &mut found);
        assert!(!found.is_empty(), "nothing is in {}", folder.display());
        Snapshot(found)
    }

    /// The paths at which the two differ: added, removed, written.
    pub fn differences(&self, later: &Snapshot) -> Vec<String> {
        let paths = self.0.keys().chain(later.0.keys());
        let mut differing: Vec<String> = paths
            .filter(|path| self.0.get(*path) != later.0.get(*path))
            .cloned()
            .collect();
        differing.sort();
        differing.dedup();
        differing
    }
}

fn collect(top: &Path, folder: &Path, into: &mut BTreeMap<String, Entry>) {
    for file in std::fs::read_dir(folder).expect("a folder").flatten() {
        let path = file.path();
        let about = file.metadata().expect("a file");
        let contents = about
            .is_file()
            .then(|| std::fs::read(&path).expect("a file"));
        let written = about.modified().expect("a time");
        let name = path
            .strip_prefix(top)
            .expect("below it")
            .display()
            .to_string();
        into.insert(name, Entry { contents, written });
        if about.is_dir() {
            collect(top, &path, into);
        }
    }
}
