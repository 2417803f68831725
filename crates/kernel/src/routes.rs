//! Who answers at which address.

use std::{collections::BTreeMap, sync::Arc};

use switchboard_manifest::{Access, BodyLimit, ErrorShape, Method, Route, Scope};

use crate::loaded::Loaded;

/// Who answers at which address: one table for all plugins.
#[derive(Default)]
pub struct Routes {
    methods: BTreeMap<Method, matchit::Router<Arc<Address>>>,
}

/// What stands at an address.
pub struct Address {
    /// Whose it is.
    pub plugin: Arc<Loaded>,
    /// Its position in the manifest's routes.
    pub position: usize,
    /// Who it is for.
    pub scope: Scope,
    /// The action that the caller must be allowed to do.
    pub permission: Option<String>,
    /// Whether it must be known who calls.
    pub access: Access,
    /// The shape of its errors.
    pub errors: ErrorShape,
    /// The largest body it takes.
    pub body_limit: BodyLimit,
}

/// An address found, with the path's parameters in their order.
pub struct Found {
    /// What stands there.
    pub address: Arc<Address>,
    /// The parameters' names and their values, still encoded.
    pub params: Vec<(String, String)>,
}

/// Why nothing answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotFound {
    /// Nothing stands at the address.
    NoSuchAddress,
    /// Something does, for these methods.
    OtherMethods(Vec<Method>),
}

/// An address that another route has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{method} {path}` is taken by `{by}`")]
pub(crate) struct Taken {
    method: Method,
    path: String,
    by: String,
}

impl Address {
    pub(crate) fn new(plugin: &Arc<Loaded>, position: usize, route: &Route) -> Self {
        Self {
            plugin: Arc::clone(plugin),
            position,
            scope: route.scope,
            permission: route.permission.clone(),
            access: route.access,
            errors: route.errors,
            body_limit: route.body_limit,
        }
    }
}

impl Routes {
    /// Puts something at an address.
    ///
    /// # Errors
    /// [`Taken`] when that address, or one that cannot be told from it, has another already.
    pub(crate) fn add(&mut self, method: Method, path: &str, address: Address) -> Result<(), Taken> {
        let router = self.methods.entry(method).or_default();
        router.insert(trimmed(path), Arc::new(address)).map_err(|error| {
            let by = match error {
                matchit::InsertError::Conflict { with } => with,
                other => other.to_string(),
            };
            Taken { method, path: path.to_owned(), by }
        })
    }

    /// What stands at the address. A slash at its end makes no difference.
    ///
    /// # Errors
    /// [`NotFound`], with the methods that would have been answered.
    pub fn find(&self, method: Method, path: &str) -> Result<Found, NotFound> {
        let path = trimmed(path);
        if let Some(found) = self.methods.get(&method).and_then(|router| router.at(path).ok()) {
            let params =
                found.params.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
            return Ok(Found { address: Arc::clone(found.value), params });
        }
        let others = self.methods.iter().filter(|(_, router)| router.at(path).is_ok());
        match others.map(|(method, _)| *method).collect::<Vec<_>>() {
            none if none.is_empty() => Err(NotFound::NoSuchAddress),
            others => Err(NotFound::OtherMethods(others)),
        }
    }
}

/// Without the slash at the end, which makes no difference; the root keeps its own.
pub(crate) fn trimmed(path: &str) -> &str {
    match path.strip_suffix('/') {
        Some("") | None => path,
        Some(shorter) => shorter,
    }
}
