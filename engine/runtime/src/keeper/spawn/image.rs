//! What a process is to execute, in the form in which the kernel takes it: made before the child is, which must not
//! allocate.

use std::collections::BTreeMap;
use std::ffi::{CStr, CString, c_char};
use std::io;
use std::ptr;

/// Where programs are looked for when the environment has no `PATH`.
const DEFAULT_PATH: &str = "/bin:/usr/bin";

/// What executes a file that is executable and no program the kernel knows, as in every shell.
const SCRIPT_SHELL: &CStr = c"/bin/sh";

/// Program, arguments and environment.
pub(super) struct Image {
    /// The files to try, in the order of `PATH`.
    candidates: Vec<CString>,
    searched: bool,
    argv: Pointers,
    /// The arguments with the shell in front, for [`SCRIPT_SHELL`]; the second is the candidate, put in when known.
    script_argv: Vec<*const c_char>,
    env: Pointers,
}

/// Texts, and the array of pointers to them that ends with null.
struct Pointers {
    /// Owns what is pointed to; the texts do not move when this does.
    _texts: Vec<CString>,
    array: Vec<*const c_char>,
}

impl Pointers {
    fn to(texts: Vec<CString>) -> Pointers {
        let array = texts.iter().map(|text| text.as_ptr());
        Pointers {
            array: array.chain([ptr::null()]).collect(),
            _texts: texts,
        }
    }
}

impl Image {
    /// The error says that a text has a null byte in it.
    pub(super) fn new(
        argv: &[String],
        env: &BTreeMap<String, String>,
        marks: &[(&str, String)],
    ) -> io::Result<Image> {
        let program = argv.first().map_or("", String::as_str);
        let searched = !program.contains('/');
        let candidates = if searched {
            let path = env.get("PATH").map_or(DEFAULT_PATH, String::as_str);
            candidates(program, path)?
        } else {
            vec![CString::new(program)?]
        };
        let argv: Vec<CString> = argv
            .iter()
            .map(|text| CString::new(text.as_str()))
            .collect::<Result<_, _>>()?;
        let own = env
            .iter()
            .filter(|(name, _)| marks.iter().all(|(mark, _)| mark != name))
            .map(|(name, value)| CString::new(format!("{name}={value}")));
        let marks = marks
            .iter()
            .map(|(name, value)| CString::new(format!("{name}={value}")));
        let env = own.chain(marks).collect::<Result<_, _>>()?;
        let argv = Pointers::to(argv);
        let arguments = argv.array.iter().skip(1).copied();
        Ok(Image {
            candidates,
            searched,
            script_argv: [SCRIPT_SHELL.as_ptr(), ptr::null()]
                .into_iter()
                .chain(arguments)
                .collect(),
            argv,
            env: Pointers::to(env),
        })
    }

    /// Executes the first of the candidates that can be; returns only the error if none can. `execve` gets a file,
    /// arguments and environment and returns only its error. Allocates nothing.
    pub(super) fn execute(
        &mut self,
        execve: impl Fn(&CStr, &[*const c_char], &[*const c_char]) -> i32,
    ) -> i32 {
        let (mut denied, mut last) = (false, libc::ENOENT);
        for candidate in &self.candidates {
            last = execve(candidate, &self.argv.array, &self.env.array);
            match last {
                libc::ENOEXEC => {
                    if let Some(file) = self.script_argv.get_mut(1) {
                        *file = candidate.as_ptr();
                    }
                    return execve(SCRIPT_SHELL, &self.script_argv, &self.env.array);
                }
                libc::EACCES => denied = true,
                // Not here: a directory of `PATH` need not exist.
                libc::ENOENT | libc::ENOTDIR | libc::ESTALE | libc::ENODEV | libc::ETIMEDOUT => {}
                _ => return last,
            }
        }
        match (self.searched, denied) {
            (_, true) => libc::EACCES,
            (true, false) => libc::ENOENT,
            (false, false) => last,
        }
    }
}

/// Where a program may be. An empty name is nowhere, and an empty directory is the one that the process starts in.
fn candidates(program: &str, path: &str) -> io::Result<Vec<CString>> {
    if program.is_empty() {
        return Ok(Vec::new());
    }
    let files = path.split(':').map(|dir| {
        CString::new(match dir {
            "" => program.to_owned(),
            dir => format!("{dir}/{program}"),
        })
    });
    Ok(files.collect::<Result<_, _>>()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;

    /// What is tried, when each file gives its error, and the error in the end.
    fn tried(argv: &[&str], path: Option<&str>, errors: &[(&str, i32)]) -> (Vec<String>, i32) {
        let argv: Vec<String> = argv.iter().map(|&text| text.to_owned()).collect();
        let env = path.map(|path| ("PATH".to_owned(), path.to_owned()));
        let mut image = Image::new(&argv, &env.into_iter().collect(), &[]).expect("no null bytes");
        let files = RefCell::new(Vec::new());
        let error = image.execute(|file, _, _| {
            let file = file.to_str().expect("as given").to_owned();
            let error = errors.iter().find(|(name, _)| *name == file);
            files.borrow_mut().push(file);
            error.map_or(libc::ENOENT, |(_, error)| *error)
        });
        (files.into_inner(), error)
    }

    #[test]
    fn programs_are_looked_for_as_shells_do() {
        let path = Some("/a:/b::/c");
        let all = ["/a/x", "/b/x", "x", "/c/x"];
        assert_eq!(
            tried(&["x"], path, &[]),
            (all.map(String::from).into(), libc::ENOENT)
        );
        let denied = [("/b/x", libc::EACCES), ("/c/x", libc::ENOTDIR)];
        assert_eq!(
            tried(&["x"], path, &denied),
            (all.map(String::from).into(), libc::EACCES)
        );
        let nothing_here = [("/c/x", libc::ENOTDIR)];
        assert_eq!(tried(&["x"], path, &nothing_here).1, libc::ENOENT);
        let too_long = [("/b/x", libc::E2BIG)];
        assert_eq!(
            tried(&["x"], path, &too_long),
            (all[..2].iter().map(|&s| s.into()).collect(), libc::E2BIG)
        );
        assert_eq!(tried(&["x"], None, &[]).0, ["/bin/x", "/usr/bin/x"]);
        assert_eq!(tried(&["./x"], path, &[]).0, ["./x"]);
        assert_eq!(tried(&[""], path, &[]), (vec![], libc::ENOENT));
    }

    #[test]
    fn a_script_without_a_first_line_is_given_to_the_shell() {
        let error = [("/b/x", libc::ENOEXEC), ("/bin/sh", libc::EPERM)];
        let (files, error) = tried(&["x", "1"], Some("/a:/b:/c"), &error);
        assert_eq!(
            (files.as_slice(), error),
            (
                &["/a/x", "/b/x", "/bin/sh"].map(String::from)[..],
                libc::EPERM
            )
        );
    }

    #[test]
    fn null_bytes_are_refused() {
        let env = BTreeMap::new();
        for argv in [["a\0b", "c"], ["a", "b\0c"]] {
            assert!(Image::new(&argv.map(String::from), &env, &[]).is_err());
        }
        let bad = [("X".to_owned(), "\0".to_owned())].into();
        assert!(Image::new(&["a".to_owned()], &bad, &[]).is_err());
    }
}
