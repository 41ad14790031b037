//! The command line with the plugins of this crate linked in, beside those that everybody has.

use vwmp_plugins as _;
use vwmp_project as _;

fn main() -> std::process::ExitCode {
    vwmp_cli::Cli::default().name("vwmp-project").run()
}
