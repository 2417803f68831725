//! For which organization.

use std::sync::Arc;

use http::{HeaderMap, HeaderName};
use switchboard_api::Organization;
use switchboard_kernel::{Address, Directory, Principal};
use switchboard_manifest::Scope;

use crate::{identity::require_for_all, problem::Problem};

/// Names the organization where the address does not.
pub(crate) const HEADER: HeaderName = HeaderName::from_static("x-organization");

/// The action that opens addresses of scope `admin`.
const ADMIN: &str = "admin";

/// The organization that a request to the address is for; none where the address stands outside of them.
///
/// `in_path` is what stands for `{org}` in the address.
pub(crate) fn organization(
    address: &Address,
    in_path: Option<&str>,
    headers: &HeaderMap,
    principal: &Principal,
    directory: &Directory,
) -> Result<Option<Arc<Organization>>, Problem> {
    // A right to administrate is one over the whole installation, whatever the scope under which a plugin asks for it.
    if let Some(action) = address.permission.as_deref().filter(|action| is_administration(action)) {
        require_for_all(principal, action)?;
    }
    match address.scope {
        Scope::Admin => require_for_all(principal, ADMIN).map(|()| None),
        Scope::Global => Ok(None),
        Scope::Organization => named_in_path(in_path.unwrap_or_default(), principal, directory).map(Some),
        Scope::Root => {
            let is_unsaid = principal.bound_to.is_none() && !headers.contains_key(HEADER);
            // What stands outside of organizations is for none unless one is named, also where there is but one: who asks may
            // not belong to it yet.
            if is_unsaid && address.plugin.manifest().global_plugin {
                return Ok(None);
            }
            Ok(Some(of_root(headers, principal, directory)?))
        }
    }
}

/// Whether the address is for those who administrate the installation.
pub(crate) fn is_administrated(address: &Address) -> bool {
    address.scope == Scope::Admin || address.permission.as_deref().is_some_and(is_administration)
}

fn is_administration(action: &str) -> bool {
    action == ADMIN || action.starts_with("admin:")
}

/// An organization that exists for others is as unknown as one that does not exist.
fn named_in_path(
    slug: &str,
    principal: &Principal,
    directory: &Directory,
) -> Result<Arc<Organization>, Problem> {
    directory
        .organization_named(slug)
        .filter(|organization| principal.bound_to.is_none_or(|only| only == organization.id))
        .cloned()
        .ok_or_else(|| no_such_organization(slug))
}

/// There is no organization of that name, or not for whoever asks.
pub(crate) fn no_such_organization(slug: &str) -> Problem {
    Problem::not_found(format!("there is no organization `{slug}`"))
}

/// Why it cannot be said for which organization a request is.
enum Undecided {
    /// There are several, and none was named.
    Unsaid,
    /// The one that was named is not the token's.
    NotTheirs,
    /// There is none of the name.
    Unknown(String),
    /// The token's is no more.
    Gone,
}

fn of_root(
    headers: &HeaderMap,
    principal: &Principal,
    directory: &Directory,
) -> Result<Arc<Organization>, Undecided> {
    let named = headers.get(HEADER).map(|value| String::from_utf8_lossy(value.as_bytes()));
    let organization = match (principal.bound_to, named) {
        (Some(only), named) => {
            let own = directory.organization(only).ok_or(Undecided::Gone)?;
            if named.is_some_and(|named| *named != *own.slug) {
                return Err(Undecided::NotTheirs);
            }
            own
        }
        (None, Some(named)) => {
            directory.organization_named(&named).ok_or_else(|| Undecided::Unknown(named.into_owned()))?
        }
        (None, None) => match directory.organizations() {
            [only] => only,
            _ => return Err(Undecided::Unsaid),
        },
    };
    Ok(Arc::clone(organization))
}

impl From<Undecided> for Problem {
    fn from(undecided: Undecided) -> Self {
        match undecided {
            Undecided::Unsaid => Self::bad_request(
                "this server has several organizations, and the token is for all of them: name one by the header \
                 `X-Organization`",
            ),
            Undecided::NotTheirs => {
                Self::forbidden("the token is for another organization than `X-Organization` names")
            }
            Undecided::Unknown(slug) => no_such_organization(&slug),
            Undecided::Gone => Self::forbidden("the token's organization does not exist any more"),
        }
    }
}
