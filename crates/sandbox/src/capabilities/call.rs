//! `call`: for whom the running call is made.

use switchboard_api::Standing;

use crate::{bindings::imports::call, interrupted::Answer, state::State};

impl call::Host for State {
    fn get_info(&mut self) -> wasmtime::Result<call::Info> {
        let context = &self.running()?.context;
        let organization = context.organization.as_deref().map(|organization| call::Organization {
            id: organization.id.0,
            slug: organization.slug.clone(),
            name: organization.name.clone(),
        });
        let actor = &context.actor;
        let roles = match &actor.standing {
            Standing::Member(roles) => roles.iter().map(str::to_owned).collect(),
            Standing::Free | Standing::Stranger | Standing::Anyone => Vec::new(),
        };
        Ok(call::Info {
            organization,
            actor: call::Actor {
                kind: actor.kind.as_str().to_owned(),
                name: actor.name.to_string(),
                account: actor.account.map(|account| account.0),
                roles,
                impersonator: actor.impersonator.as_deref().map(str::to_owned),
            },
            address: context.from.map(|address| address.to_string()),
            trace: context.trace.to_string(),
        })
    }

    fn time_left_ms(&mut self) -> wasmtime::Result<u64> {
        let left = self.running()?.context.time_left().as_millis();
        Ok(u64::try_from(left).unwrap_or(u64::MAX))
    }

    fn should_stop(&mut self) -> wasmtime::Result<bool> {
        Ok(self.running()?.context.should_stop())
    }

    fn require(&mut self, action: String, thing: Option<String>) -> Answer<()> {
        let call = self.call()?;
        Ok(call.host.authority.require(&call.context, &action, thing.as_deref())?)
    }
}
