//! The binary: parse the command line, start the runtime, run one command, exit with the
//! code of what came out.

mod cli;

use std::process::ExitCode;

use clap::Parser;
use mimalloc::MiMalloc;

/// Queries and readers allocate much and on all threads.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// mimalloc's number of `purge_delay`, for which its bindings have no name.
const PURGE_DELAY: libmimalloc_sys::mi_option_t = 15;

/// Unused memory stays with the process. By default it goes back to the system after some
/// milliseconds, to be asked for and zeroed again for the next batch: a tenth of the time.
const NEVER: std::ffi::c_long = -1;

fn main() -> ExitCode {
    // SAFETY: sets a number in a table of the allocator's, which it reads whenever it frees
    // memory; no other thread runs yet. `MIMALLOC_PURGE_DELAY` goes first.
    unsafe { libmimalloc_sys::mi_option_set_default(PURGE_DELAY, NEVER) };
    let arguments = cli::Cli::parse();
    cli::logging::start(&arguments.global);
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return cli::print::cannot_start(&arguments.global, error),
    };
    let code = runtime.block_on(async {
        // On a thread of its own: reading files blocks, and Ctrl-C must be heard meanwhile.
        let mut command = tokio::spawn(cli::run(arguments));
        tokio::select! {
            code = &mut command => code.unwrap_or(ExitCode::FAILURE),
            code = cli::interrupt::received() => {
                // What is stopped halfway may panic about it.
                std::panic::set_hook(Box::new(|_| {}));
                command.abort();
                // It deletes its unfinished files as it ends, or `interrupt` ends it.
                let _ = command.await;
                code
            }
        }
    });
    // Whatever still works in the background is of no use to anybody now; after Ctrl-C it is
    // given time to delete its unfinished files.
    match cli::interrupt::is_interrupted() {
        true => runtime.shutdown_timeout(cli::interrupt::GRACE),
        false => runtime.shutdown_background(),
    }
    code
}
