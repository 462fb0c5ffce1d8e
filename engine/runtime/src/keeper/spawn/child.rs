//! The child between its creation and the execution of its program.
//!
//! Forking copies the keeper's page tables, and every page that either side touches afterwards: most of what
//! starting a process costs. So the child shares the keeper's memory, on a stack of its own, and the keeper stands
//! still until the child executes its program or ends, as in `posix_spawn`, which cannot have the child write its
//! `P` line. Open files, directory, mask and signal handlers are copies: what the child does to them is its own.

use super::image::Image;
use super::start_note::StartNote;
use rustix::fs::Mode;
use rustix::io::Errno;
use rustix::process::{Pid, WaitOptions, chdir, setsid, umask, waitpid};
use std::ffi::{CString, c_int, c_void};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr;

/// Far more than the child needs, which calls little and nothing deep.
const STACK: usize = 64 * 1024;

/// The stack of the child, used by one at a time.
pub(super) struct Stack(Box<[MaybeUninit<u8>]>);

impl Default for Stack {
    fn default() -> Stack {
        Stack(Box::new_uninit_slice(STACK))
    }
}

impl Stack {
    /// Stacks grow downwards on all that Linux and Rust run on today.
    fn top(&mut self) -> *mut c_void {
        self.0.as_mut_ptr_range().end.cast()
    }
}

/// What a child is to be.
pub(super) struct Child<'a> {
    pub(super) stdin: BorrowedFd<'a>,
    pub(super) stdout: BorrowedFd<'a>,
    pub(super) stderr: BorrowedFd<'a>,
    pub(super) dir: &'a Path,
    pub(super) umask: u32,
    pub(super) log: BorrowedFd<'a>,
    pub(super) note: &'a mut StartNote,
    pub(super) image: &'a mut Image,
}

/// The child and what it has besides.
struct Shared<'a> {
    child: Child<'a>,
    dir: CString,
    /// The signals that were blocked before all were.
    signals: libc::sigset_t,
    /// Why the program could not be executed: said by the child, which shares this memory. Zero if it was.
    error: i32,
}

impl Child<'_> {
    /// Makes the child and has it execute its program. Returns its id, and a handle that is ready to read when it
    /// has ended.
    pub(super) fn start(self, stack: &mut Stack) -> io::Result<(i32, OwnedFd)> {
        let mut shared = Shared {
            dir: CString::new(self.dir.as_os_str().as_bytes())?,
            child: self,
            signals: block_all(),
            error: 0,
        };
        let shared = &raw mut shared;
        let mut handle: c_int = -1;
        let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::CLONE_PIDFD | libc::SIGCHLD;
        // SAFETY: the stack is used by nobody else and outlives the child's use of this memory, because CLONE_VFORK
        // lets this thread go on only when the child has executed its program or ended; so does `shared`. The child
        // makes system calls only and returns from `run` only by ending. With CLONE_PIDFD the kernel stores the
        // handle where the parent's thread id would go.
        let pid = unsafe { libc::clone(run, stack.top(), flags, shared.cast(), &raw mut handle) };
        let failed = io::Error::last_os_error();
        // SAFETY: only this thread uses it now, as said.
        let shared = unsafe { &*shared };
        restore(&shared.signals);
        let Some(id) = Pid::from_raw(pid).filter(|_| pid > 0) else {
            return Err(failed);
        };
        // SAFETY: the kernel has just opened it for this process, and nobody else knows of it.
        let handle = unsafe { OwnedFd::from_raw_fd(handle) };
        if shared.error == 0 {
            return Ok((pid, handle));
        }
        while matches!(waitpid(Some(id), WaitOptions::empty()), Err(Errno::INTR)) {}
        Err(io::Error::from_raw_os_error(shared.error))
    }
}

/// No handler of the keeper's may run in the child, on a small stack and in shared memory.
fn block_all() -> libc::sigset_t {
    let (mut all, mut before) = (MaybeUninit::uninit(), MaybeUninit::uninit());
    // SAFETY: both sets are written before they are read, and none of the calls can fail with these arguments.
    unsafe {
        libc::sigemptyset(before.as_mut_ptr());
        libc::sigfillset(all.as_mut_ptr());
        libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), before.as_mut_ptr());
        before.assume_init()
    }
}

fn restore(signals: &libc::sigset_t) {
    // SAFETY: the set is initialised, and nothing is written.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, signals, ptr::null_mut()) };
}

/// What the child does. In shared memory: it neither allocates nor takes locks.
extern "C" fn run(shared: *mut c_void) -> c_int {
    // SAFETY: the parent, whose this is, stands still meanwhile.
    let shared = unsafe { &mut *shared.cast::<Shared<'_>>() };
    shared.error = match prepare(shared) {
        Ok(()) => shared.child.image.execute(|file, argv, env| {
            // SAFETY: both arrays end with null, and what they point to is owned by the image.
            unsafe { libc::execve(file.as_ptr(), argv.as_ptr(), env.as_ptr()) };
            last_error()
        }),
        Err(error) => error.raw_os_error(),
    };
    // SAFETY: ends this process without anything of the parent's being run.
    unsafe { libc::_exit(127) }
}

fn prepare(shared: &mut Shared<'_>) -> Result<(), Errno> {
    let child = &mut shared.child;
    for (from, to) in [(child.stdin, 0), (child.stdout, 1), (child.stderr, 2)] {
        // SAFETY: two numbers; in the child nobody else uses the standard streams.
        if unsafe { libc::dup2(from.as_raw_fd(), to) } < 0 {
            return Err(Errno::from_raw_os_error(last_error()));
        }
    }
    chdir(shared.dir.as_c_str())?;
    // This process ignores it, as every Rust program; programs expect that nobody does.
    // SAFETY: an action that is all zeroes is the default one, without flags and mask.
    unsafe {
        let default: libc::sigaction = MaybeUninit::zeroed().assume_init();
        libc::sigaction(libc::SIGPIPE, &raw const default, ptr::null_mut());
    }
    setsid()?;
    umask(Mode::from_raw_mode(child.umask));
    child.note.write(child.log)?;
    restore(&shared.signals);
    Ok(())
}

fn last_error() -> i32 {
    io::Error::last_os_error().raw_os_error().unwrap_or(0)
}
