use super::*;

fn lay(text: &str) -> String {
    let laid = laid_out("w.yaml", text).unwrap_or_else(|why| panic!("{why:?}:\n{text}"));
    assert_eq!(laid_out("w.yaml", &laid).unwrap(), laid, "laid out twice");
    laid
}

#[test]
fn levels_are_two_columns_deep() {
    let text = "\n\nname:   w   \nconfig:\n    a:\n          b: 1   # one\n    c:\n    - x\n    -   y: 1\n        z: 2\n    - - 1\n      -  2\nsteps:\n- id: a\n  handler: flow.noop\n- id: b\n  handler: flow.noop\n\n\n";
    let expected = "name:   w\nconfig:\n  a:\n    b: 1   # one\n  c:\n    - x\n    - y: 1\n      z: 2\n    - - 1\n      - 2\nsteps:\n  - id: a\n    handler: flow.noop\n\n  - id: b\n    handler: flow.noop\n";
    assert_eq!(lay(text), expected);
}

#[test]
fn scripts_and_long_texts_stay() {
    let text = "steps:\n- config:\n      run: |\n            if a; then\n              b   \n\n            fi\n      fold: >-\n        one\n          two\n      quoted: \"one\n         two\"\n      plain: one\n        two\n      list: [1,\n             2]\n      kept: |+\n        x\n\n\n  id: a\n- |\n    item\n";
    let expected = "steps:\n  - config:\n      run: |\n        if a; then\n          b   \n\n        fi\n      fold: >-\n        one\n          two\n      quoted: \"one\n         two\"\n      plain: one\n        two\n      list: [1,\n             2]\n      kept: |+\n        x\n\n\n    id: a\n  - |\n    item\n";
    assert_eq!(lay(text), expected);
}

#[test]
fn comments_go_with_what_they_are_about() {
    let text = "# top\nname: w\nsteps:\n# first\n- id: a\n  # of a\n  handler: x\n  # end of a\n# of b\n- id: b # here\n  handler: x\n\n\n  # last\n#end\n";
    let expected = "# top\nname: w\nsteps:\n  # first\n  - id: a\n    # of a\n    handler: x\n    # end of a\n\n  # of b\n  - id: b # here\n    handler: x\n\n    # last\n#end\n";
    assert_eq!(lay(text), expected);
}

#[test]
fn short_steps_stay_together() {
    let text = "steps:\n  - { id: a }\n  - { id: b }\r\n";
    assert_eq!(lay(text), "steps:\n  - { id: a }\n  - { id: b }\n");
}

#[test]
fn every_file_of_this_repository_has_a_layout() {
    let mut count = 0;
    let mut folders =
        vec![std::path::PathBuf::from("../workflows"), "../tests".into(), "../vwmp-plugins".into()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "yaml") {
                let Ok(text) = std::fs::read_to_string(&path) else { continue };
                match laid_out("w.yaml", &text) {
                    Ok(laid) => assert_eq!(laid_out("w.yaml", &laid).unwrap(), laid, "{}", path.display()),
                    Err(Unlaid::Unreadable(_)) => continue,
                    Err(Unlaid::WouldChange) => panic!("{} would change", path.display()),
                }
                count += 1;
            }
        }
    }
    assert!(count > 10, "{count}");
}
