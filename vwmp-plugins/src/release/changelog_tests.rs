//! Changelogs before and after a release.

use super::*;

fn add(text: Option<&str>) -> Option<String> {
    let date = "2026-01-02".to_owned();
    add_release(text, &Release { version: "1.1.0", date, summary: "Faster.", notes: "", style: Style::Auto })
}

#[test]
fn a_release_takes_over_what_was_not_released() {
    for (before, after) in [
        (
            "# Changelog\n\n## [Unreleased]\n\n### Added\n\n- speed\n\n## [1.0.0] - 2025-01-01\n\n- all\n",
            "# Changelog\n\n## [Unreleased]\n\n## [1.1.0] - 2026-01-02\n\nFaster.\n\n### Added\n\n- speed\n\n\
             ## [1.0.0] - 2025-01-01\n\n- all\n",
        ),
        (
            "## master / unreleased\n\n* x\n\n## 1.0.0 / 2025-01-01\n",
            "## master / unreleased\n\n## 1.1.0 / 2026-01-02\n\nFaster.\n\n* x\n\n## 1.0.0 / 2025-01-01\n",
        ),
        ("## unreleased\n", "## unreleased\n\n## [1.1.0] - 2026-01-02\n\nFaster.\n"),
        (
            "# Log\n\nHello.\n\n## 1.0.0\n\n- all",
            "# Log\n\nHello.\n\n## 1.1.0\n\nFaster.\n\n## 1.0.0\n\n- all\n",
        ),
        (
            "# Log\n\n## 2.0.0 - TBD\n\n- big\n\n## [Unreleased] - date\n\n## [1.0.0] - 2025-01-01\n",
            "# Log\n\n## 2.0.0 - TBD\n\n- big\n\n## [Unreleased] - date\n\n## [1.1.0] - 2026-01-02\n\nFaster.\n\n\
             ## [1.0.0] - 2025-01-01\n",
        ),
        ("# Log\n", "# Log\n\n## [1.1.0] - 2026-01-02\n\nFaster.\n"),
        (
            "# Log\r\n\r\n## [Unreleased]\r\n- speed\r\n",
            "# Log\r\n\r\n## [Unreleased]\r\n\r\n## [1.1.0] - 2026-01-02\r\n\r\nFaster.\r\n\r\n- speed\r\n",
        ),
        (
            "# Log\n\n```\n## [1.1.0]\n```\n\n## [1.0.0]\n",
            "# Log\n\n```\n## [1.1.0]\n```\n\n## [1.1.0]\n\nFaster.\n\n## [1.0.0]\n",
        ),
    ] {
        assert_eq!(add(Some(before)).as_deref(), Some(after), "{before}");
        assert_eq!(add(Some(after)), None, "twice: {after}");
    }
}

#[test]
fn a_new_changelog_has_a_header() {
    let expected = "# Changelog\n\nAll notable changes to this project are written down here.\n\n\
                    ## [Unreleased]\n\n## [1.1.0] - 2026-01-02\n\nFaster.\n";
    assert_eq!(add(None).as_deref(), Some(expected));
    assert_eq!(add(Some("\n")).as_deref(), Some(expected));
}

#[test]
fn links_move_on_where_that_is_simple() {
    let log = |links: &str| format!("# Log\n\n## [Unreleased]\n\n- a\n\n## [1.0.0]\n\n- b\n\n{links}");
    let added = |links: &str| {
        format!("# Log\n\n## [Unreleased]\n\n## [1.1.0]\n\nFaster.\n\n- a\n\n## [1.0.0]\n\n- b\n\n{links}")
    };
    let simple = "[Unreleased]: https://x/compare/v1.0.0...HEAD\n[1.0.0]: https://x/tag/v1.0.0\n";
    let renewed = "[Unreleased]: https://x/compare/v1.1.0...HEAD\n[1.1.0]: https://x/compare/v1.0.0...v1.1.0\n\
                   [1.0.0]: https://x/tag/v1.0.0\n";
    assert_eq!(add(Some(&log(simple))).unwrap(), added(renewed));
    let other = "[unreleased]: https://x/commits\n";
    assert_eq!(add(Some(&log(other))).unwrap(), added(other));
}

#[test]
fn a_version_is_recognised_however_its_heading_is_written() {
    for heading in ["## [1.1.0] - 2025-01-01", "## 1.1.0", "## v1.1.0 (today)", "## [1.1.0](https://x)"] {
        assert_eq!(add(Some(&format!("# Log\n\n{heading}\n"))), None, "{heading}");
    }
    assert!(add(Some("# Log\n\n## [1.1.0-rc.1]\n")).is_some());
}

#[test]
fn a_heading_looks_like_the_one_before() {
    for (before, after) in [
        ("## [1.0.0] - 2025-01-01", "## [1.1.0] - 2026-01-02"),
        ("## v1.0.0 (2025-01-01) \"Codename\"", "## v1.1.0 (2026-01-02)"),
        ("# 1.0.0 / 2025-01-01", "# 1.1.0 / 2026-01-02"),
        ("1.0.0 (2025-01-01)\n==================", "1.1.0 (2026-01-02)\n=================="),
        ("Version 1.0.0\n-------------", "Version 1.1.0\n-------------"),
        (
            "## [1.0.0](https://x/compare/v0.9.0...v1.0.0) (2025-01-01)",
            "## [1.1.0](https://x/compare/v1.0.0...v1.1.0) (2026-01-02)",
        ),
        ("## [1.0.0](https://x/compare/v0.9.0..v1.0.0)", "## [1.1.0](https://x/compare/v1.0.0..v1.1.0)"),
        ("### [1.0.0](https://x/tag/v1.0.0)", "### [1.1.0](https://x/tag/v1.1.0)"),
    ] {
        let log = format!("Changes of all\n\n{before}\n\n- all\n");
        let expected = format!("Changes of all\n\n{after}\n\nFaster.\n\n{before}\n\n- all\n");
        assert_eq!(add(Some(&log)).unwrap(), expected);
        assert_eq!(add(Some(&expected)), None, "twice: {after}");
    }
}

#[test]
fn what_people_write_by_hand_stays() {
    let log = "# Log\n\nSee 1.1.0 below.\n\nTBD\n===\nSoon.\n\n### 1.1.0 is not a release here\n\n\
               1.0.0 (2025-01-01)\n==================\n* all\n\n<!-- end -->\n";
    let expected = "# Log\n\nSee 1.1.0 below.\n\nTBD\n===\n\n1.1.0 (2026-01-02)\n==================\n\nFaster.\n\n\
                    Soon.\n\n### 1.1.0 is not a release here\n\n1.0.0 (2025-01-01)\n==================\n* all\n\n\
                    <!-- end -->\n";
    assert_eq!(add(Some(log)).unwrap(), expected);
}

#[test]
fn a_style_can_be_asked_for() {
    let release = |style| {
        let date = "2026-01-02".to_owned();
        let release = Release { version: "1.1.0", date, summary: "", notes: "### Features\n\n- a", style };
        add_release(Some("# Log\n\n## 1.0.0\n"), &release).unwrap()
    };
    assert_eq!(release(Style::Plain), "# Log\n\n## 1.1.0 (2026-01-02)\n\n### Features\n\n- a\n\n## 1.0.0\n");
    assert_eq!(
        release(Style::KeepAChangelog),
        "# Log\n\n## [1.1.0] - 2026-01-02\n\n### Features\n\n- a\n\n## 1.0.0\n"
    );
}
