//! Running the real binary: a temporary project, its commands, its marts; and the fixture
//! folders that tests compare with.
#![allow(dead_code)]

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Output;

use crate::reference::marts::{
    MART_COLUMNS, MartRow, RECONCILIATION_COLUMNS, ReconciliationRow, parse_mart,
    parse_reconciliation,
};

/// What people read, as the engine or an expected folder has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marts {
    pub first_click: Vec<MartRow>,
    pub last_click: Vec<MartRow>,
    pub reconciliation: Vec<ReconciliationRow>,
}

/// A project folder that vanishes with the value.
pub struct TestProject {
    dir: tempfile::TempDir,
}

impl TestProject {
    /// A project with this `attrib.toml`, which may be empty.
    pub fn new(config: &str) -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        fs::write(dir.path().join("attrib.toml"), config).expect("writes attrib.toml");
        Self { dir }
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Puts a file of events beside the project's own, and says where.
    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join("inbox").join(name);
        fs::create_dir_all(path.parent().expect("has a folder")).expect("makes the inbox");
        fs::write(&path, bytes).expect("writes events");
        path
    }

    pub fn ingest(&self, file: &Path) {
        self.attrib(&["ingest", &file.to_string_lossy()]);
    }

    pub fn run(&self) {
        self.attrib(&["run"]);
    }

    pub fn full_refresh(&self) {
        self.attrib(&["run", "--full-refresh"]);
    }

    /// The answer as CSV with a header.
    pub fn query(&self, sql: &str) -> String {
        let output = self.attrib(&["query", sql, "--format", "csv"]);
        String::from_utf8(output.stdout).expect("is UTF-8")
    }

    /// One number.
    pub fn count(&self, sql: &str) -> usize {
        let answer = self.query(sql);
        let number = answer
            .lines()
            .nth(1)
            .and_then(|line| line.trim().parse().ok());
        number.unwrap_or_else(|| panic!("{sql} answers one number, not:\n{answer}"))
    }

    pub fn marts(&self) -> Marts {
        let mart = |model: &str| {
            let sql = format!("select {MART_COLUMNS} from mart_attribution_{model}");
            parse_mart(&self.query(&sql))
        };
        let reconciliation = self.query(&format!(
            "select {RECONCILIATION_COLUMNS} from mart_attribution_reconciliation \
             where model in ('first_click', 'last_click')",
        ));
        Marts {
            first_click: mart("first_click"),
            last_click: mart("last_click"),
            reconciliation: parse_reconciliation(&reconciliation),
        }
    }

    /// Runs a command in the project; fails the test where the command fails.
    pub fn attrib(&self, args: &[&str]) -> Output {
        let output = assert_cmd::cargo::cargo_bin_cmd!("attrib")
            .env("NO_COLOR", "1")
            .arg("--project")
            .arg(self.path())
            .args(args)
            .output()
            .expect("runs");
        assert!(
            output.status.success(),
            "attrib {args:?} failed: {}\n{}",
            output.status,
            String::from_utf8_lossy(&output.stderr),
        );
        output
    }
}

/// A folder of `fixtures/`: events, perhaps settings, and the marts that they make.
pub struct Fixture {
    pub path: PathBuf,
}

impl Fixture {
    /// Every folder with expected marts: the hand-written cases, then the shop.
    pub fn all() -> Vec<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
        let tiny = fs::read_dir(root.join("tiny")).expect("fixtures/tiny is there");
        let mut paths: Vec<PathBuf> = tiny
            .map(|entry| entry.expect("a readable folder").path())
            .collect();
        paths.sort();
        paths.push(root.join("shop"));
        paths.into_iter().map(|path| Self { path }).collect()
    }

    pub fn name(&self) -> String {
        self.path
            .file_name()
            .expect("a named folder")
            .to_string_lossy()
            .into_owned()
    }

    /// `attrib.toml`, or nothing where the case has none.
    pub fn config(&self) -> String {
        fs::read_to_string(self.path.join("attrib.toml")).unwrap_or_default()
    }

    /// The files of events, in the order of their names, which is the order of ingest.
    pub fn events(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(&self.path).expect("a readable folder");
        let mut paths: Vec<PathBuf> = entries
            .map(|entry| entry.expect("a readable file").path())
            .filter(|path| {
                path.file_name()
                    .is_some_and(|name| name.to_string_lossy().starts_with("events"))
            })
            .collect();
        paths.sort();
        paths
    }

    pub fn expected(&self) -> Marts {
        Marts {
            first_click: parse_mart(&self.expected_text("first_click")),
            last_click: parse_mart(&self.expected_text("last_click")),
            reconciliation: parse_reconciliation(&self.expected_text("reconciliation")),
        }
    }

    pub fn expected_path(&self, mart: &str) -> PathBuf {
        self.path
            .join("expected")
            .join(format!("mart_attribution_{mart}.csv"))
    }

    fn expected_text(&self, mart: &str) -> String {
        let path = self.expected_path(mart);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }
}

/// A text file, unpacked where its name ends in `.gz`.
pub fn read_text(path: &Path) -> String {
    let bytes = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut text = String::new();
    let read = if path.extension().is_some_and(|ext| ext == "gz") {
        flate2::read::MultiGzDecoder::new(bytes.as_slice()).read_to_string(&mut text)
    } else {
        bytes.as_slice().read_to_string(&mut text)
    };
    read.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text
}
