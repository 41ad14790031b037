//! The stock binary. A team's own binary looks the same and names the team's plugins.

use vwmp_plugins as _;

fn main() -> std::process::ExitCode {
    vwmp_cli::Cli::default().run()
}
