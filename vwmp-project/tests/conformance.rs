//! Every plugin of this crate describes itself.

vwmp_testkit::conformance!(vwmp_project);
