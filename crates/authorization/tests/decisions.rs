//! What roles let people do, and why.
#![allow(clippy::unwrap_used, missing_docs)]

use switchboard_authorization::{BUILT_IN, Policies, Role, Statement, built_in_roles};

fn role(name: &str, source: &str, statements: &[(&str, &[&str], &[&str])]) -> Role {
    let statement = |(effect, actions, resources): &(&str, &[&str], &[&str])| {
        let json = serde_json::json!({ "effect": effect, "actions": actions, "resources": resources });
        serde_json::from_value::<Statement>(json).unwrap()
    };
    Role {
        name: name.parse().unwrap(),
        source: source.to_owned(),
        statements: statements.iter().map(statement).collect(),
    }
}

fn clips() -> Policies {
    let mut roles = built_in_roles();
    roles.push(role("viewer", "plugin clips", &[("allow", &["clip:read"], &[])]));
    roles.push(role("member", "plugin clips", &[("allow", &["clip:create"], &[])]));
    roles.push(role("clips.editor", "plugin clips", &[("allow", &["clip:*"], &[])]));
    let own = role(
        "keeper",
        "organization acme",
        &[
            ("allow", &["clip:*"], &[]),
            ("deny", &["clip:delete"], &["clip:7"]),
            ("deny", &["clip:upload"], &[]),
        ],
    );
    Policies::new(roles, [(1, vec![own])])
}

#[test]
fn the_built_in_roles_stand_above_each_other() {
    let policies = clips();
    let rules = policies.of(None).unwrap();
    let may = |action: &str| -> Vec<&str> {
        BUILT_IN.into_iter().filter(|role| rules.allow(role, action)).collect()
    };
    assert_eq!(may("clip:read"), ["owner", "admin", "member", "viewer"]);
    assert_eq!(may("clip:create"), ["owner", "admin", "member"]);
    assert_eq!(may("clip:delete"), ["owner", "admin"]);
    assert_eq!(may("organization:remove"), ["owner"]);
    assert_eq!(may("owner:manage"), ["owner"]);
}

#[test]
fn what_no_statement_speaks_of_is_refused() {
    let policies = clips();
    let rules = policies.of(Some(1)).unwrap();
    for roles in ["", "viewer", "stranger", "clips.editor"] {
        let explanation = rules.explain(roles, "race:start", None);
        assert!(!explanation.allowed && explanation.because.is_empty(), "{roles}");
    }
}

#[test]
fn a_denial_wins_over_every_allowance() {
    let policies = clips();
    let rules = policies.of(Some(1)).unwrap();
    assert!(rules.allow("owner", "clip:upload"));
    assert!(!rules.allow("keeper owner", "clip:upload"));
    assert!(rules.allow("keeper", "clip:delete"));
    assert!(rules.allow_for("keeper", "clip:delete", "clip:8"));
    assert!(!rules.allow_for("keeper owner", "clip:delete", "clip:7"));
}

#[test]
fn a_role_that_names_things_says_nothing_of_others() {
    let own = role("one", "organization acme", &[("allow", &["clip:delete"], &["clip:7", "reel:*"])]);
    let policies = Policies::new(built_in_roles(), [(1, vec![own])]);
    let rules = policies.of(Some(1)).unwrap();
    assert!(rules.allow_for("one", "clip:delete", "clip:7"));
    assert!(rules.allow_for("one", "clip:delete", "reel:3"));
    assert!(!rules.allow_for("one", "clip:delete", "clip:70"));
    assert!(!rules.allow("one", "clip:delete"));
}

#[test]
fn no_role_but_the_owners_own_may_what_is_theirs_alone() {
    let written =
        role("sly", "organization acme", &[("allow", &["owner:manage", "organization:*", "*"], &[])]);
    let policies = Policies::new(built_in_roles(), [(1, vec![written])]);
    let rules = policies.of(Some(1)).unwrap();
    assert!(!rules.allow("sly", "owner:manage") && !rules.allow("admin sly", "organization:remove"));
    assert!(rules.allow("sly", "organization:update") && rules.allow("owner sly", "owner:manage"));
}

#[test]
fn a_decision_is_the_same_when_it_is_remembered() {
    let policies = clips();
    let rules = policies.of(None).unwrap();
    for _ in 0..2 {
        assert!(rules.allow("clips.editor viewer", "clip:delete"));
        assert!(!rules.allow("viewer", "clip:delete"));
    }
}

#[test]
fn whoever_asks_why_is_told_the_statements() {
    let policies = clips();
    let rules = policies.of(Some(1)).unwrap();
    let why = |roles, action, resource| {
        let explanation = rules.explain(roles, action, resource);
        let because: Vec<String> = explanation.because.iter().map(ToString::to_string).collect();
        (explanation.allowed, because)
    };
    let (allowed, because) = why("member", "clip:read", None);
    assert_eq!(
        (allowed, &*because),
        (true, &["role `viewer` (plugin clips): allow clip:read".to_owned()][..])
    );
    let (allowed, because) = why("keeper owner", "clip:delete", Some("clip:7"));
    assert!(!allowed);
    assert_eq!(because, ["role `keeper` (organization acme): deny clip:delete on clip:7"]);
    let (_, because) = why("admin", "clip:read", None);
    assert!(because[0].contains("but what is the owners' alone"), "{because:?}");
}

#[test]
fn a_name_that_would_break_out_of_its_quotes_is_no_name() {
    for text in ["a\"b", "a\\", "a) permit", "a\n"] {
        assert!(text.parse::<switchboard_authorization::RoleName>().is_err(), "{text:?}");
        assert!(
            format!("clip:{text}").parse::<switchboard_authorization::ActionPattern>().is_err(),
            "{text:?}"
        );
        assert!(
            format!("clip:{text}").parse::<switchboard_authorization::ResourcePattern>().is_err(),
            "{text:?}"
        );
    }
    let policies = clips();
    assert!(!policies.of(None).unwrap().allow_for("viewer", "clip:delete", "clip:\") || true"));
}
