//! How long something takes, whatever else runs on the machine.

use std::time::Instant;

/// The seconds that this thread spends on `work`: those on the CPU where the system tells them, so that one test is not
/// taken for slow because of others.
#[allow(clippy::disallowed_methods, reason = "tests measure")]
pub fn seconds<T>(work: impl FnOnce() -> T) -> f64 {
    let (start, before) = (Instant::now(), on_cpu());
    let done = work();
    let (taken, after) = (start.elapsed(), on_cpu());
    drop(done);
    match (before, after) {
        (Some(before), Some(after)) if after > before => (after - before) as f64 / 1e9,
        _ => taken.as_secs_f64(),
    }
}

/// Nanoseconds that this thread has been on the CPU.
#[allow(clippy::disallowed_methods, reason = "tests measure")]
fn on_cpu() -> Option<u64> {
    // The system counts when it looks for who is next.
    std::thread::yield_now();
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split(' ').next()?.parse().ok()
}

#[test]
#[allow(clippy::disallowed_methods, reason = "tests measure")]
fn waiting_does_not_count() {
    let (start, before) = (Instant::now(), on_cpu());
    let (sender, receiver) = std::sync::mpsc::channel::<()>();
    let waited = receiver.recv_timeout(std::time::Duration::from_millis(200));
    drop(sender);
    assert!(waited.is_err() && start.elapsed().as_millis() >= 200);
    if let (Some(before), Some(after)) = (before, on_cpu()) {
        assert!(after - before < 100_000_000, "{before} {after}");
    }
}
