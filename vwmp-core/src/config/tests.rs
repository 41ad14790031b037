use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::*;
use crate::document::Document;
use crate::source::Source;

fn document(name: &str, text: &str) -> Arc<Document> {
    Arc::new(Document::parse(Arc::new(Source::new(name, text))).unwrap())
}

fn file(name: &str, text: &str) -> ConfigFile {
    ConfigFile::new(document(name, text)).unwrap()
}

fn set(key: &str, value: impl Into<Value>) -> Setting {
    let value = value.into();
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    Setting { key: key.to_owned(), how: format!("--set {key}={text}"), value }
}

/// `key = value <- origin`, then what is shadowed.
fn told(layers: &Layers, key: &str) -> Vec<String> {
    let told = explain(layers, key).unwrap();
    let shadowed = told.shadowed.iter().map(|(value, origin)| format!("{value} <- {origin}"));
    std::iter::once(format!("{} <- {}", told.value, told.origin)).chain(shadowed).collect()
}

fn lines(layers: &Layers) -> Vec<String> {
    resolve(layers).leaves().map(|(key, value, origin)| format!("{key} = {value} <- {origin}")).collect()
}

#[test]
fn each_of_the_six_layers_wins_and_is_shadowed() {
    let release = document("release.yaml", "config:\n  a: 3\n  c: 3\n");
    let base = document("base.yaml", "config: {a: 4, d: 4}\n");
    let workspace = file(
        "vwmp_config.yaml",
        "config: {a: 7, g: 7}\nworkflow_types:\n  release: {config: {a: 5, e: 5}}\n  other: {config: {a: 0}}\n",
    );
    let user = file(
        "~/vwmp_config.yaml",
        "config: {a: 8, h: 8}\nworkflow_types: {release: {config: {a: 6, f: 6}}}\n",
    );
    let schema = json!({"properties": {"a": {"default": 9}, "i": {"default": 9}, "b": {}}});
    let environment =
        [("VWMP_CONFIG_A", "10"), ("VWMP_CONFIG_J", "10"), ("HOME", "/"), ("VWMP_CONFIG_", "x")];
    let environment: BTreeMap<_, _> = environment.map(|(k, v)| (k.to_owned(), v.to_owned())).into();
    let parameter = |name: &str, how: &str| Parameter { name: name.into(), value: json!(2), how: how.into() };
    let layers = WorkflowLayers {
        settings: &[set("a", 0), set("a", 1), set("adapter.git.a", 0)],
        parameters: &[parameter("a", ""), parameter("b", "-p b=2"), parameter("unrelated", "")],
        workflows: vec![release.root().get("config").unwrap(), base.root().get("config").unwrap()],
        workflow_type: Some("release"),
        files: vec![&workspace, &user],
        schema: Some(&schema),
        environment: Some(&environment),
    }
    .layers();
    assert_eq!(
        told(&layers, "a"),
        [
            "1 <- runtime: --set a=1",
            "2 <- runtime: parameter a",
            "3 <- workflow: release.yaml:2:6",
            "4 <- workflow: base.yaml:1:13",
            "5 <- plugin release: vwmp_config.yaml:3:25",
            "6 <- plugin release: ~/vwmp_config.yaml:2:40",
            "7 <- global: vwmp_config.yaml:1:13",
            "8 <- global: ~/vwmp_config.yaml:1:13",
            "9 <- default of release",
            "10 <- environment: VWMP_CONFIG_A",
        ]
    );
    for (key, expected, layer, name) in [
        ("a", "1 <- runtime: --set a=1", 1, "runtime"),
        ("b", "2 <- runtime: parameter b, -p b=2", 1, "runtime"),
        ("c", "3 <- workflow: release.yaml:3:6", 2, "workflow"),
        ("d", "4 <- workflow: base.yaml:1:19", 2, "workflow"),
        ("e", "5 <- plugin release: vwmp_config.yaml:3:31", 3, "plugin"),
        ("f", "6 <- plugin release: ~/vwmp_config.yaml:2:46", 3, "plugin"),
        ("g", "7 <- global: vwmp_config.yaml:1:19", 4, "global"),
        ("h", "8 <- global: ~/vwmp_config.yaml:1:19", 4, "global"),
        ("i", "9 <- default of release", 5, "default"),
        ("j", "10 <- environment: VWMP_CONFIG_J", 6, "environment"),
    ] {
        let origin = explain(&layers, key).unwrap().origin;
        assert_eq!(told(&layers, key)[0], expected);
        assert_eq!((origin.layer(), origin.layer_name()), (layer, name), "{key}");
    }
    assert_eq!(resolve(&layers).value.as_object().unwrap().len(), 10);
}

#[test]
fn mappings_merge_and_all_else_is_replaced() {
    for (upper, lower, expected) in [
        ("{a: 1}", "{b: 2}", json!({"a": 1, "b": 2})),
        ("{m: {a: 1}}", "{m: {a: 2, b: {c: 3}}}", json!({"m": {"a": 1, "b": {"c": 3}}})),
        ("{m: {b: {d: 4}}}", "{m: {a: 2, b: {c: 3}}}", json!({"m": {"a": 2, "b": {"c": 3, "d": 4}}})),
        ("{l: [1]}", "{l: [2, 3]}", json!({"l": [1]})),
        ("{m: 1}", "{m: {a: 2}}", json!({"m": 1})),
        ("{m: {a: 1}}", "{m: [2]}", json!({"m": {"a": 1}})),
        ("{m: {}}", "{m: {a: 2}}", json!({"m": {"a": 2}})),
        ("{m: ~}", "{m: {a: 2}}", json!({"m": null})),
        ("[1]", "{a: 2}", json!({"a": 2})),
    ] {
        let (upper, lower) = (document("u", upper), document("l", lower));
        let layers =
            WorkflowLayers { workflows: vec![upper.root(), lower.root()], ..Default::default() }.layers();
        assert_eq!(resolve(&layers).value, expected, "{upper:?} over {lower:?}");
    }
}

#[test]
fn a_scalar_hides_the_mappings_below_it() {
    let [top, middle, bottom] =
        ["{m: {a: 1}}", "{m: 2}", "{m: {a: 3, b: 3}}"].map(|text| document("w.yaml", text));
    let layers =
        WorkflowLayers { workflows: vec![top.root(), middle.root(), bottom.root()], ..Default::default() }
            .layers();
    assert_eq!(resolve(&layers).value, json!({"m": {"a": 1}}));
    assert_eq!(told(&layers, "m"), ["{\"a\":1} <- workflow: w.yaml:1:5", "2 <- workflow: w.yaml:1:5"]);
}

#[test]
fn every_leaf_has_an_origin_and_a_place() {
    let workflow = document("w.yaml", "x: {a: \"$<parameters.p>\", l: [1, {y: 2}], e: {}}\na.b: 1\n");
    let layers = WorkflowLayers {
        settings: &[set("x.n.deep", "v")],
        workflows: vec![workflow.root()],
        ..Default::default()
    }
    .layers();
    let resolved = resolve(&layers);
    assert_eq!(
        lines(&layers),
        [
            "x.a = \"$<parameters.p>\" <- workflow: w.yaml:1:8",
            "x.l = [1,{\"y\":2}] <- workflow: w.yaml:1:30",
            "x.e = {} <- workflow: w.yaml:1:46",
            "x.n.deep = \"v\" <- runtime: --set x.n.deep=v",
            "[\"a.b\"] = 1 <- workflow: w.yaml:2:6",
        ]
    );
    let (source, span) = resolved.origin_of("x.a").unwrap().place().unwrap();
    assert_eq!(source.slice(span), "\"$<parameters.p>\"");
    for (key, origin) in [
        ("x", Some("runtime: --set x.n.deep=v")),
        ("x.l", Some("workflow: w.yaml:1:30")),
        ("x.l[1].y", Some("workflow: w.yaml:1:30")),
        ("x.l[2]", None),
        ("[\"a.b\"]", Some("workflow: w.yaml:2:6")),
        ("x.no", None),
        ("", None),
        ("x..", None),
    ] {
        assert_eq!(resolved.origin_of(key).map(ToString::to_string).as_deref(), origin, "{key}");
    }
    let parts = explain(&layers, "x").unwrap().parts;
    assert_eq!(parts.iter().map(|part| part.key.as_str()).collect::<Vec<_>>(), ["x.a", "x.l", "x.e", "x.n"]);
}

#[test]
fn the_environment_holds_values() {
    let environment = [
        ("VWMP_CONFIG_COUNT", "3"),
        ("VWMP_CONFIG_CHANGELOG__DIR", "docs"),
        ("VWMP_CONFIG_CHANGELOG__ON", "true"),
        ("VWMP_CONFIG_EMPTY", ""),
        ("VWMP_CONFIG_COMMIT", "0123456"),
        ("vwmp_config_no", "1"),
    ];
    let environment: BTreeMap<_, _> = environment.map(|(k, v)| (k.to_owned(), v.to_owned())).into();
    let layers = WorkflowLayers { environment: Some(&environment), ..Default::default() }.layers();
    assert_eq!(
        resolve(&layers).value,
        json!({"changelog": {"dir": "docs", "on": true}, "commit": "0123456", "count": 3, "empty": ""})
    );
}

#[test]
fn defaults_come_from_the_schema() {
    let nested = json!({"properties": {"deep": {"default": 2}, "other": {}}});
    for (schema, expected) in [
        (json!({}), json!({})),
        (json!(true), json!({})),
        (json!({"properties": {"a": {"default": null}, "b": {"type": "string"}}}), json!({"a": null})),
        (json!({"properties": {"m": nested}}), json!({"m": {"deep": 2}})),
        (
            json!({"properties": {"m": {"$ref": "#/$defs/M"}}, "$defs": {"M": nested}}),
            json!({"m": {"deep": 2}}),
        ),
        (
            json!({"properties": {"m": {"default": {}, "properties": {"deep": {"default": 2}}}}}),
            json!({"m": {}}),
        ),
        (
            json!({"properties": {"m": {"properties": {"deep": {"default": 2}}, "required": ["x"]}}}),
            json!({}),
        ),
        (json!({"properties": {"m": {"$ref": "#/properties/m"}}}), json!({})),
        (json!({"properties": {"m": {"$ref": "https://example.com/x"}}}), json!({})),
    ] {
        let layers =
            WorkflowLayers { schema: Some(&schema), workflow_type: Some("t"), ..Default::default() }.layers();
        assert_eq!(resolve(&layers).value, expected, "{schema}");
    }
}

#[test]
fn the_config_of_a_step_is_layered() {
    let step = document("w.yaml", "config: {remote: fork}\n");
    let config =
        file("vwmp_config.yaml", "step_handlers:\n  git.push: {config: {push_tags: true, remote: up}}\n");
    let schema = json!({"properties": {"remote": {"default": "origin"}, "force": {"default": false}}});
    let handler = HandlerLayers {
        handler: "git.push",
        files: vec![&config],
        schema: Some(&schema),
        ..Default::default()
    };
    let step = step.root().get("config").unwrap();
    let whole = HandlerLayers { steps: vec![step], ..handler.clone() }.layers();
    let expected = [
        "remote = \"fork\" <- workflow: w.yaml:1:18",
        "force = false <- default of git.push",
        "push_tags = true <- plugin git.push: vwmp_config.yaml:2:34",
    ];
    assert_eq!(lines(&whole), expected);
    assert_eq!(lines(&handler.layers().below(Layer::workflow(step))), expected);
}

#[test]
fn an_instance_of_an_adapter_comes_before_the_adapter() {
    let workspace = file(
        "vwmp_config.yaml",
        "integration_adapters:\n  git: {config: {a: 5, b: 5, c: 5, d: 5, e: 5}}\n  git@docs: {config: {a: 3, b: 3, c: 3}}\n",
    );
    let user = file("user.yaml", "integration_adapters: {git@docs: {config: {a: 4, d: 4}}}\n");
    let schema = json!({"properties": {"a": {"default": 6}, "f": {"default": 6}}});
    let settings =
        [set("adapter.git.a", 2), set("adapter.git.b", 2), set("adapter.git@docs.a", 1), set("a", 0)];
    let layers = |adapter| {
        AdapterLayers { adapter, settings: &settings, files: vec![&workspace, &user], schema: Some(&schema) }
            .layers()
    };
    assert_eq!(
        told(&layers("git@docs"), "a"),
        [
            "1 <- runtime: --set adapter.git@docs.a=1",
            "2 <- runtime: --set adapter.git.a=2",
            "3 <- plugin git@docs: vwmp_config.yaml:3:26",
            "4 <- plugin git@docs: user.yaml:1:47",
            "5 <- plugin git: vwmp_config.yaml:2:21",
            "6 <- default of git",
        ]
    );
    assert_eq!(resolve(&layers("git@docs")).value, json!({"a": 1, "f": 6, "b": 2, "c": 3, "d": 4, "e": 5}));
    assert_eq!(resolve(&layers("git")).value, json!({"a": 2, "f": 6, "b": 2, "c": 5, "d": 5, "e": 5}));
}

#[test]
fn an_unknown_key_names_the_nearest() {
    let workflow = document("w.yaml", "version_file: V\nchangelog: {dir: d}\n");
    let layers = WorkflowLayers { workflows: vec![workflow.root()], ..Default::default() }.layers();
    for (key, help) in [
        ("verison_file", "did you mean `version_file`?"),
        ("changelog.dri", "did you mean `changelog.dir`?"),
        ("changelgo", "did you mean `changelog`?"),
        ("else", "set it in the `config` of the workflow, or with `--set else=VALUE`"),
    ] {
        assert_eq!(
            explain(&layers, key).unwrap_err().to_string(),
            format!(
                "error[vwmp::unknown-config-key]: no layer sets the config key `{key}`\n  = help: {help}"
            )
        );
    }
}

#[test]
fn a_config_file_is_read() {
    let config = file(
        "vwmp_config.yaml",
        "plugins: {enabled: false, auto_load: false, discovery: {method: [link-time, store], directories: [plugins/]}}\n\
         config:\n\
         workflow_types: {release: {enabled: false, config: {a: 1}}}\n\
         step_handlers: {git.push: {retry: {max_attempts: 3}}, git.tag: }\n\
         integration_adapters:\n",
    );
    assert_eq!(
        *config.plugins(),
        Plugins {
            enabled: false,
            auto_load: false,
            methods: Some(vec![Discovery::LinkTime, Discovery::Store]),
            directories: vec!["plugins/".to_owned()],
        }
    );
    assert!(config.config().is_none());
    assert!(!config.workflow_type("release").unwrap().enabled);
    let push = config.step_handler("git.push").unwrap();
    assert!(push.enabled && push.config.is_none());
    assert_eq!(push.retry.unwrap().to_json(), json!({"max_attempts": 3}));
    assert_eq!(config.step_handlers().map(|entry| entry.name).collect::<Vec<_>>(), ["git.push", "git.tag"]);
    assert!(config.integration_adapter("git").is_none());
    assert_eq!(*file("c.yaml", "config: {}").plugins(), Plugins::default());
}

#[test]
fn everything_wrong_with_a_config_file_is_told() {
    let text = "plugin: {}\nplugins: {enabled: yes, discovery: {method: [linktime, 1, nowhere], dirs: []}}\nconfig: [1]\n\
                workflow_types: {release: {config: text, retry: {}}}\nstep_handlers: {git.push: {enable: true}, x: 1}\n\
                integration_adapters: {git: {enabled: 0, zzzzzzzz: 1}}\n";
    let found = ConfigFile::new(document("c.yaml", text)).unwrap_err();
    assert_eq!(
        found.to_string(),
        "c.yaml:1:1: error[vwmp::unknown-key]: the config file has no key `plugin`\n  = help: did you mean `plugins`?\n\
         c.yaml:2:20: error[vwmp::wrong-type]: `plugins.enabled` is text, but must be true or false\n\
         c.yaml:2:46: error[vwmp::unknown-value]: `linktime` is no way to find plugins\n  = help: did you mean `link-time`?\n\
         c.yaml:2:56: error[vwmp::wrong-type]: `plugins.discovery.method[1]` is a number, but must be text\n\
         c.yaml:2:59: error[vwmp::unknown-value]: `nowhere` is no way to find plugins\n  = help: the ways are link-time, directory, store\n\
         c.yaml:2:69: error[vwmp::unknown-key]: `plugins.discovery` has no key `dirs`\n  = help: the keys are method, directories\n\
         c.yaml:3:9: error[vwmp::wrong-type]: `config` is a list, but must be a mapping\n\
         c.yaml:4:36: error[vwmp::wrong-type]: `workflow_types.release.config` is text, but must be a mapping\n\
         c.yaml:4:42: error[vwmp::unknown-key]: `workflow_types.release` has no key `retry`\n  = help: the keys are enabled, config\n\
         c.yaml:5:28: error[vwmp::unknown-key]: `step_handlers.git.push` has no key `enable`\n  = help: did you mean `enabled`?\n\
         c.yaml:5:46: error[vwmp::wrong-type]: `step_handlers.x` is a number, but must be a mapping\n\
         c.yaml:6:39: error[vwmp::wrong-type]: `integration_adapters.git.enabled` is a number, but must be true or false\n\
         c.yaml:6:42: error[vwmp::unknown-key]: `integration_adapters.git` has no key `zzzzzzzz`\n  = help: the keys are enabled, config"
    );
    assert_eq!(
        ConfigFile::new(document("c.yaml", "[]")).unwrap_err().to_string(),
        "c.yaml:1:1: error[vwmp::wrong-type]: the config file is a list, but must be a mapping"
    );
}
