//! `new`: workflows from templates.

use crate::Place;

const STANDARD: [&str; 5] = ["new", "release.yaml", "--type", "release", "--template"];

#[test]
fn a_workflow_from_a_template_is_valid() {
    let place = Place::new();
    place.vwmp(&[&STANDARD[..], &["Standard Release"]].concat()).check(
        0,
        "wrote release.yaml: 8 steps\nnext: vwmp plan release.yaml -p summary=…\n",
        "",
    );
    let text = std::fs::read_to_string(place.path().join("release.yaml")).unwrap();
    assert!(
        text.starts_with("vwmp: 1\nname: release\ntype: release\ndescription: Version, changelog entry, ")
    );
    place.vwmp(&["validate", "release.yaml"]).check(0, "release.yaml is valid: 8 steps\n", "");
}

#[test]
fn every_template_gives_a_valid_workflow() {
    let place = Place::new();
    let listed = place.vwmp(&["types", "--format", "json"]).out;
    let listed: serde_json::Value = serde_json::from_str(&listed).unwrap();
    let mut count = 0;
    for one in listed.as_array().unwrap() {
        let name = one["name"].as_str().unwrap();
        for template in one["facts"]["templates"].as_str().unwrap_or_default().lines() {
            let template = template.split(": ").next().unwrap();
            let file = format!("w{count}.yaml");
            let made = place.vwmp(&["new", &file, "--type", name, "--template", template]);
            assert_eq!((made.code, &*made.err), (0, ""), "{name}: {template}");
            assert_eq!(place.vwmp(&["validate", &file]).code, 0);
            assert_eq!(place.vwmp(&["fmt", "--check", &file]).code, 0, "{name}: {template}");
            count += 1;
        }
    }
    assert!(count >= 2);
}

#[test]
fn values_become_defaults() {
    let place = Place::new();
    let values = ["Quick Release", "-p", "increment=minor", "--set", "version_file=V"];
    let made = place.vwmp(&[&STANDARD[..], &values].concat());
    assert_eq!((made.code, &*made.err), (0, ""));
    let text = std::fs::read_to_string(place.path().join("release.yaml")).unwrap();
    assert!(text.contains("    default: minor\n") && text.contains("  version_file: V\n"), "{text}");
}

#[test]
fn a_file_is_never_written_over() {
    let place = Place::new().with("release.yaml", "mine");
    place.vwmp(&[&STANDARD[..], &["Quick Release"]].concat()).check(
        3,
        "",
        "error: `release.yaml` exists already; name another file\n",
    );
    assert_eq!(std::fs::read_to_string(place.path().join("release.yaml")).unwrap(), "mine");
}

#[test]
fn without_a_type_it_is_a_small_one() {
    let place = Place::new();
    place.vwmp(&["new", "hello"]).check(0, "wrote hello.yaml: 1 step\nnext: vwmp plan hello.yaml\n", "");
    assert!(place.vwmp(&["run", "hello.yaml"]).err.contains("greet | hello, world\n"));
}

#[test]
fn mistyped_names_are_told_with_the_nearest_one() {
    let place = Place::new();
    for (arguments, said) in [
        (
            &["new", "--type", "relaese"][..],
            "error: there is no workflow type `relaese`; did you mean `release`?\n",
        ),
        (
            &["new", "--type", "release", "--template", "Quik Release"],
            "error: there is no template `Quik Release`; did you mean `Quick Release`?\n",
        ),
        (
            &["new", "--type", "release", "--template", "Quick Release", "-p", "incremnt=minor"],
            "error: there is no parameter `incremnt`; did you mean `increment`?\n",
        ),
        (
            &["new", "--type", "release", "--template", "Quick Release", "--set", "a.b=1"],
            "error: the template has no `config.a`\n",
        ),
    ] {
        place.vwmp(arguments).check(3, "", said);
    }
    let several = place.vwmp(&["new", "--type", "release"]);
    assert_eq!(several.code, 3);
    assert!(
        several
            .err
            .starts_with("error: choose a template with --template: \"Standard Release\", \"Quick Release\""),
        "{}",
        several.err
    );
    assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 0);
}

#[test]
fn shells_and_man_are_served() {
    let place = Place::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = place.vwmp(&["completions", shell]);
        assert!(script.code == 0 && script.out.contains("vwmp"), "{shell}");
    }
    assert!(place.vwmp(&["man"]).out.contains(".TH vwmp 1"));
    assert!(place.vwmp(&["man", "run"]).out.contains(".TH vwmp-run 1"));
    place.vwmp(&["man", "rnu"]).check(3, "", "error: there is no command `rnu`; did you mean `run`?\n");
    place.vwmp(&["man", "--dir", "pages"]).check(0, "", "");
    assert!(place.path().join("pages/vwmp-run.1").exists());
}
