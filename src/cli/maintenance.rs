//! How the reports of `compact` and `vacuum` read.

use attrib::report::MaintenanceReport;

use super::print::{Grid, Style, human};

/// The tables whose files changed, before and after.
pub fn compacted(reports: &[MaintenanceReport], style: Style) -> String {
    let mut grid = Grid::new(&["table", ">files", ">now", ">size", ">now"]);
    for report in reports.iter().filter(|r| r.files_before != r.files_after) {
        grid.row([
            report.table.clone(),
            human::count(report.files_before),
            human::count(report.files_after),
            human::bytes(report.bytes_before),
            human::bytes(report.bytes_after),
        ]);
    }
    if grid.is_empty() {
        let tables = human::counted(reports.len() as u64, "table");
        return format!("{} to compact in {tables}\n", style.good("Nothing"));
    }
    grid.draw(style)
}

/// The tables that lost, or would lose, files, and what that frees.
pub fn vacuumed(reports: &[MaintenanceReport], dry_run: bool, style: Style) -> String {
    let mut grid = Grid::new(&["table", ">files", ">freed"]);
    let freed = |r: &MaintenanceReport| r.bytes_before.saturating_sub(r.bytes_after);
    for report in reports.iter().filter(|report| report.files_deleted > 0) {
        grid.row([
            report.table.clone(),
            human::count(report.files_deleted),
            human::bytes(freed(report)),
        ]);
    }
    if grid.is_empty() {
        let tables = human::counted(reports.len() as u64, "table");
        return format!("{} to delete in {tables}\n", style.good("Nothing"));
    }
    let files = reports.iter().map(|report| report.files_deleted).sum();
    let verb = if dry_run {
        style.warning("Would delete")
    } else {
        style.good("Deleted")
    };
    let bytes = human::bytes(reports.iter().map(freed).sum());
    format!(
        "{}{verb} {}, {bytes}\n",
        grid.draw(style),
        human::counted(files, "file")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(files_before: u64, files_after: u64, files_deleted: u64) -> MaintenanceReport {
        MaintenanceReport {
            table: "raw_ga4_events".into(),
            files_before,
            files_after,
            bytes_before: 2_000_000,
            bytes_after: 1_500_000,
            files_deleted,
        }
    }

    #[test]
    fn tables_that_did_not_change_are_not_listed() {
        let text = compacted(&[report(5, 5, 0)], Style::PLAIN);
        assert_eq!(text, "Nothing to compact in 1 table\n");
        let text = compacted(&[report(1200, 31, 0)], Style::PLAIN);
        assert!(text.contains("1,200   31  2.0 MB  1.5 MB"), "{text}");
    }

    #[test]
    fn a_dry_run_deletes_nothing() {
        let text = vacuumed(&[report(5, 5, 4)], true, Style::PLAIN);
        assert!(text.ends_with("Would delete 4 files, 500 kB\n"), "{text}");
        let text = vacuumed(&[report(5, 5, 4)], false, Style::PLAIN);
        assert!(text.ends_with("Deleted 4 files, 500 kB\n"), "{text}");
    }
}
