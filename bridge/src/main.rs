//! `bridgebot`: parses the command line, runs the command, maps its result to an exit status; nothing else.

use std::process::ExitCode;

use bridge::commands::Cli;
use clap::Parser;

fn main() -> ExitCode {
    program::report("bridgebot", Cli::parse().run())
}
