//! Secret settings by name.

use switchboard_api::{Failure, Secret};

use super::super::{Calling, bindings::switchboard::plugin::secrets};

#[derive(Clone, Copy)]
pub(crate) struct Secrets;

impl Secrets {
    pub(crate) fn get(self, _: &Calling, name: &str) -> Result<Option<Secret>, Failure> {
        Ok(secrets::get(name)?.map(Secret::new))
    }
}
