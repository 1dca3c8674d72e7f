//! Ctrl-C: say so, let the command drop what it holds (its temporary files go with it),
//! and leave. Commits to the snapshot are atomic, so there is nothing to undo.

use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::print;

/// The exit code of a process that SIGINT ended: 128 + 2.
const INTERRUPTED: u8 = 130;

/// How long the command has for letting go before the process ends regardless.
pub const GRACE: Duration = Duration::from_secs(2);

/// Set by Ctrl-C: reading files is no waiting that could be broken off, so it looks here.
static INTERRUPTED_BY_USER: AtomicBool = AtomicBool::new(false);

/// Whether the user pressed Ctrl-C.
pub fn is_interrupted() -> bool {
    INTERRUPTED_BY_USER.load(Ordering::Relaxed)
}

/// Completes when the user pressed Ctrl-C, with the exit code for it. Never completes
/// where the system has no such signal.
pub async fn received() -> ExitCode {
    let (sender, receiver) = tokio::sync::oneshot::channel();
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_err() {
            // Keeps the sender: nobody is ever told.
            std::future::pending::<()>().await;
        }
        INTERRUPTED_BY_USER.store(true, Ordering::Relaxed);
        print::interrupted();
        // The command may be busy computing and not notice in time.
        std::thread::spawn(|| {
            std::thread::sleep(GRACE);
            std::process::exit(INTERRUPTED.into());
        });
        let _ = sender.send(());
    });
    match receiver.await {
        Ok(()) => ExitCode::from(INTERRUPTED),
        Err(_) => std::future::pending().await,
    }
}
