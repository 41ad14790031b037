//! The example workflows fit the handlers they use.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use vwmp_plugins as _;
use vwmp_testkit::example::{expressions, read};

#[test]
fn every_step_of_every_example_fits() {
    let registry = vwmp_testkit::conformance::linked();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../workflows");
    let mut seen = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("# "), "{} begins with no comment", path.display());
        let workflow = read(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        for step in
            ["steps", "finally"].into_iter().flat_map(|key| workflow[key].as_array().into_iter().flatten())
        {
            let Some(handler) = registry.step(step["handler"].as_str().unwrap()) else { continue };
            let config = step.get("config").cloned().unwrap_or_else(|| json!({}));
            let unknown = expressions(&config);
            let mut errors = handler.config_errors(&config);
            errors.retain(|error| !unknown.contains(&error.pointer));
            assert!(errors.is_empty(), "{}: {}: {errors:?}", path.display(), step["id"]);
        }
        seen += 1;
    }
    assert!(seen > 0);
}

#[test]
fn the_standard_release_is_that_of_the_template() {
    let registry = vwmp_testkit::conformance::linked();
    let info = registry.workflow_type("release").unwrap().info().clone();
    let template = read(info.templates[0].workflow).unwrap();
    let example = read(include_str!("../../workflows/release.yaml")).unwrap();
    let handlers = |workflow: &Value| -> Vec<Value> {
        workflow["steps"].as_array().unwrap().iter().map(|step| step["handler"].clone()).collect()
    };
    assert_eq!(handlers(&template), handlers(&example));
    assert_eq!(
        handlers(&template),
        info.default_step_types.iter().map(|&name| json!(name)).collect::<Vec<_>>()
    );
}
