//! What the library traces, on standard error: warnings by default, more with `-v`, or
//! exactly what `ATTRIB_LOG` asks for.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use super::args::{ColorWhen, GlobalArgs};

/// Starts logging for this process. `ATTRIB_LOG` takes the directives of `env_logger`,
/// e.g. `attrib=debug,deltalake_core=info`.
pub fn start(global: &GlobalArgs) {
    let filter = match std::env::var("ATTRIB_LOG") {
        Ok(directives) if !directives.trim().is_empty() => EnvFilter::new(directives),
        _ => EnvFilter::new(directives(global.quiet, global.verbose)),
    };
    let colored = match global.color {
        ColorWhen::Always => true,
        ColorWhen::Never => false,
        ColorWhen::Auto => {
            std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none()
        }
    };
    // Only fails where a subscriber is already set, which then stays.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(colored)
        .with_target(global.verbose > 1)
        .try_init();
}

fn directives(quiet: bool, verbose: u8) -> &'static str {
    match verbose {
        _ if quiet => "off",
        // What other crates call an error may be none to us: those come with ours.
        0 => "off,attrib=warn",
        1 => "warn,attrib=info",
        2 => "info,attrib=debug",
        _ => "debug,attrib=trace",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_level_says_more_and_every_filter_is_valid() {
        for verbose in 0..4 {
            let text = directives(false, verbose);
            assert!(!EnvFilter::try_new(text).unwrap().to_string().is_empty());
        }
        assert_eq!(directives(true, 3), "off");
    }
}
