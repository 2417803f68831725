//! The rules of every organization: those that all share, and those of organizations with roles of their own.

use std::{
    collections::HashMap,
    sync::{Arc, OnceLock},
};

use crate::{
    role::Role,
    rules::{Rules, Uncompiled},
};

/// The rules of every organization. Organizations without roles of their own share one set; rules are made when they are first
/// asked for.
///
/// ```
/// use switchboard_authorization::{Policies, Role, Statement, built_in_roles};
/// let viewer = Role {
///     name: "viewer".parse()?,
///     source: "plugin clips".to_owned(),
///     statements: vec![Statement::allow(["clip:read".parse()?])],
/// };
/// let shared = built_in_roles().into_iter().chain([viewer]).collect();
/// let keeper = Role {
///     name: "keeper".parse()?,
///     source: "organization acme".to_owned(),
///     statements: vec![Statement::allow(["clip:*".parse()?]), Statement::deny(["clip:delete".parse()?])],
/// };
/// let policies = Policies::new(shared, [(7, vec![keeper])]);
/// let (acme, others) = (policies.of(Some(7))?, policies.of(Some(8))?);
/// assert!(acme.allow("keeper", "clip:create") && !acme.allow("keeper", "clip:delete"));
/// assert!(!acme.allow("keeper owner", "clip:delete"), "a denial wins");
/// assert!(!others.allow("keeper", "clip:read"), "the role is acme's own");
/// assert!(others.allow("member", "clip:read"), "a member may what a viewer may");
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Default)]
pub struct Policies {
    shared: Arc<[Role]>,
    rules: OnceLock<Result<Rules, Uncompiled>>,
    own: HashMap<i64, Own>,
}

struct Own {
    roles: Arc<[Role]>,
    rules: OnceLock<Result<Rules, Uncompiled>>,
}

impl Policies {
    /// The rules of these roles, which all organizations have, and of those that single ones have besides.
    pub fn new(shared: Vec<Role>, own: impl IntoIterator<Item = (i64, Vec<Role>)>) -> Self {
        let own = own.into_iter().filter(|(_, roles)| !roles.is_empty());
        let own = own
            .map(|(organization, roles)| (organization, Own { roles: roles.into(), rules: OnceLock::new() }));
        Self { shared: shared.into(), rules: OnceLock::new(), own: own.collect() }
    }

    /// The rules that hold in the organization.
    ///
    /// # Errors
    /// [`Uncompiled`], which is a fault of this crate.
    pub fn of(&self, organization: Option<i64>) -> Result<&Rules, Uncompiled> {
        let rules = match organization.and_then(|organization| self.own.get(&organization)) {
            Some(own) => own.rules.get_or_init(|| Rules::new(self.shared.iter().chain(&*own.roles))),
            None => self.rules.get_or_init(|| Rules::new(&*self.shared)),
        };
        rules.as_ref().map_err(Clone::clone)
    }

    /// The roles that hold in the organization: those that all have, then its own.
    pub fn roles(&self, organization: Option<i64>) -> impl Iterator<Item = &Role> {
        let own = organization.and_then(|organization| self.own.get(&organization));
        self.shared.iter().chain(own.into_iter().flat_map(|own| own.roles.iter()))
    }
}
