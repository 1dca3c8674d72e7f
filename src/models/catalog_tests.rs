//! What a catalog is made of: which file wins, and what is refused.

use super::*;

fn files(files: &[(&str, &str)], built_in: bool) -> Vec<SourceFile> {
    let file = |(path, text): &(&str, &str)| SourceFile {
        origin: match built_in {
            true => Origin::BuiltIn(format!("queries/{path}")),
            false => Origin::File(format!("project/queries/{path}").into()),
        },
        path: path.to_string(),
        text: text.to_string(),
    };
    files.iter().map(file).collect()
}

/// A catalog of a project's files alone.
pub(in crate::models) fn catalog(project: &[(&str, &str)]) -> Result<Catalog> {
    Catalog::build(Vec::new(), files(project, false))
}

fn layered(built_in: &[(&str, &str)], project: &[(&str, &str)]) -> Result<Catalog> {
    Catalog::build(files(built_in, true), files(project, false))
}

fn fail(project: &[(&str, &str)]) -> Error {
    catalog(project).unwrap_err()
}

const BUILT_IN: &[(&str, &str)] = &[
    ("staging/stg.sql", "select * from raw_ga4_events"),
    ("marts/mart.sql", "select a from stg where $direct = 'skip'"),
    ("marts/mart.affected.sql", "select a from before_stg"),
    (
        "marts/mart.yml",
        "models: [{name: mart, description: built in, columns: [{name: a, tests: [not_null]}]}]\nunit_tests: [{name: t, model: mart, expect: {rows: []}}]",
    ),
    ("tests/none.sql", "select * from mart where a < 0"),
    ("channels/rules.yml", "anything: at all"),
];

#[test]
fn the_built_in_models_load() {
    let catalog = Catalog::load(None).unwrap();
    catalog.compiled_tests().unwrap();
    crate::models::Graph::new(&catalog, &[]).unwrap();
    assert_eq!(
        Catalog::load(Some(Path::new("/no/such/folder"))).unwrap(),
        catalog
    );
}

#[test]
fn reads_models_tests_and_properties() {
    let catalog = layered(BUILT_IN, &[]).unwrap();
    let names: Vec<_> = catalog.models().map(|model| model.name.as_str()).collect();
    assert_eq!(names, ["mart", "stg"]);
    let mart = catalog.model("mart").unwrap();
    assert_eq!(mart.layer, "marts");
    assert_eq!(mart.path(), "queries/marts/mart.sql");
    assert_eq!(mart.depends_on, BTreeSet::from(["stg".to_owned()]));
    assert_eq!(mart.parameters, BTreeSet::from(["direct".to_owned()]));
    assert_eq!(
        mart.affected.as_ref().unwrap().sql(),
        "select a from before_stg"
    );
    let tests = catalog.compiled_tests().unwrap();
    let names: Vec<_> = tests.iter().map(|test| test.name.as_str()).collect();
    assert_eq!(names, ["not_null mart.a", "none"]);
    assert_eq!(tests[1].model, "mart");
    assert_eq!(catalog.unit_tests().count(), 1);
}

#[test]
fn a_projects_file_replaces_the_built_in_of_the_same_name() {
    let project = [
        ("mine/mart.sql", "select 1 as a"),
        ("new.sql", "select 2 as b"),
    ];
    let catalog = layered(BUILT_IN, &project).unwrap();
    let mart = catalog.model("mart").unwrap();
    assert_eq!(mart.sql(), "select 1 as a");
    assert_eq!(mart.layer, "mine");
    assert_eq!(mart.origin().to_string(), "project/queries/mine/mart.sql");
    assert_eq!(mart.properties.description, "built in");
    assert!(mart.affected.is_none(), "companions go with the SQL");
    assert_eq!(catalog.model("new").unwrap().layer, "models");
}

#[test]
fn a_projects_yaml_replaces_by_path_and_by_model() {
    let yaml = "models: [{name: mart, description: mine}]";
    let by_path = layered(BUILT_IN, &[("marts/mart.yml", yaml)]).unwrap();
    assert_eq!(
        by_path.model("mart").unwrap().properties.description,
        "mine"
    );
    assert_eq!(by_path.unit_tests().count(), 0);
    let by_model = layered(BUILT_IN, &[("schema.yml", yaml)]).unwrap();
    assert_eq!(
        by_model.model("mart").unwrap().properties.description,
        "mine"
    );
    assert_eq!(by_model.unit_tests().count(), 1);
}

#[test]
fn a_projects_companion_and_test_replace_the_built_in() {
    let project = [
        ("marts/mart.affected.sql", "select 1"),
        ("tests/none.sql", "select 1 where false"),
    ];
    let catalog = layered(BUILT_IN, &project).unwrap();
    assert_eq!(
        catalog
            .model("mart")
            .unwrap()
            .affected
            .as_ref()
            .unwrap()
            .sql(),
        "select 1"
    );
    let tests: Vec<_> = catalog
        .sql_tests()
        .map(|test| test.file.text.as_str())
        .collect();
    assert_eq!(tests, ["select 1 where false"]);
}

#[test]
fn names_are_unique_and_plain() {
    let error = fail(&[("a/x.sql", "select 1"), ("b/x.sql", "select 1")]);
    assert_eq!(
        error.to_string(),
        "two files are called `x.sql` (first: project/queries/a/x.sql, second: project/queries/b/x.sql)"
    );
    let error = fail(&[("a/My Model.sql", "select 1")]);
    assert_eq!(error.message(), "`My Model` cannot be a model's name");
    let yaml = "models: [{name: x}]";
    let error = fail(&[("x.sql", "select 1"), ("a.yml", yaml), ("b.yml", yaml)]);
    assert_eq!(error.message(), "the model `x` is described twice");
    let test = "unit_tests: [{name: t, model: x, expect: {rows: []}}]";
    let error = fail(&[("x.sql", "select 1"), ("a.yml", test), ("b.yml", test)]);
    assert_eq!(error.message(), "there are two unit tests `t`");
}

#[test]
fn yaml_must_be_about_a_model() {
    let error = fail(&[
        ("daily.sql", "select 1"),
        ("a.yml", "models:\n  - name: dayly\n"),
    ]);
    assert_eq!(error.message(), "there is no model `dayly`");
    assert_eq!(error.hint_text(), Some("did you mean `daily`?"));
    assert!(
        error.to_string().contains("a.yml, line: 2, column: 11"),
        "{error}"
    );
    let error = fail(&[("daily.sql", "select 1"), ("dayly.scope.sql", "select 1")]);
    assert_eq!(error.message(), "there is no model `dayly`");
}

#[test]
fn a_unit_test_must_fit_its_model() {
    let test = |text: &str| {
        let yaml = format!("unit_tests:\n  - name: t\n    expect: {{rows: []}}\n{text}");
        let sql = "select * from events where $lookback_days > 1";
        fail(&[("x.sql", sql), ("x.yml", &yaml)])
    };
    assert_eq!(test("    model: y\n").message(), "there is no model `y`");
    let error = test("    model: x\n    given: [{input: ref('event'), rows: []}]\n");
    assert_eq!(error.message(), "the model `x` does not read `event`");
    assert_eq!(error.hint_text(), Some("did you mean `events`?"));
    let error = test("    model: x\n    overrides: {vars: {lookback_day: 1}}\n");
    assert_eq!(
        error.message(),
        "the model `x` does not use `$lookback_day`"
    );
    assert_eq!(error.hint_text(), Some("did you mean `lookback_days`?"));
}

#[test]
fn an_unknown_model_gets_the_nearest() {
    let catalog = catalog(&[("daily.sql", "select 1")]).unwrap();
    let error = catalog.model("dialy").unwrap_err();
    assert_eq!(error.hint_text(), Some("did you mean `daily`?"));
}
