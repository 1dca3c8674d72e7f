//! The settings of a project, typed.
//!
//! In come four layers, each over the one before: `default.toml` (part of the binary),
//! the project's `attrib.toml`, `ATTRIB_*` variables of the environment, flags. Out goes
//! one [`Config`] that is passed around by reference. Keys that nobody knows are refused
//! with the nearest known one. What the models need of it are [`Config::parameters`],
//! used in SQL as `$name`.

mod nearest;
mod parameter;
mod position;
mod read;
mod settings;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use nearest::{hint, nearest};
pub use parameter::Parameter;
pub use position::line_column;
pub use settings::is_setting;

use crate::{Error, Result};

/// The name of a project's settings file; the folder that holds it is the project.
pub const FILE_NAME: &str = "attrib.toml";

/// The settings and their defaults, as a commented TOML file.
pub const DEFAULT_TOML: &str = include_str!("default.toml");

/// The names that [`Config::parameters`] always has.
const BUILT_IN_PARAMETERS: &[&str] = &[
    "timezone",
    "identity",
    "session_timeout_seconds",
    "conversion_events",
    "lookback_days",
    "direct",
    "ignore_referrers",
];

/// Who a user is (SPEC §3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Identity {
    Stitched,
    UserId,
    Device,
}

impl Identity {
    /// The name in the settings and in `$identity`.
    pub fn name(self) -> &'static str {
        match self {
            Identity::Stitched => "stitched",
            Identity::UserId => "user_id",
            Identity::Device => "device",
        }
    }
}

/// What direct visits count for (SPEC §7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direct {
    Skip,
    Include,
}

impl Direct {
    /// The name in the settings and in `$direct`.
    pub fn name(self) -> &'static str {
        match self {
            Direct::Skip => "skip",
            Direct::Include => "include",
        }
    }
}

/// Where the tables live and how long their old versions do.
#[derive(Debug, Clone, PartialEq)]
pub struct SnapshotConfig {
    /// As written; see [`Config::snapshot_location`].
    pub path: String,
    /// At least one second.
    pub retention: Duration,
}

/// Where the project's models live.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelsConfig {
    /// As written; see [`Config::models_dir`].
    pub path: String,
}

/// All settings of a run of attrib.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// The project's folder, or the current one where there is no project. Relative paths
    /// of the settings start here.
    pub root: PathBuf,
    /// The project's `attrib.toml`, if there is one.
    pub file: Option<PathBuf>,
    /// Dates from staging on are civil dates of this zone.
    pub timezone: chrono_tz::Tz,
    pub identity: Identity,
    /// A longer pause starts a session, where `ga_session_id` is missing. Whole seconds.
    pub session_timeout: Duration,
    /// Never empty.
    pub conversion_events: Vec<String>,
    /// Days of 86,400 seconds before a conversion in which a touchpoint is eligible.
    pub lookback_days: u32,
    pub direct: Direct,
    /// Hosts in lower case; their subdomains count too.
    pub ignore_referrers: Vec<String>,
    /// Bytes.
    pub memory_limit: u64,
    /// As written, 0 for all cores; see [`Config::thread_count`].
    pub threads: u32,
    pub snapshot: SnapshotConfig,
    pub models: ModelsConfig,
    /// GA4 fields → where a file of the project has them. Read by the ingest.
    pub fields: toml::Table,
    /// The project's own query parameters.
    pub vars: BTreeMap<String, Parameter>,
}

impl Config {
    /// Reads all layers.
    ///
    /// `project_dir` is the project's folder; without it, the nearest folder with an
    /// `attrib.toml` from the current one upwards. A folder without the file has the
    /// defaults. `environment` is all of it; what does not start with `ATTRIB_` is
    /// ignored. `overrides` are flags: a key path (`lookback_days`, `vars.discount`) and
    /// its text.
    ///
    /// # Errors
    ///
    /// `config`: a key or variable is unknown, a value has the wrong type or cannot be,
    /// the file is not valid TOML or cannot be read, `project_dir` is no folder.
    pub fn load(
        project_dir: Option<&Path>,
        environment: impl IntoIterator<Item = (String, String)>,
        overrides: &[(String, String)],
    ) -> Result<Config> {
        let (root, file) = find_project(project_dir)?;
        let mut settings = settings::Settings::default();
        settings.add_toml(None, DEFAULT_TOML)?;
        if let Some(file) = &file {
            let text = std::fs::read_to_string(file).map_err(|error| {
                Error::config("cannot read the settings")
                    .with("file", file.display())
                    .caused_by(error)
            })?;
            let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
            settings.add_toml(Some(file), text)?;
        }
        settings.add_environment(environment)?;
        settings.add_overrides(overrides)?;

        Ok(Config {
            timezone: read::timezone(&settings)?,
            identity: read::identity(&settings)?,
            session_timeout: read::duration(&settings, "session_timeout")?,
            conversion_events: read::conversion_events(&settings)?,
            lookback_days: read::number(&settings, "lookback_days", 36_500)?,
            direct: read::direct(&settings)?,
            ignore_referrers: read::hosts(&settings, "ignore_referrers")?,
            memory_limit: read::bytes(&settings, "memory_limit")?,
            threads: read::number(&settings, "threads", 1024)?,
            snapshot: SnapshotConfig {
                path: read::text(&settings, "snapshot.path")?,
                retention: read::duration(&settings, "snapshot.retention")?,
            },
            models: ModelsConfig {
                path: read::text(&settings, "models.path")?,
            },
            fields: settings
                .section("fields")
                .map(|(name, setting)| (name.to_owned(), setting.value.clone()))
                .collect(),
            vars: read::vars(&settings)?,
            root,
            file,
        })
    }

    /// Every value that SQL can use as `$name`: `timezone`, `identity`, `direct` (text),
    /// `session_timeout_seconds`, `lookback_days` (whole numbers), `conversion_events`,
    /// `ignore_referrers` (lists of text), and the project's `[vars]`.
    pub fn parameters(&self) -> BTreeMap<String, Parameter> {
        let mut parameters = self.vars.clone();
        let mut add = |name: &str, value| parameters.insert(name.to_owned(), value);
        add("timezone", Parameter::Text(self.timezone.name().to_owned()));
        add("identity", Parameter::Text(self.identity.name().to_owned()));
        let seconds = i64::try_from(self.session_timeout.as_secs()).unwrap_or(i64::MAX);
        add("session_timeout_seconds", Parameter::Int(seconds));
        add(
            "conversion_events",
            Parameter::List(self.conversion_events.clone()),
        );
        add("lookback_days", Parameter::Int(self.lookback_days.into()));
        add("direct", Parameter::Text(self.direct.name().to_owned()));
        add(
            "ignore_referrers",
            Parameter::List(self.ignore_referrers.clone()),
        );
        parameters
    }

    /// Where the tables live: a URL as it stands (`gs://…`, `s3://…`), or the path of a
    /// folder, below the project unless it is absolute.
    pub fn snapshot_location(&self) -> String {
        if self.snapshot.path.contains("://") {
            return self.snapshot.path.clone();
        }
        self.root
            .join(&self.snapshot.path)
            .to_string_lossy()
            .into_owned()
    }

    /// The folder of the project's models; it need not exist.
    pub fn models_dir(&self) -> PathBuf {
        self.root.join(&self.models.path)
    }

    /// How many threads to use: `threads`, or one for each core.
    pub fn thread_count(&self) -> usize {
        match self.threads {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            threads => threads as usize,
        }
    }
}

/// The defaults as a file to start a project's own from: every setting is commented out.
pub fn commented_defaults() -> String {
    DEFAULT_TOML
        .lines()
        .map(|line| match line.chars().next() {
            None | Some('#' | '[') => format!("{line}\n"),
            // The closing bracket of a list stands at the start of its line as well.
            Some(_) => format!("#{line}\n"),
        })
        .collect()
}

/// The project's folder and its settings file, if it has one.
fn find_project(given: Option<&Path>) -> Result<(PathBuf, Option<PathBuf>)> {
    if let Some(folder) = given {
        if !folder.is_dir() {
            return Err(Error::config("the project folder does not exist")
                .with("folder", folder.display())
                .hint(format!("`attrib init {}` makes one", folder.display())));
        }
        let file = folder.join(FILE_NAME);
        return Ok((folder.to_owned(), file.is_file().then_some(file)));
    }
    let current = std::env::current_dir()
        .map_err(|error| Error::config("cannot tell the current folder").caused_by(error))?;
    Ok(match walk_up(&current) {
        Some(root) => (root.to_owned(), Some(root.join(FILE_NAME))),
        None => (current, None),
    })
}

/// The nearest folder with a settings file, from `start` upwards.
fn walk_up(start: &Path) -> Option<&Path> {
    start
        .ancestors()
        .find(|folder| folder.join(FILE_NAME).is_file())
}
