mod plugins;

use std::path::Path;
use std::sync::Arc;

use super::*;
use crate::source::Source;

fn document(name: &str, text: &str) -> Arc<Document> {
    Arc::new(Document::parse(Arc::new(Source::new(name, text))).unwrap())
}

#[test]
fn smoke() {
    let text = "name: x\nsteps:\n  - {id: a, handler: shell.run, config: {run: 'echo 1'}}\n  - {id: b, handler: test.make, config: {name: $<step-outputs.a.stdout>}}\n  - {id: c, handler: git.push, needs: b}\n";
    let (workflow, warnings) =
        Workflow::check(document("w.yaml", text), &plugins::registry(), &Settings::default(), &NoFiles)
            .unwrap();
    assert!(warnings.is_empty());
    let plan = workflow.plan(Inputs::new(Path::new("/"))).unwrap();
    assert_eq!(plan.steps().len(), 3);
    assert_eq!(plan.adapters().collect::<Vec<_>>(), ["git"]);
}
