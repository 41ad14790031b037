//! Where `$<secrets.NAME>` comes from: the environment, files, a command.

mod name;
pub mod env_secrets;
pub mod file_secrets;
mod dotenv;
pub mod command_secrets;
