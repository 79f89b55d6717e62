//! An option of libpq's that takes one of a few words: shells complete them and the help lists
//! them, but which of them an emulated libpq takes is its own affair.

use std::ffi::OsStr;

use clap::builder::{PossibleValue, StringValueParser, TypedValueParser};
use clap::error::Error;
use clap::{Arg, Command};

/// The words of an option; any other is taken too, and judged as libpq judges it.
#[derive(Clone, Copy)]
pub(super) struct LibpqWords(pub(super) &'static [&'static str]);

impl TypedValueParser for LibpqWords {
    type Value = String;

    fn parse_ref(
        &self,
        command: &Command,
        arg: Option<&Arg>,
        value: &OsStr,
    ) -> Result<String, Error> {
        StringValueParser::new().parse_ref(command, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(self.0.iter().map(PossibleValue::new)))
    }
}
